"""Judges a student's implementation of equations (1) to (7), and reports each deviation with its
line.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.findings.findings import Placed
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.rules.claims.lstm import EXACT
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.lstm.cell import start
from toolkit.assignment.judging.lstm.cell.affine import Map, affine, is_none
from toolkit.assignment.judging.lstm.cell.candidates import VIEWS, close
from toolkit.assignment.judging.lstm.cell.formulas import (
    ACTIVATIONS,
    CELLS,
    GATES,
    NAMES,
    NO_MEMORY,
    OUTPUTS,
    READS_H,
)
from toolkit.assignment.judging.lstm.cell.matching import Gate, Match
from toolkit.assignment.judging.lstm.cell.readings import nearest
from toolkit.assignment.judging.lstm.cell.recording import Operation, Recording
from toolkit.assignment.judging.lstm.cell.reference import Further, Layer, Model, Read, Trial
from toolkit.assignment.judging.lstm.network import Network
from toolkit.assignment.running.places import Place

BESIDES = {"c before": "c(t-1)", "c": "c(t)", "h": "h(t)"}  # what else a gate may read
FIELDS = {"weight_x": "W_x", "weight_h": "W_h", "bias": "b"}  # of a map
MANY = 128  # hidden units, so that the weights for x(t) are few


Proofs = defaultdict[tuple[str, str], dict[str, claims.Evidence]]  # rule and detail: by gate


def model(layers: Sequence[Match], readout: Map, recording: Recording) -> Model:
    """Build a `Model` of the network from its layers and its readout; the model contains every
    deviation from the equations that was found.
    """
    cells = list(map(_layer, layers))
    if readout.exact:
        return Model(cells, readout)
    for reads, state, further in _readouts(layers[-1]):
        fit = affine(recording.logits, further, state)
        if fit.exact:
            return Model(cells, fit, reads)
    return Model(cells, readout, None)


def _layer(match: Match) -> Layer:
    """Build a model of a layer from the gates and states in `match`; the model holds the layer's
    weights and its deviations from the equations.
    """
    maps: dict[str, Map] = {}
    activations: dict[str, tuple[str, ...]] = {}
    further: dict[str, Further] = {}
    for name, gate in match.gates.items():
        activations[name] = (gate.kind,)
        if gate.map is None:
            continue
        maps[name] = gate.map
        if gate.before is not None and not gate.map.exact:
            deviation = _deviating(match, gate, gate.before, gate.map)
            maps[name], activations[name], reads = deviation
            if reads is not None:
                further[name] = reads
    beginning = start.nonzero(match)
    return Layer(
        maps,
        activations,
        match.cell,
        match.output,
        _name_of_read(match),
        beginning and beginning.states,
        further,
    )


def _name_of_read(match: Match) -> str | None:
    """Return the name of the state that the gates read, or None if the tensor that they read does
    not occur in the equations.
    """
    if match.read is None:
        return "h"
    states = {"h": match.h, "c": match.c, "tanh(c)": match.c.tanh()}
    for name, gate in match.gates.items():
        states[name] = gate.values
    for name, values in states.items():
        if close(match.read, values):
            return name
    return None


def _deviating(
    match: Match, gate: Gate, inside: Tensor, fit: Map
) -> tuple[Map, tuple[str, ...], Further | None]:
    """Find out what a gate computes if the argument of its activation is not an affine map of x(t)
    and h(t-1).

    Returns:
        The gate's affine map, its activation functions, and the state that it reads besides h(t-1).
        The activation functions are in the order in which they are applied. The state is None if
        the gate reads no state besides h(t-1). If neither a further state nor a second activation
        gives an exact fit, the returned map is the argument `fit`, which is not exact.
    """
    now, h = match.x[1:].flatten(0, 1), match.h[:-1].flatten(0, 1)
    d = now.size(1)
    for name, state in (("c before", match.c[:-1]), ("c", match.c[1:]), ("h", match.h[1:])):
        inputs = torch.cat([now, state.flatten(0, 1)], 1)
        wider = affine(inside[1:].flatten(0, 1), inputs, h)
        if wider.exact:
            weights = wider.weight_x
            reads = Further(name, weights[d:])
            return wider._replace(weight_x=weights[:d]), (gate.kind,), reads
    for kind, inner in (("sigmoid", inside.logit()), ("tanh", inside.atanh())):
        if gate.kind == "none" or not bool(inner.isfinite().all()):
            continue
        deeper = affine(inner[1:].flatten(0, 1), now, h)
        if deeper.exact:
            return deeper, (kind, gate.kind), None
    return fit, (gate.kind,), None


class LayerJudge(NamedTuple):
    """Checks whether one layer of the network implements equations (1) to (6) correctly."""

    number: int
    match: Match
    trial: Trial
    recording: Recording
    network: Network
    verdicts: Verdicts

    def check(self) -> None:
        """Judge equations (1) to (6)."""
        match = self.match
        is_swapped = self._is_swapped()
        if is_swapped:
            at, proof = Place(*match.h_made.around), self._without(cell=CELLS[0], reads="h")
            self.verdicts.fault("wrong-equation.swapped", at=at, proof=proof)
        else:
            self._check_states()
        # if (6) is wrong, the state that the gates read may be the student's h(t)
        is_excused = match.read is None or is_swapped or bool(match.output.mistake)
        reads_other_state = not match.reads_h and not is_excused
        if reads_other_state:
            inside, proof = match.gates["g"].inside, self._without(reads="h")
            self.verdicts.fault("wrong-equation.other-state", at=inside, proof=proof)
        if not self.verdicts.has("state-not-carried"):
            self._check_gates(reads_other_state)
        self._check_activations()
        self._check_shared()

    def _is_swapped(self) -> bool:
        """True if the cell uses h(t-1) in place of c(t-1), and the gates read a state other than
        h(t-1).
        """
        match = self.match
        return match.cell.mistake == READS_H and not match.reads_h and match.read is not None

    def _without(self, **changes: Any) -> claims.Evidence:
        return self.trial.without(self.number, **changes)

    def _check_states(self) -> None:
        """Check whether equations (5) and (6) are implemented correctly, and whether the states are
        carried over to the next step.
        """
        self._check_carried()
        match = self.match
        mistake = match.cell.mistake
        if mistake == NO_MEMORY:
            if not self.verdicts.has("state-not-carried"):
                at, proof = self.network.reset() or match.c_made, self._without(cell=CELLS[0])
                self.verdicts.fault("state-not-carried.c", at=at, proof=proof)
        elif mistake:
            at, proof = match.c_made, self._without(cell=CELLS[0])
            self.verdicts.fault(f"wrong-equation.{mistake}", at=at, proof=proof)
        mistake = match.output.mistake
        if mistake:
            proof = self._without(output=OUTPUTS[0])
            self.verdicts.fault(f"wrong-equation.{mistake}", at=match.h_made, proof=proof)

    def _check_carried(self) -> None:
        """Report a cell whose gates do not read the state of the previous step."""
        match = self.match
        for gate in match.gates.values():
            fit = gate.map
            if fit is None or not fit.exact or not is_none(fit.weight_h):
                return
        rule = "state-not-carried.h"
        if match.cell.mistake == NO_MEMORY:
            rule = "state-not-carried.neither"
        at: Placed = self.network.reset() or Place(*match.h_made.around)
        proof = self.trial.otherwise(self.number, next(iter(match.gates)), "weight_h")
        self.verdicts.fault(rule, at=at, proof=proof)

    def _check_gates(self, reads_other_state: bool) -> None:
        """Judge equations (1) to (4), in which each gate uses the same affine map of x(t) and
        h(t-1) at every step.

        Args:
            reads_other_state: True if the gates read a state other than h(t-1) and this fault has
                been reported.
        """
        gates, layer = self.match.gates, self.trial.model.layers[self.number]
        unexplained = []
        proofs: Proofs = defaultdict(dict)
        for name in GATES:
            if name not in gates:
                continue
            missing = _missing_weights(gates[name].map)
            if missing is not None:
                proof = self.trial.otherwise(self.number, name, missing)
                proofs[f"no-{missing}", ""][name] = proof
                continue
            if reads_other_state or self._explain_gate(name, proofs):
                continue
            if name not in layer.maps or not layer.maps[name].exact:
                unexplained.append(name)
        self._report(proofs, {name: gate.inside for name, gate in gates.items()})
        if unexplained:
            self.verdicts.not_seen("gate", names=", ".join(unexplained))

    def _explain_gate(self, name: str, proofs: Proofs) -> bool:
        """If a gate reads an additional state or has two activations, add the proof of this fault
        to `proofs`.

        Returns:
            True if a proof was added.
        """
        layer = self.trial.model.layers[self.number]
        reads, activations = layer.further.get(name), layer.activations[name]
        if reads is not None:
            proofs["reads-more", BESIDES[reads.state]][name] = self._without(further={})
            return True
        if len(activations) > 1:
            right = {**layer.activations, name: activations[-1:]}
            proofs["activated-twice", activations[0]][name] = self._without(activations=right)
            return True
        return False

    def _check_activations(self) -> None:
        """Report each gate that uses the wrong activation function."""
        gates = self.match.gates
        activations = self.trial.model.layers[self.number].activations
        proofs: Proofs = defaultdict(dict)
        for name in GATES:
            if name not in gates or gates[name].kind == ACTIVATIONS[name]:
                continue
            kind = gates[name].kind
            described = "no activation" if kind == "none" else f"a {kind.strip('_')}"
            right = {**activations, name: (ACTIVATIONS[name],)}
            proofs["activation", described][name] = self._without(activations=right)
        self._report(proofs, {name: gate.made for name, gate in gates.items()})

    def _check_shared(self) -> None:
        """Report each gate that has the same matrix or bias as an earlier gate."""
        gates, twice = self.match.gates, self.recording.twice
        maps = self._exact_maps()
        proofs: Proofs = defaultdict(dict)
        reported = set()
        for earlier, later in combinations(maps, 2):
            same = _same_fields(maps[earlier], maps[later])
            if same and later not in reported:
                weights = " and ".join(FIELDS[field] for field in same)
                proof = self.trial.otherwise(self.number, later, *same)
                proofs["same-weights", f"{weights} as {earlier}(t)"][later] = proof
                reported.add(later)
        self._report(proofs, {name: twice or gates[name].inside for name in maps})

    def _exact_maps(self) -> dict[str, Map]:
        """For each gate, in the order of GATES, return the affine map that computes the gate's
        pre-activation. A gate is left out if no known affine map reproduces its pre-activation up
        to rounding.
        """
        maps: dict[str, Map] = {}
        for name in GATES:
            if name in self.match.gates:
                fit = self.match.gates[name].map
                if fit is not None and fit.exact:
                    maps[name] = fit
        return maps

    def _report(self, proofs: Proofs, operations: Mapping[str, Operation]) -> None:
        """If several gates have the same fault, report this fault only once, at the operation given
        for the first of these gates.

        Of the proofs for these gates, the report uses the weakest, so the fault is reported only if
        it is proved for every gate.
        """
        for (rule, detail), by_gate in proofs.items():
            first, *further = by_gate
            self.verdicts.fault(
                f"wrong-equation.{rule}",
                equation=GATES.index(first) + 1,
                at=operations[first],
                proof=min(by_gate.values(), key=_error_without),
                gate=f"{NAMES[first]} {first}(t)",
                name=first,
                what=detail,
            )
            cause = self.verdicts.findings[-1]
            if further and cause.verdict == "wrong":
                names = ", ".join(f"{name}(t)" for name in further)
                self.verdicts.also("others", cause, names=names)


def _error_without(proof: claims.Evidence) -> float:
    error: float = proof.seen["without"]
    return error


def _missing_weights(fit: Map | None) -> str | None:
    """Return the name of the first part of a gate's affine map that is all zero. The parts are
    examined in the order `weight_h`, `weight_x`, `bias`. The result is None if no part is all zero,
    or if the map does not reproduce the gate's values exactly.
    """
    if fit is None or not fit.exact:
        return None
    for field in ("weight_h", "weight_x", "bias"):
        if is_none(getattr(fit, field)):
            return field
    return None


def _same_fields(fit: Map, later: Map) -> list[str]:
    """Return those of `weight_x`, `weight_h` and `bias` that are nonzero and the same in both
    affine maps.
    """
    return [field for field in FIELDS if _is_same(getattr(fit, field), getattr(later, field))]


def _is_same(a: Tensor, b: Tensor) -> bool:
    return not is_none(a) and float((a - b).abs().max()) < 1e-2 * float(a.abs().max())


def _readouts(match: Match) -> Iterator[tuple[Read, Tensor, Tensor | None]]:
    """Yield the incorrect inputs from which a student's code may compute the logits. Each input is
    given by its description, its tensor, and a second tensor. The second tensor is None unless the
    logits depend on two tensors.
    """
    h, c = match.h, match.c
    for step in (0, -2, *range(1, len(h) - 2)):
        yield Read(step=step), h[step], None
    yield Read(step=None), h.mean(0), None
    yield Read("c"), c[-1], None
    for name, gate in match.gates.items():
        yield Read(name), gate.values[-1], None
    yield Read(further="c"), h[-1], c[-1]
    yield Read(further="x"), h[-1], match.x[-1]


def check_readout(match: Match, trial: Trial, recording: Recording, verdicts: Verdicts) -> None:
    """Check the student's implementation of equation (7), in which the logits are an affine map of
    h(T).
    """
    line, reads = recording.last, trial.model.reads
    if reads == Read():
        _check_bias(trial, line, verdicts)
        return
    read = match.read if match.output.mistake else None
    if read is not None and affine(recording.logits, None, read[-1]).exact:
        return  # this state is the student's h(t), and (6) was reported
    if reads is None:
        verdicts.not_seen("readout", at=_readout_input(recording) or line)
        return
    proof = trial.without(reads=Read())
    if reads.step != -1:
        what = _earlier(reads.step)
        verdicts.fault("loss-not-last-step.earlier", at=line, proof=proof, what=what)
    elif reads.further is not None:
        states = f"{reads.value}(t) and {reads.further}(t) together"
        at = _readout_input(recording) or line
        verdicts.fault("wrong-equation.readout", at=at, proof=proof, what=states)
    else:
        instead = f"{reads.value}(t), not from h(t)"
        verdicts.fault("wrong-equation.readout", at=line, proof=proof, what=instead)


def _earlier(step: int | None) -> str:
    """Describe the hidden state that the readout uses in place of h(T).

    The parameter `step` has the same meaning as in `Read`.
    """
    if step is None:
        return "the mean of the hidden states"
    return "the hidden state of an earlier step"


def _check_bias(trial: Trial, line: Operation | None, verdicts: Verdicts) -> None:
    """Report a readout without a bias."""
    readout = trial.model.readout
    if is_none(readout.bias):
        biased = readout._replace(bias=readout.bias + torch.arange(10.0).double())
        proof = trial.without(readout=biased)
        verdicts.fault("wrong-equation.no-bias", equation=7, at=line, proof=proof, name="p")


def _readout_input(recording: Recording) -> Operation | None:
    """Return the first operation such that the logits are an affine map of its result, or None if
    there is none.
    """
    for value, operation in zip(recording.values, recording.operations, strict=True):
        if operation.name not in VIEWS and affine(recording.logits, None, value).exact:
            return operation
    return None


def unmatched(
    recording: Recording,
    network: Network,
    fresh: Sequence[tuple[Tensor, Tensor]],
    verdicts: Verdicts,
) -> None:
    """Report that a network's values do not match the equations, as a fault if one can be proved,
    and otherwise as something that the check could not judge.
    """
    reading = nearest(recording, fresh)
    if reading is not None and reading.error > EXACT:
        proof = claims.lstm.no_reading_fits(reading.readings, nearest=min(reading.error, 1e9))
        verdicts.fault("wrong-equation.no-reading", at=reading.departs, proof=proof)
        return
    if verdicts.has("fixed-sequence-length") and not recording.series:
        verdicts.not_seen("length")
        return
    weights = _count_weights(network)
    if "hidden" in network.took and recording.series and weights < 4 * MANY * MANY:
        proof = claims.lstm.has_too_few_weights(weights, n=MANY)
        verdicts.fault("wrong-equation.not-lstm", at=_readout_input(recording), proof=proof)
    else:
        verdicts.not_seen("unmatched")


def _count_weights(network: Network) -> int:
    """Build the network with `MANY` hidden units, so many that only a small fraction of its weights
    are applied to x(t), and count the weights in its matrices.
    """
    network.build(hidden=MANY)
    weights = 0
    for tensor in network.tensors:
        if len(tensor["shape"]) > 1:
            weights += torch.Size(tensor["shape"]).numel()
    network.build()
    return weights
