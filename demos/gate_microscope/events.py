"""Computes the numbers and arrays that the gate microscope's page displays for a sequence of
digits.
"""

import base64
import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gate_microscope.cuts import NO_CUT, Cut, gradient, parse_wires, readout, states
from gate_microscope.memory import remembered
from serving.numbers import digits as typed
from serving.numbers import whole
from toolkit.common.device import make_rng
from toolkit.common.errors import ToolkitError, UsageError
from toolkit.export import load
from toolkit.export.manifest import MINE, Shown, entry_of, identity, networks_of
from toolkit.lstm.data import NUM_DIGITS, palindromes, split_last
from toolkit.lstm.microscope import logits_after_each_step, telling_cells, trace

MAX_DIGITS = 5000  # `MOST` in playground/src/reading.js
MAX_REPLACED = 60  # digits, which are replaced singly; `MOST_REPLACED` in playground/src/reading.js
NUM_ASKED, MAX_ASKED = 500, 100  # palindromes, and their longest T; as in playground/src/reading.js
MAX_UNCUT = 1000  # the longest T if no wire is cut; as in playground/src/curves.js
FIRST_LENGTH, NUM_TRIED = 36, 50  # T of the palindrome shown first; the number of palindromes tried
# Networks of one kind stand beside each other.
ORDER = (f"lstm{MINE}", f"rnn{MINE}", "lstm", "rnn", "lstm_plain", "rnn_plain")
SHORTS = 32767  # the largest 16-bit integer

Numbers = list[float]


