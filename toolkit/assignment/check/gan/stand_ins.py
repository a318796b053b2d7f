"""What stands for what a student would download or train for hours: digits, and who draws them.

A student's generator is hardly trained when it is checked, so their functions get images from the
toolkit's, and what tells digits apart is the toolkit's classifier. Both are here, with the judge.
"""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.common.package_data import package_data
from toolkit.export.torchscript import load
from toolkit.gan.data import load_mnist

NUM_IMAGES = 640  # of each set; the child repeats those for training
SIDE = 28


def digits(train: bool) -> dict[str, Tensor]:
    """Images uint8 (n, 28, 28) and labels int64 (n,) of MNIST's training or test set."""
    images, labels = _few()[train]
    return {"images": images, "labels": labels}


@cache
def _network(name: str) -> torch.jit.ScriptModule:
    return load(name, package_data("exports"))


@cache
def _few() -> dict[bool, tuple[Tensor, Tensor]]:
    mnist = load_mnist()
    n = NUM_IMAGES
    return {
        True: (mnist.train_images[:n, 0].clone(), mnist.train_labels[:n].long()),
        False: (mnist.test_images[:n, 0].clone(), mnist.test_labels[:n].long()),
    }


class Artist:
    """Draws digits that look like a student's images, and tells such digits apart.

    Args:
        like: shape of one of their images: (784,), (28, 28), (1, 28, 28), (3, 64, 64), ...
        low, high: the range of their pixels.
    """

    def __init__(self, like: tuple[int, ...], low: float, high: float) -> None:
        self.like, self.low, self.high = like, low, high
        pixels = torch.Size(like[-2:]).numel() if len(like) > 1 else like[0]
        self.channels = torch.Size(like).numel() // pixels
        self.side = round(pixels**0.5)
        self.drawn: list[Tensor] = []  # every z, (batch, latent_dim)

    def draw(self, z: Tensor) -> Tensor:
        """Images (batch, *like) for z of any size.

        The network's own z may have another size: theirs is repeated, or cut, to fit.
        """
        z = z.reshape(len(z), -1).float()
        self.drawn.append(z)
        generator = _network("generator")
        size: int = generator.latent_dim
        z = z.repeat(1, -(-size // z.size(1)))[:, :size].contiguous()
        with torch.no_grad():
            images = generator(z).reshape(len(z), 1, SIDE, SIDE)
        if self.side != SIDE:
            images = F.interpolate(images, size=(self.side, self.side), mode="bilinear")
        images = images.repeat(1, self.channels, 1, 1) * (self.high - self.low) + self.low
        return images.reshape(len(z), *self.like)

    def classify(self, images: Tensor) -> Tensor:
        """Logits (batch, 10) of such images."""
        classifier = _network("classifier")
        images = images.reshape(-1, self.channels, self.side, self.side)[:, :1].float()
        images = ((images - self.low) / (self.high - self.low)).clamp(0, 1)
        if self.side != SIDE:
            images = F.interpolate(images, size=(SIDE, SIDE), mode="bilinear")
        with torch.no_grad():
            logits: Tensor = classifier(images.contiguous())
        return logits
