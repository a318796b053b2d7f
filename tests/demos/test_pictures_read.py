"""Drawings in MNIST's form, against MNIST itself: enlarged and moved, its images come back."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from serving.pictures import MAX_PIXELS, MAX_SCANS, SCAN, Pixels, read_picture, to_mnist
from toolkit.common.device import make_rng
from toolkit.common.errors import UsageError
from toolkit.export import loading
from toolkit.gan.data import MNIST, to_unit

COUNT = 1000
END = b"\xff\xd9"  # of a JPEG


def enlarged(image: Tensor, rng: torch.Generator) -> Pixels:
    """An MNIST image, uint8 (1, 28, 28), ten times as large, somewhere on a larger sheet."""
    large = image[0].repeat_interleave(10, dim=0).repeat_interleave(10, dim=1)
    top, left = torch.randint(0, 40, (2,), generator=rng).tolist()
    sheet = torch.zeros(320, 320, dtype=torch.uint8)
    sheet[top : top + 280, left : left + 280] = large
    return sheet.numpy()


def png(array: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.mark.slow
def test_mnist_itself_comes_back(mnist: MNIST) -> None:
    generator = make_rng(0, "sheets")
    images = mnist.test_images[:COUNT]
    seen = torch.cat([to_mnist(enlarged(image, generator)) for image in images])
    originals = to_unit(images)
    assert (seen - originals).abs().max() < 0.02  # five of 255 levels

    classifier = loading.load("classifier")
    labels = mnist.test_labels[:COUNT]
    with torch.no_grad():
        on_originals, on_seen = (
            float((classifier(x).argmax(dim=1) == labels).float().mean()) for x in (originals, seen)
        )
    assert on_originals > 0.98
    assert on_seen > on_originals - 0.005


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_dark_on_light_is_light_on_dark(mnist: MNIST, channels: int) -> None:
    light = enlarged(mnist.test_images[3], make_rng(1, "sheets"))
    dark = np.repeat((255 - light)[..., None], channels, axis=2)
    if channels == 4:
        dark[..., 3] = 255
    torch.testing.assert_close(to_mnist(dark.squeeze()), to_mnist(light))


@pytest.mark.parametrize("level", [0, 255])
def test_ink_on_a_transparent_sheet(mnist: MNIST, level: int) -> None:
    opacity = enlarged(mnist.test_images[5], make_rng(2, "sheets"))
    sheet = np.full((*opacity.shape, 4), level, dtype=np.uint8)
    sheet[..., 3] = opacity
    torch.testing.assert_close(to_mnist(sheet), to_mnist(opacity))


def test_photograph_with_noise(mnist: MNIST) -> None:
    clean = enlarged(mnist.test_images[0], make_rng(3, "sheets")).astype(np.float64)
    grain = np.random.default_rng(0).normal(0, 4, clean.shape)
    photograph = (200 - clean * 0.6 + grain).clip(0, 255).astype(np.uint8)
    with torch.no_grad():
        assert int(loading.load("classifier")(to_mnist(photograph)).argmax()) == 7


@pytest.mark.rows(1)
@pytest.mark.parametrize("way", [(0, 1), (1, 0), (1, 1), (-1, 1)])
def test_light_from_one_side(mnist: MNIST, way: tuple[int, int]) -> None:
    """It falls by a quarter over the page; the ink is half as bright as the paper around it."""
    rng, grain = make_rng(4, "sheets"), np.random.default_rng(0)
    right = 0
    with torch.no_grad():
        classifier = loading.load("classifier")
        for image, label in zip(mnist.test_images[:50], mnist.test_labels[:50], strict=True):
            clean = enlarged(image, rng) / 255
            y, x = np.meshgrid(np.linspace(-1, 1, 320), np.linspace(-1, 1, 320), indexing="ij")
            light = 1 - 0.25 * (1 + (way[0] * y + way[1] * x) / (abs(way[0]) + abs(way[1]))) / 2
            photograph = 220 * light * (1 - 0.5 * clean) + grain.normal(0, 2, clean.shape)
            seen = to_mnist(photograph.clip(0, 255).astype(np.uint8))
            right += int(classifier(seen).argmax()) == int(label)
    assert right >= 48


def test_two_digits_are_said_to_be_two(mnist: MNIST) -> None:
    """Test images 0 and 2 are a 7 and a 1; a speck of dust is no digit."""
    sheet = np.concatenate([enlarged(mnist.test_images[k], make_rng(0, "s")) for k in (0, 2)], 1)
    with pytest.raises(UsageError, match="two digits beside each other"):
        to_mnist(255 - sheet)
    dusty = enlarged(mnist.test_images[0], make_rng(0, "s"))
    expected = to_mnist(dusty)
    dusty[5:9, 300:304] = 255
    torch.testing.assert_close(to_mnist(dusty), expected)


def test_shape_is_kept_and_mass_is_centred() -> None:
    stroke = np.zeros((300, 500), dtype=np.uint8)
    stroke[40:240, 400:450] = 255  # 200 x 50, so 20 x 5
    image = to_mnist(stroke)[0, 0]
    rows, columns = image.nonzero(as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 23, 12, 16)
    assert image[4:24, 12:17].min() == 1


@pytest.mark.parametrize(
    "sheet",
    [
        np.full((280, 280), 255, dtype=np.uint8),
        np.zeros((280, 280, 4), dtype=np.uint8),
        np.full((1, 1, 3), 128, dtype=np.uint8),
    ],
)
def test_empty_sheet_says_so(sheet: Pixels) -> None:
    with pytest.raises(UsageError, match="The picture is blank"):
        to_mnist(sheet)


def test_one_pixel_is_something() -> None:
    dot = np.zeros((50, 50), dtype=np.uint8)
    dot[7, 9] = 255
    assert int((to_mnist(dot) > 0.5).sum()) == 400


def test_pictures_are_read_upright() -> None:
    picture = np.zeros((40, 20, 3), dtype=np.uint8)
    picture[:10] = 255
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side: to be turned by 90 degrees clockwise
    Image.fromarray(picture).save(buffer, format="PNG", exif=exif)
    upright = read_picture(buffer.getvalue())
    assert upright.shape == (20, 40, 4)
    np.testing.assert_array_equal(upright[:, 30:, :3], 255)
    np.testing.assert_array_equal(upright[:, :30, :3], 0)


def test_large_pictures_are_reduced() -> None:
    assert read_picture(png(np.zeros((2000, 3000), dtype=np.uint8))).shape == (667, 1000, 4)


def blank(width: int, height: int) -> bytes:
    """A PNG of 1 bit a pixel: a small file, however many pixels it has."""
    buffer = io.BytesIO()
    Image.new("1", (width, height)).save(buffer, format="PNG")
    return buffer.getvalue()


def test_as_many_pixels_as_are_allowed() -> None:
    assert MAX_PIXELS == 5000 * 5000
    assert read_picture(blank(5000, 5000)).shape == (1000, 1000, 4)


def in_scans(more: int) -> bytes:
    """A progressive JPEG that repeats one scan, in which nothing changes, `more` times."""
    buffer = io.BytesIO()
    Image.new("L", (64, 64), 255).save(buffer, format="JPEG", progressive=True)
    before, scan, last = buffer.getvalue().rpartition(SCAN)
    return before + (scan + last.removesuffix(END)) * (more + 1) + END


def test_scans_take_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as any program writes are read, and a picture of more is refused unread."""
    assert read_picture(in_scans(50)).shape == (64, 64, 4)
    monkeypatch.setattr(Image.Image, "convert", None)
    with pytest.raises(UsageError, match="more than 200 scans"):
        read_picture(in_scans(MAX_SCANS))


def test_chance_makes_no_scans() -> None:
    """Neither the numbers of a PNG nor what a camera appends, such as a film, are scans."""
    rng = np.random.default_rng(0)
    noise = png(rng.integers(0, 256, (900, 900, 4), dtype=np.uint8))
    assert read_picture(noise).shape == (900, 900, 4)
    assert read_picture(in_scans(0) + rng.bytes(4_900_000)).shape == (64, 64, 4)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not a picture"),
        (b"hello", "not a picture"),
        (png(np.zeros((100, 100), dtype=np.uint8))[:60], "not a picture"),
        ((5000, 5001), "more than 25,000,000 pixels"),
        ((10_000, 10_000), "more than 25,000,000 pixels"),
        ((10_000, 20_000), "more than 25,000,000 pixels"),
    ],
    ids=["empty", "text", "cut off", "large", "Pillow warns", "Pillow refuses"],
)
def test_what_is_not_a_picture_is_refused(data: bytes | tuple[int, int], sentence: str) -> None:
    if isinstance(data, tuple):
        data = blank(*data)  # too large to be made for each selection of tests
    with pytest.raises(UsageError, match=sentence):
        read_picture(data)
