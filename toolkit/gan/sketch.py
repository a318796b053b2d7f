"""Turning anyone's picture of a digit into an image like MNIST's.

MNIST was made as follows (LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to
document recognition", 1998, section III-A): each digit is scaled to fit a box of 20 x 20 pixels,
keeping its aspect ratio, which gives grey edges; then it is moved so that its centre of mass is at
the centre of 28 x 28 pixels. Ink is 1, paper is 0.
"""

import io
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from toolkit.common.errors import UsageError

SIDE = 28
DIGIT_SIDE = 20  # of the digit's longer side
NOISE_MARGIN = 8  # in medians; of a million normally distributed pixels hardly any exceed it
MIN_CONTRAST = 0.1  # from 0 to 1; anything fainter is not ink
MAX_PIXELS = 40_000_000  # more than the camera of most phones produces
MAX_SIDE = 1000  # larger pictures are reduced first

Pixels = NDArray[np.uint8]


def read_picture(data: bytes) -> Pixels:
    """Decode a PNG, JPEG or other picture file, and turn it upright.

    Returns:
        uint8 (height, width, 4), RGBA; neither side has more than 1,000 pixels.

    Raises:
        UsageError: the data is not a picture that Pillow can read, or has more than 40 million
            pixels, or more than `PIL.Image.MAX_IMAGE_PIXELS` if that is less.
    """
    max_pixels = min(MAX_PIXELS, Image.MAX_IMAGE_PIXELS or MAX_PIXELS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            file = Image.open(io.BytesIO(data))
        if file.width * file.height > max_pixels:
            raise Image.DecompressionBombError
        file.draft("RGB", (MAX_SIDE, MAX_SIDE))  # decodes a JPEG at a smaller size
        image = ImageOps.exif_transpose(file).convert("RGBA")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UsageError(
            f"The picture has more than {max_pixels:,} pixels. Make it smaller and try again."
        ) from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for damaged files
        raise UsageError(
            "The file is not a picture that can be read. Choose a PNG or JPEG with one digit on it."
        ) from error
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    return np.asarray(image)


def to_mnist(picture: Pixels) -> Tensor:
    """One digit, dark on light or light on dark, as an MNIST image.

    The colour at most of the picture's edge is taken for the paper. Pixels that differ from it no
    more than the paper itself varies, as in a photograph, count as paper.

    Args:
        picture: uint8 (height, width), (height, width, 3), or (height, width, 4) with opacity last.

    Returns:
        float32 of shape (1, 1, 28, 28), 0 (paper) to 1 (ink).

    Raises:
        UsageError: the picture is empty.
    """
    ink, noise = _ink(picture)
    is_ink = ink > max(NOISE_MARGIN * noise, 1 / 255)
    rows, columns = is_ink.any(dim=1).nonzero(), is_ink.any(dim=0).nonzero()
    if len(rows) == 0 or ink.max() < MIN_CONTRAST:
        raise UsageError("There is nothing on it yet. Draw one digit, large and in one piece.")
    digit = (ink * is_ink)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    longest = max(digit.shape)
    size = [max(1, round(side * DIGIT_SIDE / longest)) for side in digit.shape]
    small = F.interpolate(digit[None, None], size=size, mode="area")[0, 0]
    return _centred(small / small.max())[None, None]


def _ink(picture: Pixels) -> tuple[Tensor, float]:
    """How much each pixel differs from the paper, 0 to 1, and how much the paper varies."""
    values = torch.from_numpy(np.array(picture)).float() / 255
    if values.dim() == 2:
        values = values.unsqueeze(2)
    grey = values[..., :3].mean(dim=2)
    if values.size(2) == 4:
        opacity = values[..., 3]
        on_white, on_black = grey * opacity + 1 - opacity, grey * opacity
        grey = on_white if on_white.max() - on_white.min() >= MIN_CONTRAST else on_black
    edge = torch.cat([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = edge.median()
    noise = float((edge - paper).abs().median())
    sign = 1 if paper < 0.5 else -1
    return (sign * (grey - paper)).clamp(min=0), noise


def _centred(small: Tensor) -> Tensor:
    """Place an image of at most 20 x 20 on 28 x 28, its centre of mass as near to the centre as it
    fits. MNIST counts pixels from 0 and takes pixel 14 for the centre."""
    image = torch.zeros(SIDE, SIDE)
    corner = []
    for axis in (0, 1):
        mass = small.sum(dim=1 - axis)
        centre = float((mass * torch.arange(len(mass))).sum() / mass.sum())
        corner.append(min(max(round(SIDE // 2 - centre), 0), SIDE - len(mass)))
    top, left = corner
    image[top : top + small.size(0), left : left + small.size(1)] = small
    return image
