"""The README's pictures of the demos are what Chromium shows: `make pictures` takes them again.

Without it the committed picture is compared with the page of today: coarsely, since fonts differ
from machine to machine, and without the pictures in it, which change with the trained files.
"""

import os
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest

from .chromium import expect, visit
from .conftest import ROOT

CELL = 20  # pixels; what is smaller is not compared
CLOSE = 6.0  # of 255, on average


def photograph(page: Any, name: str) -> None:
    """Write `docs/NAME.png`, or compare it with the page."""
    page.mouse.move(0, 0)
    page.wait_for_function("() => document.getAnimations().length === 0")  # nothing fades any more
    path = ROOT / "docs" / f"{name}.png"
    taken = page.screenshot(animations="disabled")
    if os.environ.get("WRITE_PICTURES"):
        path.write_bytes(taken)
    then, now = iio.imread(path)[..., :3], iio.imread(taken)[..., :3]
    assert then.shape == now.shape
    for image in page.locator("main :is(img, canvas):visible").all():
        box = image.bounding_box()
        top, left = int(box["y"]), int(box["x"])
        for picture in (then, now):
            picture[top : top + int(box["height"]), left : left + int(box["width"])] = 0
    difference = np.abs(coarse(then) - coarse(now)).mean()
    assert difference < CLOSE, f"{path} is out of date; `make pictures` takes it again"


def coarse(picture: np.ndarray) -> np.ndarray:
    """The mean of each cell of CELL x CELL pixels."""
    rows, columns = (side // CELL for side in picture.shape[:2])
    return picture.reshape(rows, CELL, columns, CELL, 3).mean(axis=(1, 3))


@pytest.mark.slow
@pytest.mark.xdist_group("gan_demo")
def test_gan_demo(browser: Any, gan_page: str) -> None:
    """The first screen: halfway between two samples, through z and with pixels mixed."""
    with visit(browser, gan_page, height=800) as page:
        expect(page.locator(".ways .said").last).to_contain_text("D: ")
        page.wait_for_load_state("networkidle")  # the classes of the plane are there
        photograph(page, "gan_demo")


@pytest.mark.slow
@pytest.mark.xdist_group("digit_demo")
def test_digit_demo(browser: Any, digit_page: str) -> None:
    """The first screen: a network that fails beside two that do not."""
    with visit(browser, digit_page, height=800) as page:
        expect(page.locator(".end.bad")).to_have_count(1)
        photograph(page, "digit_demo")
