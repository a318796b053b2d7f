"""The gate microscope's computations on a drawn digit."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from serving.pictures import SIDE, digit_on, from_base64
from toolkit.common.device import make_rng
from toolkit.common.errors import UsageError
from toolkit.export import load
from toolkit.export.manifest import entry_of
from toolkit.gan.data import to_bytes

SHADES = 255


class Drawing:
    """The classifier, and the generator and discriminator if the exports contain them.

    The methods raise a `UsageError` if an argument is invalid, or if the generator is needed but
    missing.

    Args:
        exports_dir: the folder with the classifier, and possibly the generator and discriminator.

    Raises:
        ToolkitError: a file is missing or damaged.
    """

    def __init__(self, exports_dir: Path) -> None:
        self.classifier = load("classifier", exports_dir)
        self.generator = _load_if_listed("generator", exports_dir)
        self.discriminator = _load_if_listed("discriminator", exports_dir)

    @torch.no_grad()
    def classify(self, image: str) -> dict[str, Any]:
        """Classify the digit in an image.

        Args:
            image: 28 x 28 bytes in base64, from 0 (paper) to 255 (ink).

        Returns:
            the ten "probabilities"; the discriminator's "logit", or null if there is no
            discriminator; and a list "maps". The list describes, for each convolution, the feature
            maps after the ReLU. Each entry contains the "channels", "height", "width" and "scale"
            of these maps. Each entry also contains the maps' values as "data", in base64: one byte
            for each value, in units of "scale" / 255.
        """
        shades = np.frombuffer(from_base64(image), dtype=np.uint8)
        if shades.size != SIDE * SIDE:
            raise UsageError(f"An image has {SIDE} x {SIDE} bytes; these are {shades.size:,}.")
        x = torch.from_numpy(shades.astype(np.float32) / SHADES).reshape(1, 1, SIDE, SIDE)
        logit = None
        if self.discriminator is not None:
            logit = float(self.discriminator(x))
        return {
            "probabilities": self.classifier(x).softmax(dim=1)[0].tolist(),
            "logit": logit,
            "maps": [_bytes(maps) for maps in feature_maps(self.classifier, x)],
        }

    @torch.no_grad()
    def generate(self, seed: int) -> str:
        """Generate an image in base64, in the form that `classify` accepts."""
        if self.generator is None:
            raise UsageError("There is no generator among these exports.")
        z = torch.randn(1, self.generator.latent_dim, generator=make_rng(seed, "digit demo"))
        return _image(self.generator(z))

    def picture(self, data: str) -> str:
        """Convert a picture file of one digit, sent as base64, to an image in the form that
        `classify` accepts.
        """
        return _image(digit_on(data))

    @torch.no_grad()
    def draw(self, picture: str) -> dict[str, Any]:
        """Read the digit in a picture, which is a PNG or JPEG in base64 or in a data URL.

        Returns:
            the "digit", the ten "probabilities", and the "image" that the classifier saw: 28 rows
            of 28 numbers from 0 (paper) to 1 (ink).
        """
        image = digit_on(picture)
        probabilities = self.classifier(image).softmax(dim=1)[0]
        return {
            "digit": int(probabilities.argmax()),
            "probabilities": probabilities.tolist(),
            "image": image[0, 0].tolist(),
        }


def _load_if_listed(name: str, exports_dir: Path) -> nn.Module | None:
    """Load a network, or return None if the manifest does not list it."""
    if not entry_of(name, exports_dir):
        return None
    return load(name, exports_dir)


def feature_maps(classifier: Any, images: Tensor) -> list[Tensor]:
    """Return the feature maps after each convolution and ReLU, as (channels, height, width)."""
    maps = []
    x = images
    for layer in classifier.layers.children():
        x = layer(x)
        if isinstance(layer, nn.ReLU) and x.dim() == 4:
            maps.append(x[0])
    return maps


def _bytes(maps: Tensor) -> dict[str, Any]:
    channels, height, width = maps.shape
    scale = max(float(maps.max()), 1e-9)
    data = (maps / scale * SHADES).round().to(torch.uint8).numpy().tobytes()
    return {
        "channels": channels,
        "height": height,
        "width": width,
        "scale": scale,
        "data": base64.b64encode(data).decode(),
    }


def _image(image: Tensor) -> str:
    """Return an image, (1, 1, 28, 28), as 784 bytes in base64."""
    return base64.b64encode(to_bytes(image).numpy().tobytes()).decode()
