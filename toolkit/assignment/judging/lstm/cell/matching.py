"""Finds the gates, c(t) and h(t) in a recording by the relations between their values, not by their
names.

The states c(t) and h(t) are sequences of values over time. They follow from the gates by equations
(5) and (6), or by a version of these equations that contains a common mistake.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from operator import attrgetter
from typing import NamedTuple, Self

import torch
from torch import Tensor

from toolkit.assignment.judging.lstm.cell.affine import Map, affine
from toolkit.assignment.judging.lstm.cell.candidates import CLOSE, VIEWS, Candidates, close
from toolkit.assignment.judging.lstm.cell.formulas import (
    ACTIVATIONS,
    CELLS,
    OUTPUTS,
    READS_H,
    Formula,
)
from toolkit.assignment.judging.lstm.cell.recording import Operation, Recording

MAX_CANDIDATES = 12  # for a gate


@dataclass
class Gate:
    """A gate that was found in a recorded forward pass: its values over time, its activation and
    the affine map inside the activation.
    """

    values: Tensor  # (steps, rows, hidden)
    made: Operation
    kind: str  # "sigmoid", "tanh", "none" or the name of another activation
    map: Map | None  # from x(t) and the state that gates read
    before: Tensor | None  # the argument of the activation
    inside: Operation  # that computed the argument


@dataclass
class Match:
    """The gates, c(t) and h(t) of an LSTM, as identified among the values recorded in a forward
    pass.
    """

    gates: dict[str, Gate]  # those that are used
    c: Tensor  # (steps, rows, hidden)
    h: Tensor
    cell: Formula
    output: Formula
    read: Tensor | None  # the state that the gates read one step later; None if none
    c_made: Operation
    h_made: Operation
    x: Tensor  # (steps, rows, D)
    first: int  # the time step, from 0, that the series begin with
    cost: int = 0

    @property
    def reads_h(self) -> bool:
        """True if the gates read h(t-1)."""
        return self.read is not None and close(self.read, self.h)


class Reading(NamedTuple):
    """One possible assignment of recorded series of values to the gates, to c(t) and to h(t).

    The recorded values assigned to the gates, c(t) and h(t) satisfy equations (5) and (6), or a
    version of these equations that contains a common mistake. Each series is given by its index in
    `Candidates.values`.
    """

    cost: int  # the more deviations, the more
    gates: dict[str, int]  # the series of each gate
    c: int
    h: int
    cell: Formula
    output: Formula


def find_match(recording: Recording) -> Match | None:
    """Find the recorded series of values that are most likely the gates, c(t) and h(t) of an LSTM;
    return None if no series fit.

    The search also finds the gates, c(t) and h(t) in an LSTM that contains common mistakes.
    """
    best: Match | None = None
    for match in _matches(recording):
        if best is None or match.cost < best.cost:
            best = match
        if best.cost <= 2:
            return best
    return best


def _matches(recording: Recording) -> Iterator[Match]:
    """Yield possible identifications of the gates, c(t) and h(t) among the values recorded in a
    forward pass. Series with a value at every step are tried before series that lack the first
    step, and gates with an activation before gates without one.
    """
    for late in (False, True):
        if late and not recording.late:
            continue
        candidates = Candidates(recording, late)
        if len(candidates.x) < 3:
            continue
        for with_plain in (False, True):
            match = _match(candidates, candidates.gates(with_plain))
            if match is not None:
                yield match


def _match(candidates: Candidates, possible_gates: list[tuple[int, str]]) -> Match | None:
    """Return the match with the fewest deviations from the equations, or None if no recorded series
    of values can be the gates, c(t) and h(t) of an LSTM.

    Args:
        possible_gates: the recorded series of values that may be gates, each as its index and the
            name of its activation function.
    """
    kinds = dict(possible_gates[:MAX_CANDIDATES])
    reading = min(_readings(candidates, kinds), key=attrgetter("cost"), default=None)
    if reading is None:
        return None
    c, h = candidates.values[reading.c], candidates.values[reading.h]
    state = _read_state(candidates, h, c)
    gates = {}
    for name, k in reading.gates.items():
        gates[name] = _gate(candidates, k, kinds[k], state)
    return Match(
        gates=gates,
        c=c,
        h=h,
        cell=reading.cell,
        output=reading.output,
        read=state,
        c_made=candidates.operations[reading.c],
        h_made=candidates.operations[reading.h],
        x=candidates.x,
        first=candidates.first,
        cost=reading.cost,
    )


def _readings(candidates: Candidates, kinds: dict[int, str]) -> Iterator[Reading]:
    """Yield each way to choose the gates, c(t) and h(t) from the recorded series of values. The
    chosen values must satisfy equations (5) and (6), or a version of these equations with a common
    mistake.

    Args:
        kinds: for each series of values that may be those of a gate, its activation function; the
            keys are the indices of the series.
    """
    numbers = []
    for k in kinds:
        numbers += [k] * min(candidates.times[k], 3)
    for c, cell, roles in _cells(candidates, numbers):
        for h, output, o in _outputs(candidates, numbers, c, roles):
            if h == c and cell.mistake:
                continue  # else any product of two series would be an LSTM
            gates = roles if o is None else roles | {"o": o}
            cost = _cost(candidates, kinds, gates, h)
            cost += 2 * (bool(cell.mistake) + bool(output.mistake))
            yield Reading(cost, gates, c, h, cell, output)


def _cost(candidates: Candidates, kinds: dict[int, str], gates: dict[str, int], h: int) -> int:
    """Return a number that grows with each deviation from the equations, except for mistakes in
    equations (5) and (6), which are not counted.
    """
    cost = 0
    for name, k in gates.items():
        cost += kinds[k] != ACTIVATIONS[name]
    is_used_twice = len(set(gates.values())) < len(gates)
    if is_used_twice:
        cost += 2
    reads = candidates.read_states
    if reads and not any(close(state, candidates.values[h]) for state in reads):
        cost += 1
    return cost


def _read_state(candidates: Candidates, h: Tensor, c: Tensor) -> Tensor | None:
    """Return the state that the gates read. If the gates may read h, the function returns h.
    Otherwise, if they may read c, it returns c. If they may read neither of the two, it returns the
    first recorded series of values that they may read, or None if there is none.
    """
    reads = candidates.read_states
    for state in (h, c):
        if any(close(read, state) for read in reads):
            return state
    return reads[0] if reads else None


def _gate(candidates: Candidates, k: int, kind: str, state: Tensor | None) -> Gate:
    """Describe the gate that produced the recorded values at index `k`. The gate applies the
    activation function `kind` and reads x(t) and `state`.
    """
    values, made = candidates.values[k], candidates.operations[k]
    before = _before_activation(candidates, k, kind)
    if before is None:
        return Gate(values, made, kind, None, None, made)
    past = torch.zeros_like(values) if state is None else state
    fit = affine(before[1:].flatten(0, 1), candidates.now, past[:-1].flatten(0, 1))
    inside = made if kind == "none" else _maker_of(candidates, before, made)
    return Gate(values, made, kind, fit, before, inside)


def _before_activation(candidates: Candidates, k: int, kind: str) -> Tensor | None:
    """Return the argument of a gate's activation, or None if the argument is not known."""
    for number, name, inside in candidates.transformed:
        if number == k and name == kind:
            return inside
    return candidates.inside(k, kind)


