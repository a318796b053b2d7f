"""What a recording offers as gates and as states, sorted by what it may be.

A gate is a series whose logit or inverse tanh is an affine map of x(t) and of some series s at the
step before; s is then what the gates read.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property

import torch
from torch import Tensor

from toolkit.assignment.check.lstm.cell.affine import MAX_RESIDUAL, basis, residuals
from toolkit.assignment.check.lstm.cell.recording import Recording, stacked
from toolkit.assignment.check.lstm.cell.reference import activation

VIEWS = {"view", "t", "transpose", "permute", "select", "slice", "split", "expand", "detach",
         "cat", "_unsafe_view", "unbind", "squeeze", "unsqueeze", "clone", "stack", "chunk",
         "alias"}  # fmt: skip
ACTIVE = {"sigmoid", "tanh", "relu", "hardsigmoid", "hardtanh", "softmax", "_softmax", "softplus",
          "leaky_relu", "elu", "gelu", "silu", "sin", "clamp", "log_sigmoid_forward"}  # fmt: skip
CLOSE = 2e-4  # of numbers around 1, in float32


class Candidates:
    """What a recording offers, sorted by what it may be.

    Args:
        late: use the series that lack the first step too, and forget that step of the others.
    """

    def __init__(self, recording: Recording, late: bool) -> None:
        series = recording.series
        self.values = stacked(recording, series) if series else torch.zeros(0)
        self.first = int(late)
        if late:
            more = stacked(recording, recording.late)
            parts = [self.values[:, 1:], more] if series else [more]
            self.values, series = torch.cat(parts), [*series, *recording.late]
        self.places, self.times = [s.place for s in series], [s.times for s in series]
        self.x = recording.x.transpose(0, 1)[self.first :]  # (steps, rows, D)
        keep = [k for k, v in enumerate(self.values) if bool(v.isfinite().all())]
        self.values = self.values[keep]
        self.places = [self.places[k] for k in keep]
        self.times = [self.times[k] for k in keep]
        self.now = self.x[1:].flatten(0, 1)
        self.reads: list[int] = []  # the series that gates may read
        self._transform()
        self._find_read()

    def _transform(self) -> None:
        """What may be inside each series, if it is a sigmoid, a tanh, or nothing."""
        self.transformed: list[tuple[int, str, Tensor]] = []
        for k, v in enumerate(self.values):
            name = self.places[k].name
            if bool(((v > 0) & (v < 1)).all()):
                self.transformed.append((k, "sigmoid", v.logit()))
            if bool((v.abs() < 1).all()) and bool((v < 0).any()):
                self.transformed.append((k, "tanh", v.atanh()))
            if name not in VIEWS:
                self.transformed.append((k, "none", v))

    def _find_read(self) -> None:
        """The series that most gates are affine maps of, one step later."""
        gated = [(k, kind, y) for k, kind, y in self.transformed if kind != "none"]
        self.explained: list[tuple[int, str, Tensor]] = []
        if not gated or len(self.x) < 2:
            return
        later = torch.stack([y[1:].flatten(0, 1) for _, _, y in gated])
        plain = residuals(later, basis(self.now)) < MAX_RESIDUAL
        free = [one for one, yes in zip(gated, plain.tolist(), strict=True) if yes]
        best: list[tuple[int, str, Tensor]] = []
        for k, place in enumerate(self.places):
            if place.name in VIEWS and place.name not in ("cat", "stack"):
                continue
            state = self.values[k][:-1].flatten(0, 1)
            found = residuals(later, basis(self.now, state)) < MAX_RESIDUAL
            found &= ~plain
            chosen = [one for one, yes in zip(gated, found.tolist(), strict=True) if yes]
            if not chosen or len(chosen) < len(best):
                continue
            self.reads = [*self.reads, k] if len(chosen) == len(best) else [k]
            best = chosen
        self.explained = [*best, *free]

    def gates(self, more: bool) -> list[tuple[int, str]]:
        """The series that may be gates, each with its activation; `more`: also what has none."""
        found = [(k, kind) for k, kind, _ in self.explained]
        known = {k for k, _ in found}
        active = [(k, p.name) for k, p in enumerate(self.places) if p.name in ACTIVE]
        found += [(k, name) for k, name in active if k not in known]
        if more:
            known = {k for k, _ in found}
            plain = [k for k in self._plain if k not in known]
            found += [(k, "none") for k in plain]
        return _distinct(found, self.values)

    def inside(self, k: int, kind: str) -> Tensor | None:
        """The affine map that a series is this function of; None if it is of none."""
        with suppress(AttributeError, TypeError):  # torch has no such function
            for n in self._plain:
                if close(activation(kind, self.values[n]), self.values[k]):
                    return self.values[n]
        return None

    @cached_property
    def _plain(self) -> list[int]:
        """The series that are affine maps of x(t) and of what gates read, and of both."""
        past = [self.values[k][:-1].flatten(0, 1) for k in self.reads[:1]]
        whole, halves = basis(self.now, *past), [basis(self.now), *[basis(p) for p in past]]
        found = []
        for k, kind, y in self.transformed:
            if kind == "none":
                later = y[1:].flatten(0, 1)[None]
                if residuals(later, whole)[0] < MAX_RESIDUAL and all(
                    residuals(later, half)[0] > MAX_RESIDUAL for half in halves
                ):
                    found.append(k)
        return found


def _distinct(found: Sequence[tuple[int, str]], values: Tensor) -> list[tuple[int, str]]:
    """Without what equals an earlier one, or is 1 minus it."""
    kept: list[tuple[int, str]] = []
    for k, kind in found:
        v = values[k]
        if not any(
            close(v, values[j]) or (kind == "sigmoid" and close(1 - v, values[j]))
            for j, other in kept
            if other == kind
        ):
            kept.append((k, kind))
    return kept


def close(a: Tensor, b: Tensor) -> bool:
    """Whether two series are the same numbers."""
    return bool(((a - b).abs() < CLOSE * (1 + b.abs())).all())
