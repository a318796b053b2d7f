"""The scorecard of a generator: all its metrics, and the same metrics of real images."""

from dataclasses import dataclass

import torch
from torch import Tensor

from toolkit.gan.data import MNIST, to_unit
from toolkit.gan.evaluation import Evaluator
from toolkit.gan.neighbours import memory, overlap

NUM_COMPARED = 1000  # images whose nearest training image is searched for


@dataclass(frozen=True)
class Scorecard:
    """The metrics of 10,000 images in comparison with the test images."""

    frechet_distance: float  # of the features
    precision: float  # this and the next three are `Overlap`, of the features
    recall: float
    density: float
    coverage: float
    training_distance: float  # this and the next are `Memory`, of the pixels
    share_nearer: float
    class_shares: list[float]  # fraction, 0 to 1, that is classified as each digit 0 to 9


def score(
    features: Tensor, digits: Tensor, images: Tensor, evaluator: Evaluator, mnist: MNIST
) -> Scorecard:
    """The scorecard of images.

    Args:
        features, digits: of all images, from `Evaluator.features_and_digits`.
        images: (n, 1, 28, 28) in 0..1, those whose nearest training image is searched for.
    """
    scores = evaluator.scores(features, digits)
    return Scorecard(
        scores.frechet_distance,
        *overlap(evaluator.test[0], features),
        *memory(images, to_unit(mnist.train_images)),
        scores.class_shares,
    )


def score_real(evaluator: Evaluator, mnist: MNIST) -> Scorecard:
    """The scorecard of real images: 10,000 training images, but for `Memory` 1,000 test images."""
    images = to_unit(mnist.test_images[:: len(mnist.test_images) // NUM_COMPARED])
    return score(*evaluator.training, images, evaluator, mnist)


def by_class(images: Tensor, digits: Tensor, count: int = 10) -> tuple[Tensor, list[int]]:
    """The first `count` images of each digit.

    Args:
        images: (n, 1, 28, 28).
        digits: of the images, int64 (n,).

    Returns:
        images (10 * count, 1, 28, 28), `count` of each digit 0 to 9, where missing ones are black;
        and how many each digit has, at most `count`.
    """
    picked = torch.zeros(10, count, 1, 28, 28)
    found = []
    for digit in range(10):
        (where,) = torch.where(digits == digit)
        chosen = images[where[:count]]
        picked[digit, : len(chosen)] = chosen
        found.append(len(chosen))
    return picked.flatten(0, 1), found
