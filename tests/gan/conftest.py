"""A small evaluator for the tests of Part II."""

import pytest
import torch

from toolkit.gan.data import MNIST
from toolkit.gan.measure.evaluation import Evaluator
from toolkit.gan.model import Classifier


@pytest.fixture(scope="session")
def small_mnist(mnist: MNIST) -> MNIST:
    """The first 3,000 training images and 1,000 test images."""
    return MNIST(
        mnist.train_images[:3000],
        mnist.train_labels[:3000],
        mnist.test_images[:1000],
        mnist.test_labels[:1000],
    )


@pytest.fixture(scope="session")
def evaluator(small_mnist: MNIST) -> Evaluator:
    """By an untrained classifier, whose features measure distances as well as any."""
    torch.manual_seed(0)
    return Evaluator(Classifier().eval(), "hash", small_mnist, torch.device("cpu"))
