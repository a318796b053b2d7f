"""Moving through the latent space of a generator."""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from toolkit.device import device_of, random_stream
from toolkit.errors import ToolkitError, UsageError

CONFIDENCE = 0.9
NUM_CANDIDATES = 1000


class Pair(NamedTuple):
    """Two latent points, float32 (latent_dim,), and the digits that the classifier sees there."""

    z_from: Tensor
    z_to: Tensor
    digit_from: int
    digit_to: int


def draw_latents(count: int, latent_dim: int, random: torch.Generator) -> Tensor:
    """Standard normal noise: float32 (count, latent_dim)."""
    return torch.randn(count, latent_dim, generator=random)


def interpolate(z_from: Tensor, z_to: Tensor, num_images: int = 9) -> Tensor:
    """Points on the straight line from `z_from` to `z_to`, evenly spaced, both ends included.

    The assignment's 7 steps between two ends are `num_images=9`.

    Returns:
        float32 (num_images, latent_dim); the first and the last row are exactly the two ends.

    Raises:
        UsageError: fewer than 2 images.
    """
    if num_images < 2:
        raise UsageError(f"An interpolation has at least its 2 ends, not {num_images} images.")
    weights = torch.linspace(0, 1, num_images, device=z_from.device).unsqueeze(1)
    return torch.lerp(z_from, z_to, weights)


@torch.no_grad()
def pair_of_classes(generator_network: nn.Module, classifier: nn.Module, seed: int) -> Pair:
    """Two latent points whose images the classifier calls different digits, each with 90% or more.

    Args:
        generator_network: from z (batch, latent_dim) to images, in eval mode.
        classifier: from images to logits (batch, 10).
        seed: the first two that fit, of the 1,000 points that this seed gives, are taken.

    Raises:
        ToolkitError: all confident images are of one class.
    """
    latent_dim = cast(int, generator_network.latent_dim)
    z = draw_latents(NUM_CANDIDATES, latent_dim, random_stream(seed, "interpolation"))
    device = device_of(generator_network)
    logits = classifier(generator_network(z.to(device))).cpu()
    confidence, digit = torch.softmax(logits, dim=1).max(dim=1)
    (sure,) = torch.where(confidence >= CONFIDENCE)
    if len(sure) == 0 or len(other := sure[digit[sure] != digit[sure[0]]]) == 0:
        raise ToolkitError(
            f"No two of {NUM_CANDIDATES:,} samples are surely different digits, so there is "
            "nothing to interpolate between yet. Train the GAN for longer."
        )
    first, second = int(sure[0]), int(other[0])
    return Pair(z[first], z[second], int(digit[first]), int(digit[second]))
