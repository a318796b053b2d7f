"""Evaluation of generated digits with a classifier; the results include error bars.

The Fréchet distance of a generator depends on which 10,000 images it happens to generate. For
another 10,000 images from the same generator, the value of the distance can be higher or lower by
one or two. An `Evaluator` therefore measures several sets of generated images and, for comparison,
the same number of sets of real images. For both kinds of images, the `Evaluator` returns the mean
and the standard deviation of the distance.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar, cast

import torch
from torch import Tensor, nn

from toolkit.common.device import device_of, make_rng
from toolkit.common.record import Spread
from toolkit.gan.data import MNIST, to_unit
from toolkit.gan.latent import sample_latents

NUM_IMAGES = 10_000  # in a draw
NUM_DRAWS = 5
SURE = 0.8  # least probability at which the classifier is sure of a digit
BATCH_SIZE = 100

Number = TypeVar("Number", float, Spread)  # a value of one draw, or of several draws


class Gaussian(NamedTuple):
    """The float64 mean (n,) and covariance (n, n) of a set of features."""

    mean: Tensor
    covariance: Tensor


class Predictions(NamedTuple):
    """The classifier's predictions for n images."""

    features: Tensor  # float32 (n, 128)
    digits: Tensor  # int64 (n,), 0 to 9
    confidences: Tensor  # float32 (n,), the probability of that digit


class Scores(NamedTuple, Generic[Number]):
    """The measurements of a set of images."""

    frechet_distance: Number  # to the test images; 0 for the same mean and covariance of features
    share_unsure: Number  # fraction, 0 to 1, whose digit has a probability below `SURE`
    class_shares: list[Number]  # fraction, 0 to 1, that is classified as each digit 0 to 9


def fit_gaussian(features: Tensor) -> Gaussian:
    """Return the mean and the unbiased covariance of features (num_images, n)."""
    features = features.double()
    return Gaussian(features.mean(dim=0), torch.cov(features.T))


def frechet_distance(p: Gaussian, q: Gaussian) -> float:
    """Return |m_p - m_q|^2 + tr(C_p + C_q - 2 (C_p C_q)^(1/2)), a number >= 0.

    See Heusel et al., "GANs Trained by a Two Time-Scale Update Rule" (2017), eq. (6). The trace of
    (C_p C_q)^(1/2) is computed from the eigenvalues of C_p^(1/2) C_q C_p^(1/2). This matrix is
    symmetric and has the same eigenvalues as C_p C_q.
    """
    values, vectors = torch.linalg.eigh(p.covariance)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ q.covariance @ root).clamp(min=0).sqrt().sum()
    distance = (
        (p.mean - q.mean).square().sum() + p.covariance.trace() + q.covariance.trace() - 2 * cross
    )
    return max(0.0, float(distance))


