"""The computations behind the latent studio's web page and API."""

import functools
import threading
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from serving.numbers import whole
from serving.pictures import digit_on
from toolkit.common import figures
from toolkit.common.device import make_rng
from toolkit.common.errors import UsageError
from toolkit.export import load
from toolkit.export.film import has_film, load_film, network_at, trainings
from toolkit.export.manifest import MINE, Shown, networks_of
from toolkit.gan.data import EMBEDDED, MNIST, load_mnist, to_unit
from toolkit.gan.latent import confident_points, no_sample_of, pair_of_classes, sample_latents
from toolkit.gan.measure import neighbours

NUM_SAMPLES = 25
MAX_SEED = 999_999
MAX_POINTS = 100  # drawn at once
MAX_LATENT = 100.0  # a standard normal number is hardly ever beyond 6
MILLISECONDS = 2500  # how long a film takes from one end to the other
NUM_REAL = 40  # test images of each digit, to compare distances with
EARLY = 0.5  # the fraction of the film's frames before the frame that is shown as early
ANY = "any"


class Pictures(NamedTuple):
    """Images, with the outputs of the discriminator and the classifier."""

    images: Tensor  # float32 (n, 1, 28, 28) in 0..1
    shares: Tensor  # float32 (n, 10): the classifier's probability of each digit
    logits: Tensor  # float32 (n,): the discriminator's; above 0 means real


