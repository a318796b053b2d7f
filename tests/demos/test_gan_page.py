"""The latent studio as a visitor sees it, in Chromium."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest

from .chromium import PHONE, close_messages, expect, faint_texts, visit

pytestmark = pytest.mark.xdist_group("gan_demo")
HEIGHT = 1140


@pytest.fixture(scope="module")
def window(browser: Any, gan_page: str) -> Iterator[Any]:
    with visit(browser, gan_page, HEIGHT) as page:
        expect(page.locator(".tile")).to_have_count(25)
        yield page


@pytest.fixture
def page(window: Any) -> Any:
    """The first tab of the page that all tests share, with what they left in its fields."""
    close_messages(window)
    window.get_by_role("tab", name="Generate and walk").click()
    window.get_by_role("tab", name="From sample to sample").click()
    return window


def pictures(page: Any) -> list[str]:
    return [tile.get_attribute("src") for tile in page.locator(".tile img").all()]


def decoded(data_uri: str) -> np.ndarray:
    return iio.imread(base64.b64decode(data_uri.removeprefix("data:image/png;base64,")))


def film(page: Any) -> Any:
    return page.locator("#gan-film img")


def test_other_samples(page: Any) -> None:
    before, seed = pictures(page), page.get_by_label("Seed").input_value()
    page.get_by_role("button", name="Other samples").click()
    expect(page.locator(".tile img").first).not_to_have_attribute("src", before[0])
    after = pictures(page)
    assert len(set(before) | set(after)) == 50
    assert page.get_by_label("Seed").input_value() != seed


def test_more_of_a_class_and_back(page: Any) -> None:
    before = pictures(page)
    page.get_by_label("7", exact=True).check()
    expect(page.locator(".tile .digit", has_text="7")).to_have_count(25)
    page.get_by_label("any", exact=True).check()
    expect(page.locator(".tile img").first).to_have_attribute("src", before[0])
    assert pictures(page) == before


def test_click_two_and_walk_and_download(page: Any, tmp_path: Path) -> None:
    """The GIF is the walk between the two tiles that were clicked, as a decoder sees it."""
    tiles = page.locator(".tile")
    tiles.nth(6).click()
    expect(page.get_by_label("To sample")).to_have_value("7")
    tiles.nth(12).click()
    expect(page.get_by_label("From sample")).to_have_value("7")
    expect(page.get_by_label("To sample")).to_have_value("13")
    expect(page.locator('.tile[aria-pressed="true"]')).to_have_count(2)
    expect(tiles.nth(6)).to_have_attribute("data-end", "from")
    expect(tiles.nth(12)).to_have_attribute("data-end", "to")
    page.get_by_label("number input for Frames").fill("12")
    page.get_by_label("linear").check()
    before = film(page).get_attribute("src")
    page.get_by_role("button", name="Walk", exact=True).click()
    expect(film(page)).not_to_have_attribute("src", before)
    expect(page.get_by_text("in 12 frames, linear")).to_be_visible()
    with page.expect_download() as downloading:
        page.get_by_text("Download the GIF").click()
    downloading.value.save_as(tmp_path / "walk.gif")
    assert downloading.value.suggested_filename.endswith(".gif")
    frames = iio.imread(tmp_path / "walk.gif")
    assert len(frames) == 22
    for frame, tile in ((0, 6), (11, 12)):
        content = page.locator(".tile img").nth(tile).get_attribute("src")
        assert np.array_equal(frames[frame][::6, ::6, 0], decoded(content))


def test_walk_between_classes(page: Any) -> None:
    page.get_by_label("number input for Frames").fill("24")
    page.get_by_role("tab", name="From class to class").click()
    before = film(page).get_attribute("src")
    page.get_by_role("button", name="Walk", exact=True).click()
    expect(film(page)).not_to_have_attribute("src", before)
    expect(page.get_by_text("From 3 to 8 in 24 frames")).to_be_visible()


def test_keyboard_alone(page: Any) -> None:
    """Tab reaches a tile, Enter and the space bar choose it, and the focus can be seen."""
    tile = page.locator(".tile").nth(3)
    tile.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("To sample")).to_have_value("4")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("To sample")).to_have_value("5")
    expect(page.locator(".tile").nth(4)).to_be_focused()
    width = page.locator(".tile").nth(4).evaluate("e => getComputedStyle(e).outlineWidth")
    assert width == "3px"


def test_names_for_a_screen_reader(page: Any) -> None:
    """Each control has a name and each picture a text, in words, not in numbers only."""
    label = page.locator(".tile").first.get_attribute("aria-label")
    assert label.startswith("Sample 1: a ")
    assert label.endswith("% real")
    for picture in page.locator("main img:visible").all():
        inside_tile = picture.evaluate("e => e.closest('.tile') !== null")
        assert inside_tile == (picture.get_attribute("alt") == "")
    for control in page.locator("main :is(button, input):visible").all():
        name = control.evaluate(
            "e => e.getAttribute('aria-label') || e.innerText || e.title"
            " || e.querySelector('img')?.alt"
            " || [...(e.labels || [])].map(l => l.innerText).join()"
        )
        assert name.strip(), control.evaluate("e => e.outerHTML")


def test_contrast(page: Any) -> None:
    assert faint_texts(page) == []


def test_in_the_dark_and_on_a_phone(browser: Any, gan_page: str) -> None:
    with visit(browser, gan_page, HEIGHT, scheme="dark") as page:
        expect(page.locator(".tile")).to_have_count(25)
        assert faint_texts(page) == []
        page.set_viewport_size({"width": PHONE, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE
        assert page.locator(".tile").first.bounding_box()["width"] >= 44  # a finger


def test_uploads(page: Any, tmp_path: Path) -> None:
    """A text, a digit, and a file that is too large."""
    page.get_by_role("tab", name="Discriminator").click()
    chooser = page.locator("input[type=file]")
    (tmp_path / "text.png").write_text("This is a text.")
    chooser.set_input_files(tmp_path / "text.png")
    expect(page.get_by_text("The file is not a picture")).to_be_visible()
    page.get_by_label("Remove Image").click()
    one = np.zeros((28, 28), dtype=np.uint8)
    one[4:24, 13:15] = 255
    iio.imwrite(tmp_path / "one.png", one)
    page.locator("input[type=file]").set_input_files(tmp_path / "one.png")
    expect(page.get_by_text("generated", exact=True).first).to_be_visible()
    expect(page.get_by_alt_text("The uploaded picture in 28 x 28 pixels.")).to_be_visible()

    page.get_by_label("Remove Image").click()
    (tmp_path / "large.png").write_bytes(bytes(6_000_000))
    page.locator("input[type=file]").set_input_files(tmp_path / "large.png")
    expect(page.get_by_text("maximum").first).to_be_visible()


def test_a_mistake_is_a_message_and_the_next_click_works(page: Any) -> None:
    page.get_by_label("From sample").fill("1")
    page.get_by_label("To sample").fill("1")
    expect(page.locator('.tile[aria-pressed="true"]')).to_have_count(1)
    page.get_by_role("button", name="Walk", exact=True).click()
    expect(page.get_by_text("Choose two different samples")).to_be_visible()
    page.get_by_label("To sample").fill("9")
    before = film(page).get_attribute("src")
    page.get_by_role("button", name="Walk", exact=True).click()
    expect(film(page)).not_to_have_attribute("src", before)
