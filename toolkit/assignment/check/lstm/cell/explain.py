"""What deviates from equations (1) to (7), and in which line."""

from collections.abc import Sequence

import torch
from torch import Tensor

from toolkit.assignment.check.lstm.cell import gates, start
from toolkit.assignment.check.lstm.cell.affine import Map, affine, is_none
from toolkit.assignment.check.lstm.cell.candidates import CLOSE, VIEWS, close
from toolkit.assignment.check.lstm.cell.formulas import (
    CELLS,
    NO_MEMORY,
    OUTPUTS,
    READS_H,
)
from toolkit.assignment.check.lstm.cell.matching import Match
from toolkit.assignment.check.lstm.cell.recording import Place, Recording
from toolkit.assignment.check.lstm.cell.reference import Layer, Model, More, Trial
from toolkit.assignment.check.lstm.network import Network
from toolkit.assignment.check.verdicts import Place as Placing
from toolkit.assignment.check.verdicts import Verdicts


def model(layers: Sequence[Match], readout: Map, recording: Recording) -> Model:
    """The equations with all the deviations that a reading of the numbers has."""
    found: list[Layer] = []
    for match in layers:
        maps = {name: g.map for name, g in match.gates.items() if g.map is not None}
        kinds = {name: g.kind for name, g in match.gates.items()}
        more: dict[str, More] = {}
        for name, gate in match.gates.items():
            if name in maps and not maps[name].exact and (read := gates.what_it_reads(match, gate)):
                maps[name], kinds[name] = read.map, read.kinds
                more |= {name: read.more} if read.more else {}
        beginning = start.nonzero(match)
        found.append(
            Layer(
                maps,
                kinds,
                match.cell,
                match.output,
                _what_is_read(match),
                "below" if beginning and found else beginning and beginning.states,
                more,
            )
        )
    answers = "h" if readout.exact else None
    for what, (state, other) in _readouts(layers[-1]).items():
        if answers is None and (fit := affine(recording.logits, other, state)).exact:
            answers, readout = what, fit
    return Model(found, readout, answers or "?")


def _what_is_read(match: Match) -> str:
    """The name of what the gates read one step later."""
    states = {"h": match.h, "c": match.c, "tanh(c)": match.c.tanh()}
    states |= {name: gate.values for name, gate in match.gates.items()}
    same = (name for name, one in states.items() if match.read is None or close(match.read, one))
    return next(same, "?")


def check_match(
    number: int,
    match: Match,
    trial: Trial,
    recording: Recording,
    network: Network,
    verdicts: Verdicts,
) -> None:
    """Report what the relations between the numbers have shown."""
    swapped = match.cell.mistake == READS_H and not match.reads_h and match.read is not None
    if swapped:
        proof = trial.without(number, cell=CELLS[0], reads="h")
        verdicts.fault("wrong-equation.swapped", at=Placing(*match.h_place.around), proof=proof)
    else:
        _check_states(number, match, trial, recording, network, verdicts)
    if not verdicts.has("state-not-carried"):
        gates.check_gates(number, match, trial, network, verdicts, swapped)
    gates.check_activations(number, match, trial, verdicts)
    gates.check_shared(number, match, trial, recording.twice, verdicts)


def _check_states(
    number: int,
    match: Match,
    trial: Trial,
    recording: Recording,
    network: Network,
    verdicts: Verdicts,
) -> None:
    """(5) and (6), and whether the states reach the next step."""
    mistake = match.cell.mistake
    reach = {name for name, g in match.gates.items() if g.map and not is_none(g.map.weight_h)}
    others = [g for g in match.gates_found if g.kind == "sigmoid"]
    forgets = mistake == NO_MEMORY and len(others) > 2
    if not reach and all(g.map is not None and g.map.exact for g in match.gates.values()):
        verdicts.fault(
            "state-not-carried.neither" if forgets else "state-not-carried.h",
            at=network.reset() or Placing(*match.h_place.around),
            proof=trial.otherwise(number, next(iter(reach or match.gates)), "weight_h"),
        )
        if forgets:
            return
    if forgets:
        verdicts.fault(
            "state-not-carried.c",
            at=network.reset() or match.c_place,
            proof=trial.without(number, cell=CELLS[0]),
        )
    elif mistake:
        seen = trial.without(number, cell=CELLS[0])
        at = _besides(match, recording) or match.c_place
        verdicts.fault(f"wrong-equation.{mistake}", at=at, proof=seen)
    if match.output.mistake:
        seen = trial.without(number, output=OUTPUTS[0])
        verdicts.fault(f"wrong-equation.{match.output.mistake}", at=match.h_place, proof=seen)


