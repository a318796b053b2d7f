"""The pieces of HTML that the digit demo shows: heat maps, tables, sentences.

Heat maps are pictures without axes; the page draws the axes as text round them, which stays
readable on a phone and to a screen reader, and a line that marks the step.
"""

import base64
from collections.abc import Iterable, Iterator
from html import escape

import torch
from torch import Tensor

from toolkit import figures
from toolkit.lstm.microscope import GATES, Inside

FEW = 40  # up to so many steps each has its digit written below it
CELLS_LISTED = 8
STRONG = 3.0  # tanh is flat beyond: tanh 3 = 0.995
LEAST = -6.0  # log10 of the smallest product of forget gates that has a colour of its own

# name -> what it is, what it does, in a student's words; lowest and highest value, colours
MAPS: dict[str, tuple[str, str, float, float, str]] = {
    "i": ("input gate (2)", "How much of g is written into the cell.", 0, 1, "viridis"),
    "g": ("input modulation (1)", "What would be written.", -1, 1, "RdBu_r"),
    "f": ("forget gate (3)", "How much of the old cell is kept.", 0, 1, "viridis"),
    "c": (
        "cell (5)",
        "The memory: what was kept plus what came in.",
        -STRONG,
        STRONG,
        "RdBu_r",
    ),
    "o": ("output gate (4)", "How much of the cell is let out.", 0, 1, "viridis"),
    "h": ("hidden state (6)", "What is let out, and read at the next step.", -1, 1, "RdBu_r"),
}

PRODUCT = "f(2) \N{MULTIPLICATION SIGN} ... \N{MULTIPLICATION SIGN} f(t)"


def picture(image: figures.Picture | figures.Coloured, alt: str, kind: str = "") -> str:
    """A picture inside the page itself, so that no file is left behind."""
    data = base64.b64encode(figures.to_png(image, compress_level=1)).decode()
    return f'<img class="{kind}" alt="{escape(alt)}" src="data:image/png;base64,{data}">'


def answers(digits: Tensor, broken: int | None, predictions: dict[str, Tensor]) -> str:
    """The predictions beside the palindrome rule.

    Args:
        digits: int64 (T - 1,).
        broken: see `toolkit.lstm.data.broken_mirror`.
        predictions: name of the network -> ten probabilities.
    """
    first, length = int(digits[0]), len(digits) + 1
    if broken is None:
        rule = (
            f"These {length - 1:,} digits begin a palindrome of T = {length:,}, which reads the "
            f"same from both ends. So digit {length:,} must be digit 1 again: {first}."
        )
    else:
        mirror = length + 1 - broken
        rule = (
            f"These are <strong>not</strong> the first {length - 1:,} digits of a palindrome of "
            f"T = {length:,}: digit {broken:,} is {int(digits[broken - 1])}, but its mirror, digit "
            f"{mirror:,}, is {int(digits[mirror - 1])}. So no answer is right. The networks have "
            f"never met such digits; the rule <em>repeat the first digit</em> would say {first}."
        )
    boxes = "".join(
        f'<div class="{"yes" if digit == first else "no"}">{name}<b>{digit}</b>'
        f"{probability:.1%} sure, {'agrees' if digit == first else 'does not agree'}</div>"
        for name, (digit, probability) in ((name, top(p)) for name, p in predictions.items())
    )
    return (
        f'<div role="status"><p>{rule}</p><div class="answers"><div class="yes">rule<b>{first}</b>'
        f"the first digit</div>{boxes}</div></div>{bars(predictions)}"
    )


def bars(predictions: dict[str, Tensor]) -> str:
    """A table of ten probabilities, a bar behind each."""
    rows = "".join(
        f'<tr><th scope="row">{digit}</th>'
        + "".join(
            f'<td style="background: linear-gradient(to right, rgb(249 115 22 / .45) {p[digit]:.1%}'
            f', transparent {p[digit]:.1%})">{p[digit]:.2%}</td>'
            for p in predictions.values()
        )
        + "</tr>"
        for digit in range(10)
    )
    return table(("", *predictions), rows, "Probability of each digit, by (8)", "bars")


def table(heads: Iterable[object], rows: str, caption: str, kind: str = "") -> str:
    """A table, `caption` above it, that can be scrolled sideways where it is too wide."""
    columns = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return (
        f'<p>{caption}</p><div class="wide" tabindex="0" role="region" aria-label="{caption}">'
        f'<table class="{kind}"><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>'
        "</div>"
    )


def top(probabilities: Tensor) -> tuple[int, float]:
    """The likeliest digit and its probability."""
    digit = int(probabilities.argmax())
    return digit, float(probabilities[digit])


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
        name, caption: what it shows, in plain text and in HTML.
        ends: what to write beside the scale instead of `low` and `high`.
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
    if steps <= FEW:
        time = "".join(f"<span>{digit}</span>" for digit in digits.tolist())
    else:
        ticks = [1, *(round(steps * k / 4) for k in (1, 2, 3)), steps]
        time = "".join(f"<span>{'t = ' * (k == 0)}{t:,}</span>" for k, t in enumerate(ticks))
    return (
        f'<figure class="map"><figcaption><span class="scale">{first} '
        f"{picture(ramp, 'to')} {last}</span>{caption}</figcaption>"
        f'<div class="frame">{image}<div class="cursor"></div></div>'
        f'<div class="time {"each" * (steps <= FEW)}" aria-hidden="true">{time}</div></figure>'
    )


