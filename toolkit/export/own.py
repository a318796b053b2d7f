"""A student's networks behind the contract of ours, so that whatever reads exports takes them.

Their generator and discriminator stay as they are, in the attribute `module`. What goes in and what
comes out is converted: the distribution and the shape of z, the shape and the range of images, and
probabilities to logits. Their LSTM needs none of this, its weights are carried over into ours.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.common.checks import check_images, check_latents


class OwnGenerator(nn.Module):
    """Anyone's generator: standard normal z in, images in 0..1 out.

    Args:
        module: from z (batch, *z_shape) to images with as many numbers as `image_shape`.
        z_shape: of one z, such as (100,) or (100, 1, 1); its product is `latent_dim`.
        image_shape: height and width of its images; other than 28 x 28 are resized.
        value_range: the least and largest value of its images.
        uniform: the ends between which it expects z to be uniform; None: it is standard normal.
    """

    def __init__(
        self,
        module: nn.Module,
        z_shape: Sequence[int],
        image_shape: Sequence[int] = (28, 28),
        value_range: tuple[float, float] = (-1.0, 1.0),
        uniform: tuple[float, float] | None = None,
    ) -> None:
        super().__init__()
        self.module = module
        self.z_shape = list(z_shape)
        self.latent_dim = torch.Size(z_shape).numel()
        self.height, self.width = image_shape
        self.low, self.high = value_range
        self.is_uniform = uniform is not None
        self.z_low, self.z_high = uniform or (0.0, 1.0)

    def forward(self, z: Tensor) -> Tensor:
        """From z, float32 (batch, latent_dim) ~ N(0, 1), to images (batch, 1, 28, 28) in 0..1.

        Raises:
            ValueError: z has another shape or dtype.
        """
        check_latents(z, self.latent_dim)
        if self.is_uniform:  # by the distribution function of the normal distribution
            z = self.z_low + (self.z_high - self.z_low) * (1 + torch.erf(z / 2**0.5)) / 2
        images: Tensor = self.module(z.unflatten(1, self.z_shape))
        images = images.float().reshape(z.size(0), 1, self.height, self.width)
        if self.height != 28 or self.width != 28:
            images = F.interpolate(images, (28, 28), mode="bilinear", align_corners=False)
        return ((images - self.low) / (self.high - self.low)).clamp(0, 1)


class OwnDiscriminator(nn.Module):
    """Anyone's discriminator: images in 0..1 in, logits out.

    Args:
        module: from images (batch, *image_shape) to one number each.
        image_shape: such as (1, 28, 28), (28, 28), (784,) or (1, 64, 64).
        value_range: the least and largest value of the images that it expects.
        probabilities: whether its numbers are probabilities, not logits.
    """

    def __init__(
        self,
        module: nn.Module,
        image_shape: Sequence[int],
        value_range: tuple[float, float] = (-1.0, 1.0),
        probabilities: bool = False,
    ) -> None:
        super().__init__()
        self.module = module
        self.image_shape = list(image_shape)
        count = torch.Size(image_shape).numel()
        self.height, self.width = image_shape[-2:] if len(image_shape) > 1 else (28, 28)
        assert count == self.height * self.width, image_shape
        self.low, self.high = value_range
        self.probabilities = probabilities

    def forward(self, images: Tensor) -> Tensor:
        """From images (batch, 1, 28, 28) in 0..1 to logits (batch, 1): above 0 means real.

        Raises:
            ValueError: `images` has another shape or dtype.
        """
        check_images(images)
        if self.height != 28 or self.width != 28:
            size = (self.height, self.width)
            images = F.interpolate(images, size, mode="bilinear", align_corners=False)
        images = images * (self.high - self.low) + self.low
        judged: Tensor = self.module(images.flatten(1).unflatten(1, self.image_shape))
        judged = judged.float().reshape(images.size(0), 1)
        if self.probabilities:
            judged = judged.clamp(1e-30, 1 - 6e-8)  # those with a finite logit in float32
            judged = torch.log(judged) - torch.log(1 - judged)
        return judged
