"""Whether a page's texts can be read."""

from typing import Any

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
