"""Converts visitors' pictures of digits into images like those in MNIST.

The method is the one by which the images of MNIST were made (LeCun, Bottou, Bengio and Haffner,
"Gradient-based learning applied to document recognition", 1998, section III-A). The digit is scaled
to fit into a box of 20 x 20 pixels without changing its aspect ratio. As in MNIST, the scaling
leaves grey pixels at the digit's edges. Then the digit is moved until its centre of mass is at the
centre of an image of 28 x 28 pixels. Ink is 1, and paper is 0.
"""

import base64
import io
import itertools
import math
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from toolkit.common.errors import UsageError

SIDE = 28
DIGIT_SIDE = 20  # the digit's longer side
NOISE_MARGIN = 8  # a million pixels of normal noise hardly ever exceed 8 times the median
MIN_CONTRAST = 0.1  # below this contrast, from 0 to 1, a picture has no ink
FALL = 0.35  # how far the light on the edge may differ from its median, from 0 to 1
SPECK = 0.02  # pieces below this fraction of the largest piece's area are not ink
MAX_BYTES = 5_000_000  # of a file; `MAX_BYTES` in playground/src/drawing.js
# Pillow opens fifty more formats, some of which run another program or take five times the memory.
FORMATS = ("PNG", "JPEG")
MAX_PIXELS = 25_000_000  # a small file can hold a picture that fills the memory
MAX_SIDE = 1000  # larger pictures are reduced first
# A progressive JPEG comes in scans, and decoding goes over the whole picture for each scan. A file
# of 5 MB can hold 100,000 scans, which take minutes. Cameras and programs write at most some twenty
# scans. The mark of a scan may also occur by chance in data that a camera appends, 76 times in 5
# MB.
MAX_SCANS = 200
JPEG, SCAN = b"\xff\xd8", b"\xff\xda"  # the first bytes of a file and of a scan
TOO_LARGE = f"The picture has more than {MAX_PIXELS:,} pixels. Make it smaller and try again."
TOO_MANY_SCANS = (
    f"The JPEG is stored in more than {MAX_SCANS} scans, which would take too long to read. Save "
    "it as a PNG or as an ordinary JPEG and try again."
)
UNREADABLE = "The file is not a picture, or is damaged. Choose a PNG or JPEG with one digit on it."

Pixels = NDArray[np.uint8]


def digit_on(picture: Any) -> Tensor:
    """Convert a picture of a digit (base64 or a data URL) to an image in MNIST's format.

    Returns:
        an image; see `to_mnist`.

    Raises:
        UsageError: there is no picture, or the picture is too large; see also `read_picture` and
            `to_mnist`.
    """
    if not isinstance(picture, str) or not picture:
        raise UsageError("There is no picture yet. Send a PNG or JPEG with one digit on it.")
    text = picture.partition("base64,")[2] if picture.startswith("data:") else picture
    data = from_base64(text)
    if len(data) > MAX_BYTES:
        raise UsageError("The file has more than 5 MB. Choose a smaller one.")
    return to_mnist(read_picture(data))


