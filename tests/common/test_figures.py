"""Pictures, read back by imageio."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import torch
from PIL import Image
from torchvision.utils import make_grid

from toolkit.common import figures
from toolkit.common.record import Spread


def test_sheet_equals_torchvision(tmp_path: Path) -> None:
    images = torch.rand(25, 1, 28, 28)
    theirs = make_grid(images, nrow=5, padding=2, pad_value=0.25)[0, 1:-1, 1:-1]
    theirs = (theirs * 255).round().byte().numpy()
    figures.save_png(tmp_path / "a.png", figures.sheet(images, columns=5, scale=1))
    np.testing.assert_array_equal(iio.imread(tmp_path / "a.png"), theirs)


def test_last_row_of_a_sheet_may_be_short() -> None:
    sheet = figures.sheet(torch.ones(7, 1, 28, 28), columns=5, scale=1)
    assert sheet.shape == (60, 150)
    assert sheet[45, 15] == 255
    assert sheet[45, 105] == 0


def test_gif_there_and_back_for_ever(tmp_path: Path) -> None:
    frames = torch.linspace(0, 1, 9).view(9, 1, 1, 1).expand(9, 1, 28, 28)
    (tmp_path / "a.gif").write_bytes(figures.to_gif(frames, milliseconds=150))
    film = iio.imread(tmp_path / "a.gif")
    assert film.shape[:3] == (16, 168, 168)
    brightness = film[..., 0].mean(axis=(1, 2))
    np.testing.assert_allclose(brightness[:9], np.linspace(0, 255, 9), atol=2)
    np.testing.assert_allclose(brightness[9:], brightness[7:0:-1], atol=1)
    properties = iio.immeta(tmp_path / "a.gif")
    assert properties["duration"] == 150
    assert properties["loop"] == 0


def test_film_rests_on_its_last_frame(tmp_path: Path) -> None:
    frames = [np.full((20, 30), value, dtype=np.uint8) for value in (0, 100, 200)]
    figures.save_film(tmp_path / "a.gif", frames, milliseconds=150)
    film = iio.imread(tmp_path / "a.gif")
    np.testing.assert_allclose(film[..., 0].mean(axis=(1, 2)), [0, 100, 200], atol=2)
    with Image.open(tmp_path / "a.gif") as image:
        shown = []
        for frame in range(3):
            image.seek(frame)
            shown.append(image.info["duration"])
        assert shown == [150, 150, 2000]
        assert image.info["loop"] == 0


def test_pictures_are_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        figures.save_curves(
            tmp_path / f"{name}.png",
            {"curve": ([1, 2], [0.1, 0.9])},
            title="t",
            x_label="x",
            y_label="y",
            level=("chance", 0.1),
        )
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert iio.imread(tmp_path / "a.png").std() > 10  # something is drawn


def test_level_and_point_show_their_standard_deviation(tmp_path: Path) -> None:
    """The band and the error bar are drawn: with a wider spread, more of the picture is ink."""
    ink = []
    for name, sd in (("none", None), ("narrow", 0.05), ("wide", 0.2)):
        figures.save_curves(
            tmp_path / f"{name}.png",
            {"curve": ([1, 2], [0.0, 1.0])},
            title="t",
            x_label="x",
            y_label="y",
            level=("real images", Spread(0.5, sd, 5)),
            points={"at the end": (1.5, Spread(0.3, sd, 5))},
        )
        ink.append((iio.imread(tmp_path / f"{name}.png")[..., :3] < 250).mean())
    assert ink[0] < ink[1] < ink[2]


def test_panels(tmp_path: Path) -> None:
    """Four panels in two rows of three; the places that are left over are blank."""
    curve = figures.Ranged([5, 100], [0.2, 0.6], [0.1, 0.5], [0.3, 0.9], "C0")
    panels = {f"question {n}": {"a": curve, "b": curve} for n in range(4)}
    figures.save_panels(tmp_path / "a.png", panels, x_label="x", y_label="y", level=("chance", 0.1))
    picture = iio.imread(tmp_path / "a.png")[..., :3]
    height, width, _ = picture.shape
    assert (picture[: height // 2, 2 * width // 3 :] < 250).any()
    assert not (picture[height // 2 + 40 :, width // 2 :] < 250).any()
