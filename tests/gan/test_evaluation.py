"""The Frechet distance against torchmetrics and against a case worked by hand."""

import pytest
import torch
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance

from toolkit.gan.data import MNIST, to_unit
from toolkit.gan.evaluation import (
    Evaluator,
    Gaussian,
    fit_gaussian,
    frechet_distance,
    sample_images,
)
from toolkit.gan.model import ConvGenerator


class Flat(nn.Module):
    """Features that are the first 20 pixels themselves."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)[:, :20].float()


def test_equals_torchmetrics() -> None:
    rng = torch.Generator().manual_seed(0)
    real = torch.rand(400, 3, 8, 8, generator=rng)
    fake = torch.rand(300, 3, 8, 8, generator=rng) ** 1.3
    theirs = FrechetInceptionDistance(feature=Flat(), normalize=True, input_img_size=(3, 8, 8))
    theirs.set_dtype(torch.float64)
    theirs.update(real, real=True)
    theirs.update(fake, real=False)

    ours = frechet_distance(fit_gaussian(Flat()(real)), fit_gaussian(Flat()(fake)))
    assert ours == pytest.approx(theirs.compute().item(), rel=1e-5)


def test_by_hand() -> None:
    """Diagonal covariances: |m|^2 + sum of (s_p - s_q)^2 over the standard deviations."""
    p = Gaussian(torch.tensor([0.0, 1.0]).double(), torch.diag(torch.tensor([1.0, 4.0]).double()))
    q = Gaussian(torch.tensor([3.0, 1.0]).double(), torch.diag(torch.tensor([9.0, 4.0]).double()))
    assert frechet_distance(p, q) == pytest.approx(9 + 4)
    assert frechet_distance(p, p) == pytest.approx(0, abs=1e-12)


def test_singular_covariance() -> None:
    """Features that are always 0, as a ReLU can give, must not disturb it."""
    features = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    padded = torch.cat([features, torch.zeros(50, 3)], dim=1)
    other = torch.cat([features * 2, torch.zeros(50, 3)], dim=1)
    assert frechet_distance(fit_gaussian(padded), fit_gaussian(other)) == pytest.approx(
        frechet_distance(fit_gaussian(features), fit_gaussian(features * 2))
    )


def test_evaluator_on_real_images(evaluator: Evaluator, small_mnist: MNIST) -> None:
    """The test images have distance 0 from themselves, and the classifier's own predictions."""
    images = to_unit(small_mnist.test_images)
    scores = evaluator.measure(images)
    assert scores.frechet_distance == pytest.approx(0, abs=1e-9)
    with torch.no_grad():
        predicted = evaluator.classifier(images).argmax(dim=1)
    assert scores.class_shares == pytest.approx(
        [float((predicted == digit).double().mean()) for digit in range(10)]
    )
    assert evaluator.floor == pytest.approx(
        frechet_distance(fit_gaussian(evaluator.training[0]), fit_gaussian(evaluator.test[0]))
    )
    assert evaluator.floor > 1e-4


def test_samples_depend_on_the_seed_alone() -> None:
    network = ConvGenerator(8, 16).eval()
    assert torch.equal(sample_images(network, 1, 20), sample_images(network, 1, 20))
    assert not torch.equal(sample_images(network, 1, 20), sample_images(network, 2, 20))
