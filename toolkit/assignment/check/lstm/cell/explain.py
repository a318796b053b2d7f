"""What deviates from equations (1) to (7), and in which line."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.check.findings import Place as Placing
from toolkit.assignment.check.findings import Placed
from toolkit.assignment.check.lstm.cell import start
from toolkit.assignment.check.lstm.cell.affine import Map, affine, is_none
from toolkit.assignment.check.lstm.cell.candidates import VIEWS, close
from toolkit.assignment.check.lstm.cell.formulas import (
    ACTIVATIONS,
    CELLS,
    GATES,
    NAMES,
    NO_MEMORY,
    OUTPUTS,
    READS_H,
)
from toolkit.assignment.check.lstm.cell.matching import Gate, Match
from toolkit.assignment.check.lstm.cell.readings import nearest
from toolkit.assignment.check.lstm.cell.recording import Place, Recording
from toolkit.assignment.check.lstm.cell.reference import Layer, Model, More, Trial
from toolkit.assignment.check.lstm.network import Network
from toolkit.assignment.check.verdicts import Verdicts
from toolkit.assignment.check.verify import EXACT

BESIDES = {"c before": "c(t-1)", "c": "c(t)", "h": "h(t)"}  # what a gate may read too
FIELDS = {"weight_x": "W_x", "weight_h": "W_h", "bias": "b"}  # of a map
Found = defaultdict[tuple[str, str], dict[str, dict[str, Any]]]  # rule and what: proofs by gate
MANY = 128  # hidden units, so that what reads x(t) is small beside what reads h(t-1)
STEPS = {"mean": "the mean of the hidden states", "step": "the hidden state of an earlier step"}


def model(layers: Sequence[Match], readout: Map, recording: Recording) -> Model:
    """The equations with all the deviations that a reading of the numbers has."""
    found = [_layer(match) for match in layers]
    answers = "h" if readout.exact else "?"
    for what, (state, other) in _readouts(layers[-1]).items():
        if answers == "?" and (fit := affine(recording.logits, other, state)).exact:
            answers, readout = what, fit
    return Model(found, readout, answers)


def _layer(match: Match) -> Layer:
    maps = {name: g.map for name, g in match.gates.items() if g.map is not None}
    kinds = {name: g.kind for name, g in match.gates.items()}
    more: dict[str, More] = {}
    for name, gate in match.gates.items():
        if gate.before is not None and name in maps and not maps[name].exact:
            maps[name], kinds[name], reads = _otherwise(match, gate, gate.before, maps[name])
            more |= {name: reads} if reads else {}
    states = {"h": match.h, "c": match.c, "tanh(c)": match.c.tanh()}
    states |= {name: gate.values for name, gate in match.gates.items()}
    same = (name for name, one in states.items() if match.read is None or close(match.read, one))
    beginning = start.nonzero(match)
    return Layer(
        maps,
        kinds,
        match.cell,
        match.output,
        next(same, "?"),
        beginning and beginning.states,
        more,
    )


def _otherwise(match: Match, gate: Gate, inside: Tensor, fit: Map) -> tuple[Map, str, More | None]:
    """What a gate is that is no affine map of x(t) and h(t-1): its map, activations, and more."""
    now, h = match.x[1:].flatten(0, 1), match.h[:-1].flatten(0, 1)
    d = now.size(1)
    for what, state in (("c before", match.c[:-1]), ("c", match.c[1:]), ("h", match.h[1:])):
        both = torch.cat([now, state.flatten(0, 1)], 1)
        if (other := affine(inside[1:].flatten(0, 1), both, h)).exact:
            weights = other.weight_x
            return other._replace(weight_x=weights[:d]), gate.kind, More(what, weights[d:])
    for kind, inner in (("sigmoid", inside.logit()), ("tanh", inside.atanh())):
        if gate.kind == "none" or not bool(inner.isfinite().all()):
            continue
        if (other := affine(inner[1:].flatten(0, 1), now, h)).exact:
            return other, f"{kind} {gate.kind}", None
    return fit, gate.kind, None


class LayerJudge(NamedTuple):
    """Reports what the relations between the numbers of one layer have shown."""

    number: int
    match: Match
    trial: Trial
    recording: Recording
    network: Network
    verdicts: Verdicts

    def check(self) -> None:
        """Equations (1) to (6)."""
        match, kinds = self.match, self.trial.model.layers[self.number].kinds
        swapped = match.cell.mistake == READS_H and not match.reads_h and match.read is not None
        if swapped:
            at, proof = Placing(*match.h_place.around), self._without(cell=CELLS[0], reads="h")
            self.verdicts.fault("wrong-equation.swapped", at=at, proof=proof)
        else:
            self._check_states()
        # where (6) is wrong, what the gates read may be their h(t)
        alone = not (match.reads_h or match.read is None or swapped or match.output.mistake)
        if alone:
            inside, proof = match.gates["g"].inside, self._without(reads="h")
            self.verdicts.fault("wrong-equation.other-state", at=inside, proof=proof)
        if not self.verdicts.has("state-not-carried"):
            self._check_gates(alone)
        found: Found = defaultdict(dict)
        for name in GATES:
            if name in match.gates and (kind := match.gates[name].kind) != ACTIVATIONS[name]:
                has = "no activation" if kind == "none" else f"a {kind.strip('_')}"
                right = {**kinds, name: ACTIVATIONS[name]}
                found["activation", has][name] = self._without(kinds=right)
        self._once(found, {name: gate.place for name, gate in match.gates.items()})
        self._check_shared()

    def _without(self, **changes: Any) -> dict[str, Any]:
        return self.trial.without(self.number, **changes)

    def _check_states(self) -> None:
        """(5) and (6), and whether the states reach the next step."""
        match, mistake, reset = self.match, self.match.cell.mistake, self.network.reset()
        maps = [gate.map for gate in match.gates.values()]
        at: Placed | None
        if all(fit is not None and fit.exact and is_none(fit.weight_h) for fit in maps):
            rule = "state-not-carried.neither" if mistake == NO_MEMORY else "state-not-carried.h"
            at = reset or Placing(*match.h_place.around)
            proof = self.trial.otherwise(self.number, next(iter(match.gates)), "weight_h")
            self.verdicts.fault(rule, at=at, proof=proof)
        if mistake == NO_MEMORY:
            if not self.verdicts.has("state-not-carried"):
                at, proof = reset or match.c_place, self._without(cell=CELLS[0])
                self.verdicts.fault("state-not-carried.c", at=at, proof=proof)
        elif mistake:
            at, proof = match.c_place, self._without(cell=CELLS[0])
            self.verdicts.fault(f"wrong-equation.{mistake}", at=at, proof=proof)
        if mistake := match.output.mistake:
            proof = self._without(output=OUTPUTS[0])
            self.verdicts.fault(f"wrong-equation.{mistake}", at=match.h_place, proof=proof)

    def _check_gates(self, alone: bool) -> None:
        """(1) to (4): each gate is one affine map of x(t) and h(t-1), the same at every step."""
        gates, layer = self.match.gates, self.trial.model.layers[self.number]
        lacking = {name: _lacks(gate.map) for name, gate in gates.items() if gate.map}
        unexplained = []
        found: Found = defaultdict(dict)
        for name in GATES:
            lacks, more = lacking.get(name), layer.more.get(name)
            kinds = layer.kinds.get(name, "").split()
            if lacks:
                found[f"no-{lacks}", ""][name] = self.trial.otherwise(self.number, name, lacks)
            elif alone or name not in gates:
                continue
            elif more:
                found["reads-more", BESIDES[more.what]][name] = self._without(more={})
            elif len(kinds) > 1:
                right = {**layer.kinds, name: kinds[-1]}
                found["activated-twice", kinds[0]][name] = self._without(kinds=right)
            elif name not in layer.maps or not layer.maps[name].exact:
                unexplained.append(name)
        self._once(found, {name: gate.inside for name, gate in gates.items()})
        if unexplained:
            self.verdicts.not_seen("gate", names=", ".join(unexplained))

    def _check_shared(self) -> None:
        """No two gates use the same matrix."""
        gates, twice = self.match.gates, self.recording.twice
        maps = {n: fit for n in GATES if n in gates and (fit := gates[n].map) and fit.exact}
        found: Found = defaultdict(dict)
        for earlier, later in combinations(maps, 2):
            same = [field for field in FIELDS if _same(field, maps[earlier], maps[later])]
            if same and not any(later in proofs for proofs in found.values()):
                what = f"{' and '.join(FIELDS[field] for field in same)} as {earlier}(t)"
                found["same-weights", what][later] = self.trial.otherwise(self.number, later, *same)
        self._once(found, {name: twice or gates[name].inside for name in maps})

    def _once(self, found: Found, places: Mapping[str, Place]) -> None:
        """What is the matter with several gates is said of the first, if each of them proves it."""
        for (rule, what), proofs in found.items():
            first, *others = proofs
            self.verdicts.fault(
                f"wrong-equation.{rule}",
                equation=GATES.index(first) + 1,
                at=places[first],
                proof=min(proofs.values(), key=lambda proof: proof["without"]),
                gate=f"{NAMES[first]} {first}(t)",
                name=first,
                what=what,
            )
            if others and (cause := self.verdicts.findings[-1]).verdict == "wrong":
                self.verdicts.also("others", cause, names=", ".join(f"{n}(t)" for n in others))


def _lacks(fit: Map) -> str | None:
    """Which weights of a map are zero; None if it has all of them, or is none."""
    fields = ("weight_h", "weight_x", "bias") if fit.exact else ()
    return next((field for field in fields if is_none(getattr(fit, field))), None)


def _same(field: str, one: Map, other: Map) -> bool:
    a, b = getattr(one, field), getattr(other, field)
    return not is_none(a) and float((a - b).abs().max()) < 1e-2 * float(a.abs().max())


def _readouts(match: Match) -> dict[str, tuple[Tensor, Tensor | None]]:
    """What else the logits may be computed from, alone or together."""
    steps = [0, -2, *range(1, len(match.h) - 2)]  # from the first one, or from the last
    alone = {f"step {k}": match.h[k] for k in steps} | {"mean": match.h.mean(0), "c": match.c[-1]}
    alone |= {name: gate.values[-1] for name, gate in match.gates.items()}
    both = {"h and c": (match.h[-1], match.c[-1]), "h and x": (match.h[-1], match.x[-1])}
    return {**{what: (state, None) for what, state in alone.items()}, **both}


def check_readout(match: Match, trial: Trial, recording: Recording, verdicts: Verdicts) -> None:
    """(7): the logits are an affine map of h(T)."""
    readout, line, answers = trial.model.readout, recording.last, trial.model.answers
    one, _, more = answers.partition(" and ")
    proof = trial.without(answers="h")
    if answers == "h":
        if is_none(readout.bias):
            other = readout._replace(bias=readout.bias + torch.arange(10.0).double())
            proof = trial.without(readout=other)
            verdicts.fault("wrong-equation.no-bias", equation=7, at=line, proof=proof, name="p")
        return
    read = match.read if match.output.mistake else None
    if read is not None and affine(recording.logits, None, read[-1]).exact:
        return  # it is what they call h(t), and (6) was named
    if what := STEPS.get(answers.split()[0]):
        verdicts.fault("loss-not-last-step.earlier", at=line, proof=proof, what=what)
    elif answers == "?":
        verdicts.not_seen("readout", at=_fed(recording) or line)
    else:
        what = f"{one}(t) and {more}(t) together" if more else f"{one}(t), not from h(t)"
        at = (_fed(recording) if more else None) or line
        verdicts.fault("wrong-equation.readout", at=at, proof=proof, what=what)


def _fed(recording: Recording) -> Place | None:
    """Where that is computed first which the logits are an affine map of."""
    for value, place in zip(recording.values, recording.places, strict=True):
        if place.name not in VIEWS and affine(recording.logits, None, value).exact:
            return place
    return None


def unmatched(
    recording: Recording,
    network: Network,
    fresh: Sequence[tuple[Tensor, Tensor]],
    verdicts: Verdicts,
) -> None:
    """Say what can be said where nothing fits."""
    reading = nearest(recording, fresh)
    if reading is not None and reading.error > EXACT:
        proof = {"readings": reading.readings, "nearest": min(reading.error, 1e9)}
        verdicts.fault("wrong-equation.no-reading", at=reading.departs, proof=proof)
        return
    if verdicts.has("fixed-sequence-length") and not recording.series:
        verdicts.not_seen("length")
        return
    network.build(hidden=MANY)
    weights = sum(torch.Size(t["shape"]).numel() for t in network.tensors if len(t["shape"]) > 1)
    network.build()
    if "hidden" in network.took and recording.series and weights < 4 * MANY * MANY:
        proof = {"weights": weights, "n": MANY}
        verdicts.fault("wrong-equation.not-lstm", at=_fed(recording), proof=proof)
    else:
        verdicts.not_seen("unmatched")
