"""Visits to a page in Chromium, and whether its texts can be read."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import pytest

from ..conftest import NEEDS_PLAYWRIGHT, PATIENCE

expect = pytest.importorskip("playwright.sync_api", reason=NEEDS_PLAYWRIGHT).expect
expect.set_options(timeout=PATIENCE)
WIDTH, PHONE = 1280, 390


@contextlib.contextmanager
def visit(
    browser: Any, url: str, height: int = 1140, width: int = WIDTH, scheme: str = "light"
) -> Iterator[Any]:
    """A page of its own; at the end no script has failed and nothing came from elsewhere."""
    page = browser.new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: trouble.append(request.url) if foreign(request) else None)

    def foreign(request: Any) -> bool:
        return not request.url.startswith((re.split("[?#]", url)[0], "data:", "blob:"))

    try:
        page.goto(url)
        yield page
    finally:
        page.close()
    assert trouble == []


def close_messages(page: Any) -> None:
    """Close what earlier mistakes have left on the page."""
    for button in page.locator(".toast-close").all():
        button.click()
    expect(page.locator(".toast-body")).to_have_count(0)


# The contrast of each text with the nearest opaque background (WCAG 2.2, 1.4.3).
CONTRAST = """() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = colour => numbers(colour).slice(0, 3).map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  const background = element => {
    const bar = element.parentElement.querySelector('i');  // it lies below the text on it
    for (let e = bar || element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if ((numbers(colour)[3] ?? 1) === 1) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint = [];
  for (const e of document.querySelectorAll('main *')) {
    const text = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.textContent.trim());
    if (!text.join('') || !e.checkVisibility()) continue;
    const [a, b] = [getComputedStyle(e).color, background(e)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(`${text.join(' ')}: ${ratio.toFixed(2)}`);
  }
  return faint;
}"""


def faint_texts(page: Any) -> list[str]:
    """The visible texts whose contrast is below 4.5, with it."""
    faint: list[str] = page.evaluate(CONTRAST)
    return faint