def _maker_of(candidates: Candidates, series: Tensor, default: Operation) -> Operation:
    """Return the recorded operation that computes a given series of values, one per time step, or
    `default` if there is no such operation.
    """
    scale = 1e-3 * (1 + series.abs())
    is_near = ((candidates.values - series).abs() < scale).flatten(1).all(1)
    for number in is_near.nonzero().flatten().tolist():
        operation: Operation = candidates.operations[number]
        if operation.name not in VIEWS:
            return operation
    return default


class Assignments(NamedTuple):
    """All ways to assign to each gate in a formula for c(t) one of the sequences of values in a
    pool, with no sequence used twice.
    """

    formula: Formula
    roles: Tensor  # (n, gates of the formula): a series of the pool for each gate
    pool: Tensor  # (series, steps, rows, hidden), without the first step
    first_rows: Sequence[Tensor]  # of each gate in each assignment, (n, steps, 1, hidden)

    @classmethod
    def of(cls, formula: Formula, pool: Tensor) -> Self:
        """Return all ways to assign one entry of `pool`, a series of values, to each gate in a
        formula, using each entry at most once.
        """
        roles = torch.tensor(list(permutations(range(len(pool)), len(formula.gates))))
        columns = roles.unbind(1) if len(roles) else ()
        return cls(formula, roles, pool, [pool[column][:, :, :1] for column in columns])

    def giving(self, c: Tensor, before: Tensor, past: Tensor) -> list[list[int]]:
        """Return every assignment of recorded sequences of values to the gates such that the
        formula for the cell state yields c(t).

        Each assignment is tested on the first row of the batch and, if it fits, on all rows.

        Args:
            c: c(t), (steps, rows, hidden).
            before: c(t-1).
            past: h(t-1).
        """
        if not len(self.roles):
            return []
        hits = _fitting(self.formula, self.first_rows, c[:, :1], before[:, :1], past[:, :1])
        if len(hits):
            gates = [self.pool[column] for column in self.roles[hits].unbind(1)]
            hits = hits[_fitting(self.formula, gates, c, before, past)]
        assignments: list[list[int]] = self.roles[hits].tolist()
        return assignments


