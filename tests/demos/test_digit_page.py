"""The digit demo's page in Chromium: type, slide, edit and draw as a student does."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from .contrast import faint_texts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """A busy machine may take long to answer."""
    expect.set_options(timeout=30_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def page(browser: Browser, digit_page: str) -> Iterator[Page]:
    """The page as it stands after loading; it must never have asked another machine."""
    opened = browser.new_page(viewport={"width": 1280, "height": 1000})
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(digit_page)
    expect(opened.locator("#maps figure")).to_have_count(8)
    yield opened
    opened.close()
    assert [url for url in asked if not url.startswith((digit_page, "data:", "blob:"))] == []


def read(page: Page, digits: str) -> None:
    page.get_by_label("Digits (T").fill(digits)
    page.get_by_role("button", name="Read these digits").click()


def test_type_digits(page: Page) -> None:
    read(page, "8, 1 2\n1")
    expect(page.locator("#verdict")).to_contain_text("digit 5 must be digit 1 again: 8")
    expect(page.locator("#maps .each").first).to_have_text("8121")
    read(page, "8123")
    expect(page.locator("#verdict")).to_contain_text("are not the first 4 digits of a palindrome")
    page.get_by_label("Digits (T").fill("77")
    page.get_by_label("Digits (T").press("Enter")
    expect(page.locator("#verdict")).to_contain_text("digit 3 must be digit 1 again: 7")


def test_generate_and_slide(page: Page) -> None:
    page.get_by_label("Length T").fill("1000")
    page.get_by_role("button", name="Read a random palindrome").click()
    expect(page.locator("#verdict")).to_contain_text("begin a palindrome of T = 1,000")
    expect(page.locator("#now")).to_contain_text("After step 999 of 999")
    slider = page.get_by_label("range slider for Step t")
    slider.focus()
    slider.press("ArrowLeft")
    expect(page.locator("#now")).to_contain_text("After step 998 of 999")
    page.get_by_label("number input for Step t").fill("250")
    expect(page.locator("#now")).to_contain_text("After step 250 of 999")
    frame = page.locator("#maps .frame").first.bounding_box()
    cursor = page.locator("#maps .cursor").first.bounding_box()
    assert frame is not None
    assert cursor is not None
    assert (cursor["x"] - frame["x"]) / frame["width"] == pytest.approx(249.5 / 999, abs=0.005)


def test_edit(page: Page) -> None:
    page.get_by_label("number input for Its new value").fill("9")
    page.get_by_role("button", name="Change it").click()
    expect(page.locator("#predictions")).to_contain_text("Digit 1: 3 becomes 9.")
    row = page.locator("#predictions tr", has_text="LSTM")
    expect(row).to_have_text(re.compile(r"LSTM3 \([\d.]+%\)9 \([\d.]+%\)changed"))
    expect(page.locator("#changes figure")).to_have_count(6)


def test_draw_with_the_mouse(page: Page) -> None:
    page.get_by_role("tab", name="Draw a digit").click()
    label = page.locator("[data-testid=label-output-value]")
    draw(page, [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)])
    expect(label).to_have_text("7")
    expect(page.locator("#seen img")).to_have_attribute("alt", re.compile("classifier"))
    page.get_by_role("button", name="Clear").click()
    expect(label).to_have_count(0)
    page.get_by_role("button", name="What is it?").click()
    expect(page.locator(".toast-body")).to_contain_text("The pad is empty")
    draw(page, [(0.5, 0.15), (0.5, 0.85)])
    expect(label).to_have_text("1")


def draw(page: Page, points: list[tuple[float, float]]) -> None:
    """A stroke through points, given as shares of the pad's width and height."""
    canvas = page.locator("#pad canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    (first, *rest) = [
        (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points
    ]
    page.mouse.move(*first)
    page.mouse.down()
    for point in rest:
        page.mouse.move(*point, steps=8)
    page.mouse.up()


def test_upload(page: Page, tmp_path: Path) -> None:
    page.get_by_role("tab", name="Draw a digit").click()
    (tmp_path / "seven.png").write_text("I am a seven")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="or choose a picture").click()
    chooser.value.set_files(tmp_path / "seven.png")
    expect(page.locator(".toast-body")).to_contain_text("not a picture")


def test_mistakes_are_explained_and_the_next_request_works(page: Page) -> None:
    read(page, "12x")
    expect(page.locator(".toast-body")).to_contain_text("Character 3 is 'x'")
    read(page, "122")
    expect(page.locator("#verdict")).to_contain_text("These 3 digits")


def test_phone(browser: Browser, digit_page: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(digit_page)
    expect(page.locator("#maps figure")).to_have_count(8)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    page.reload()
    expect(page.locator("#maps figure")).to_have_count(8)
    assert faint_texts(page) == []
    page.get_by_role("tab", name="Draw a digit").click()
    draw(page, [(0.5, 0.15), (0.5, 0.85)])
    expect(page.locator("#seen")).to_contain_text("What the classifier sees")
    assert faint_texts(page) == []


def test_every_picture_and_control_has_a_name(page: Page) -> None:
    unnamed = page.evaluate(
        """[...document.querySelectorAll("input, textarea, button, canvas")].filter(
            (e) => e.checkVisibility() && !e.labels?.length && !e.ariaLabel && !e.innerText.trim()
        ).map((e) => e.outerHTML)"""
    )
    assert unnamed == []
    for image in page.locator("img").all():
        assert image.get_attribute("alt")
