"""The gate microscope in Chromium: type, slide, edit and draw as a student does."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .chromium import PHONE, close_messages, expect, faint_texts, visit

pytestmark = pytest.mark.xdist_group("digit_demo")


@pytest.fixture(scope="module")
def window(browser: Any, digit_page: str) -> Iterator[Any]:
    with visit(browser, digit_page) as page:
        expect(page.locator("#maps figure")).to_have_count(8)
        yield page


@pytest.fixture
def page(window: Any) -> Any:
    """The first tab of the page that all tests share, with what they left in its fields."""
    close_messages(window)
    window.get_by_role("tab", name="Palindromes").click()
    return window


def read(page: Any, digits: str) -> None:
    page.get_by_label("Digits (T").fill(digits)
    page.get_by_role("button", name="Read these digits").click()


def test_type_digits(page: Any) -> None:
    read(page, "8, 1 2\n1")
    expect(page.locator("#verdict")).to_contain_text("digit 5 must be digit 1 again: 8")
    expect(page.locator("#maps .each").first).to_have_text("8121")
    read(page, "8123")
    expect(page.locator("#verdict")).to_contain_text("are not the first 4 digits of a palindrome")
    page.get_by_label("Digits (T").fill("77")
    page.get_by_label("Digits (T").press("Enter")
    expect(page.locator("#verdict")).to_contain_text("digit 3 must be digit 1 again: 7")


def test_generate_and_slide(page: Any) -> None:
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


def test_edit(page: Any) -> None:
    read(page, "31415141")
    expect(page.locator("#maps .each").first).to_have_text("31415141")
    page.get_by_label("number input for Its new value").fill("9")
    page.get_by_role("button", name="Change it").click()
    expect(page.locator("#predictions")).to_contain_text("Digit 1: 3 becomes 9.")
    row = page.locator("#predictions tr", has_text="LSTM")
    expect(row).to_have_text(re.compile(r"LSTM3 \([\d.]+%\)9 \([\d.]+%\)changed"))
    expect(page.locator("#changes figure")).to_have_count(6)


def test_draw_with_the_mouse(page: Any) -> None:
    page.get_by_role("tab", name="Draw a digit").click()
    label = page.locator("[data-testid=label-output-value]")
    page.get_by_role("button", name="Clear").click()
    draw(page, [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)])
    expect(label).to_have_text("7")
    expect(page.locator("#seen img")).to_have_attribute("alt", re.compile("classifier"))
    page.get_by_role("button", name="Clear").click()
    expect(label).to_have_count(0)
    page.get_by_role("button", name="What is it?").click()
    expect(page.locator(".toast-body")).to_contain_text("The pad is empty")
    draw(page, [(0.5, 0.15), (0.5, 0.85)])
    expect(label).to_have_text("1")


def draw(page: Any, points: list[tuple[float, float]]) -> None:
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


def test_upload(page: Any, tmp_path: Path) -> None:
    page.get_by_role("tab", name="Draw a digit").click()
    (tmp_path / "seven.png").write_text("I am a seven")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="or choose a picture").click()
    chooser.value.set_files(tmp_path / "seven.png")
    expect(page.locator(".toast-body")).to_contain_text("not a picture")


def test_mistakes_are_explained_and_the_next_request_works(page: Any) -> None:
    read(page, "12x")
    expect(page.locator(".toast-body")).to_contain_text("Character 3 is 'x'")
    read(page, "122")
    expect(page.locator("#verdict")).to_contain_text("These 3 digits")


def test_contrast(page: Any) -> None:
    assert faint_texts(page) == []
    assert faint_texts_of_the_drawing(page) == []


def test_in_the_dark_and_on_a_phone(browser: Any, digit_page: str) -> None:
    with visit(browser, digit_page, width=PHONE, height=844, scheme="dark") as page:
        expect(page.locator("#maps figure")).to_have_count(8)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
        assert faint_texts(page) == []
        assert faint_texts_of_the_drawing(page) == []


def faint_texts_of_the_drawing(page: Any) -> list[str]:
    """Those beside a digit on the pad."""
    page.get_by_role("tab", name="Draw a digit").click()
    draw(page, [(0.5, 0.15), (0.5, 0.85)])
    expect(page.locator("#seen")).to_contain_text("What the classifier sees")
    return faint_texts(page)


def test_every_picture_and_control_has_a_name(page: Any) -> None:
    unnamed = page.evaluate(
        """[...document.querySelectorAll("input, textarea, button, canvas")].filter(
            (e) => e.checkVisibility() && !e.labels?.length && !e.ariaLabel && !e.innerText.trim()
        ).map((e) => e.outerHTML)"""
    )
    assert unnamed == []
    for image in page.locator("img").all():
        assert image.get_attribute("alt")