def _cells(
    candidates: Candidates, numbers: Sequence[int]
) -> list[tuple[int, Formula, dict[str, int]]]:
    """Find the recorded series that may be c(t), because a formula for c(t) computes them from
    other recorded series. Return each such series together with the formula and the series that the
    formula uses as gates.

    If the correct formula fits, the wrong formulas are not tried.

    Args:
        numbers: the indices, in `candidates.values`, of the recorded series that may contain a
            gate's values.
    """
    if not numbers:
        return []
    pool = candidates.values[list(numbers)][:, 1:]
    states = _possible_states(candidates)
    cells = []
    for formula in CELLS:
        assignments = Assignments.of(formula, pool)
        for k in states:
            for gates in _gates_giving(k, candidates, assignments, numbers):
                cells.append((k, formula, gates))
        if not formula.mistake and cells:
            break
    return cells


def _gates_giving(
    k: int, candidates: Candidates, assignments: Assignments, numbers: Sequence[int]
) -> Iterator[dict[str, int]]:
    """Yield each way of assigning series to the gates such that the formula for c(t) reproduces the
    series with index `k`.

    Args:
        assignments: all ways to choose, for each gate of the formula, one of the recorded series
            whose indices are in `numbers`. Each choice is given as a position in `numbers`, and no
            position is used twice.
        numbers: as in `_cells`.
    """
    formula = assignments.formula
    c, before = candidates.values[k][1:], candidates.values[k][:-1]
    pasts = [before]
    if formula.mistake == READS_H:
        pasts = _pasts(candidates, k)
    for past in pasts:
        for assignment in assignments.giving(c, before, past):
            series = [numbers[n] for n in assignment]
            if k not in series:
                yield dict(zip(formula.gates, series, strict=True))


def _possible_states(candidates: Candidates) -> list[int]:
    """Return the indices of the recorded tensors whose values over the time steps may be c(t): all
    except gates and mere views or copies of other tensors.
    """
    gates = [k for k, _, _ in candidates.explained]
    states = []
    for k, operation in enumerate(candidates.operations):
        if k not in gates and operation.name not in VIEWS:
            states.append(k)
    return states


def _pasts(candidates: Candidates, c: int) -> list[Tensor]:
    """Return the candidates for h(t-1): the values of each recorded series that could be h(t), at
    every step but the last. Such a series is not c(t) itself, and was computed by a multiplication,
    by `addcmul` or by a tanh.
    """
    pasts = []
    for k, operation in enumerate(candidates.operations):
        if k != c and operation.name in ("mul", "tanh", "addcmul"):
            pasts.append(candidates.values[k][:-1])
    return pasts


def _fitting(
    formula: Formula, gates: Sequence[Tensor], c: Tensor, before: Tensor, past: Tensor
) -> Tensor:
    """Return the indices of the assignments (each assigns a series of values to every gate in
    `formula`) with which `formula` gives c(t) up to rounding.
    """
    by_name = dict(zip(formula.gates, gates, strict=True))
    unused = torch.zeros(1, dtype=torch.float64)
    g, i, f = (by_name.get(name, unused) for name in "gif")
    result = formula.compute(g, i, f, before, past)
    result = result.expand(len(gates[0]), *c.shape)
    return ((result - c).abs() < CLOSE * (1 + c.abs())).flatten(1).all(1).nonzero().flatten()


def _outputs(
    candidates: Candidates, numbers: Sequence[int], c: int, roles: dict[str, int]
) -> list[tuple[int, Formula, int | None]]:
    """Find each recorded series of values that equals h(t) as computed by one of the formulas. For
    each such series, return its index, the formula, and the index of the output gate (None if the
    formula has none).

    If the correct formula fits, the wrong formulas are not tried.
    """
    values = candidates.values
    state, before = values[c][1:], values[c][:-1]
    g = values[roles["g"]][1:]
    outputs: list[tuple[int, Formula, int | None]] = []
    for formula in OUTPUTS:
        output_gates = numbers if formula.gates else [None]
        for o in output_gates:
            gate = None if o is None else values[o][1:]
            h = formula.compute(state, gate, before, g)
            scale = CLOSE * (1 + h.abs())
            is_h = ((values[:, 1:] - h).abs() < scale).flatten(1).all(1)
            for k in is_h.nonzero().flatten().tolist():
                outputs.append((k, formula, o))
        if not formula.mistake and outputs:
            break
    return outputs
