"""Which numbers of a recording are the gates, c(t) and h(t)? Their relations tell, not their names.

c(t) and h(t) are series that follow from gates by (5)
and (6), or by these equations with a common mistake in them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import torch
from torch import Tensor

from toolkit.assignment.check.lstm.cell.affine import Map, affine
from toolkit.assignment.check.lstm.cell.candidates import CLOSE, VIEWS, Candidates, close
from toolkit.assignment.check.lstm.cell.formulas import (
    ACTIVATIONS,
    CELLS,
    OUTPUTS,
    READS_H,
    Formula,
)
from toolkit.assignment.check.lstm.cell.recording import Place, Recording

MAX_CANDIDATES = 12  # for a gate


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

    @property
    def reads_h(self) -> bool:
        """Whether what the gates read is h(t-1)."""
        return self.read is not None and close(self.read, self.h)


def find_match(recording: Recording) -> Match | None:
    """The likeliest reading of a recording as an LSTM, perhaps with mistakes; None if none is."""
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
    kinds = dict(found[:MAX_CANDIDATES])
    best = min(_readings(candidates, kinds), key=lambda one: one[0], default=None)
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
    )


def _readings(
    candidates: Candidates, kinds: dict[int, str]
) -> Iterator[tuple[int, dict[str, int], int, int, Formula, Formula]]:
    """What each way costs; which series are the gates, c(t) and h(t); and by which formulas."""
    numbers = [k for k in kinds for _ in range(min(candidates.times[k], 3))]
    read = [candidates.values[k] for k in candidates.reads] if candidates.explained else []
    for c, formula, roles in _cells(candidates, numbers):
        for h, output, o in _outputs(candidates, numbers, c, roles):
            if h == c and formula.mistake:
                continue  # any product of two would be such an LSTM
            gates = roles | ({"o": o} if o is not None else {})
            wrong = sum(kinds[k] != ACTIVATIONS[name] for name, k in gates.items())
            elsewhere = bool(read) and not any(close(r, candidates.values[h]) for r in read)
            twice = len(set(gates.values())) < len(gates)
            deviations = bool(formula.mistake) + bool(output.mistake) + twice
            yield 2 * deviations + wrong + elsewhere, gates, c, h, formula, output


def _read_state(candidates: Candidates, h: Tensor, c: Tensor) -> Tensor | None:
    """What the gates read: h or c, where one of them fits, else what does."""
    reads = [candidates.values[k] for k in candidates.reads] if candidates.explained else []
    for state in (h, c):
        if any(close(r, state) for r in reads):
            return state
    return reads[0] if reads else None


def _gate(candidates: Candidates, k: int, kind: str, state: Tensor | None) -> Gate:
    values = candidates.values[k]
    before = next((y for n, other, y in candidates.transformed if (n, other) == (k, kind)), None)
    if before is None:
        before = candidates.inside(k, kind)
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
        some = [pool[roles[:, n]][:, :, :1] for n in range(len(formula.gates))]
        for k in chosen:
            c, before = values[k][1:], values[k][:-1]
            for past in _pasts(candidates, k) if formula.mistake == READS_H else [before]:
                hits = _try(formula, roles, some, pool, c, before, past)
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
    formula: Formula,
    roles: Tensor,
    some: Sequence[Tensor],
    pool: Tensor,
    c: Tensor,
    before: Tensor,
    past: Tensor,
) -> Tensor:
    """Which assignments of gates to the roles give c: on the first row, then on all.

    Args:
        some: the first row of each gate in each of the assignments, (roles, steps, 1, hidden).
    """
    left = _fitting(formula, some, c[:, :1], before[:, :1], past[:, :1])
    if not len(left):
        return left
    given = [pool[roles[left, n]] for n in range(len(formula.gates))]
    return left[_fitting(formula, given, c, before, past)]


def _fitting(
    formula: Formula, given: Sequence[Tensor], c: Tensor, before: Tensor, past: Tensor
) -> Tensor:
    """Which of the assignments give c."""
    gates = dict(zip(formula.gates, given, strict=True))
    one = torch.zeros(1, dtype=torch.float64)
    result = formula.compute(*(gates.get(name, one) for name in "gif"), before, past)
    result = result.expand(len(given[0]), *c.shape)
    return ((result - c).abs() < CLOSE * (1 + c.abs())).flatten(1).all(1).nonzero().flatten()


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
