"""Tries each assignment of four affine maps to the gates g, i, f and o.

Four maps of x(t) and h(t-1) can be assigned to the four gates in 24 ways. If none of the
assignments gives the network's logits, the network is not an LSTM.
"""

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

from torch import Tensor

from toolkit.assignment.judging.lstm.cell.affine import affine
from toolkit.assignment.judging.lstm.cell.candidates import VIEWS, Candidates, close
from toolkit.assignment.judging.lstm.cell.formulas import ACTIVATIONS
from toolkit.assignment.judging.lstm.cell.recording import Operation, Recording
from toolkit.assignment.judging.lstm.cell.reference import Layer, Model, Trial


class Nearest(NamedTuple):
    """The result of trying every assignment of affine maps to gates: how closely the best
    assignment reproduces the network's logits.
    """

    readings: int
    error: float
    departs: Operation | None  # the first whose result is not in the equations


def nearest(recording: Recording, fresh: Sequence[tuple[Tensor, Tensor]]) -> Nearest | None:
    """Try every assignment of affine maps to gates, and return how closely the best assignment
    reproduces the network's logits.

    The result is None if `fresh` is empty. The result is also None if the function cannot determine
    the affine maps from x(t) and h(t-1) to the four gates or the affine map from h(t) to the
    logits.

    Args:
        fresh: as in a `Trial`.
    """
    candidates = Candidates(recording, late=False)
    insides = {k: inside for k, _, inside in candidates.explained}
    gates = [k for k, _ in candidates.gates(with_plain=False) if k in insides]
    if len(gates) != len(ACTIVATIONS) or not (candidates.reads and fresh):
        return None
    h = candidates.values[candidates.reads[0]]
    readout = affine(recording.logits, None, h[-1])
    if not readout.exact:
        return None
    before = h[:-1].flatten(0, 1)
    maps = []
    for k in gates:
        fit = affine(insides[k][1:].flatten(0, 1), candidates.now, before)
        if not fit.exact:
            return None
        maps.append(fit)
    activations = {name: (kind,) for name, kind in ACTIVATIONS.items()}
    trials = []
    for order in permutations(maps):
        layer = Layer(dict(zip(ACTIVATIONS, order, strict=True)), activations)
        trials.append(Trial(Model([layer], readout), fresh))
    best = min(trials, key=Trial.error)
    return Nearest(len(trials), best.error(), _departure(best, recording, candidates, gates))


def _departure(
    trial: Trial, recording: Recording, candidates: Candidates, gates: Sequence[int]
) -> Operation | None:
    """Return the first operation whose result is none of the values that the equations define for
    the first time step.

    An operation whose result is an affine map of x(1) is skipped, because it may be part of a
    gate's computation. If h(0) = 0, the arguments of the gates' activations are affine maps of x(1)
    too.
    """
    x = recording.x[:, :1]
    step = trial.model.layers[0].steps(x)[0]
    del step["x"]
    known = list(step.values())
    known += [candidates.values[k][0] for k in gates]
    for number in recording.order:
        operation, value = recording.operations[number], recording.values[number]
        if operation.name in VIEWS or any(close(value, series) for series in known):
            continue
        if not affine(value, None, x[:, 0]).exact:
            return operation
    return None
