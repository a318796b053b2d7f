"""The scorecard: copies and missing digits are detected, and the picture is sorted."""

import torch

from toolkit.gan.data import MNIST, to_unit
from toolkit.gan.evaluation import Evaluator
from toolkit.gan.scorecard import by_class, score, score_real


def test_by_class_by_hand() -> None:
    images = torch.arange(1, 7).view(6, 1, 1, 1).expand(6, 1, 28, 28) / 10
    picked, found = by_class(images, torch.tensor([3, 0, 3, 3, 9, 0]), count=2)
    assert picked.shape == (20, 1, 28, 28)
    expected = torch.zeros(10, 2)
    expected[0] = torch.tensor([0.2, 0.6])
    expected[3] = torch.tensor([0.1, 0.3])
    expected[9, 0] = 0.5
    torch.testing.assert_close(picked[:, 0, 0, 0].view(10, 2), expected)
    assert found == [2, 0, 0, 2, 0, 0, 0, 0, 0, 1]


def test_copies_are_detected(evaluator: Evaluator, small_mnist: MNIST) -> None:
    """Training images that are passed off as samples look like copies; test images do not."""
    real = score_real(evaluator, small_mnist)
    copies = to_unit(small_mnist.train_images[:1000])
    card = score(*evaluator.training, copies, evaluator, small_mnist)
    assert card.training_distance == 0
    assert card.share_nearer > 0.99  # but for images that are there twice
    assert card.precision == real.precision
    assert real.training_distance > 3
    assert real.share_nearer < 0.5
    assert real.frechet_distance == evaluator.floor