def from_base64(text: Any) -> bytes:
    """Decode bytes that a visitor sent as base64.

    Raises:
        UsageError: the text is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError) as error:
        raise UsageError("A picture must be a PNG or JPEG in base64 or in a data URL.") from error


def read_picture(data: bytes) -> Pixels:
    """Decode a PNG or JPEG.

    Returns:
        uint8 (height, width, 4), RGBA, turned upright, and scaled down if necessary so that neither
        side is longer than 1,000 pixels.

    Raises:
        UsageError: the data is not a picture, is damaged, has more than `MAX_PIXELS` pixels, or is
            a JPEG with more than `MAX_SCANS` scans.
    """
    if data.startswith(JPEG) and data.count(SCAN) > MAX_SCANS:
        raise UsageError(TOO_MANY_SCANS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            file = Image.open(io.BytesIO(data), formats=FORMATS)
        if file.width * file.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        file.draft("RGB", (MAX_SIDE, MAX_SIDE))  # a JPEG is decoded directly to a small size
        ImageOps.exif_transpose(file, in_place=True)  # a copy would take the same memory again
        image = file if file.mode == "RGBA" else file.convert("RGBA")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UsageError(TOO_LARGE) from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for damaged files
        raise UsageError(UNREADABLE) from error
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    return np.asarray(image)


def to_mnist(picture: Pixels) -> Tensor:
    """Convert a picture of one digit, dark on light or light on dark, to an image like MNIST's.

    Most pixels on the picture's edge are assumed to be paper, and uneven lighting of the paper is
    corrected. In a photograph, the brightness of the paper itself varies. Pixels whose difference
    from the paper is within this variation also count as paper, and so do specks.

    Args:
        picture: uint8 (height, width), (height, width, 3), or (height, width, 4) with opacity last.

    Returns:
        float32 of shape (1, 1, 28, 28), 0 (paper) to 1 (ink).

    Raises:
        UsageError: the picture is blank or shows two digits.
    """
    ink, noise = _ink(picture)
    is_ink = ink > max(NOISE_MARGIN * noise, 1 / 255)
    if not is_ink.any() or ink.max() < MIN_CONTRAST:
        raise UsageError("The picture is blank. Draw one digit, large and in one piece.")
    is_ink = _one_digit(is_ink)
    rows, columns = is_ink.any(dim=1).nonzero(), is_ink.any(dim=0).nonzero()
    digit = (ink * is_ink)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    longest = max(digit.shape)
    size = [max(1, round(side * DIGIT_SIDE / longest)) for side in digit.shape]
    small = F.interpolate(digit[None, None], size=size, mode="area")[0, 0]
    return _centred(small / small.max())[None, None]


def _ink(picture: Pixels) -> tuple[Tensor, float]:
    """Return two results: how much darker each pixel is than the paper on which the digit is
    written, and how noisy the brightness of the paper itself is. The first result gives each pixel
    a number from 0 to 1. If the paper is dark, this number says how much lighter the pixel is.
    """
    values = torch.from_numpy(np.array(picture)).float() / 255
    if values.dim() == 2:
        values = values.unsqueeze(2)
    grey = values[..., :3].mean(dim=2)
    if values.size(2) == 4:
        opacity = values[..., 3]
        on_white = grey * opacity + 1 - opacity
        on_black = grey * opacity
        has_contrast = on_white.max() - on_white.min() >= MIN_CONTRAST
        grey = on_white if has_contrast else on_black
    paper = torch.cat([grey[0], grey[-1], grey[:, 0], grey[:, -1]]).median()
    grey = grey - _light(grey)
    edge = torch.cat([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    noise = float(edge.abs().median())
    sign = 1 if paper < 0.5 else -1
    return (sign * grey).clamp(min=0), noise


def _light(grey: Tensor) -> Tensor:
    """Return the brightness of the paper at each pixel; this brightness varies if the light comes
    from one side.

    The brightness of the paper is modelled as a polynomial of degree 2 in x and y. The polynomial
    is fitted first to the pixels on the edge. Then it is fitted repeatedly to all pixels that are
    close to the previous fit, so the digit's pixels are excluded. Edge pixels whose brightness is
    far from the edge's median are left out of the first fit, so a digit may touch the edge.
    """
    small = F.interpolate(
        grey[None, None], size=[min(side, 64) for side in grey.shape], mode="area"
    )
    small = small[0, 0].double()
    x = torch.stack([term.flatten() for term in _terms(*small.shape)], dim=1).double()
    is_edge = torch.zeros_like(small, dtype=torch.bool)
    is_edge[[0, -1]] = is_edge[:, [0, -1]] = True
    y, used = small.flatten(), is_edge.flatten()
    used = used & ((y - y[used].median()).abs() <= FALL)
    for _ in range(5):
        fit = torch.linalg.lstsq(x[used], y[used, None], driver="gelsd").solution
        off = (y - (x @ fit)[:, 0]).abs()
        used = off <= max(3 * float(off[used].median()), 1 / 255)
    light = torch.zeros_like(grey)
    for weight, term in zip(fit[:, 0].tolist(), _terms(*grey.shape), strict=True):
        light += weight * term
    return light


def _terms(height: int, width: int) -> Iterator[Tensor]:
    """Yield the values of the six terms 1, x, y, x^2, x y and y^2 at every pixel, one float32
    (height, width) tensor for each term.

    Both x and y range from -1 to 1.
    """
    y, x = torch.meshgrid(
        torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij"
    )
    yield torch.ones_like(x)
    yield x
    yield y
    yield x * x
    yield x * y
    yield y * y


def _one_digit(is_ink: Tensor) -> Tensor:
    """Return a copy of the mask `is_ink`, bool (height, width), from which small specks of ink have
    been removed.

    Raises:
        UsageError: the picture seems to show two digits. This is the case if two connected areas of
            ink are side by side, and each is at least half as high as all the ink together.
    """
    step = math.ceil(max(is_ink.shape) / 100)
    coarse = F.max_pool2d(is_ink[None, None].float(), step, ceil_mode=True)
    labels = _labels(coarse)
    pieces, areas = labels[labels > 0].unique(return_counts=True)
    pieces = pieces[areas >= SPECK * areas.max()]
    boxes = [_box(labels[0, 0] == piece) for piece in pieces]
    if _are_two_digits(boxes):
        raise UsageError(
            "There seem to be two digits beside each other, and it can read only one. Draw "
            "one digit, in one piece."
        )
    kept = torch.isin(labels, pieces)[0, 0].repeat_interleave(step, 0).repeat_interleave(step, 1)
    return is_ink & kept[: is_ink.size(0), : is_ink.size(1)]


def _labels(is_ink: Tensor) -> Tensor:
    """Return a float32 (1, 1, height, width) tensor in which each connected piece of ink is
    labelled with its own number and paper is 0.

    At first, each pixel of ink has its own number; the largest number in each connected piece of
    ink then spreads to all pixels of that piece.
    """
    labels = torch.arange(1.0, is_ink.numel() + 1).reshape(is_ink.shape) * is_ink
    while True:
        spread = F.max_pool2d(labels, 3, 1, 1) * is_ink
        if torch.equal(labels, spread):
            return labels
        labels = spread


class Box(NamedTuple):
    """The bounding box of a connected area of ink: its leftmost and rightmost columns, and its top
    and bottom rows.
    """

    first: int
    last: int
    top: int
    bottom: int


def _box(piece: Tensor) -> Box:
    rows, columns = piece.nonzero(as_tuple=True)
    return Box(int(columns.min()), int(columns.max()), int(rows.min()), int(rows.max()))


def _are_two_digits(boxes: list[Box]) -> bool:
    """Return True if the drawing contains two tall connected areas of ink that are side by side."""
    top = min(box.top for box in boxes)
    bottom = max(box.bottom for box in boxes)
    high = [box for box in boxes if 2 * (box.bottom - box.top + 1) >= bottom - top + 1]
    for box, neighbour in itertools.combinations(high, 2):
        shared = min(box.last, neighbour.last) - max(box.first, neighbour.first) + 1
        narrower = min(box.last - box.first, neighbour.last - neighbour.first) + 1
        if 3 * shared < narrower:
            return True
    return False


def _centred(small: Tensor) -> Tensor:
    """Place an image of at most 20 x 20 pixels in an image of 28 x 28 pixels.

    The image is moved so that its centre of mass is as close as possible to the point on which
    MNIST images are centred. This point is row 14 and column 14, counting from 0.
    """
    image = torch.zeros(SIDE, SIDE)
    corner = []
    for axis in (0, 1):
        mass = small.sum(dim=1 - axis)
        centre = float((mass * torch.arange(len(mass))).sum() / mass.sum())
        corner.append(min(max(round(SIDE // 2 - centre), 0), SIDE - len(mass)))
    row, column = corner
    image[row : row + small.size(0), column : column + small.size(1)] = small
    return image
