"""The Frechet distance against torchmetrics and against a case worked by hand; its error bars."""

import numpy as np
import pytest
import torch
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance

from toolkit.gan.data import MNIST, to_unit
from toolkit.gan.measure.evaluation import (
    Evaluator,
    Gaussian,
    fit_gaussian,
    frechet_distance,
    sample_draws,
    sample_images,
)
from toolkit.gan.model import Classifier, ConvGenerator


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


def test_floor_is_of_disjoint_sets(evaluator: Evaluator, small_mnist: MNIST) -> None:
    """Five sets of 600 make up all 3,000 training images, and their spread is NumPy's."""
    everything = evaluator.predict(to_unit(small_mnist.train_images)).features
    together = torch.cat([predictions.features for predictions in evaluator.training])
    torch.testing.assert_close(together.sum(dim=1).sort()[0], everything.sum(dim=1).sort()[0])
    distances = [
        frechet_distance(fit_gaussian(features), fit_gaussian(evaluator.test.features))
        for features, _, _ in evaluator.training
    ]
    assert evaluator.floor.num_draws == len(distances) == 5
    assert evaluator.floor.mean == pytest.approx(np.mean(distances))
    assert evaluator.floor.sd == pytest.approx(np.std(distances, ddof=1))
    assert min(distances) > 1e-4


def test_share_unsure(small_mnist: MNIST) -> None:
    """By the definition: the largest of ten probabilities is below 0.8."""
    torch.manual_seed(0)
    classifier = Classifier().eval()
    with torch.no_grad():
        classifier.readout.weight.mul_(1000)  # else an untrained one is never sure
    images = to_unit(small_mnist.test_images)
    with torch.no_grad():
        logits = classifier(images).double().numpy()
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    own = Evaluator(classifier, "", small_mnist, torch.device("cpu"))
    expected = (probabilities.max(axis=1) < 0.8).mean()
    assert own.measure(images).share_unsure == pytest.approx(expected, abs=2e-3)
    assert 0.02 < expected < 0.98


def test_the_callers_classifier_is_left_alone(small_mnist: MNIST) -> None:
    """The evaluator's layout of the weights would change the bytes of an export."""
    classifier = Classifier().eval()
    Evaluator(classifier, "", small_mnist, torch.device("cpu"), num_images=10, num_draws=2)
    assert all(weight.is_contiguous() for weight in classifier.parameters())


def test_draws_of_a_generator(small_mnist: MNIST, evaluator: Evaluator) -> None:
    """The spread is over draws that differ, the first being what training monitors."""
    network = ConvGenerator(8, 16).eval()
    own = Evaluator(evaluator.classifier, "", small_mnist, torch.device("cpu"), 200, 3)
    draws = list(sample_draws(network, 7, 3, 200))
    assert torch.equal(draws[0], sample_images(network, 7, 200))
    scores = [own.measure(images) for images in draws]
    distances = [score.frechet_distance for score in scores]
    assert len(set(distances)) == 3
    together = own.measure_generator(network, 7)
    assert together.frechet_distance.mean == pytest.approx(np.mean(distances))
    assert together.frechet_distance.sd == pytest.approx(np.std(distances, ddof=1))
    nines = [score.class_shares[9] for score in scores]
    assert together.class_shares[9].mean == pytest.approx(np.mean(nines))
    assert together == own.measure_generator(network, 7)
    assert together != own.measure_generator(network, 8)


def test_one_draw_has_no_standard_deviation(small_mnist: MNIST, evaluator: Evaluator) -> None:
    """As for 50,000 samples: then 50,000 training images are the floor."""
    own = Evaluator(evaluator.classifier, "", small_mnist, torch.device("cpu"), 2000, 1)
    assert own.floor.sd is None
    assert len(own.training[0].digits) == 2000
    assert f"{own.floor:.2f}".endswith(" (one draw)")


def test_samples_depend_on_the_seed_alone() -> None:
    network = ConvGenerator(8, 16).eval()
    assert torch.equal(sample_images(network, 1, 20), sample_images(network, 1, 20))
    assert not torch.equal(sample_images(network, 1, 20), sample_images(network, 2, 20))
