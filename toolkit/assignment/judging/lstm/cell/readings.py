"""Tries each reading of four affine maps as g, i, f and o: if none is right, it is not an LSTM.

Four maps of x(t) and h(t-1) can be the four gates in 24 ways.
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
    """The reading whose logits come nearest to the network's."""

    readings: int
    error: float
    departs: Operation | None  # the first that computes a state which it does not have


def nearest(recording: Recording, fresh: Sequence[tuple[Tensor, Tensor]]) -> Nearest | None:
    """Try every reading; None if their number is not known.

    Args:
        fresh: as of a `Trial`.
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
    """Return the operation by which the first step computes what this reading does not have.

    A map of x(1) is left out, since h(0) = 0.
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