class Studio:
    """A generator, a discriminator and a classifier, and the computations that the page performs
    with them.

    Args:
        generator, discriminator: the folder of each network and, if known, the name of the student
            who made it.
        classifier: the folder with the classifier.

    Raises:
        ToolkitError: a file is missing, or differs from its entry in the manifest.
    """

    def __init__(self, generator: Shown, discriminator: Shown, classifier: Path) -> None:
        self.exports_dir = generator.folder
        self.whose = {}
        for name, shown in {"generator": generator, "discriminator": discriminator}.items():
            if shown.whose:
                self.whose[name] = shown.whose
        self.generator = load("generator", generator.folder)
        self.discriminator = load("discriminator", discriminator.folder)
        self.classifier = load("classifier", classifier)
        self.latent_dim = cast(int, self.generator.latent_dim)
        self.has_images = any(EMBEDDED.glob("*.gz"))  # nothing is downloaded for a visitor
        self.has_film = has_film(generator.folder)
        self._reading = threading.Lock()

    @torch.no_grad()
    def samples(self, seed: int, digit: str | int = ANY) -> Tensor:
        """Return up to 25 latent points, float32 (n, latent_dim).

        Args:
            seed: 0 to 999,999.
            digit: 0 to 9 for points whose images clearly show that digit, or "any".

        Raises:
            ToolkitError: the generator draws no clear picture of that digit, or the seed or the
                digit is invalid.
        """
        seed = whole("seed", seed, 0, MAX_SEED)
        if digit == ANY:
            return sample_latents(NUM_SAMPLES, self.latent_dim, make_rng(seed, "samples"))
        wanted = digit_of("digit", digit)
        samples = []
        for z, shown in confident_points(self.generator, self.classifier, seed):
            if shown == wanted:
                samples.append(z)
                if len(samples) == NUM_SAMPLES:
                    break
        if not samples:
            raise no_sample_of(wanted)
        return torch.stack(samples)

    def pair(self, seed: int, digit_from: str | int, digit_to: str | int) -> Tensor:
        """Return two latent points drawn with `seed`: the first whose picture clearly shows
        `digit_from`, and the first whose picture clearly shows `digit_to`.

        Returns:
            float32 (2, latent_dim).

        Raises:
            ToolkitError: the generator draws no clear picture of one of the two digits, both digits
                are the same, or the seed or a digit is invalid.
        """
        seed = whole("seed", seed, 0, MAX_SEED)
        digits = digit_of("digit_from", digit_from), digit_of("digit_to", digit_to)
        pair = pair_of_classes(self.generator, self.classifier, seed, *digits)
        return torch.stack([pair.z_from, pair.z_to])

    @torch.no_grad()
    def draw(self, z: Tensor, generator: nn.Module | None = None) -> Pictures:
        """Generate images from latent points, float32 (n, latent_dim), and return them with the
        outputs of the discriminator and the classifier; by default, `generator` is the exported
        generator.
        """
        if generator is None:
            generator = self.generator
        return self.judge(generator(z))

    @torch.no_grad()
    def judge(self, images: Tensor) -> Pictures:
        """Let the networks judge images, float32 (n, 1, 28, 28) from 0 to 1."""
        shares = torch.softmax(self.classifier(images), dim=1)
        return Pictures(images, shares, self.discriminator(images).squeeze(1))

    def slopes(self, images: Tensor) -> Tensor:
        """Return the derivatives of the discriminator's logits with respect to the images."""
        images = images.clone().requires_grad_()
        (slopes,) = torch.autograd.grad(self.discriminator(images).sum(), images)
        return slopes

    @torch.no_grad()
    def nearest(self, image: Tensor, digit: int) -> tuple[Tensor, float, list[float]]:
        """Find the training image that is nearest to a given image of shape (1, 1, 28, 28).

        Returns:
            the nearest training image (28 * 28,), and its distance from the given image. For
            comparison, the function also returns the distances of real test images of `digit` from
            their nearest training images.
        """
        distance, index = neighbours.nearest(image.flatten(1), self.training)
        of_real = self.distances[digit_of("digit", digit)].tolist()
        return self.training[int(index)], float(distance), of_real

    @functools.cached_property
    def training(self) -> Tensor:
        """The training images, float32 (60,000, 28 * 28) from 0 to 1."""
        return to_unit(self.mnist.train_images).flatten(1)

    @functools.cached_property
    def distances(self) -> Tensor:
        """The distances of each digit's first n test images from the nearest training images.

        The shape is (10, n), and the dtype is float32.
        """
        images = to_unit(self.mnist.test_images).flatten(1)
        labels = self.mnist.test_labels
        first = torch.cat([images[labels == digit][:NUM_REAL] for digit in range(10)])
        distances, _ = neighbours.nearest(first, self.training)
        return distances.view(10, NUM_REAL)

    @functools.cached_property
    def mnist(self) -> MNIST:
        return load_mnist()

    @torch.no_grad()
    def digits(self, z: Tensor) -> list[int]:
        """Return, for each latent point, the digit that the classifier sees in the image generated
        from it.
        """
        digits: list[int] = self.classifier(self.generator(z)).argmax(dim=1).tolist()
        return digits

    def points(self, z: Any) -> Tensor:
        """Convert a visitor's latent points from lists to a tensor, float32 (n, latent_dim).

        Raises:
            UsageError: the value is invalid.
        """
        points = matrix("z", z, self.latent_dim)
        if points.abs().max() > MAX_LATENT:
            raise UsageError(f"Each number of z must be from -{MAX_LATENT:g} to {MAX_LATENT:g}.")
        return points

    def mixtures(self, corners: Any, weights: Any) -> Tensor:
        """Return sums of the latent points `corners`, weighted by `weights`, as float32 (n,
        latent_dim).

        Both arguments are lists that a visitor has sent.

        Raises:
            UsageError: an argument is malformed, or a number is infinite, NaN or out of range.
        """
        points = self.points(corners)
        return self.points((matrix("weights", weights, len(points)) @ points).tolist())

    @torch.no_grad()
    def gif(self, z: Tensor) -> bytes:
        """Return an animated GIF of the images generated from the latent points `z`, (n,
        latent_dim), first in order and then in reverse.
        """
        return figures.to_gif(self.generator(z), milliseconds=MILLISECONDS // len(z))

    def read(self, picture: str) -> Pictures:
        """Classify the digit in a visitor's picture, and compute the discriminator's score for the
        picture.

        Args:
            picture: a picture file in base64, or a data URI.

        Raises:
            UsageError: see `digit_on`.
        """
        with self._reading:  # one at a time, because two large pictures would fill the memory
            return self.judge(digit_on(picture))

    @functools.cached_property
    def early(self) -> tuple[int, nn.Module]:
        """Return an early step of the recorded training, and the generator as it was at that step.

        Raises:
            ToolkitError: the recording of the training, film.npz, is missing or damaged.
        """
        film = load_film(self.exports_dir)
        steps = film["steps"].tolist()
        step = steps[int(EARLY * len(steps))]
        return step, network_at(film, "generator", step, self.exports_dir)

    @functools.cached_property
    def recorded(self) -> dict[str, Any]:
        """Return the recording of this generator's training, if there is one, and recordings of
        failed training runs and of a healthy one.

        Raises:
            ToolkitError: see `trainings`.
        """
        return trainings(self.exports_dir)


def studios_of(exports_dir: Path) -> list[Studio]:
    """Return a list of one or two `Studio` objects: one with the student's own networks, if there
    are any, followed by one with the toolkit's networks.

    If the student has only a generator or only a discriminator, the other network is the toolkit's.

    Raises: see `Studio` and `networks_of`.
    """
    networks = networks_of(exports_dir)
    generator = networks.get("generator", Shown("generator", exports_dir, ""))
    discriminator = networks.get("discriminator", Shown("discriminator", exports_dir, ""))
    classifier = generator.folder
    own_generator = networks.get(f"generator{MINE}", generator)
    own_discriminator = networks.get(f"discriminator{MINE}", discriminator)

    studios = []
    if (own_generator, own_discriminator) != (generator, discriminator):
        studios.append(Studio(own_generator, own_discriminator, classifier))
    studios.append(Studio(generator, discriminator, classifier))
    return studios


def digit_of(name: str, value: Any) -> int:
    """Convert a digit that was sent as an integer or a string, such as 3 or "3", to an integer.

    Raises:
        UsageError: the value is invalid.
    """
    if isinstance(value, str) and value in list("0123456789"):
        return int(value)
    return whole(name, value, 0, 9)


def flag(name: str, value: Any) -> bool:
    """Check that a value is True or False, and return it.

    Raises:
        UsageError: the value is invalid.
    """
    if not isinstance(value, bool):
        raise UsageError(f"{name} must be true or false, not {value!r}.")
    return value


def matrix(name: str, value: Any, columns: int) -> Tensor:
    """Convert lists of `columns` finite numbers to float32 (n, columns), with n from 1 to 100.

    Raises:
        UsageError: the value is invalid.
    """
    try:
        rows = torch.tensor(value, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        rows = torch.empty(0)
    if rows.dim() != 2 or rows.size(1) != columns or not 1 <= len(rows) <= MAX_POINTS:
        raise UsageError(f"{name} must be 1 to {MAX_POINTS} lists of {columns} numbers each.")
    if not rows.isfinite().all():
        raise UsageError(f"{name} must be finite numbers.")
    return rows
