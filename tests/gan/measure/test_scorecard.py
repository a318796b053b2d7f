"""The scorecard: copies and missing digits are detected, and the picture is sorted."""

import numpy as np
import pytest
import torch

from toolkit.gan.data import MNIST, to_unit
from toolkit.gan.measure.evaluation import Evaluator
from toolkit.gan.measure.neighbours import memory, overlap
from toolkit.gan.measure.scorecard import Scorer, by_class


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
    scorer = Scorer(evaluator, small_mnist)
    real = scorer.score_real()
    copies = to_unit(small_mnist.train_images[:1000])
    card = scorer.score(evaluator.training[0], copies)
    assert card.training_distance == 0
    assert card.share_nearer > 0.99  # but for images that are there twice
    assert real.training_distance.mean > 3
    assert real.share_nearer.mean < 0.5


def test_spread_of_real_images(evaluator: Evaluator, small_mnist: MNIST) -> None:
    """Each metric of each set by itself, and NumPy's mean and standard deviation of the five."""
    real = Scorer(evaluator, small_mnist).score_real()
    assert real.frechet_distance == evaluator.floor
    assert real.share_unsure == evaluator.real.share_unsure
    assert real.class_shares == evaluator.real.class_shares
    test = evaluator.test.features
    recalls = [overlap(test, features).recall for features, _, _ in evaluator.training]
    assert real.recall.mean == pytest.approx(np.mean(recalls))
    assert real.recall.sd == pytest.approx(np.std(recalls, ddof=1))
    assert real.recall.num_draws == 5
    training = to_unit(small_mnist.train_images)
    sets = [to_unit(small_mnist.test_images[n::5]) for n in range(5)]
    medians = [memory(images, training).median_distance for images in sets]
    assert real.training_distance.mean == pytest.approx(np.mean(medians))
    assert real.training_distance.sd == pytest.approx(np.std(medians, ddof=1))
