"""Moving through the latent space of a generator."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.common.device import device_of, make_rng
from toolkit.common.errors import ToolkitError, UsageError

CONFIDENCE = 0.9
NUM_CANDIDATES = 1000
JUDGED_AT_ONCE = 25  # per image this is twice as fast as 50, which leave the cache
PARALLEL = 1e-6  # radians; a smaller angle counts as none


class Pair(NamedTuple):
    """Two latent points, float32 (latent_dim,), and the digits that the classifier sees there."""

    z_from: Tensor
    z_to: Tensor
    digit_from: int
    digit_to: int


def sample_latents(count: int, latent_dim: int, rng: torch.Generator) -> Tensor:
    """Standard normal noise: float32 (count, latent_dim)."""
    return torch.randn(count, latent_dim, generator=rng)


def interpolate(
    z_from: Tensor, z_to: Tensor, num_images: int = 9, spherical: bool = False
) -> Tensor:
    """Points from `z_from` to `z_to`, evenly spaced, both ends included.

    The assignment's 7 steps between two ends are `num_images=9`.

    Args:
        z_from, z_to: float32 (latent_dim,).
        spherical: on the arc between them, see `slerp`, instead of the straight line.

    Returns:
        float32 (num_images, latent_dim); the first and the last row are exactly the two ends.

    Raises:
        UsageError: fewer than 2 images, or an arc between opposite directions.
    """
    if num_images < 2:
        raise UsageError(f"An interpolation has at least its 2 ends, not {num_images} images.")
    weights = torch.linspace(0, 1, num_images, device=z_from.device).unsqueeze(1)
    if not spherical:
        return torch.lerp(z_from, z_to, weights)
    between = slerp(z_from, z_to, weights[1:-1])
    return torch.cat([z_from[None], between, z_to[None]])


def slerp(z_from: Tensor, z_to: Tensor, weights: Tensor) -> Tensor:
    """Spherical linear interpolation: the direction turns evenly, the length changes evenly.

    Shoemake, "Animating Rotation with Quaternion Curves" (1985), section 3.3, between the two
    directions. Standard normal points nearly all lie at the length sqrt(latent_dim), where the arc
    stays and the straight line does not. Parallel ends have no angle between them: the arc is the
    straight line.

    Args:
        z_from, z_to: float32 (latent_dim,).
        weights: (n, 1), 0 for `z_from` to 1 for `z_to`.

    Returns:
        float32 (n, latent_dim).

    Raises:
        UsageError: the ends point in opposite directions, between which every arc is as short.
    """
    ends = torch.stack([z_from, z_to]).double()
    lengths = ends.norm(dim=1)
    p, q = F.normalize(ends, dim=1)
    angle = 2 * torch.atan2((p - q).norm(), (p + q).norm())
    if float(torch.pi - angle) < PARALLEL:
        raise UsageError(
            "Opposite directions have no shortest arc between them; go straight, or take others."
        )
    if float(angle) < PARALLEL or float(lengths.min()) == 0:
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
    """Two latent points whose images the classifier calls different digits, each with 90% or more.

    Args:
        generator_network: from z (batch, latent_dim) to images, in eval mode.
        classifier: from images to logits (batch, 10).
        seed: the first two that fit, of the 1,000 points that this seed gives, are taken.
        digit_from, digit_to: the digits that are wanted, 0 to 9; any by default.

    Raises:
        ToolkitError: no two confident images are of such classes.
        UsageError: the same digit is wanted at both ends.
    """
    if digit_from is not None and digit_from == digit_to:
        raise UsageError(f"The ends must be different digits, not {digit_from} and {digit_to}.")
    firsts: dict[int, Tensor] = {}  # the first point of each digit, in the order of the points
    for z, digit in _confident(generator_network, classifier, seed):
        firsts.setdefault(digit, z)
        first = _first(firsts, wanted=digit_from, other_than=digit_to)
        second = _first(firsts, wanted=digit_to, other_than=first)
        if first is not None and second is not None:
            return Pair(firsts[first], firsts[second], first, second)
    for wanted in (digit_from, digit_to):
        if wanted is not None and wanted not in firsts:
            raise _none_of(wanted)
    raise ToolkitError(
        f"No two of {NUM_CANDIDATES:,} samples are surely different digits, so there is "
        "nothing to interpolate between yet. Train the GAN for longer."
    )


@torch.no_grad()
def latents_of_class(
    generator_network: nn.Module, classifier: nn.Module, seed: int, digit: int, count: int
) -> Tensor:
    """Latent points whose images the classifier calls `digit` with 90% or more.

    Args:
        generator_network, classifier: as for `pair_of_classes`.
        seed: the first that fit, of the 1,000 points that this seed gives, are taken.
        count: how many points are wanted.

    Returns:
        float32 (n, latent_dim); n is `count`, or less where fewer of the 1,000 fit.

    Raises:
        ToolkitError: none fits.
    """
    found = (z for z, seen in _confident(generator_network, classifier, seed) if seen == digit)
    points = list(islice(found, count))
    if not points:
        raise _none_of(digit)
    return torch.stack(points)


def _confident(
    generator_network: nn.Module, classifier: nn.Module, seed: int
) -> Iterator[tuple[Tensor, int]]:
    """Of the points that a seed gives those, in order, of whose digit the classifier is sure.

    They are drawn and judged a few at a time, so that who has enough soon need not wait for all.
    """
    latent_dim = cast(int, generator_network.latent_dim)
    points = sample_latents(NUM_CANDIDATES, latent_dim, make_rng(seed, "interpolation"))
    for z in points.split(JUDGED_AT_ONCE):
        logits = classifier(generator_network(z.to(device_of(generator_network)))).cpu()
        confidence, digit = torch.softmax(logits, dim=1).max(dim=1)
        for row in torch.where(confidence >= CONFIDENCE)[0].tolist():
            yield z[row], int(digit[row])


def _first(digits: Iterable[int], wanted: int | None, other_than: int | None) -> int | None:
    """The first of `digits` that is the wanted one, or, where any will do, is another one."""
    fitting = (d for d in digits if (d != other_than if wanted is None else d == wanted))
    return next(fitting, None)


def _none_of(digit: int) -> ToolkitError:
    return ToolkitError(
        f"None of {NUM_CANDIDATES:,} samples is surely a {digit}. Ask for another digit, "
        "or train the GAN for longer."
    )
