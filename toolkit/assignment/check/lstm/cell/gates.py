"""What deviates from equations (1) to (4), and in which line."""

import torch

from toolkit.assignment.check.lstm.cell.affine import affine, is_none
from toolkit.assignment.check.lstm.cell.candidates import UNKNOWN
from toolkit.assignment.check.lstm.cell.formulas import ACTIVATIONS, GATES, NAMES
from toolkit.assignment.check.lstm.cell.matching import Gate, Match
from toolkit.assignment.check.lstm.cell.recording import Place
from toolkit.assignment.check.lstm.network import Network
from toolkit.assignment.check.lstm.source import Source
from toolkit.assignment.check.verdicts import Place as Placing
from toolkit.assignment.check.verdicts import Placed, Verdicts

LABELS = {  # what students call the gates
    "i": ("i", "input", "in", "it", "inp"),
    "f": ("f", "forget", "ft", "fgt"),
    "o": ("o", "output", "out", "ot"),
    "g": ("g", "gt", "c_tilde", "c_hat", "candidate", "modulation", "cell"),
}


def check_activations(match: Match, verdicts: Verdicts) -> None:
    """Each gate has its own activation."""
    for number, name in enumerate(GATES, start=1):
        gate = match.gates.get(name)
        if gate is None or gate.kind == ACTIVATIONS[name]:
            continue
        has = {"none": "no activation", UNKNOWN: f"no {ACTIVATIONS[name]}"}.get(
            gate.kind, f"a {gate.kind.strip('_')}"
        )
        verdicts.fault(
            "wrong-equation",
            f"The {NAMES[name]} {name}(t) has {has}, unlike its equation. What range should its "
            "values have?",
            equation=number,
            at=gate.place,
        )


def check_gates(match: Match, network: Network, verdicts: Verdicts, swapped: bool) -> None:
    """(1) to (4): each gate is one affine map of x(t) and h(t-1), the same at every step."""
    maps = {name: gate.map for name, gate in match.gates.items()}
    missing = [n for n in GATES if (m := maps.get(n)) and m.exact and is_none(m.bias)]
    strange = bool(match.output.mistake)  # then what the gates read may be their h(t)
    alone = not (match.reads_h or match.read is None or swapped or strange)
    if alone:
        verdicts.fault(
            "wrong-equation",
            "The gates do not read h(t-1), but another state. Which one is it that you pass on to "
            "the next step?",
            equation=1,
            at=match.gates["g"].inside if "g" in match.gates else match.h_place,
        )
    if len(missing) == 4:
        at = of_bias(match.gates["g"].inside, network)
        said = "None of the four gates has a bias: b_g, b_i, b_f and b_o are missing."
        verdicts.fault("wrong-equation", said, equation=1, at=at)
        missing = []
    unexplained: list[str] = []
    for number, name in enumerate(GATES, start=1):
        gate, fit = match.gates.get(name), maps.get(name)
        if gate is None:
            continue
        what = f"The {NAMES[name]} {name}(t)"
        message: str | None = None
        if fit is None or not fit.exact:
            if look := _what_it_reads(match, gate):
                message = f"{what} is not W x(t) + W h(t-1) + b inside its activation: {look}."
            else:
                unexplained.append(name)
        elif is_none(fit.weight_h):
            message = f"{what} does not read h(t-1)."
        elif is_none(fit.weight_x):
            message = f"{what} does not read x(t)."
        elif name in missing:
            message = f"The bias b_{name} is missing."
        if message is not None and not (alone and fit is not None and not fit.exact):
            where: Placed | None = of_bias(gate.inside, network) if name in missing else gate.inside
            verdicts.fault("wrong-equation", message, equation=number, at=where)
    if unexplained and not alone:
        verdicts.not_seen(f"What {', '.join(unexplained)} are computed from could not be followed.")


def of_bias(place: Place | None, network: Network) -> Placed | None:
    """Where a bias would be written: where the layer is made, if it was made without one."""
    return place and network.bare.get(Placing(place.file, place.line), place)


def _what_it_reads(match: Match, gate: Gate) -> str | None:
    """Why a gate is no affine map of x(t) and h(t-1), if that is known."""
    if gate.before is None:
        return None
    value = gate.before[1:].flatten(0, 1)
    now = match.x[1:].flatten(0, 1)
    h, c, c_new = match.h[:-1], match.c[:-1], match.c[1:]
    for what, state in (("c(t-1)", c), ("c(t)", c_new), ("h(t)", match.h[1:])):
        both = torch.cat([now, state.flatten(0, 1)], 1)
        if affine(value, both, h.flatten(0, 1)).exact:
            return f"it also reads {what}"
    if gate.kind == "none":
        return None
    for kind in ("sigmoid", "tanh"):
        inner = gate.before.logit() if kind == "sigmoid" else gate.before.atanh()
        finite = bool(inner.isfinite().all())
        if finite and affine(inner[1:].flatten(0, 1), now, h.flatten(0, 1)).exact:
            return f"there is another {kind} inside it"
    return None


def check_shared(match: Match, twice: Place | None, verdicts: Verdicts) -> None:
    """No two gates use the same matrix; `twice` is where one is given twice to an operation."""
    maps = {
        name: fit
        for name in GATES
        if name in match.gates and (fit := match.gates[name].map) is not None and fit.exact
    }
    names = list(maps)
    for k, later in enumerate(names):
        for earlier in names[:k]:
            same = []
            for field, what in (("weight_x", "W_x"), ("weight_h", "W_h"), ("bias", "b")):
                a, b = getattr(maps[earlier], field), getattr(maps[later], field)
                if not is_none(a) and float((a - b).abs().max()) < 1e-2 * float(a.abs().max()):
                    same.append(what)
            if same:
                verdicts.fault(
                    "wrong-equation",
                    f"{earlier}(t) and {later}(t) use the same {' and '.join(same)}, but each gate "
                    "has its own. Look for a name that was copied and not changed.",
                    equation=GATES.index(later) + 1,
                    at=twice or match.gates[later].inside,
                )


def check_names(match: Match, source: Source, verdicts: Verdicts) -> None:
    """Gates that do the work of another gate than their names say."""
    says = {}
    for gate in ("i", "f", "o"):
        if gate not in match.gates:
            return
        name = source.name_at(match.gates[gate].place.line).lower()
        bare = name.replace("gate", "").replace("_t", "").strip("_ t")
        says[gate] = next((k for k, words in LABELS.items() if bare in words), None)
    if sorted(map(str, says.values())) != ["f", "i", "o"] or all(g == s for g, s in says.items()):
        return
    if says["o"] != "o":
        verdicts.fault(
            "wrong-equation",
            f"What you call {says['o']}(t) does the work of the output gate o(t).",
            equation=6,
            at=match.h_place,
        )
    if says["i"] != "i" and says["f"] != "f":
        verdicts.fault(
            "wrong-equation",
            "The gates are mixed up in c(t). Which of them multiplies g(t), and which multiplies "
            "c(t-1)?",
            equation=5,
            at=match.c_place,
        )
