"""All metrics of a generator's samples, collected in a scorecard, and the same metrics of real
images for comparison.
"""

from collections.abc import Iterable
from typing import Generic, NamedTuple

import torch
from torch import Tensor

from toolkit.common.record import Spread
from toolkit.gan.data import MNIST, to_unit
from toolkit.gan.measure.evaluation import SURE, Evaluator, Number, Predictions, over_draws
from toolkit.gan.measure.neighbours import memory, overlap, radii

TITLES = {
    "share_unsure": f"share that is not clearly one digit (below {SURE:.0%})",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "training_distance": "median distance to the nearest training image",
    "share_nearer": "fraction closer to it than any other training image",
}
NUM_COMPARED = 1000  # images of a draw whose nearest training image is searched for


class Scorecard(NamedTuple, Generic[Number]):
    """Metrics that compare a set of images with the test images and the training images."""

    frechet_distance: Number  # of the features
    share_unsure: Number  # fraction, 0 to 1, whose digit is not clear to the classifier
    precision: Number  # this and the next three are `Overlap`, of the features
    recall: Number
    density: Number
    coverage: Number
    training_distance: Number  # this and the next are `Memory`, of the pixels
    share_nearer: Number
    class_shares: list[Number]  # fraction, 0 to 1, that is classified as each digit 0 to 9


class Scorer:
    """An object that computes scorecards from images and from the classifier's predictions.

    Attributes:
        evaluator: an `Evaluator`, which provides the classifier's predictions for real images and
            computes the Fréchet distance.
        mnist: the data set; samples are compared with its training images to find copies.
    """

    def __init__(self, evaluator: Evaluator, mnist: MNIST) -> None:
        self.evaluator = evaluator
        self.mnist = mnist
        self._training_images = to_unit(mnist.train_images)
        self._test_radii = radii(evaluator.test.features)

    def score(self, predictions: Predictions, images: Tensor) -> Scorecard[float]:
        """Compute all the metrics for one set of images and return them as a `Scorecard`.

        Args:
            predictions: the classifier's predictions for the whole set, even if `images` contains
                fewer images.
            images: (n, 1, 28, 28), 0 to 1; each is compared with its nearest training image.
        """
        distance, share_unsure, class_shares = self.evaluator.scores(predictions)
        test = self.evaluator.test.features
        return Scorecard(
            distance,
            share_unsure,
            *overlap(test, predictions.features, real_radii=self._test_radii),
            *memory(images, self._training_images),
            class_shares,
        )

    def score_draws(self, draws: Iterable[tuple[Predictions, Tensor]]) -> Scorecard[Spread]:
        """Return a scorecard with the mean and the standard deviation of each metric over several
        sets of images; for each set, `draws` contains the pair of arguments to pass to `score`:
        `predictions` and `images`.
        """
        return Scorecard(*over_draws([self.score(*draw) for draw in draws]))

    def score_real(self) -> Scorecard[Spread]:
        """Return the scorecard of real images.

        Most metrics are measured on disjoint sets of training images; the evaluator's `num_draws`
        is the number of these sets. Only the metrics of `Memory` are measured on sets of test
        images.
        """
        training = self.evaluator.training
        stride = max(len(training), len(self.mnist.test_images) // NUM_COMPARED)
        test = (to_unit(self.mnist.test_images[n::stride]) for n in range(len(training)))
        return self.score_draws(zip(training, test, strict=True))


def in_words(card: Scorecard[Spread]) -> dict[str, str]:
    """Return a dictionary from each metric's name to its value with an error bar, as text."""
    words = {"Frechet distance": f"{card.frechet_distance:.2f}"}
    for name, title in TITLES.items():
        words[title] = f"{getattr(card, name):.3f}"
    for digit, share in enumerate(card.class_shares):
        words[f"share of the digit {digit}"] = f"{share:.3f}"
    return words


def by_class(images: Tensor, digits: Tensor, count: int = 10) -> tuple[Tensor, list[int]]:
    """Pick the first `count` images of each digit.

    Args:
        images: (n, 1, 28, 28).
        digits: the digits of the images, int64 (n,).

    Returns:
        images (10 * count, 1, 28, 28), `count` for each digit from 0 to 9; and the number of images
        found for each digit, at most `count`. Where too few images of a digit were found, black
        images fill the gap.
    """
    picked = torch.zeros(10, count, 1, 28, 28)
    numbers = []
    for digit in range(10):
        (indices,) = torch.where(digits == digit)
        chosen = images[indices[:count]]
        picked[digit, : len(chosen)] = chosen
        numbers.append(len(chosen))
    return picked.flatten(0, 1), numbers
