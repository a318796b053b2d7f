"""What the gate microscope does at each click, from its inputs to HTML and numbers."""

import base64
import functools
import math
from pathlib import Path
from typing import Any

import gradio as gr
import torch
from torch import Tensor

from gate_microscope import maps, view
from toolkit.common.device import make_rng
from toolkit.common.errors import UsageError
from toolkit.export import torchscript
from toolkit.gan.sketch import Pixels, read_picture, to_mnist
from toolkit.lstm.data import broken_mirror, palindromes, parse_digits
from toolkit.lstm.microscope import GATES, Inside, differences, look_inside

MAX_DIGITS = 5000
ORDERS = ("firmest at the end on top", "by number")  # of the cells in the heat maps


class GateMicroscope:
    """The three networks, and what the page's events do with them.

    Every event raises a `UsageError` for input that it cannot use.

    Args:
        exports_dir: the folder with lstm.pt, rnn.pt and classifier.pt.

    Raises:
        ToolkitError: a file is missing, or differs from its entry in the manifest.
    """

    def __init__(self, exports_dir: Path) -> None:
        self.lstm = torchscript.load("lstm", exports_dir)
        self.rnn = torchscript.load("rnn", exports_dir)
        self.classifier = torchscript.load("classifier", exports_dir)
        self.inside = functools.lru_cache(maxsize=4)(self._inside)  # at most 50 MB each

    def generate(self, length: float, seed: float) -> str:
        """The first T - 1 digits of a random palindrome from the test split."""
        length = whole(length, 2, MAX_DIGITS + 1, "T")
        rng = make_rng(whole(seed, 0, 2**31, "The seed"), "digit demo")
        digits = palindromes(1, length, split="test", rng=rng)[0, :-1]
        return " ".join(map(str, digits.tolist()))

    def read(self, text: str, order: str) -> tuple[Any, ...]:
        """Digits in; the answers, the heat maps, the sliders and the last step out."""
        inside = self.inside(digits_key(text))
        digits, steps = inside.digits, len(inside.digits)
        slider = {"maximum": max(steps, 2)}  # Gradio requires more than the minimum, 1
        predictions = {name: p[0] for name, p in self.probabilities(digits[None]).items()}
        return (
            view.answers(digits, broken_mirror(digits), predictions),
            maps.over_time(inside, cell_order(inside, order)),
            "".join(map(str, digits.tolist())),
            gr.Slider(**slider, value=steps),
            view.step(inside, steps),
            gr.Slider(**slider, value=1),
        )

    def step(self, text: str, step: float) -> str:
        """Which cells hold the first digit at a step, counted from 1."""
        inside = self.inside(digits_key(text))
        return view.step(inside, whole(step, 1, len(inside.digits), "The step"))

    def edit(self, text: str, place: float, digit: float, order: str) -> tuple[str, str]:
        """What a new digit at a place, counted from 1, changes in the predictions and inside."""
        inside = self.inside(digits_key(text))
        before, after = inside.digits, inside.digits.clone()
        place = whole(place, 1, len(before), "The place")
        after[place - 1] = whole(digit, 0, 9, "The new digit")
        predictions = self.probabilities(torch.stack([before, after]))
        changed = differences(self.lstm, before, after)
        return (
            view.edit(before, after, place, predictions),
            maps.changes(changed, after, cell_order(inside, order)),
        )

    def predict(self, text: str) -> dict[str, list[float]]:
        """The ten probabilities of each network, "LSTM" and "RNN"."""
        digits = torch.tensor([digits_key(text)])
        return {name: p[0].tolist() for name, p in self.probabilities(digits).items()}

    def gates(self, text: str, step: int) -> dict[str, list[float]]:
        """Every cell at a step, counted from 1: i, f, o, g, c, h, the product of the forget gates
        f(2) to f(t), and how firmly the cell holds the first digit."""
        inside = self.inside(digits_key(text))
        now = whole(step, 1, len(inside.digits), "The step") - 1
        values = {name: inside.gates[name][now].tolist() for name in GATES}
        product = (10 ** inside.survival[now]).tolist()
        return values | {"product": product, "held": inside.held[now].tolist()}

    def read_drawing(self, drawing: str | None) -> tuple[dict[str, float], str]:
        """What the classifier sees on the pad, whose drawing is a PNG in a data URL."""
        if not drawing:
            raise UsageError("The pad is empty. Draw one digit on it, large and in one piece.")
        try:
            data = base64.b64decode(drawing.partition("base64,")[2], validate=True)
        except ValueError as error:
            raise UsageError("A drawing must be a PNG in a data URL.") from error
        return self.classify(read_picture(data))

    def read_file(self, data: bytes | None) -> tuple[dict[str, float], str]:
        """What the classifier sees in a picture file."""
        if data is None:
            raise UsageError("There is no picture yet. Choose a PNG or JPEG with one digit on it.")
        return self.classify(read_picture(data))

    @torch.no_grad()
    def classify(self, picture: Pixels) -> tuple[dict[str, float], str]:
        """The ten probabilities, and the image that the classifier sees as HTML."""
        image = to_mnist(picture)
        probabilities = self.classifier(image).softmax(dim=1)[0]
        return confidences(probabilities), view.seen(image)

    @torch.no_grad()
    def probabilities(self, digits: Tensor) -> dict[str, Tensor]:
        """Equation (8) for the LSTM and the RNN, each (batch, 10)."""
        networks = {"LSTM": self.lstm, "RNN": self.rnn}
        return {name: network(digits).softmax(dim=1) for name, network in networks.items()}

    def _inside(self, digits: tuple[int, ...]) -> Inside:
        return look_inside(self.lstm, torch.tensor(digits))


def whole(value: float | None, low: int, high: int, what: str) -> int:
    """The value of a number field as an integer; the field may be empty or hold NaN."""
    if value is None or not math.isfinite(value) or value != int(value):
        raise UsageError(f"{what} must be a whole number from {low:,} to {high:,}.")
    if not low <= value <= high:
        raise UsageError(f"{what} must be from {low:,} to {high:,}, not {value:,.0f}.")
    return int(value)


def digits_key(text: str | None) -> tuple[int, ...]:
    """The digits in a text field, as a key for the cache."""
    return tuple(parse_digits(text or "", MAX_DIGITS)[0].tolist())


def confidences(probabilities: Tensor) -> dict[str, float]:
    """Ten probabilities for a `gr.Label`."""
    return {str(digit): float(p) for digit, p in enumerate(probabilities)}


def cell_order(inside: Inside, order: str) -> Tensor:
    """The cells in the order of the heat maps' rows: int64 (hidden_size,)."""
    return inside.firmest(-1) if order == ORDERS[0] else torch.arange(inside.held.size(1))
