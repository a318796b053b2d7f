"""What deviates from equations (1) to (7), and in which line."""

from collections.abc import Callable

import torch
from torch import Tensor

from toolkit.assignment.check.lstm.cell import gates
from toolkit.assignment.check.lstm.cell.affine import Map, affine, is_none
from toolkit.assignment.check.lstm.cell.candidates import VIEWS
from toolkit.assignment.check.lstm.cell.formulas import (
    NO_MEMORY,
    READS_H,
)
from toolkit.assignment.check.lstm.cell.matching import Match
from toolkit.assignment.check.lstm.cell.recording import Place, Recording
from toolkit.assignment.check.lstm.network import Network
from toolkit.assignment.check.lstm.source import Source
from toolkit.assignment.check.verdicts import Place as Placing
from toolkit.assignment.check.verdicts import Placed, Verdicts

ACTIVE: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "none": torch.clone,
}
MAX_REST = 3e-3  # of a gate at the first step, beyond what W x(1) + b gives


def check_match(
    match: Match, recording: Recording, network: Network, source: Source, verdicts: Verdicts
) -> None:
    """Report what the relations between the numbers have shown."""
    swapped = match.cell.mistake == READS_H and not match.reads_h and match.read is not None
    if swapped:
        verdicts.fault(
            "wrong-equation",
            "From the second step on, h and c have changed places: the gates read c(t-1), and f(t) "
            "multiplies h(t-1). In which order are the two returned, and in which order taken?",
            equation=5,
            at=Placing(*match.h_place.around),
        )
    else:
        _check_states(match, network, verdicts)
    if not verdicts.has("state-not-carried"):
        gates.check_gates(match, network, verdicts, swapped)
    gates.check_activations(match, verdicts)
    gates.check_shared(match, recording.twice, verdicts)
    gates.check_names(match, source, verdicts)


def _check_states(match: Match, network: Network, verdicts: Verdicts) -> None:
    """(5) and (6), and whether the states reach the next step."""
    mistake = match.cell.mistake
    reach = {name for name, g in match.gates.items() if g.map and not is_none(g.map.weight_h)}
    others = [g for g in match.gates_found if g.kind == "sigmoid"]
    forgets = mistake == NO_MEMORY and len(others) > 2
    if not reach and all(g.map is not None and g.map.exact for g in match.gates.values()):
        verdicts.fault(
            "state-not-carried",
            "Neither h(t-1) nor c(t-1) reaches the next step." if forgets else
            "h(t-1) does not reach the gates: they see the same h at every step. Where is h set to "
            "zero, and is the new h what the next step reads?",
            at=network.reset() or Placing(*match.h_place.around),
        )  # fmt: skip
        if forgets:
            return
    if forgets:
        verdicts.fault(
            "state-not-carried",
            "c(t-1) does not reach c(t), as if the memory were empty at every step. Where is c set "
            "to zero, and is the new c kept for the next step?",
            equation=5,
            at=network.reset() or match.c_place,
        )
    elif mistake:
        place = match.part_place or match.c_place
        verdicts.fault("wrong-equation", mistake, equation=5, at=place)
    if match.output.mistake:
        verdicts.fault("wrong-equation", match.output.mistake, equation=6, at=match.h_place)


def nonzero_start(match: Match) -> str | None:
    """ "h" or "c", whichever the first step shows not to be zero; None if both are."""
    if match.first:
        return None
    for gate in match.gates.values():
        fit = gate.map
        active = ACTIVE.get(gate.kind)
        if not active or fit is None or not fit.exact or is_none(fit.weight_h):
            continue
        inside = match.x[0] @ fit.weight_x + fit.bias
        if float((gate.values[0] - active(inside)).abs().max()) > MAX_REST:
            return "h"
    if match.cell.mistake:
        return None
    g, i = match.gates["g"].values[0], match.gates["i"].values[0]
    return "c" if float((match.c[0] - g * i).abs().max()) > MAX_REST else None


def learnt_start(what: str, name: str, network: Network, verdicts: Verdicts) -> None:
    """Report an initial state that training changes."""
    verdicts.fault(
        "nonzero-initial-state",
        f"{what}(0) is zero at first, but it is a parameter (self.{name}), so it is no longer zero "
        "after a step of the optimiser. Which tensors of a model does an optimiser leave alone?",
        at=network.made(name),
    )


