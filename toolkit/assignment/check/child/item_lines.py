"""Where the digits of an item came up first: the lines that a student would change."""

import sys
from collections import Counter
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from toolkit.assignment.check.child.places import Place, within

MOST = 100  # numbers of what may be an item
MAX_STEPS = 200_000  # lines that are looked at


class Watch:
    """Looks at the variables of a student's functions after each line that runs in this block.

    Args:
        root: the student's folder.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._steps = 0
        self._running: dict[FrameType, tuple[Place, dict[str, Any]]] = {}  # line, names before it
        self._seen: dict[tuple[int, ...], Place] = {}  # digits -> where they came up
        self._numbers: list[tuple[Place, int]] = []  # of one digit, where a name was given it
        self._times: Counter[Place] = Counter()
        self._returned: Place | None = None  # where several things were given back last

    def __enter__(self) -> "Watch":
        sys.settrace(self._begin)
        return self

    def __exit__(self, *error: object) -> None:
        sys.settrace(None)

    def _begin(self, frame: FrameType, event: str, given: Any) -> Any:
        file = within(frame.f_code.co_filename, self._root)
        if file is None or self._steps > MAX_STEPS:
            return None
        self._running[frame] = (file, frame.f_lineno), dict(frame.f_locals)
        return self._step

    def _step(self, frame: FrameType, event: str, given: Any) -> Any:
        """A line begins, or a function returns: see what the line before it has done."""
        place, before = self._running[frame]
        names = dict(frame.f_locals)
        self._steps += 1
        self._times[place] += 1
        if event == "return" and isinstance(given, tuple):
            self._returned = place
        returned = list(given) if isinstance(given, tuple) else [given]
        for value in (*names.values(), *returned):
            for digits in filter(None, (digits_of(value), digits_of(_last(value)))):
                self._seen.setdefault(digits, place)
        for name, value in names.items():
            if before.get(name) is not value and (digit := _digit(value)) is not None:
                self._numbers.append((place, digit))
        self._running[frame] = (place[0], frame.f_lineno), names
        return None if self._steps > MAX_STEPS else self._step

    def lines_of(self, inputs: Tensor, label: int, length: int) -> dict[str, Place]:
        """The place, by what is done there for an item of a palindrome of `length` digits: `draw`,
        `mirror`, `input`, `label`; those that are found."""
        read = digits_of(inputs) or ()
        half = read[: len(read) // 2 + 1]
        begun = {d: place for d, place in self._seen.items() if half and d[: len(half)] == half}
        whole = [place for digits, place in begun.items() if len(digits) > len(read)]
        given = [p for p, digit in self._numbers if digit == label and self._times[p] == 1]
        found = {
            "draw": next(iter(begun.values()), None),
            "mirror": next(iter(whole), None),
            "input": self._seen.get(read) if len(read) < length else None,
            "label": next(reversed(given), self._returned),
        }
        return {what: place for what, place in found.items() if place is not None}


def digits_of(value: Any) -> tuple[int, ...] | None:
    """The digits in a text, a list, an array or a tensor, bare or one-hot, of one item or of the
    first of several; None if there are none."""
    if isinstance(value, str) and value.isdecimal():
        return tuple(map(int, value)) if 1 < len(value) <= MOST else None
    if isinstance(value, list | tuple) and 1 < len(value) <= MOST:
        flat = [x[0] if isinstance(x, list | tuple) and len(x) == 1 else x for x in value]
        whole = all(isinstance(x, int | float | np.number) for x in flat)
        return tuple(int(x) for x in flat) if whole else None
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
        value = torch.from_numpy(np.ascontiguousarray(value))
    if not isinstance(value, Tensor) or value.dim() == 0:
        return None
    numbers = value
    if numbers.dim() > 1 and numbers.size(-1) in (1, 10):
        numbers = numbers.argmax(-1) if numbers.size(-1) == 10 else numbers[..., 0]
    while numbers.dim() > 1 and len(numbers):
        numbers = numbers[0]
    return tuple(numbers.long().tolist()) if 1 < numbers.numel() <= MOST else None


def _last(value: Any) -> Any:
    """What was put at the end of a list."""
    return value[-1] if isinstance(value, list) and value else None


def _digit(value: Any) -> int | None:
    one = isinstance(value, int | np.integer) or (isinstance(value, Tensor) and value.dim() == 0)
    return int(value) if one else None
