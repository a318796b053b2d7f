"""The latent space of a generator: sampling, interpolation, and points that yield clear digits."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.common.device import device_of, make_rng
from toolkit.common.errors import ToolkitError, UsageError

CONFIDENCE = 0.9  # least probability at which a prediction of the classifier counts
NUM_CANDIDATES = 1000
BATCH_SIZE = 25  # twice as fast per image as batches of 50, which do not fit into the cache
MIN_ANGLE = 1e-6  # radians; a smaller angle counts as 0


class Pair(NamedTuple):
    """Two latent points, float32 (latent_dim,), and the digits that their images show."""

    z_from: Tensor
    z_to: Tensor
    digit_from: int
    digit_to: int


def sample_latents(count: int, latent_dim: int, rng: torch.Generator) -> Tensor:
    """Return standard normal noise, float32 (count, latent_dim)."""
    return torch.randn(count, latent_dim, generator=rng)


@torch.no_grad()
def generate(network: nn.Module, z: Tensor) -> Tensor:
    """Generate images, float32 (n, 1, 28, 28) on the CPU, from latent points z (n, latent_dim).

    Args:
        network: a generator, usually in eval mode.
    """
    images: Tensor = network(z.to(device_of(network))).float().cpu()
    return images


def interpolate(
    z_from: Tensor, z_to: Tensor, num_images: int = 9, spherical: bool = False
) -> Tensor:
    """Return evenly spaced latent points from `z_from` to `z_to`, including both ends.

    The assignment asks for 7 points between the two ends; together with the ends, this gives
    `num_images=9`.

    Args:
        z_from, z_to: float32 (latent_dim,).
        spherical: whether to follow the arc between the ends (see `slerp`) instead of the straight
            line.

    Returns:
        float32 (num_images, latent_dim); the first and last rows are exactly the two ends.

    Raises:
        UsageError: `num_images` is less than 2, or `spherical` is set and the two ends point in
            opposite directions.
    """
    if num_images < 2:
        raise UsageError(
            f"An interpolation needs at least 2 images, which are its ends, not {num_images}."
        )
    weights = torch.linspace(0, 1, num_images, device=z_from.device).unsqueeze(1)
    if not spherical:
        return torch.lerp(z_from, z_to, weights)
    between = slerp(z_from, z_to, weights[1:-1])
    return torch.cat([z_from[None], between, z_to[None]])


def slerp(z_from: Tensor, z_to: Tensor, weights: Tensor) -> Tensor:
    """Interpolate between two points along an arc, so that direction and length change evenly.

    The method is spherical linear interpolation (Shoemake, "Animating Rotation with Quaternion
    Curves", 1985, section 3.3), applied to the directions of the two points. Nearly all points
    drawn from a standard normal distribution have a norm near sqrt(latent_dim). Points on the arc
    also have a norm near this value, whereas points on the straight line lie closer to 0. If both
    points have the same direction, the arc is the straight line.

    Args:
        z_from, z_to: float32 (latent_dim,).
        weights: (n, 1), from 0 (at `z_from`) to 1 (at `z_to`).

    Returns:
        float32 (n, latent_dim).

    Raises:
        UsageError: the ends point in opposite directions, so there is no unique shortest arc.
    """
    ends = torch.stack([z_from, z_to]).double()
    lengths = ends.norm(dim=1)
    p, q = F.normalize(ends, dim=1)
    angle = 2 * torch.atan2((p - q).norm(), (p + q).norm())
    if float(torch.pi - angle) < MIN_ANGLE:
        raise UsageError(
            "Opposite directions have no shortest arc between them. Interpolate on the straight "
            "line, or choose another end."
        )
    if float(angle) < MIN_ANGLE or float(lengths.min()) == 0:
        return torch.lerp(z_from, z_to, weights)
    weights = weights.double()
    direction = torch.sin((1 - weights) * angle) * p + torch.sin(weights * angle) * q
    length = torch.lerp(lengths[0], lengths[1], weights)
    points: Tensor = (length * direction / angle.sin()).to(z_from.dtype)
    return points


@torch.no_grad()
def pair_of_classes(
    generator_network: nn.Module,
    classifier: nn.Module,
    seed: int,
    digit_from: int | None = None,
    digit_to: int | None = None,
) -> Pair:
    """Return two latent points whose images clearly show two different digits.

    Args:
        generator_network: a generator in eval mode, which maps z (batch, latent_dim) to images.
        classifier: maps images to logits (batch, 10); an image shows a digit clearly if the digit's
            probability is at least 90%.
        seed: determines 1,000 random candidate points; for each of the two digits, the function
            returns the first candidate whose image clearly shows that digit.
        digit_from, digit_to: the digits to show, 0 to 9; by default, any two different digits.

    Raises:
        ToolkitError: the candidates' images do not clearly show two different digits, or none of
            them clearly shows a requested digit.
        UsageError: `digit_from` and `digit_to` are the same digit.
    """
    if digit_from is not None and digit_from == digit_to:
        raise UsageError(f"The ends must be different digits, not {digit_from} and {digit_to}.")
    points: dict[int, Tensor] = {}  # the first point of each digit, in the order of the points
    for z, digit in confident_points(generator_network, classifier, seed):
        points.setdefault(digit, z)
        first = _first_digit(points, requested=digit_from, other_than=digit_to)
        second = _first_digit(points, requested=digit_to, other_than=first)
        if first is not None and second is not None:
            return Pair(points[first], points[second], first, second)
    for requested in (digit_from, digit_to):
        if requested is not None and requested not in points:
            raise no_sample_of(requested)
    raise ToolkitError(
        f"No two of {NUM_CANDIDATES:,} samples are clearly different digits, so there is "
        "nothing to interpolate between yet. Train the GAN for longer."
    )


def confident_points(
    generator_network: nn.Module, classifier: nn.Module, seed: int
) -> Iterator[tuple[Tensor, int]]:
    """Draw 1,000 random latent points, and yield (point, digit) for each point whose image clearly
    shows a digit.

    The images are generated in small batches, so a caller that stops early does not wait for the
    remaining images.
    """
    latent_dim = cast(int, generator_network.latent_dim)
    points = sample_latents(NUM_CANDIDATES, latent_dim, make_rng(seed, "interpolation"))
    for z in points.split(BATCH_SIZE):
        logits = classifier(generator_network(z.to(device_of(generator_network)))).cpu()
        confidence, digit = torch.softmax(logits, dim=1).max(dim=1)
        for row in torch.where(confidence >= CONFIDENCE)[0].tolist():
            yield z[row], int(digit[row])


def _first_digit(
    digits: Iterable[int], requested: int | None, other_than: int | None
) -> int | None:
    """Return the first digit in `digits` that `requested` and `other_than` allow, or None if there
    is no such digit.

    Args:
        requested: the only digit that is allowed; None to allow any digit.
        other_than: the digit that is not allowed; ignored if a digit is requested.
    """
    for digit in digits:
        if requested is None and digit != other_than:
            return digit
        if requested is not None and digit == requested:
            return digit
    return None


def no_sample_of(digit: int) -> ToolkitError:
    """Return the error to raise if no candidate image clearly shows the requested digit."""
    return ToolkitError(
        f"None of {NUM_CANDIDATES:,} samples is clearly a {digit}. Choose another digit, "
        "or train the GAN for longer."
    )