class GateMicroscope:
    """Networks that read digits, and the functions that the page's script or other programs call to
    use these networks.

    The functions raise a `UsageError` if an argument is invalid. Networks are identified by the
    names of their exports, such as "lstm_plain". Digits are passed as a string, in which spaces and
    commas are ignored. Steps, places in the sequence, and cells (hidden units) are given as
    integers. Steps and places are counted from 1, and cells from 0.

    Args:
        exports_dir: a folder whose manifest lists at least one of lstm, rnn, lstm_plain and
            rnn_plain. If a student made the lstm or the rnn, this class calls that network
            "lstm_mine" or "rnn_mine".

    Raises:
        ToolkitError: the manifest lists no network that this class can show, or a file is missing
            or differs from its manifest entry.
    """

    def __init__(self, exports_dir: Path) -> None:
        available = networks_of(exports_dir)
        shown = {}
        for name in ORDER:
            if name in available:
                shown[name] = available[name]
        if not shown:
            shown["lstm"] = Shown("lstm", exports_dir, "")  # `load` reports the missing file
        self.networks = {}
        self.described = {}
        for name, (export, folder, author) in shown.items():
            network = load(export, folder)
            if not hasattr(network, "hidden_size"):
                raise ToolkitError(
                    f"{folder / export} is no {export.upper()} of the toolkit, which the page "
                    "can open; `toolkit export` carries yours over into one."
                )
            self.networks[name] = network
            entry = entry_of(export, folder)
            self.described[name] = {
                "config": entry.get("config", {}),
                "metrics": entry.get("metrics", {}),
                "hidden_size": network.hidden_size,
                "sha256": identity(entry),
            }
            if author:
                self.described[name]["whose"] = author
        self.trace = functools.lru_cache(maxsize=12)(self._trace)  # at most 16 MB each

    @torch.no_grad()
    def first(self) -> list[int]:
        """Return the digits that the page shows when it opens.

        The digits are a test palindrome without its last digit. Of 50 palindromes, the function
        chooses the first one that the first network in `self.networks` completes correctly but the
        last network does not. If there is no such palindrome, the function chooses the first of the
        50.
        """
        tried = palindromes(
            NUM_TRIED, self._first_length(), split="test", rng=make_rng(0, "digit demo")
        )
        digits, answers = split_last(tried)
        right = [network(digits).argmax(dim=1) == answers for network in self.networks.values()]
        index = 0
        if len(right) > 1:
            contrasts = (right[0] & ~right[-1]).nonzero()
            if len(contrasts):
                index = int(contrasts[0])
        first: list[int] = digits[index].tolist()
        return first

    def _first_length(self) -> int:
        """Return the length of the palindromes on which the first of the student's networks was
        trained. The result is `FIRST_LENGTH` if there is no such network, or if this length is
        unknown or unsuitable.
        """
        for description in self.described.values():
            if "whose" in description:
                length = description["config"].get("length")
                if isinstance(length, int) and 2 < length <= MAX_DIGITS:
                    return length
                break
        return FIRST_LENGTH

    def read(self, digits: str) -> dict[str, Any]:
        """Read digits, such as "31413", and return each network's predictions of the next digit,
        one after each digit that it has read.

        Returns:
            "palindrome": true if one more digit would complete a palindrome; "right": the digit
            that would complete it, or null; "networks": a dictionary for each network. Each
            network's dictionary has four entries. "answers" contains the digit predicted after
            every step. "probabilities" contains the ten probabilities after the last step. "order"
            lists the network's units, the unit with the largest contribution to the last answer
            first. "sizes" contains, for each gate and state, the mean absolute value over all units
            after every step.
        """
        return self.cut(digits, "", 1)

    def cut(self, digits: str, wires: str, step: int) -> dict[str, Any]:
        """Return what `read` returns, but for networks in which some connections are cut or some
        gates are held at a fixed value.

        Args:
            wires: a string such as "f0,hg"; see `gate_microscope.cuts`.
            step: the first step at which the chosen connections are cut and the chosen gates are
                fixed, counted from 1.
        """
        key = typed(digits, MAX_DIGITS)
        cut = _cut(wires, step)
        palindrome = key[1:] == key[:0:-1]  # then the next digit repeats the first
        networks = {}
        for name, network in self.networks.items():
            traced = self.trace(name, key, cut)
            h = traced["h"]
            logits = logits_after_each_step(network, h)
            networks[name] = {
                "answers": logits.argmax(dim=1).tolist(),
                "probabilities": logits[-1].softmax(dim=0).tolist(),
                "order": telling_cells(network, h[-1]).tolist(),
                "sizes": {gate: _mean_sizes(values) for gate, values in traced.items()},
            }
        return {
            "palindrome": palindrome,
            "right": key[0] if palindrome else None,
            "networks": networks,
        }

    def inside(
        self, digits: str, network: str, cells: list[int], wires: str, step: int
    ) -> dict[str, Any]:
        """Return the gates and states of the chosen cells at every step; see `cut` for `wires` and
        `step`.

        Returns:
            for each of i, f, o, g, c, h, or only for h: "scale", and "data", a base64 string of
            little-endian 16-bit integers, (cells, steps), in units of "scale" / 32767.
        """
        name = self._name(network)
        size = self.networks[name].hidden_size
        chosen = [whole("A cell", cell, 0, size - 1) for cell in cells[:size]]
        traced = self.trace(name, typed(digits, MAX_DIGITS), _cut(wires, step))
        return {gate: _shorts(values[:, chosen].t()) for gate, values in traced.items()}

    def accuracy(self, network: str, length: int, wires: str, step: int) -> float:
        """Return the fraction of 500 palindromes of `length` digits that a network completes
        correctly.

        See `cut` for `wires` and `step`.
        """
        return self.right(network, length, wires, step, 0, NUM_ASKED) / NUM_ASKED

    @torch.no_grad()
    def right(
        self, network: str, length: int, wires: str, step: int, first: int, count: int
    ) -> int:
        """Of the 500 palindromes that `accuracy` uses, take a given range, and return how many
        palindromes in this range a network completes correctly.

        The range consists of `count` of the 500 palindromes, starting with number `first`, counted
        from 0.
        """
        export = self.networks[self._name(network)]
        cut = _cut(wires, step)
        longest = MAX_ASKED
        if cut == NO_CUT:
            longest = MAX_UNCUT
        half = (whole("T", length, 2, longest) + 1) // 2
        begin = whole("first", first, 0, NUM_ASKED - 1)
        end = begin + whole("count", count, 1, NUM_ASKED - begin)
        rng = make_rng(length, "cut a wire")
        halves = torch.randint(NUM_DIGITS, (NUM_ASKED, half), generator=rng)[begin:end]
        mirrored = halves[:, : length - half].flip(1)
        digits, answers = split_last(torch.cat([halves, mirrored], dim=1))
        if cut == NO_CUT:
            logits = export(digits)
        else:
            logits = readout(export, states(export, digits, cut)["h"][-1])
        return int((logits.argmax(dim=1) == answers).sum())

    def gradient(self, digits: str, wires: str, step: int) -> dict[str, Numbers]:
        """Follow the gradient of the loss back in time; see `cut` for `wires` and `step`.

        Returns:
            for each network and each step, the norm of the derivative of the loss. The derivative
            is taken with respect to c (for an LSTM) or h (for an RNN) after that step. The loss is
            the cross-entropy with the first digit as the target.
        """
        key = torch.tensor(typed(digits, MAX_DIGITS))
        cut = _cut(wires, step)
        return {name: gradient(network, key, cut) for name, network in self.networks.items()}

    def remembers(self, digits: str) -> dict[str, list[Numbers]]:
        """Measure, after every step, how much the networks remember of each digit read so far; at
        most 60 digits are allowed.

        Each digit is replaced in turn by each of the nine other values; see
        `gate_microscope.memory`.

        Returns:
            for each network and each step, one number for each digit read so far. The number is the
            mean distance by which the memory (c for an LSTM, h for an RNN) moves when this digit is
            replaced, divided by the norm of the memory vector.
        """
        key = typed(digits, MAX_DIGITS)
        if len(key) > MAX_REPLACED:
            raise UsageError(
                f"What the memory holds is found by replacing every digit: of at most "
                f"{MAX_REPLACED} digits, and these are {len(key):,}."
            )
        return {name: self._remembered(name, key) for name in self.networks}

    def step(self, digits: str, step: int) -> dict[str, Any]:
        """Return the answer that each network would give after step number `step`, counted from 1.

        Returns:
            "digit": the digit that is read at this step; "networks": a dictionary for each network.
            Each network's dictionary contains its ten probabilities ("probabilities") and how much
            it remembers of each digit read so far ("remembers"). If there are more than 60 digits,
            "remembers" is None.
        """
        key = typed(digits, MAX_DIGITS)
        now = whole("The step", step, 1, len(key)) - 1
        networks = {}
        for name, network in self.networks.items():
            logits = logits_after_each_step(network, self.trace(name, key)["h"][now])
            remembers = None
            if len(key) <= MAX_REPLACED:
                remembers = self._remembered(name, key)[now]
            networks[name] = {
                "probabilities": logits.softmax(dim=0).tolist(),
                "remembers": remembers,
            }
        return {"digit": key[now], "networks": networks}

    def edit(self, digits: str, place: int, digit: int) -> dict[str, Any]:
        """Replace the digit at `place`, counted from 1, and compare each network's answers before
        and after.

        Returns:
            "digits": the new digits; "networks": for each network, the ten probabilities before and
            after the replacement ("before" and "after"), and how far its hidden state h has moved
            at every step ("moved").
        """
        key = typed(digits, MAX_DIGITS)
        place = whole("The place", place, 1, len(key))
        value = whole("The new digit", digit, 0, NUM_DIGITS - 1)
        edited = (*key[: place - 1], value, *key[place:])
        networks = {}
        for name, network in self.networks.items():
            old = self.trace(name, key)["h"]
            new = self.trace(name, edited)["h"]
            before = logits_after_each_step(network, old[-1])
            after = logits_after_each_step(network, new[-1])
            networks[name] = {
                "before": before.softmax(dim=0).tolist(),
                "after": after.softmax(dim=0).tolist(),
                "moved": (new - old).norm(dim=1).tolist(),
            }
        return {"digits": list(edited), "networks": networks}

    @torch.no_grad()
    def predict(self, digits: str) -> dict[str, Numbers]:
        """Return the ten probabilities of each network after the last digit."""
        batch = torch.tensor([typed(digits, MAX_DIGITS)])
        probabilities = {}
        for name, network in self.networks.items():
            probabilities[name] = network(batch).softmax(dim=1)[0].tolist()
        return probabilities

    def gates(self, digits: str, step: int, network: str = "lstm") -> dict[str, Numbers]:
        """Return the values of i, f, o, g, c and h (for an RNN, only h) for all cells after step
        number `step`, counted from 1.
        """
        key = typed(digits, MAX_DIGITS)
        now = whole("The step", step, 1, len(key)) - 1
        traced = self.trace(self._name(network), key)
        return {gate: values[now].tolist() for gate, values in traced.items()}

    def _name(self, network: str) -> str:
        if network not in self.networks:
            raise UsageError(f"There is no network {network!r}; there is {_listed(self.networks)}.")
        return network

    def _remembered(self, name: str, key: tuple[int, ...]) -> list[Numbers]:
        moved = remembered(self.networks[name], torch.tensor(key)).tolist()
        return [_rounded(row[: t + 1]) for t, row in enumerate(moved)]

    def _trace(self, name: str, digits: tuple[int, ...], cut: Cut = NO_CUT) -> dict[str, Tensor]:
        network = self.networks[name]
        sequence = torch.tensor(digits)
        if cut == NO_CUT:
            return trace(network, sequence)
        with torch.no_grad():
            cut_states = states(network, sequence[None], cut)
        return {gate: torch.cat(values).float() for gate, values in cut_states.items()}


def _cut(wires: Any, step: Any) -> Cut:
    """Return a `Cut` of the connections that are named in `wires`; the argument `step`, the first
    step at which they are cut, is counted from 1.
    """
    names = parse_wires(wires)
    if not names:
        return NO_CUT
    return Cut(names, whole("The step", step, 1, MAX_DIGITS) - 1)


def _mean_sizes(values: Tensor) -> Numbers:
    """Return the mean absolute value over all units at each step.

    The argument `values` has shape (steps, units).
    """
    return _rounded(values.abs().mean(dim=1).tolist())


def _rounded(numbers: Numbers) -> Numbers:
    return [round(number, 4) for number in numbers]


def _shorts(values: Tensor) -> dict[str, Any]:
    """Encode the values as 16-bit integers, and return them in base64 as "data", together with
    their "scale"; the unit is "scale" / 32767.
    """
    scale = 1.0
    if values.numel():
        scale = max(float(values.abs().max()), 1e-9)
    shorts = (values / scale * SHORTS).round().numpy().astype(np.dtype("<i2"))
    return {"scale": scale, "data": base64.b64encode(shorts.tobytes()).decode()}


def _listed(names: Any) -> str:
    return ", ".join(repr(name) for name in names)
