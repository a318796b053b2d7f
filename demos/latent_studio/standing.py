"""Where generators stand: their scorecards, beside those of each other and of real images."""

import functools
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch

from latent_studio.studio import Studio
from serving.numbers import whole
from toolkit.common.device import make_rng
from toolkit.common.record import Spread
from toolkit.gan.data import to_unit
from toolkit.gan.measure.evaluation import Evaluator, over_draws, sample_images
from toolkit.gan.measure.scorecard import Scorecard, Scorer

NUM_IMAGES, NUM_DRAWS = 2000, 5  # as in playground/src/standing.js
NUM_COMPARED = 10  # with all training images, which the page does not show
SHOWN = ("frechet_distance", "share_unsure", "recall")


class Standing:
    """The same draws for all visitors, each measured once, when somebody first asks for it.

    Args:
        studios: of the generators; the last one's classifier measures.
    """

    def __init__(self, studios: Sequence[Studio]) -> None:
        self.generators = [studio.generator for studio in studios]
        self.judge = studios[-1]
        self._draw = functools.cache(self._measured)

    def measure(self, draws: int) -> dict[str, Any]:
        """Of each generator, and last of real images, what so many draws have given, 1 to 5."""
        cards = [self._draw(k) for k in range(whole("draws", draws, 1, NUM_DRAWS))]
        columns = [Scorecard(*over_draws(column)) for column in zip(*cards, strict=True)]
        return {"num_images": NUM_IMAGES, "columns": [_shown(column) for column in columns]}

    def _measured(self, k: int) -> list[Scorecard[float]]:
        chosen = self._order[k * NUM_IMAGES : (k + 1) * NUM_IMAGES]
        drawn = [sample_images(generator, k, NUM_IMAGES) for generator in self.generators]
        return [
            self._scorer.score(self._scorer.evaluator.predict(images), images[:NUM_COMPARED])
            for images in (*drawn, to_unit(self.judge.mnist.train_images[chosen]))
        ]

    @functools.cached_property
    def _scorer(self) -> Scorer:
        mnist = self.judge.mnist
        cpu = torch.device("cpu")
        return Scorer(Evaluator(self.judge.classifier, "", mnist, cpu, NUM_IMAGES), mnist)

    @functools.cached_property
    def _order(self) -> torch.Tensor:
        return torch.randperm(len(self.judge.mnist.train_images), generator=make_rng(0, "floor"))


def _shown(card: Scorecard[Spread]) -> dict[str, Any]:
    shares = [asdict(share) for share in card.class_shares]
    return {name: asdict(getattr(card, name)) for name in SHOWN} | {"class_shares": shares}
