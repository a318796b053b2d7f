"""Finds the series in a recorded forward pass that may be gates or states; a series has one tensor
for each time step.

A gate is a series whose logit or inverse tanh is an affine map. At each step t, this map takes x(t)
and the value of some series s at step t-1. The series s is the state that the gates read.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from itertools import compress

import torch
from torch import Tensor

from toolkit.assignment.judging.lstm.cell.affine import MAX_RESIDUAL, basis, residuals
from toolkit.assignment.judging.lstm.cell.recording import Operation, Recording, stacked
from toolkit.assignment.judging.lstm.cell.reference import activation

VIEWS = {"view", "t", "transpose", "permute", "select", "slice", "split", "expand", "detach",
         "cat", "_unsafe_view", "unbind", "squeeze", "unsqueeze", "clone", "stack", "chunk",
         "alias"}  # fmt: skip
ACTIVE = {"sigmoid", "tanh", "relu", "hardsigmoid", "hardtanh", "softmax", "_softmax", "softplus",
          "leaky_relu", "elu", "gelu", "silu", "sin", "clamp", "log_sigmoid_forward"}  # fmt: skip
CLOSE = 2e-4  # of numbers around 1, in float32
# A series, its possible activation, and the activation's argument, (steps, rows, hidden).
Transformed = tuple[int, str, Tensor]


class Candidates:
    """The series of values over time in a recorded forward pass, and which of them may be gates or
    states.

    Args:
        late: True to include series that have no value at the first step. The first value of every
            other series is then dropped, so that all series have the same length.
    """

    def __init__(self, recording: Recording, late: bool) -> None:
        self.first = int(late)
        series = recording.series + recording.late if late else recording.series
        values = _values(recording, late)
        kept: list[int] = []  # without series that overflow
        self.operations: list[Operation] = []
        self.times: list[int] = []
        for k, numbers in enumerate(values):
            if bool(numbers.isfinite().all()):
                kept.append(k)
                self.operations.append(series[k].operation)
                self.times.append(series[k].times)
        self.values = values[kept]
        self.x = recording.x.transpose(0, 1)[self.first :]  # (steps, rows, D)
        self.now = self.x[1:].flatten(0, 1)
        self.reads: list[int] = []  # the series that gates may read
        self._transform()
        self._find_read()

    def _transform(self) -> None:
        """For each activation (sigmoid, tanh or none) that may have produced a series, compute the
        values before the activation.
        """
        self.transformed: list[Transformed] = []
        for k, values in enumerate(self.values):
            if bool(((values > 0) & (values < 1)).all()):
                self.transformed.append((k, "sigmoid", values.logit()))
            if bool((values.abs() < 1).all()) and bool((values < 0).any()):
                self.transformed.append((k, "tanh", values.atanh()))
            if self.operations[k].name not in VIEWS:
                self.transformed.append((k, "none", values))

    def _find_read(self) -> None:
        """Find the recorded series of values s (or several, if they tie) that explains the largest
        number of candidate gates. A series s explains a gate if the gate is an activation of an
        affine map of x(t) and s(t-1), but not of x(t) alone.
        """
        gated = [entry for entry in self.transformed if entry[1] != "none"]
        self.explained: list[Transformed] = []
        if not gated or len(self.x) < 2:
            return
        later = torch.stack([inside[1:].flatten(0, 1) for _, _, inside in gated])
        of_x_alone = residuals(later, basis(self.now)) < MAX_RESIDUAL
        best: list[Transformed] = []
        for k in self._possible_reads():
            state = self.values[k][:-1].flatten(0, 1)
            of_state = residuals(later, basis(self.now, state)) < MAX_RESIDUAL
            chosen = _selected(gated, of_state & ~of_x_alone)
            if not chosen or len(chosen) < len(best):
                continue
            if len(chosen) > len(best):
                self.reads = []
            self.reads.append(k)
            best = chosen
        self.explained = best + _selected(gated, of_x_alone)

    def _possible_reads(self) -> list[int]:
        """Return the indices of the recorded sequences of values over time that may be the state
        from which the gates are computed. Views and copies of other tensors are left out, but
        concatenated and stacked tensors are kept.
        """
        possible = []
        for k, operation in enumerate(self.operations):
            if operation.name not in VIEWS or operation.name in ("cat", "stack"):
                possible.append(k)
        return possible

    @property
    def read_states(self) -> list[Tensor]:
        """A list with the values over time of each recorded quantity that may be the state from
        which the gates are computed; empty if no such quantity was found.
        """
        if not self.explained:
            return []
        return [self.values[k] for k in self.reads]

    def gates(self, with_plain: bool) -> list[tuple[int, str]]:
        """Return the possible gates: for each one, the index of its sequence of values over time
        and the name of its activation.

        Args:
            with_plain: True to include gates that have no activation.
        """
        gates = [(k, kind) for k, kind, _ in self.explained]
        explained = {k for k, _ in gates}
        for k, operation in enumerate(self.operations):
            if operation.name in ACTIVE and k not in explained:
                gates.append((k, operation.name))
        if with_plain:
            active = {k for k, _ in gates}
            for k in self._plain:
                if k not in active:
                    gates.append((k, "none"))
        return _distinct(gates, self.values)

    def inside(self, k: int, kind: str) -> Tensor | None:
        """Return the values of the affine map that the activation function `kind` turns into
        `values[k]`, or None if no such map was found.
        """
        with suppress(AttributeError, TypeError):  # torch has no such function
            for n in self._plain:
                if close(activation(kind, self.values[n]), self.values[k]):
                    return self.values[n]
        return None

    @cached_property
    def _plain(self) -> list[int]:
        """The indices of the series whose values at step t are an affine function of x(t) and
        s(t-1) together. Here, s is the state that the gates read. A series is left out if its
        values are an affine function of x(t) alone or of s(t-1) alone.
        """
        past = [self.values[k][:-1].flatten(0, 1) for k in self.reads[:1]]
        joint = basis(self.now, *past)
        single = list(map(basis, (self.now, *past)))
        plain = []
        for k, kind, inside in self.transformed:
            if kind != "none":
                continue
            later = inside[1:].flatten(0, 1)[None]
            is_map = bool(residuals(later, joint)[0] < MAX_RESIDUAL)
            if is_map and all(residuals(later, part)[0] > MAX_RESIDUAL for part in single):
                plain.append(k)
        return plain


def _values(recording: Recording, late: bool) -> Tensor:
    """Return the values of the n series in a recording, (n, steps, rows, hidden). Each series holds
    the values that one operation in the code computes at successive time steps.

    The parameter `late` has the same meaning as in `Candidates`.
    """
    parts = []
    if recording.series:
        parts.append(stacked(recording, recording.series)[:, int(late) :])
    if late:
        parts.append(stacked(recording, recording.late))
    return torch.cat(parts) if parts else torch.zeros(0)


def _selected(entries: Sequence[Transformed], mask: Tensor) -> list[Transformed]:
    """Return the entries for which a mask is true."""
    return list(compress(entries, mask.tolist()))


def _distinct(gates: Sequence[tuple[int, str]], values: Tensor) -> list[tuple[int, str]]:
    """Leave out each gate that equals an earlier gate, or 1 minus an earlier gate."""
    kept: list[tuple[int, str]] = []
    for k, kind in gates:
        if not _is_known(values[k], kind, kept, values):
            kept.append((k, kind))
    return kept


def _is_known(gate: Tensor, kind: str, kept: Sequence[tuple[int, str]], values: Tensor) -> bool:
    """True if an earlier gate with the same activation equals this gate, or 1 minus this gate."""
    for k, kept_kind in kept:
        if kept_kind != kind:
            continue
        if close(gate, values[k]) or (kind == "sigmoid" and close(1 - gate, values[k])):
            return True
    return False


def close(a: Tensor, b: Tensor) -> bool:
    """True if two series are equal up to rounding."""
    return bool(((a - b).abs() < CLOSE * (1 + b.abs())).all())
