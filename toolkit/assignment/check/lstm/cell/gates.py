"""What deviates from equations (1) to (4), and in which line."""

from typing import NamedTuple

import torch

from toolkit.assignment.check.lstm.cell.affine import Map, affine, is_none
from toolkit.assignment.check.lstm.cell.formulas import ACTIVATIONS, GATES, NAMES
from toolkit.assignment.check.lstm.cell.matching import Gate, Match
from toolkit.assignment.check.lstm.cell.recording import Place
from toolkit.assignment.check.lstm.cell.reference import More, Trial
from toolkit.assignment.check.lstm.network import Network
from toolkit.assignment.check.verdicts import Place as Placing
from toolkit.assignment.check.verdicts import Placed, Verdicts


def check_activations(layer: int, match: Match, trial: Trial, verdicts: Verdicts) -> None:
    """Each gate has its own activation."""
    for number, name in enumerate(GATES, start=1):
        gate = match.gates.get(name)
        if gate is None or gate.kind == ACTIVATIONS[name]:
            continue
        has = "no activation" if gate.kind == "none" else f"a {gate.kind.strip('_')}"
        kinds = {**trial.model.layers[layer].kinds, name: ACTIVATIONS[name]}
        verdicts.fault(
            "wrong-equation.activation",
            equation=number,
            at=gate.place,
            proof=trial.without(layer, kinds=kinds),
            gate=called(name),
            has=has,
        )


def check_gates(
    layer: int, match: Match, trial: Trial, network: Network, verdicts: Verdicts, swapped: bool
) -> None:
    """(1) to (4): each gate is one affine map of x(t) and h(t-1), the same at every step."""
    maps = {name: gate.map for name, gate in match.gates.items()}
    missing = [n for n in GATES if (m := maps.get(n)) and m.exact and is_none(m.bias)]
    strange = bool(match.output.mistake)  # then what the gates read may be their h(t)
    alone = not (match.reads_h or match.read is None or swapped or strange)
    if alone:
        at: Placed | None = match.gates["g"].inside if "g" in match.gates else match.h_place
        verdicts.fault("wrong-equation.other-state", at=at, proof=trial.without(layer, reads="h"))
    if len(missing) == 4:
        at = of_bias(match.gates["g"].inside, network)
        seen = trial.otherwise(layer, "g", "bias")
        verdicts.fault("wrong-equation.no-biases", at=at, proof=seen)
        missing = []
    unexplained: list[str] = []
    for number, name in enumerate(GATES, start=1):
        gate, fit = match.gates.get(name), maps.get(name)
        if gate is None:
            continue
        rule, what, seen = "", "", {}
        if fit is None or not fit.exact:
            if look := what_it_reads(match, gate):
                rule, what = "not-affine", look.says
                kinds = {**trial.model.layers[layer].kinds, name: gate.kind}
                seen = trial.without(layer, more={}, kinds=kinds)
            else:
                unexplained.append(name)
        elif is_none(fit.weight_h):
            rule, what = "unread", "h(t-1)"
            seen = trial.otherwise(layer, name, "weight_h")
        elif is_none(fit.weight_x):
            rule, what = "unread", "x(t)"
            seen = trial.otherwise(layer, name, "weight_x")
        elif name in missing:
            rule = "no-bias"
            seen = trial.otherwise(layer, name, "bias")
        if rule and not (alone and fit is not None and not fit.exact):
            at = of_bias(gate.inside, network) if name in missing else gate.inside
            verdicts.fault(
                f"wrong-equation.{rule}",
                equation=number,
                at=at,
                proof=seen,
                gate=called(name),
                name=name,
                what=what,
            )
    if unexplained and not alone:
        verdicts.not_seen("gate", names=", ".join(unexplained))


def called(name: str) -> str:
    """A gate in words."""
    return f"{NAMES[name]} {name}(t)"


def of_bias(place: Place | None, network: Network) -> Placed | None:
    """Where a bias would be written: where the layer is made, if it was made without one."""
    return place and network.bare.get(Placing(place.file, place.line), place)


class Reads(NamedTuple):
    """Why a gate is no affine map of x(t) and h(t-1): what it is, and in words."""

    says: str
    map: Map
    more: More | None
    kinds: str


def what_it_reads(match: Match, gate: Gate) -> Reads | None:
    """The same, if it is known."""
    if gate.before is None:
        return None
    value = gate.before[1:].flatten(0, 1)
    now = match.x[1:].flatten(0, 1)
    h, c, c_new = match.h[:-1], match.c[:-1], match.c[1:]
    states = (("c(t-1)", "c before", c), ("c(t)", "c", c_new), ("h(t)", "h", match.h[1:]))
    for said, what, state in states:
        both = torch.cat([now, state.flatten(0, 1)], 1)
        if (fit := affine(value, both, h.flatten(0, 1))).exact:
            d = now.size(1)
            more = More(what, fit.weight_x[d:])
            own = fit._replace(weight_x=fit.weight_x[:d])
            return Reads(f"it also reads {said}", own, more, gate.kind)
    if gate.kind == "none":
        return None
    for kind in ("sigmoid", "tanh"):
        inner = gate.before.logit() if kind == "sigmoid" else gate.before.atanh()
        if bool(inner.isfinite().all()):
            fit = affine(inner[1:].flatten(0, 1), now, h.flatten(0, 1))
            if fit.exact:
                kinds = f"{kind} {gate.kind}"
                return Reads(f"there is another {kind} inside it", fit, None, kinds)
    return None


def check_shared(
    layer: int, match: Match, trial: Trial, twice: Place | None, verdicts: Verdicts
) -> None:
    """No two gates use the same matrix; `twice` is where one is given twice to an operation."""
    maps = {
        name: fit
        for name in GATES
        if name in match.gates and (fit := match.gates[name].map) is not None and fit.exact
    }
    names = list(maps)
    for k, later in enumerate(names):
        for earlier in names[:k]:
            same, fields = [], []
            for field, what in (("weight_x", "W_x"), ("weight_h", "W_h"), ("bias", "b")):
                a, b = getattr(maps[earlier], field), getattr(maps[later], field)
                if not is_none(a) and float((a - b).abs().max()) < 1e-2 * float(a.abs().max()):
                    same.append(what)
                    fields.append(field)
            if same:
                verdicts.fault(
                    "wrong-equation.same-weights",
                    equation=GATES.index(later) + 1,
                    at=twice or match.gates[later].inside,
                    proof=trial.otherwise(layer, later, *fields),
                    earlier=earlier,
                    later=later,
                    what=" and ".join(same),
                )