def passed_on(what: str, match: Match, verdicts: Verdicts) -> None:
    """Report an upper layer whose initial state is not zero."""
    verdicts.fault(
        "nonzero-initial-state",
        f"{what}(0) of an upper layer is not zero: it starts with what another layer ended with. "
        "Which states does each layer begin with?",
        at=match.h_place if what == "h" else match.c_place,
    )


def start(what: str, match: Match, made: Placed | None, verdicts: Verdicts) -> None:
    """Report an initial state that is not zero, which was perhaps made there."""
    place = match.h_place if what == "h" else match.c_place
    message = (
        "h(0) is not zero: the first step already has a past."
        if what == "h"
        else "c(0) is not zero, but every sequence starts with an empty memory."
    )
    verdicts.fault("nonzero-initial-state", message, at=made or place)


def check_readout(
    match: Match, recording: Recording, readout: Map, network: Network, verdicts: Verdicts
) -> None:
    """(7): the logits are an affine map of h(T)."""
    logits = recording.logits
    line = recording.last
    if readout.exact:
        if is_none(readout.bias):
            message = "The bias b_p is missing."
            verdicts.fault("wrong-equation", message, equation=7, at=gates.of_bias(line, network))
        return
    read = match.read if match.output.mistake else None
    if read is not None and affine(logits, None, read[-1]).exact:
        return  # it is what they call h(t), and (6) was named
    earlier = {
        "the hidden state of an earlier step": list(match.h[:-1]),
        "the mean of the hidden states": [match.h.mean(0), match.h[1:].mean(0)],
        "the largest of the hidden states": [match.h.amax(0)],
    }
    for what, states in earlier.items():
        if any(affine(logits, None, state).exact for state in states):
            verdicts.fault(
                "loss-not-last-step",
                f"The answer is computed from {what}. Only p(T) counts, which is computed from the "
                "last h.",
                equation=9,
                at=line,
            )
            return
    others: dict[str, tuple[Tensor, Tensor | None, Place | None]] = {
        "c(t), not from h(t)": (match.c[-1], None, match.c_place),
        "h(t) and c(t) together": (match.h[-1], match.c[-1], None),
        "h(t) and x(t) together": (match.h[-1], match.x[-1], None),
    } | {
        f"{name}(t), not from h(t)": (g.values[-1], None, g.place)
        for name, g in match.gates.items()
    }
    for what, (state, more, place) in others.items():
        if affine(logits, more, state).exact:
            message = f"The readout p(t) is computed from {what}."
            at = line if place else _fed(recording) or line
            verdicts.fault("wrong-equation", message, equation=7, at=at)
            return
    verdicts.not_seen(
        "Equation (7) could not be followed: what is done to h(T) before it is returned?",
        at=_fed(recording) or line,
    )


def _fed(recording: Recording) -> Place | None:
    """Where that is computed first which the logits are an affine map of."""
    for value, place in zip(recording.values, recording.places, strict=True):
        if place.name not in VIEWS and affine(recording.logits, None, value).exact:
            return place
    return None


def unmatched(recording: Recording, network: Network, verdicts: Verdicts) -> None:
    """Say what can be said where nothing fits."""
    if verdicts.has("fixed-sequence-length") and not recording.series:
        verdicts.not_seen("Equations (1) to (6) can be looked at once any sequence length works.")
        return
    active = [s for s in recording.series if s.place.name in ("sigmoid", "tanh")]
    distinct = {s.ids: s for s in active}
    kinds = [s.place.name for s in distinct.values()]
    sigmoids, tanhs = kinds.count("sigmoid"), kinds.count("tanh")
    seen = f"{sigmoids} sigmoids and {tanhs} tanh"
    weights = sum(torch.Size(t["shape"]).numel() for t in network.tensors if len(t["shape"]) > 1)
    n, d = network.way.hidden or 128, network.way.input_dim or 10
    if "hidden" in network.took and weights < 4 * n * (n + d) + 10 * n and kinds:
        verdicts.fault(
            "wrong-equation",
            f"This is not an LSTM. A step has {seen}, but (1) to (6) have 3 and 2. Which of the "
            "four gates are there, and is there a c(t) besides h(t)?",
            equation=5,
            at=_fed(recording),
        )
    else:
        verdicts.not_seen(
            f"Equations (1) to (7) could not be followed: each step has {seen}, and nothing that "
            "is known here puts such together like that."
        )