def _besides(match: Match, recording: Recording) -> Place | None:
    """Where that is computed which c(t) has besides g(t) i(t), if it is computed apart."""
    g, i = (match.gates[name].values[-1] if name in match.gates else None for name in "gi")
    if g is None or i is None:
        return None
    rest = match.c[-1] - g * i
    near = ((recording.values - rest).abs() < CLOSE * (1 + rest.abs())).flatten(1).all(1)
    places = [recording.places[k] for k in near.nonzero().flatten().tolist()]
    return next((p for p in places if all(p != gate.place for gate in match.gates.values())), None)


def _readouts(match: Match) -> dict[str, tuple[Tensor, Tensor | None]]:
    """What else the logits may be computed from, alone or together."""
    steps = [0, -2, *range(1, len(match.h) - 2)]  # from the first one, or from the last
    alone = {f"step {k}": match.h[k] for k in steps}
    alone |= {"mean": match.h.mean(0), "late mean": match.h[1:].mean(0), "largest": match.h.amax(0)}
    alone |= {"c": match.c[-1], **{name: g.values[-1] for name, g in match.gates.items()}}
    both = {"h and c": (match.h[-1], match.c[-1]), "h and x": (match.h[-1], match.x[-1])}
    return {**{what: (state, None) for what, state in alone.items()}, **both}


def check_readout(
    match: Match,
    trial: Trial,
    recording: Recording,
    readout: Map,
    network: Network,
    verdicts: Verdicts,
) -> None:
    """(7): the logits are an affine map of h(T)."""
    logits = recording.logits
    line = recording.last
    if readout.exact:
        if is_none(readout.bias):
            other = readout._replace(bias=readout.bias + torch.arange(10.0).double())
            at = gates.of_bias(line, network)
            seen = trial.without(readout=other)
            verdicts.fault("wrong-equation.no-bias", equation=7, at=at, proof=seen, name="p")
        return
    read = match.read if match.output.mistake else None
    if read is not None and affine(logits, None, read[-1]).exact:
        return  # it is what they call h(t), and (6) was named
    answers = trial.model.answers
    seen = trial.without(answers="h")
    said = {"mean": "the mean of the hidden states", "late mean": "the mean of the hidden states"}
    said |= {"largest": "the largest of the hidden states"}
    if answers in said or answers.startswith("step "):
        what = said.get(answers, "the hidden state of an earlier step")
        verdicts.fault("loss-not-last-step.earlier", at=line, proof=seen, what=what)
    elif answers in _readouts(match):
        one, _, more = answers.partition(" and ")
        what = f"{one}(t) and {more}(t) together" if more else f"{one}(t), not from h(t)"
        where = (_fed(recording) if more else None) or line
        verdicts.fault("wrong-equation.readout", at=where, proof=seen, what=what)
    else:
        verdicts.not_seen("readout", at=_fed(recording) or line)


def _fed(recording: Recording) -> Place | None:
    """Where that is computed first which the logits are an affine map of."""
    for value, place in zip(recording.values, recording.places, strict=True):
        if place.name not in VIEWS and affine(recording.logits, None, value).exact:
            return place
    return None


def unmatched(recording: Recording, network: Network, verdicts: Verdicts) -> None:
    """Say what can be said where nothing fits."""
    if verdicts.has("fixed-sequence-length") and not recording.series:
        verdicts.not_seen("length")
        return
    active = [s for s in recording.series if s.place.name in ("sigmoid", "tanh")]
    distinct = {s.ids: s for s in active}
    kinds = [s.place.name for s in distinct.values()]
    sigmoids, tanhs = kinds.count("sigmoid"), kinds.count("tanh")
    weights = sum(torch.Size(t["shape"]).numel() for t in network.tensors if len(t["shape"]) > 1)
    n, d = network.way.hidden or 128, network.way.input_dim or 10
    if "hidden" in network.took and weights < 4 * n * (n + d) + 10 * n and kinds:
        proof, at = {"weights": weights, "n": n, "d": d}, _fed(recording)
        verdicts.fault(
            "wrong-equation.not-lstm", at=at, proof=proof, sigmoids=sigmoids, tanhs=tanhs
        )
    else:
        verdicts.not_seen("unmatched", sigmoids=sigmoids, tanhs=tanhs)
