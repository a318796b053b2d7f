"""The heat maps of the gate microscope, as HTML.

They are pictures without axes. The axes are text around them, which a phone and a screen reader can
show as well, and a line marks the step.
"""

import base64
from html import escape

import torch
from torch import Tensor

from toolkit.common import figures
from toolkit.lstm.microscope import Inside

MAX_LABELLED = 40  # steps; in longer sequences not every digit is written below its column
STRONG = 3.0  # beyond that tanh is flat: tanh 3 = 0.995
MIN_LOG_PRODUCT = -6.0  # log10; smaller products of forget gates have the colour of this one

# name -> title with its equation, what it does, lowest value, highest value, colour map
MAPS: dict[str, tuple[str, str, float, float, str]] = {
    "i": ("input gate (2)", "How much of g is written into the cell.", 0, 1, "viridis"),
    "g": ("input modulation (1)", "What would be written.", -1, 1, "RdBu_r"),
    "f": ("forget gate (3)", "How much of the old cell is kept.", 0, 1, "viridis"),
    "c": ("cell (5)", "What was kept plus what came in.", -STRONG, STRONG, "RdBu_r"),
    "o": ("output gate (4)", "How much of the cell is let out.", 0, 1, "viridis"),
    "h": ("hidden state (6)", "What is let out, and read at the next step.", -1, 1, "RdBu_r"),
}

PRODUCT = "f(2) \N{MULTIPLICATION SIGN} ... \N{MULTIPLICATION SIGN} f(t)"


def picture(image: figures.Picture | figures.Coloured, alt: str, kind: str = "") -> str:
    """A picture inside the HTML itself, so that no file is needed."""
    data = base64.b64encode(figures.to_png(image, compress_level=1)).decode()
    return f'<img class="{kind}" alt="{escape(alt)}" src="data:image/png;base64,{data}">'


def heat_map(
    name: str,
    values: Tensor,
    digits: Tensor,
    low: float,
    high: float,
    colours: str,
    caption: str,
    ends: tuple[str, str] | None = None,
) -> str:
    """A matrix (length, cells) as a picture with time from left to right, a scale and a caption.

    Args:
        values: float (length, cells).
        digits: int64 (length,), what was read at each step.
        low, high: the values that get the first and the last colour.
        colours: the name of one of matplotlib's colour maps.
        name, caption: what the picture shows, in plain text and in HTML.
        ends: the labels of the scale, in HTML, instead of `low` and `high`.
    """
    first, last = ends or [f"{x:g}".replace("-", "\N{MINUS SIGN}") for x in (low, high)]
    steps, cells = values.shape
    alt = (
        f"Heat map of {name}: {cells} cells from top to bottom, {steps:,} steps from left to "
        f"right. Smallest value {values.min():.2f}, mean {values.mean():.2f}, largest "
        f"{values.max():.2f}."
    )
    image = picture(
        figures.heat_map(values.t(), low, high, colours=colours), alt, "crisp" * (steps < 300)
    )
    ramp = figures.heat_map(torch.linspace(0, 1, 64)[None], 0, 1, colours=colours)
    kind = ""
    if steps <= MAX_LABELLED:
        kind = "each"
        time = "".join(f"<span>{digit}</span>" for digit in digits.tolist())
    else:
        ticks = [1, *(round(steps * k / 4) for k in (1, 2, 3)), steps]
        time = "".join(f"<span>{'t = ' * (k == 0)}{t:,}</span>" for k, t in enumerate(ticks))
    return (
        f'<figure class="map"><figcaption><span class="scale">{first} '
        f"{picture(ramp, 'to')} {last}</span>{caption}</figcaption>"
        f'<div class="frame">{image}<div class="cursor"></div></div>'
        f'<div class="time {kind}" aria-hidden="true">{time}</div></figure>'
    )


def gate_maps(gates: dict[str, Tensor], digits: Tensor, order: Tensor, change: bool = False) -> str:
    """Heat maps of i, g, f, c, o, h or of their changes, with the cells in this order."""
    maps = []
    for name, (title, words, low, high, colours) in MAPS.items():
        if change:
            low, high, colours = (-high, high, "RdBu_r")
            name, words = f"change of {name}", ""
        maps.append(
            heat_map(
                f"{name}, the {title}",
                gates[name[-1]][:, order],
                digits,
                low,
                high,
                colours,
                f"<strong>{name}</strong> {title}. {words}",
            )
        )
    return "".join(maps)


def over_time(inside: Inside, order: Tensor) -> str:
    """Eight heat maps over time, with the cells in this order."""
    survival = heat_map(
        "log10 of the product of forget gates since step 1",
        inside.survival[:, order].clamp(min=-308),
        inside.digits,
        MIN_LOG_PRODUCT,
        0,
        "viridis",
        f"<strong>{PRODUCT}</strong> Share of c(1) left in c(t), by (5).",
        ("10<sup>\N{MINUS SIGN}6</sup>", "1"),
    )
    held = heat_map(
        "how firmly each cell holds the first digit",
        inside.held[:, order],
        inside.digits,
        0,
        1,
        "viridis",
        "<strong>held</strong> How firmly a cell holds the first digit; see below.",
    )
    steps = len(inside.digits)
    note = (
        f"<p>Each column of a picture is the mean of about {steps / 1000:.1f} steps.</p>"
        if steps > 1000
        else ""
    )
    maps = gate_maps(inside.gates, inside.digits, order)
    return f'{note}<div class="maps">{maps}{survival}{held}</div>'


def changes(changed: dict[str, Tensor], digits: Tensor, order: Tensor) -> str:
    """Six heat maps of what an edit changed."""
    return f'<div class="maps">{gate_maps(changed, digits, order, change=True)}</div>'
