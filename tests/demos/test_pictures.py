"""The README's pictures of the demos are what Chromium shows: `make pictures` writes them anew.

Without it the committed picture is compared with the page of today, coarsely, since fonts differ
from machine to machine and a film is caught at any of its frames.
"""

import os
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest

from .conftest import ROOT

WIDTH, HEIGHT = 1280, 1100
CELL = 20  # pixels; what is smaller is not compared
CLOSE = 6.0  # of 255, on average


def photograph(page: Any, name: str) -> None:
    """Write `docs/NAME.png`, or compare it with the page."""
    path = ROOT / "docs" / f"{name}.png"
    taken = page.screenshot(animations="disabled")
    if os.environ.get("WRITE_PICTURES"):
        path.write_bytes(taken)
    then, now = iio.imread(path)[..., :3], iio.imread(taken)[..., :3]
    assert then.shape == now.shape == (HEIGHT, WIDTH, 3)
    difference = np.abs(coarse(then) - coarse(now)).mean()
    assert difference < CLOSE, f"{path} is out of date; `make pictures` takes it again"


def coarse(picture: np.ndarray) -> np.ndarray:
    """The mean of each cell of CELL x CELL pixels."""
    rows, columns = HEIGHT // CELL, WIDTH // CELL
    return picture.reshape(rows, CELL, columns, CELL, 3).mean(axis=(1, 3))


@pytest.mark.slow
def test_gan_demo(browser: Any, gan_page: str) -> None:
    """Between two samples that a visitor has clicked."""
    expect = pytest.importorskip("playwright.sync_api").expect
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.set_default_timeout(30_000)
    page.goto(gan_page)
    page.locator(".tile").nth(10).click()
    expect(page.get_by_label("To sample")).to_have_value("11")
    page.locator(".tile").nth(2).click()
    expect(page.get_by_label("To sample")).to_have_value("3")
    before = page.locator("#gan-film img").get_attribute("src")
    page.get_by_role("button", name="Walk", exact=True).click()
    expect(page.locator("#gan-film img")).not_to_have_attribute("src", before)
    expect(page.get_by_text("From 6 to 3")).to_be_visible()
    page.mouse.move(0, 0)
    page.wait_for_timeout(1000)  # until the last highlight has faded
    photograph(page, "gan_demo")
    page.close()