def over_draws(draws: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Return a list with the `Spread` (mean and standard deviation) of each score over several sets
    of images; `draws` contains a tuple of scores for each set.

    The last field of each tuple must be a list, such as `Scores.class_shares`; in the result, the
    corresponding entry is a list with the `Spread` of each element.
    """
    *numbers, lists = zip(*draws, strict=True)
    return [*map(Spread.of, numbers), [Spread.of(values) for values in zip(*lists, strict=True)]]


class Evaluator:
    """An evaluator that computes scores for sets of images from the features and the predictions of
    a classifier.

    Fréchet distances are comparable only if the same classifier measured them on the same number of
    images. Compare each distance with the floor, which is the distance between two sets of real
    images.

    Args:
        classifier: a `Classifier` or an exported classifier, in eval mode.
        sha256: the SHA-256 hash of the classifier's file, so that reports can state which
            classifier measured a distance.
        mnist: provides the test images, with which all images are compared, and the training
            images, whose Fréchet distance from the test images is the `floor`.
        device: where to compute.
        num_images: the number of images in each draw, that is, in each set of generated images. The
            sets of training images are smaller if there are too few training images.
        num_draws: the number of sets of images that a generator makes to be measured, and also the
            number of sets of training images.

    Attributes:
        test: the predictions for the test images.
    """

    def __init__(
        self,
        classifier: Any,
        sha256: str,
        mnist: MNIST,
        device: torch.device,
        num_images: int = NUM_IMAGES,
        num_draws: int = NUM_DRAWS,
    ) -> None:
        with torch.no_grad():  # a copy, because its layout is twice as fast, but not for export
            self.classifier = deepcopy(classifier).to(device, memory_format=torch.channels_last)
        self.sha256 = sha256
        self.device = device
        self.num_images = num_images
        self.num_draws = num_draws
        self.test = self.predict(to_unit(mnist.test_images))
        self._test_gaussian = fit_gaussian(self.test.features)
        self._training_images = mnist.train_images

    @torch.no_grad()
    def predict(self, images: Tensor) -> Predictions:
        """Predict which digit each image shows; the images have shape (n, 1, 28, 28) and values
        from 0 to 1.
        """
        batches = []
        for batch in images.split(BATCH_SIZE):
            features = self.classifier.features(batch.to(self.device))
            confidences, digits = self.classifier.readout(features).softmax(dim=1).max(dim=1)
            batches.append((features.cpu(), digits.cpu(), confidences.cpu()))
        return Predictions(*map(torch.cat, zip(*batches, strict=True)))

    def measure(self, images: Tensor) -> Scores[float]:
        """Return the scores of one set of images.

        The images have shape (n, 1, 28, 28) and values from 0 to 1.
        """
        return self.scores(self.predict(images))

    def scores(self, predictions: Predictions) -> Scores[float]:
        """Return the scores of images, computed from the classifier's predictions."""
        features, digits, confidences = predictions
        return Scores(
            frechet_distance(fit_gaussian(features), self._test_gaussian),
            float((confidences < SURE).double().mean()),
            (digits.bincount(minlength=10).double() / len(digits)).tolist(),
        )

    def measure_generator(self, network: nn.Module, seed: int) -> Scores[Spread]:
        """Return the scores of a generator in eval mode; `seed` determines the images that the
        generator makes.
        """
        draws = sample_draws(network, seed, self.num_draws, self.num_images)
        return Scores(*over_draws([self.measure(images) for images in draws]))

    @cached_property
    def training(self) -> list[Predictions]:
        """Return the classifier's predictions for `num_draws` disjoint sets of training images."""
        order = torch.randperm(len(self._training_images), generator=make_rng(0, "floor"))
        size = min(self.num_images, len(order) // self.num_draws)
        sets = order.split(size)[: self.num_draws]
        return [self.predict(to_unit(self._training_images[chosen])) for chosen in sets]

    @cached_property
    def real(self) -> Scores[Spread]:
        """Return the scores of real images, for comparison with a generator's scores."""
        return Scores(*over_draws([self.scores(predictions) for predictions in self.training]))

    @property
    def floor(self) -> Spread:
        """Return the Fréchet distance between training images and test images."""
        return self.real.frechet_distance


@torch.no_grad()
def sample_draws(network: nn.Module, seed: int, num_draws: int, count: int) -> Iterator[Tensor]:
    """Yield `num_draws` sets of images, each (count, 1, 28, 28); the latent points of all sets come
    from one stream of random numbers.

    Args:
        network: a generator in eval mode.
        seed: the seed of the random number generator that draws the latent points.
    """
    device = device_of(network)
    rng = make_rng(seed, "evaluation")
    for _ in range(num_draws):
        z = sample_latents(count, cast(int, network.latent_dim), rng)
        yield torch.cat([network(part.to(device)).float().cpu() for part in z.split(BATCH_SIZE)])


def sample_images(network: nn.Module, seed: int, count: int = NUM_IMAGES) -> Tensor:
    """Return the first set of images from `sample_draws`."""
    return next(sample_draws(network, seed, 1, count))
