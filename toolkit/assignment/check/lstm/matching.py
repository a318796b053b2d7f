"""Which numbers of a recording are the gates, c(t) and h(t)? Their relations tell, not their names.

A gate is a series whose logit or inverse tanh is an affine map of x(t) and of some series s at the
step before; s is then what the gates read. c(t) and h(t) are series that follow from gates by (5)
and (6), or by these equations with a common mistake in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations

import torch
from torch import Tensor

from toolkit.assignment.check.lstm.affine import MAX_RESIDUAL, Map, affine, basis, residuals
from toolkit.assignment.check.lstm.formulas import ACTIVATIONS, CELLS, OUTPUTS, READS_H, Formula
from toolkit.assignment.check.lstm.recording import Place, Recording, stacked

VIEWS = {
    "view",
    "t",
    "transpose",
    "permute",
    "select",
    "slice",
    "split",
    "expand",
    "detach",
    "cat",
    "_unsafe_view",
    "unbind",
    "squeeze",
    "unsqueeze",
    "clone",
    "stack",
    "chunk",
    "alias",
}
ACTIVE = {
    "sigmoid",
    "tanh",
    "relu",
    "hardsigmoid",
    "hardtanh",
    "softmax",
    "_softmax",
    "softplus",
    "leaky_relu",
    "elu",
    "gelu",
    "silu",
    "sin",
    "clamp",
    "log_sigmoid_forward",
}
MAX_CANDIDATES = 12  # for a gate
CLOSE = 2e-4  # of numbers around 1, in float32


@dataclass
class Gate:
    """A series that is used as a gate."""

    values: Tensor  # (steps, rows, hidden)
    place: Place
    kind: str  # "sigmoid", "tanh", "none" or the name of another activation
    map: Map | None  # of what is inside the activation, from x(t) and what the gates read
    before: Tensor | None  # what is inside
    inside: Place  # where that was computed


@dataclass
class Match:
    """Which series is what."""

    gates: dict[str, Gate]  # those that are used
    c: Tensor  # (steps, rows, hidden)
    h: Tensor
    cell: Formula
    output: Formula
    read: Tensor | None  # the state that the gates read one step later; None if none
    c_place: Place
    h_place: Place
    x: Tensor  # (steps, rows, D)
    first: int  # the time step, from 0, that the series begin with
    cost: int = 0
    gates_found: list[Gate] = field(default_factory=list)

    @property
    def reads_h(self) -> bool:
        """Whether what the gates read is h(t-1)."""
        return self.read is not None and _close(self.read, self.h)


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
        self.places = [s.place for s in series]
        self.x = recording.x.transpose(0, 1)[self.first :]  # (steps, rows, D)
        keep = [k for k, v in enumerate(self.values) if bool(v.isfinite().all())]
        self.values = self.values[keep]
        self.places = [self.places[k] for k in keep]
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
        """The series that may be gates, each with its activation.

        Args:
            more: also what has an activation that is affine in nothing, and no activation at all.
        """
        found = [(k, kind) for k, kind, _ in self.explained]
        known = {k for k, _ in found}
        active = [(k, p.name) for k, p in enumerate(self.places) if p.name in ACTIVE]
        found += [(k, name) for k, name in active if k not in known]
        if more:
            known = {k for k, _ in found}
            states = self.reads or range(0)
            for k, kind, y in self.transformed:
                if kind == "none" and k not in known:
                    later = y[1:].flatten(0, 1)[None]
                    past = [self.values[s][:-1].flatten(0, 1) for s in states[:1]]
                    whole = residuals(later, basis(self.now, *past))[0] < MAX_RESIDUAL
                    halves = [basis(self.now), *[basis(p) for p in past]]
                    if whole and all(residuals(later, b)[0] > MAX_RESIDUAL for b in halves):
                        found.append((k, "none"))
        return _distinct(found, self.values)


def _distinct(found: Sequence[tuple[int, str]], values: Tensor) -> list[tuple[int, str]]:
    """Without what equals an earlier one, or is 1 minus it."""
    kept: list[tuple[int, str]] = []
    for k, kind in found:
        v = values[k]
        if not any(
            _close(v, values[j]) or (kind == "sigmoid" and _close(1 - v, values[j]))
            for j, other in kept
            if other == kind
        ):
            kept.append((k, kind))
    return kept


def find_match(recording: Recording) -> Match | None:
    """The likeliest reading of a recording as an LSTM; None if there is none."""
    best: Match | None = None
    for late in (False, True):
        if late and not recording.late:
            continue
        candidates = Candidates(recording, late)
        if len(candidates.x) < 3:
            continue
        for more in (False, True):
            match = _match(candidates, candidates.gates(more))
            if match is not None and (best is None or match.cost < best.cost):
                best = match
            if best is not None and best.cost <= 2:
                return best
    return best


def _match(candidates: Candidates, found: list[tuple[int, str]]) -> Match | None:
    """The cheapest way to make (5) and (6) fit."""
    found = found[:MAX_CANDIDATES]
    numbers = [k for k, _ in found]
    kinds = dict(found)
    best: tuple[int, dict[str, int], int, int, Formula, Formula] | None = None
    read = [candidates.values[k] for k in candidates.reads] if candidates.explained else []
    for c, formula, roles in _cells(candidates, numbers):
        for h, output, o in _outputs(candidates, numbers, c, roles):
            gates = roles | ({"o": o} if o is not None else {})
            wrong = sum(kinds[k] != ACTIVATIONS[name] for name, k in gates.items())
            elsewhere = bool(read) and not any(_close(r, candidates.values[h]) for r in read)
            cost = 2 * bool(formula.mistake) + 2 * bool(output.mistake) + wrong + elsewhere
            cost += 2 * (len(set(gates.values())) < len(gates))
            if best is None or cost < best[0]:
                best = (cost, gates, c, h, formula, output)
            if cost == 0:
                break
        if best is not None and best[0] == 0:
            break
    if best is None:
        return None
    cost, gates, c, h, formula, output = best
    values, places = candidates.values, candidates.places
    state = _read_state(candidates, values[h], values[c])
    return Match(
        {name: _gate(candidates, k, kinds[k], state) for name, k in gates.items()},
        values[c],
        values[h],
        formula,
        output,
        state,
        places[c],
        places[h],
        candidates.x,
        candidates.first,
        cost,
        [_gate(candidates, k, kind, state) for k, kind in found],
    )


def _read_state(candidates: Candidates, h: Tensor, c: Tensor) -> Tensor | None:
    """What the gates read: h or c, where one of them fits, else what does."""
    reads = [candidates.values[k] for k in candidates.reads] if candidates.explained else []
    for state in (h, c):
        if any(_close(r, state) for r in reads):
            return state
    return reads[0] if reads else None


def _gate(candidates: Candidates, k: int, kind: str, state: Tensor | None) -> Gate:
    values = candidates.values[k]
    before = next((y for n, other, y in candidates.transformed if (n, other) == (k, kind)), None)
    fit = None
    if before is not None:
        past = torch.zeros_like(values) if state is None else state
        fit = affine(before[1:].flatten(0, 1), candidates.now, past[:-1].flatten(0, 1))
    inside = candidates.places[k]
    if before is not None and kind != "none":
        near = ((candidates.values - before).abs() < 1e-3 * (1 + before.abs())).flatten(1).all(1)
        places = [candidates.places[n] for n in near.nonzero().flatten().tolist()]
        inside = next((p for p in places if p.name not in VIEWS), inside)
    return Gate(values, candidates.places[k], kind, fit, before, inside)


def _cells(
    candidates: Candidates, numbers: Sequence[int]
) -> list[tuple[int, Formula, dict[str, int]]]:
    """Each series that is c(t) by one of the formulas, the right one first."""
    values = candidates.values
    if not numbers:
        return []
    pool = values[list(numbers)][:, 1:]
    affine_gates = {k for k, _, _ in candidates.explained}
    chosen = [
        k
        for k, place in enumerate(candidates.places)
        if k not in affine_gates and place.name not in VIEWS
    ]
    found = []
    for formula in CELLS:
        roles = torch.tensor(list(permutations(range(len(numbers)), len(formula.gates))))
        if not len(roles):
            continue
        for k in chosen:
            c, before = values[k][1:], values[k][:-1]
            for past in _pasts(candidates, k) if formula.mistake == READS_H else [before]:
                hits = _try(formula, roles, pool, c, before, past)
                found += [
                    (k, formula, {g: numbers[n] for g, n in zip(formula.gates, r, strict=True)})
                    for r in roles[hits].tolist()
                    if k not in [numbers[n] for n in r]
                ]
        if not formula.mistake and found:
            break
    return found


def _pasts(candidates: Candidates, c: int) -> list[Tensor]:
    """What may be h(t-1) in c(t): products, and a tanh."""
    return [
        candidates.values[k][:-1]
        for k, place in enumerate(candidates.places)
        if k != c and place.name in ("mul", "tanh", "addcmul")
    ]


def _try(
    formula: Formula, roles: Tensor, pool: Tensor, c: Tensor, before: Tensor, past: Tensor
) -> Tensor:
    """Which assignments of gates to the roles give c: on some rows first, then on all."""
    left = torch.arange(len(roles))
    for rows in (slice(0, 1), slice(None)):
        given = {"g": None, "i": None, "f": None} | {
            name: pool[roles[left, n]][:, :, rows] for n, name in enumerate(formula.gates)
        }
        one = torch.zeros(1, dtype=torch.float64)
        arguments = [one if x is None else x for x in given.values()]
        result = formula.compute(*arguments, before[:, rows], past[:, rows])
        result = result.expand(len(left), *c[:, rows].shape)
        left = left[
            ((result - c[:, rows]).abs() < CLOSE * (1 + c[:, rows].abs())).flatten(1).all(1)
        ]
        if not len(left):
            break
    return left


def _outputs(
    candidates: Candidates, numbers: Sequence[int], c: int, roles: dict[str, int]
) -> list[tuple[int, Formula, int | None]]:
    """Each series that is h(t) by one of the formulas, the right one first."""
    values = candidates.values
    state, before = values[c][1:], values[c][:-1]
    g = values[roles["g"]][1:]
    found: list[tuple[int, Formula, int | None]] = []
    for formula in OUTPUTS:
        for o in numbers if formula.gates else [None]:
            gate = None if o is None else values[o][1:]
            h = formula.compute(state, gate, before, g)
            scale = CLOSE * (1 + h.abs())
            close = ((values[:, 1:] - h).abs() < scale).flatten(1).all(1)
            found += [(k, formula, o) for k in close.nonzero().flatten().tolist()]
        if not formula.mistake and found:
            break
    return found


def _close(a: Tensor, b: Tensor) -> bool:
    return bool(((a - b).abs() < CLOSE * (1 + b.abs())).all())
