"""How good are the generated digits? Frechet distance and class shares, by the classifier."""

from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from toolkit.common.device import device_of, make_rng
from toolkit.gan.data import MNIST, to_unit
from toolkit.gan.latent import sample_latents

NUM_IMAGES = 10_000
BATCH_SIZE = 500


class Gaussian(NamedTuple):
    """Mean (n,) and covariance (n, n) of a set of features, float64."""

    mean: Tensor
    covariance: Tensor


class Scores(NamedTuple):
    """Measurements of a set of images, usually 10,000."""

    frechet_distance: float  # to the test images; 0 for the same mean and covariance of features
    class_shares: list[float]  # fraction, 0 to 1, that is classified as each digit 0 to 9


def fit_gaussian(features: Tensor) -> Gaussian:
    """Mean and unbiased covariance of features (num_images, n)."""
    features = features.double()
    return Gaussian(features.mean(dim=0), torch.cov(features.T))


def frechet_distance(p: Gaussian, q: Gaussian) -> float:
    """|m_p - m_q|^2 + tr(C_p + C_q - 2 (C_p C_q)^(1/2)), at least 0.

    Heusel et al., "GANs Trained by a Two Time-Scale Update Rule" (2017), eq. (6). The trace of the
    square root is computed from C_p^(1/2) C_q C_p^(1/2), which is symmetric and has the same
    eigenvalues as C_p C_q.
    """
    values, vectors = torch.linalg.eigh(p.covariance)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ q.covariance @ root).clamp(min=0).sqrt().sum()
    distance = (
        (p.mean - q.mean).square().sum() + p.covariance.trace() + q.covariance.trace() - 2 * cross
    )
    return max(0.0, float(distance))


class Evaluator:
    """Measures images by the classifier's features and predictions.

    A Frechet distance can only be compared with others that were measured by the same classifier,
    and with the floor, the distance between real images.

    Args:
        classifier: a `Classifier`, or its export, in eval mode.
        sha256: hash of the classifier's file, to be reported with every distance.
        mnist: provides the test images, and training images for the floor.
        device: where to compute.

    Attributes:
        test: features (10,000, 128) and predicted digits, int64 (10,000,), of the test images.
        training: the same for 10,000 of the training images.
        floor: the distance between these training images and the test images.
    """

    def __init__(self, classifier: Any, sha256: str, mnist: MNIST, device: torch.device) -> None:
        self.classifier = classifier.to(device)
        self.sha256 = sha256
        self.device = device
        self.test = self.features_and_digits(to_unit(mnist.test_images))
        self.real = fit_gaussian(self.test[0])
        order = torch.randperm(len(mnist.train_images), generator=make_rng(0, "floor"))
        chosen = to_unit(mnist.train_images[order[:NUM_IMAGES]])
        self.training = self.features_and_digits(chosen)
        self.floor = self.scores(*self.training).frechet_distance

    @torch.no_grad()
    def features_and_digits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features (n, 128) and predicted digits, int64 (n,), of images (n, 1, 28, 28) in 0..1."""
        features, digits = [], []
        for batch in images.split(BATCH_SIZE):
            f = self.classifier.features(batch.to(self.device))
            features.append(f.cpu())
            digits.append(self.classifier.readout(f).argmax(dim=1).cpu())
        return torch.cat(features), torch.cat(digits)

    def measure(self, images: Tensor) -> Scores:
        """The scores of images (n, 1, 28, 28) in 0..1."""
        return self.scores(*self.features_and_digits(images))

    def scores(self, features: Tensor, digits: Tensor) -> Scores:
        """The scores of images whose `features_and_digits` are known."""
        shares = digits.bincount(minlength=10).double() / len(digits)
        return Scores(frechet_distance(fit_gaussian(features), self.real), shares.tolist())


@torch.no_grad()
def sample_images(network: nn.Module, seed: int, count: int = NUM_IMAGES) -> Tensor:
    """Generate images (count, 1, 28, 28) with a generator in eval mode; the seed determines z."""
    device = device_of(network)
    z = sample_latents(count, cast(int, network.latent_dim), make_rng(seed, "evaluation"))
    return torch.cat([network(batch.to(device)).float().cpu() for batch in z.split(BATCH_SIZE)])
