"""The scorecard: all that is measured of a generator, beside the same of real images."""

from dataclasses import dataclass

import torch
from torch import Tensor

from toolkit.gan.data import MNIST, to_unit
from toolkit.gan.evaluation import Evaluator
from toolkit.gan.neighbours import memory, overlap

NUM_COMPARED = 1000  # images whose nearest training image is looked for


@dataclass(frozen=True)
class Scorecard:
    """What 10,000 images score; the test images are what they are compared with."""

    frechet_distance: float  # of the features
    precision: float  # this and the next three as in `Overlap`, of the features
    recall: float
    density: float
    coverage: float
    training_distance: float  # this and the next as in `Memory`, of the pixels
    share_nearer: float
    class_shares: list[float]  # share, 0 to 1, of each digit 0 to 9, as the classifier sees it


def score(
    features: Tensor, digits: Tensor, images: Tensor, evaluator: Evaluator, mnist: MNIST
) -> Scorecard:
    """The scorecard of images.

    Args:
        features, digits: of all images, from `Evaluator.features_and_digits`.
        images: (n, 1, 28, 28) in 0..1, those whose nearest training image is looked for.
    """
    scores = evaluator.scores(features, digits)
    remembered = memory(images, to_unit(mnist.train_images))
    return Scorecard(
        scores.frechet_distance,
        *overlap(evaluator.test[0], features),
        remembered.median_distance,
        remembered.share_nearer,
        scores.class_shares,
    )


def score_real(evaluator: Evaluator, mnist: MNIST) -> Scorecard:
    """What real images score: 10,000 training images, but in `Memory` 1,000 of the test images."""
    images = to_unit(mnist.test_images[:: len(mnist.test_images) // NUM_COMPARED])
    return score(*evaluator.training, images, evaluator, mnist)


def by_class(images: Tensor, digits: Tensor, count: int = 10) -> tuple[Tensor, list[int]]:
    """The first `count` of images (n, 1, 28, 28) of each digit, int64 (n,); the rest is black.

    Returns:
        images (10 * count, 1, 28, 28), `count` of each digit 0 to 9, and how many each digit has,
        at most `count`.
    """
    picked = torch.zeros(10, count, 1, 28, 28)
    found = []
    for digit in range(10):
        (where,) = torch.where(digits == digit)
        chosen = images[where[:count]]
        picked[digit, : len(chosen)] = chosen
        found.append(len(chosen))
    return picked.flatten(0, 1), found
