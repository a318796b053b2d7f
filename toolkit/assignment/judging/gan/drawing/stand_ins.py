"""Stand-ins for the digits that a student's code would download and for the networks that it would
train for hours.

The student's generator is hardly trained during the check. When the check calls the student's
functions, it replaces the generator with a stand-in that draws real digits, and the classifier with
a stand-in that recognises these digits. Both stand-ins run in the process that judges the code,
because the child process, which runs the student's code, must not know which digit an image shows.
"""

from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.gan.data import load_mnist

NUM_IMAGES = 640  # of each set; the child repeats the training images
SIDE = 28
SPREAD = 7.13  # how fast the digit changes along a line
LOGIT = 10.0


def digits(train: bool) -> dict[str, Tensor]:
    """Return images, uint8 (n, 28, 28), and labels, int64 (n,), from MNIST's training or test
    set.
    """
    images, labels = _few()[train]
    return {"images": images, "labels": labels}


@cache
def _few() -> dict[bool, tuple[Tensor, Tensor]]:
    mnist = load_mnist()
    n = NUM_IMAGES
    return {
        True: (mnist.train_images[:n, 0].clone(), mnist.train_labels[:n].long()),
        False: (mnist.test_images[:n, 0].clone(), mnist.test_labels[:n].long()),
    }


@cache
def _directions() -> Tensor:
    """Return eight random directions, (784, 8); an image is recognised by its projections onto
    them.
    """
    return torch.randn(SIDE * SIDE, 8, generator=torch.Generator().manual_seed(0))


@cache
def _keys() -> tuple[Tensor, Tensor]:
    images, labels = _few()[False]
    return images.flatten(1).float() / 255 @ _directions(), labels


class Drawn(NamedTuple):
    """One call to the generator."""

    z: Tensor  # float (batch, latent_dim)
    training: bool  # the mode that it was in


class Artist:
    """Draws digits in the format of a student's images, and classifies these digits.

    Args:
        like: shape of one of their images: (784,), (28, 28), (1, 28, 28), (3, 64, 64), ...
        low, high: the range of the pixels in the student's images.
    """

    def __init__(self, like: tuple[int, ...], low: float, high: float) -> None:
        self.like, self.low, self.high = like, low, high
        pixels = torch.Size(like[-2:]).numel() if len(like) > 1 else like[0]
        self.channels = torch.Size(like).numel() // pixels
        self.side = round(pixels**0.5)
        self.drawn: list[Drawn] = []
        self.asked = 0  # how often a classifier was asked

    def draw(self, z: Tensor, training: bool = False) -> Tensor:
        """Return images of shape (batch, *like), where `like` is the shape of one of the student's
        images. If z is one-dimensional, return one image of shape `like`. Each latent point in z
        may have any size, and determines which digit its image shows.
        """
        if z.dim() < 2:
            return self.draw(z.reshape(1, -1), training)[0]
        z = z.reshape(len(z), -1).float()
        self.drawn.append(Drawn(z, bool(training)))
        weights = torch.arange(2.0, z.size(1) + 2).sqrt()
        fractions = ((z @ weights).abs() * SPREAD).frac().nan_to_num()
        digit_indices = fractions.mul(NUM_IMAGES).long()
        digit_images, _ = _few()[False]
        images = digit_images[digit_indices][:, None].float() / 255
        if self.side != SIDE:
            images = F.interpolate(images, size=(self.side, self.side), mode="bilinear")
        images = images.repeat(1, self.channels, 1, 1) * (self.high - self.low) + self.low
        return images.reshape(len(z), *self.like)

    def classify(self, images: Tensor) -> Tensor:
        """Return the logits, (batch, 10), of images that `draw` has drawn."""
        self.asked += 1
        images = images.reshape(-1, self.channels, self.side, self.side)[:, :1].float()
        low = images.amin((2, 3), keepdim=True)
        high = images.amax((2, 3), keepdim=True)
        images = (images - low) / (high - low).clamp_min(1e-9)  # however they were rescaled
        if self.side != SIDE:
            images = F.interpolate(images, size=(SIDE, SIDE), mode="bilinear")
        keys, labels = _keys()
        queries = images.flatten(1) @ _directions()
        nearest = (queries[:, None] - keys).square().sum(dim=2).argmin(dim=1)
        return LOGIT * F.one_hot(labels[nearest], 10).float()
