"""What the gate microscope says, as HTML: sentences and tables."""

from collections.abc import Iterable, Iterator

from torch import Tensor

from gate_microscope.maps import PRODUCT, picture
from toolkit.common import figures
from toolkit.lstm.microscope import GATES, Inside

CELLS_LISTED = 8
LUMINANCE = (0.2126, 0.7152, 0.0722)  # weights of red, green and blue (sRGB)
NETWORKS = (
    "The probabilities are the softmax (8) of the logits (7). The LSTM has gates and a cell c; the "
    "RNN has only h(t) = tanh(W x(t) + W h(t\N{MINUS SIGN}1) + b)."
)


def answers(digits: Tensor, broken: int | None, predictions: dict[str, Tensor]) -> str:
    """The predictions beside the palindrome rule.

    Args:
        digits: int64 (T - 1,).
        broken: the first place that breaks the palindrome; see `toolkit.lstm.data.broken_mirror`.
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
            f"{mirror:,}, is {int(digits[mirror - 1])}. So no answer is right. The networks were "
            f"never trained on such digits. The rule <em>repeat the first digit</em> says {first}."
        )
    boxes = "".join(
        f'<div class="{"yes" if digit == first else "no"}">{name}<b>{digit}</b>'
        f"{probability:.1%} sure<br>{'agrees' if digit == first else 'does not agree'}</div>"
        for name, (digit, probability) in ((name, top(p)) for name, p in predictions.items())
    )
    return (
        f'<div class="verdict"><div><div role="status"><p>{rule}</p><div class="answers">'
        f'<div class="yes">rule<b>{first}</b>the first digit</div>{boxes}</div></div>'
        f"<p>{NETWORKS}</p></div>"
        f"<div>{bars(predictions)}</div></div>"
    )


def bars(predictions: dict[str, Tensor]) -> str:
    """A table of ten probabilities for each network, with a bar behind each number."""
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
    """A table with a caption above it; on a narrow screen it scrolls sideways."""
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


def step(inside: Inside, now: int) -> str:
    """What the cells hold at step `now`, counted from 1: a paragraph and a table."""
    steps, cells = inside.held.shape
    product = 10 ** inside.survival[now - 1]
    held = inside.held[now - 1]
    rows = []
    listed = inside.firmest(now - 1)[:CELLS_LISTED]
    for cell, values in zip(
        listed.tolist(), shaded(inside.shown[:, now - 1, listed].t()), strict=True
    ):
        numbers = "".join(f"<td>{signed(inside.gates[n][now - 1, cell], 2)}</td>" for n in GATES)
        rows.append(
            f'<tr><th scope="row">{cell}</th><td>{held[cell]:.2f}</td>'
            f"<td>{product[cell]:.2g}</td>{values}{numbers}</tr>"
        )
    heads = ("cell", "held", "\N{N-ARY PRODUCT}f", *range(10), *GATES)
    caption = (
        f"The {CELLS_LISTED} firmest cells at this step. \N{N-ARY PRODUCT}f: {PRODUCT}. Under 0 to "
        "9: tanh c(t) if that were the first digit. i to h: their values for your digits."
    )
    firm = int((held > 0.5).sum())
    kept = int((product > 0.5).sum())
    story = (
        f"After step <strong>{now:,}</strong> of {steps:,}, which reads a "
        f"{int(inside.digits[now - 1])}: <strong>{firm}</strong> of {cells} cells hold the first "
        f"digit firmly (<em>held</em> above 0.5). In <strong>{kept}</strong> cells, the product of "
        f"the forget gates is still above 0.5; the largest product is {float(product.max()):.2g}."
    )
    if firm > 0 and float(product.max()) < 0.5:
        story += (
            " So the value written at step 1 does not survive. The digit does, because the LSTM "
            "writes it again and again: g and i read it from h(t\N{MINUS SIGN}1), by (1), (2) "
            "and (5)."
        )
    left = (now - 0.5) / steps
    return (
        f"<style>.map {{ --cursor: {left:.4%} }}</style><p>{story}</p>"
        f"{table(heads, ''.join(rows), caption)}"
    )


def shaded(values: Tensor) -> Iterator[str]:
    """For each row of a matrix in -1..1 its table cells, coloured as in the heat maps."""
    colours = figures.heat_map(values, -1, 1, colours="RdBu_r").tolist()
    for row, row_colours in zip(values.tolist(), colours, strict=True):
        cells = []
        for value, colour in zip(row, row_colours, strict=True):
            light = sum(w * (c / 255) ** 2.2 for w, c in zip(LUMINANCE, colour, strict=True))
            ink = "#000" if light > 0.18 else "#fff"  # the one with the higher contrast
            style = f"background: rgb({' '.join(map(str, colour))}); color: {ink}"
            cells.append(f'<td style="{style}">{signed(value, 1)}</td>')
        yield "".join(cells)


def signed(value: float | Tensor, places: int) -> str:
    """A number with so many decimal places and a true minus sign, as wide as a digit."""
    return f"{float(value):.{places}f}".replace("-", "\N{MINUS SIGN}")


def edit(
    before: Tensor, after: Tensor, place: int, predictions: dict[str, tuple[Tensor, Tensor]]
) -> str:
    """Which predictions an edit changed.

    Args:
        before, after: int64 (T - 1,).
        place: of the edited digit, counted from 1.
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
    """The image that the classifier sees, (1, 1, 28, 28), enlarged."""
    ink = picture(figures.to_picture(image), "The digit as the classifier sees it")
    return f'<figure class="seen">{ink}<figcaption>What the classifier sees</figcaption></figure>'