def gate_maps(gates: dict[str, Tensor], digits: Tensor, order: Tensor, change: bool = False) -> str:
    """The six maps of i, g, f, c, o, h, the cells in this order, or of their changes."""
    drawn = []
    for name, (title, words, low, high, colours) in MAPS.items():
        if change:
            low, high, colours = (-high, high, "RdBu_r")
            name, words = f"change of {name}", ""
        drawn.append(
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
    return "".join(drawn)


def microscope(inside: Inside, order: Tensor) -> str:
    """Eight heat maps over time, the cells in this order."""
    survival = heat_map(
        "log10 of the product of forget gates since step 1",
        inside.survival[:, order].clamp(min=-308),
        inside.digits,
        LEAST,
        0,
        "viridis",
        f"<strong>{PRODUCT}</strong> What is left of c(1) in c(t), by (5).",
        ("10<sup>\N{MINUS SIGN}6</sup>", "1"),
    )
    held = heat_map(
        "how firmly each cell holds the first digit",
        inside.held[:, order],
        inside.digits,
        0,
        1,
        "viridis",
        "<strong>held</strong> How firmly a cell holds the first digit: see below.",
    )
    steps = len(inside.digits)
    note = (
        f"<p>A column of a picture is the mean of about {steps / 1000:.1f} steps.</p>"
        if steps > 1000
        else ""
    )
    maps = gate_maps(inside.gates, inside.digits, order)
    return f'{note}<div class="maps">{maps}{survival}{held}</div>'


def changes(changed: dict[str, Tensor], digits: Tensor, order: Tensor) -> str:
    """Six heat maps of what an edit changed."""
    return f'<div class="maps">{gate_maps(changed, digits, order, change=True)}</div>'


def step(inside: Inside, now: int) -> str:
    """What the cells hold at step `now`, counted from 1: sentences and a table."""
    steps, cells = inside.held.shape
    product = 10 ** inside.survival[now - 1]
    held = inside.held[now - 1]
    rows = []
    listed = inside.firmest(now - 1)[:CELLS_LISTED]
    for cell, values in zip(
        listed.tolist(), shaded(inside.shown[:, now - 1, listed].t()), strict=True
    ):
        numbers = "".join(f"<td>{float(inside.gates[n][now - 1, cell]):.2f}</td>" for n in GATES)
        rows.append(
            f'<tr><th scope="row">{cell}</th><td>{held[cell]:.2f}</td>'
            f"<td>{product[cell]:.2g}</td>{values}{numbers}</tr>"
        )
    heads = ("cell", "held", "\N{N-ARY PRODUCT}f", *range(10), *GATES)
    caption = (
        f"The {CELLS_LISTED} firmest cells at this step. \N{N-ARY PRODUCT}f: {PRODUCT}. Under 0 to "
        "9: tanh c(t), had that been the first digit. i to h: their values for your digits."
    )
    firm = int((held > 0.5).sum())
    kept = int((product > 0.5).sum())
    story = (
        f"After step <strong>{now:,}</strong> of {steps:,}, which reads a "
        f"{int(inside.digits[now - 1])}: <strong>{firm}</strong> of {cells} cells hold the first "
        f"digit firmly (<em>held</em> above 0.5), but in <strong>{kept}</strong> has the product "
        f"of forget gates stayed above 0.5; the largest is {float(product.max()):.2g}."
    )
    if firm > 0 and float(product.max()) < 0.5:
        story += (
            " So the digit does not survive as the value written at step 1. It is written again "
            "and again: h(t-1), which knows it, makes g and i write it anew, by (1), (2) and (5)."
        )
    left = (now - 0.5) / steps
    return (
        f"<style>.map {{ --cursor: {left:.4%} }}</style><p>{story}</p>"
        f"{table(heads, ''.join(rows), caption)}"
    )


def shaded(values: Tensor) -> Iterator[str]:
    """The table cells of each row of a matrix of values in -1..1, coloured as in the maps."""
    colours = figures.heat_map(values, -1, 1, colours="RdBu_r").tolist()
    for row, row_colours in zip(values.tolist(), colours, strict=True):
        cells = []
        for value, (red, green, blue) in zip(row, row_colours, strict=True):
            ink = "#000" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#fff"
            style = f"background: rgb({red} {green} {blue}); color: {ink}"
            text = f"{value:.1f}".replace("-", "\N{MINUS SIGN}")
            cells.append(f'<td style="{style}">{text}</td>')
        yield "".join(cells)


def edit(
    before: Tensor, after: Tensor, place: int, predictions: dict[str, tuple[Tensor, Tensor]]
) -> str:
    """Which predictions an edit changed.

    Args:
        before, after: int64 (T - 1,).
        place: of the edited digit, from 1.
        predictions: name of the network -> ten probabilities before and after.
    """
    rows = []
    for name, (old, new) in predictions.items():
        (digit, sure), (new_digit, new_sure) = top(old), top(new)
        verdict = "the same" if digit == new_digit else "<strong>changed</strong>"
        rows.append(
            f'<tr><th scope="row">{name}</th><td>{digit} ({sure:.1%})</td>'
            f"<td>{new_digit} ({new_sure:.1%})</td><td>{verdict}</td></tr>"
        )
    caption = f"Digit {place:,}: {int(before[place - 1])} becomes {int(after[place - 1])}."
    heads = ("", "before", "after", "prediction")
    return f'<div role="status">{table(heads, "".join(rows), caption)}</div>'


def seen(image: Tensor) -> str:
    """What the classifier sees, (1, 1, 28, 28), enlarged."""
    ink = picture(figures.to_picture(image), "The digit as the classifier sees it")
    return f'<figure class="seen">{ink}<figcaption>What the classifier sees</figcaption></figure>'
