"""Scores for generated images and, for comparison, the same scores for real images."""

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
NUM_COMPARED = 10  # images compared with the training images; the page does not show the result
SHOWN = ("frechet_distance", "share_unsure", "recall")


class Standing:
    """Scores of generated images and of real images; each set of images is scored only once, and
    later requests reuse its scores.

    Args:
        studios: one `Studio` for each generator; the last studio's classifier is used to score all
            images.
    """

    def __init__(self, studios: Sequence[Studio]) -> None:
        self.generators = [studio.generator for studio in studios]
        self.judge = studios[-1]
        self._draw = functools.cache(self._measured)

    def measure(self, draws: int) -> dict[str, Any]:
        """Return the scores of each generator, and then the scores of real images.

        Args:
            draws: the number of sets of images to score for each generator and for the real images,
                1 to 5.
        """
        cards = []
        for draw in range(whole("draws", draws, 1, NUM_DRAWS)):
            cards.append(self._draw(draw))
        columns = []
        for cards_of_generator in zip(*cards, strict=True):
            columns.append(_shown(Scorecard(*over_draws(cards_of_generator))))
        return {"num_images": NUM_IMAGES, "columns": columns}

    def _measured(self, draw: int) -> list[Scorecard[float]]:
        cards = []
        for generator in self.generators:
            cards.append(self._score(sample_images(generator, draw, NUM_IMAGES)))
        chosen = self._order[draw * NUM_IMAGES : (draw + 1) * NUM_IMAGES]
        cards.append(self._score(to_unit(self.judge.mnist.train_images[chosen])))
        return cards

    def _score(self, images: torch.Tensor) -> Scorecard[float]:
        predictions = self._scorer.evaluator.predict(images)
        return self._scorer.score(predictions, images[:NUM_COMPARED])

    @functools.cached_property
    def _scorer(self) -> Scorer:
        mnist = self.judge.mnist
        cpu = torch.device("cpu")
        return Scorer(Evaluator(self.judge.classifier, "", mnist, cpu, NUM_IMAGES), mnist)

    @functools.cached_property
    def _order(self) -> torch.Tensor:
        return torch.randperm(len(self.judge.mnist.train_images), generator=make_rng(0, "floor"))


def _shown(card: Scorecard[Spread]) -> dict[str, Any]:
    shown: dict[str, Any] = {name: asdict(getattr(card, name)) for name in SHOWN}
    shown["class_shares"] = list(map(asdict, card.class_shares))
    return shown
