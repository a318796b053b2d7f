"""Turn anyone's picture of a digit into an image like MNIST's.

This is how MNIST's images were made (LeCun, Bottou, Bengio and Haffner, "Gradient-based learning
applied to document recognition", 1998, section III-A): the digit is scaled into a box of 20 x 20
pixels with its aspect ratio kept, which gives grey edges, and moved until its centre of mass is at
the centre of 28 x 28 pixels. Ink is 1, paper 0.
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
DIGIT_SIDE = 20  # the digit's longer side
NOISE_MARGIN = 8  # normal noise, a million pixels of it, hardly ever exceeds 8 times its median
MIN_CONTRAST = 0.1  # less contrast than this, of 1, is not ink
MAX_PIXELS = 25_000_000  # a small file can hold a picture that fills the memory
MAX_SIDE = 1000  # larger pictures are reduced first
TOO_LARGE = f"The picture has more than {MAX_PIXELS:,} pixels. Make it smaller and try again."
UNREADABLE = "The file is not a picture, or is damaged. Choose a PNG or JPEG with one digit on it."

Pixels = NDArray[np.uint8]


def read_picture(data: bytes) -> Pixels:
    """Decode a PNG, JPEG or other picture file.

    Returns:
        uint8 (height, width, 4), RGBA, turned upright, and reduced so that neither side is longer
        than 1,000 pixels.

    Raises:
        UsageError: it is not a picture, is damaged, or has more than `MAX_PIXELS` pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            file = Image.open(io.BytesIO(data))
        if file.width * file.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        file.draft("RGB", (MAX_SIDE, MAX_SIDE))  # a JPEG is decoded small at once
        image = ImageOps.exif_transpose(file).convert("RGBA")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UsageError(TOO_LARGE) from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for damaged files
        raise UsageError(UNREADABLE) from error
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    return np.asarray(image)


def to_mnist(picture: Pixels) -> Tensor:
    """One digit, dark on light or light on dark, as MNIST would show it.

    The colour of most of the picture's edge is the paper. A pixel that differs from it by no more
    than the paper itself varies, as it does in a photograph, is paper too.

    Args:
        picture: uint8 (height, width), (height, width, 3), or (height, width, 4) with opacity last.

    Returns:
        float32 of shape (1, 1, 28, 28), 0 (paper) to 1 (ink).

    Raises:
        UsageError: the picture is blank.
    """
    ink, noise = _ink(picture)
    is_ink = ink > max(NOISE_MARGIN * noise, 1 / 255)
    rows, columns = is_ink.any(dim=1).nonzero(), is_ink.any(dim=0).nonzero()
    if len(rows) == 0 or ink.max() < MIN_CONTRAST:
        raise UsageError("The picture is blank. Draw one digit, large and in one piece.")
    digit = (ink * is_ink)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    longest = max(digit.shape)
    size = [max(1, round(side * DIGIT_SIDE / longest)) for side in digit.shape]
    small = F.interpolate(digit[None, None], size=size, mode="area")[0, 0]
    return _centred(small / small.max())[None, None]


def _ink(picture: Pixels) -> tuple[Tensor, float]:
    """How much each pixel differs from the paper, 0 to 1, and by how much the paper varies."""
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
    """Place an image of at most 20 x 20 in one of 28 x 28, its centre of mass as near to the centre
    as fits. In MNIST that centre is pixel 14, counted from 0."""
    image = torch.zeros(SIDE, SIDE)
    corner = []
    for axis in (0, 1):
        mass = small.sum(dim=1 - axis)
        centre = float((mass * torch.arange(len(mass))).sum() / mass.sum())
        corner.append(min(max(round(SIDE // 2 - centre), 0), SIDE - len(mass)))
    top, left = corner
    image[top : top + small.size(0), left : left + small.size(1)] = small
    return image
