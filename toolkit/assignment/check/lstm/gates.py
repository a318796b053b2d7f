"""Equations (1) to (4) of a student's LSTM, as findings."""

import torch
from torch import Tensor

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.lstm import cells
from toolkit.assignment.check.lstm.cells import Map, Match, affine, is_none
from toolkit.assignment.check.lstm.formulas import GATES, NAMES
from toolkit.assignment.check.lstm.lines import Lines
from toolkit.assignment.check.student.lines import line_of_name

MAX_REST = 1e-2  # of a gate's input at the first step, beyond W x(1) + b
LABELS = {  # what students call the gates
    "i": ("i", "input", "in"),
    "f": ("f", "forget"),
    "o": ("o", "output", "out"),
}


def check_gates(match: Match, x: Tensor, lines: Lines, channel: Channel) -> dict[str, Map]:
    """(1) to (4): each gate is one affine map of x(t) and h(t-1), the same at every step.

    Args:
        x: what the network read, (batch, steps, input_dim).

    Returns:
        the map of each gate that is computed.
    """
    steps = len(match.h)
    now = x.transpose(0, 1)[1:].flatten(0, 1)
    before = match.h[:-1].flatten(0, 1)
    maps = {}
    for name in GATES:
        if match.gates[name].kind != "missing":
            maps[name] = affine(match.gates[name].before[1:].flatten(0, 1), now, before)
    without_h = {name for name, fit in maps.items() if _is_affine(fit) and is_none(fit.weight_h)}
    if len(without_h) == len(maps) and steps > 1:
        channel.fault(
            "state-not-carried",
            "h(t-1) does not reach the gates: they see the same h at every step. Where is h set to "
            "zero, and is the new h what the next step reads?",
            line=lines.output,
        )
    for number, name in enumerate(GATES, start=1):
        if name not in maps:
            continue
        fit = maps[name]
        what = f"The {NAMES[name]} {name}(t)"
        message = None
        if not _is_affine(fit):
            look = "it also reads c" if _reads_c(match, name, now) else "look at what it reads"
            message = f"{what} is not W x(t) + W h(t-1) + b inside its activation: {look}."
        elif name in without_h and len(without_h) < len(maps):
            message = f"{what} does not read h(t-1)."
        elif is_none(fit.weight_x):
            message = f"{what} does not read x(t)."
        elif name not in without_h:
            _check_first_step(match.gates[name].before[0], x[:, 0], fit, channel)
        if message is not None:
            line = lines.gate[name]
            channel.fault("wrong-equation", message, equation=number, line=line)
    _check_shared(maps, lines, channel)
    return maps


def _is_affine(fit: Map) -> bool:
    return fit.residual <= cells.MAX_RESIDUAL


def _reads_c(match: Match, name: str, now: Tensor) -> bool:
    """Whether a gate is an affine map of x(t), h(t-1) and c(t-1)."""
    value = match.gates[name].before[1:].flatten(0, 1)
    c, h = (states[:-1].flatten(0, 1) for states in (match.c, match.h))
    return _is_affine(affine(value, torch.cat([now, c], 1), h))


def _check_first_step(value: Tensor, x: Tensor, fit: Map, channel: Channel) -> None:
    """At the first step a gate sees h(0), which is zero: W x(1) + b is all there is."""
    rest = value - (x.double() @ fit.weight_x + fit.bias)
    if float(rest.abs().max()) > MAX_REST and not channel.has("nonzero-initial-state"):
        message = "h(0) is not zero: the first step already has a past."
        start = line_of_name(channel.root / channel.file, "h")
        channel.fault("nonzero-initial-state", message, line=start)


def _check_shared(maps: dict[str, Map], lines: Lines, channel: Channel) -> None:
    """No two gates use the same matrix."""
    names = [name for name in GATES if name in maps]
    for k, later in enumerate(names):
        for earlier in names[:k]:
            for field, what in (("weight_x", "W_x"), ("weight_h", "W_h"), ("bias", "b")):
                a, b = getattr(maps[earlier], field), getattr(maps[later], field)
                if not is_none(a) and float((a - b).abs().max()) < 1e-2 * float(a.abs().max()):
                    channel.fault(
                        "wrong-equation",
                        f"{earlier}(t) and {later}(t) use the same {what}, but each gate has its "
                        "own. Look for a name that was copied and not changed.",
                        equation=GATES.index(later) + 1,
                        line=lines.gate[later],
                    )


def check_swapped(match: Match, names: dict[int, str], channel: Channel) -> None:
    """Gates that do the work of another gate than their names say."""
    says = {}
    for gate in ("i", "f", "o"):
        name = names.get(match.gates[gate].line or 0, "").lower()
        bare = name.replace("gate", "").replace("_t", "").strip("_ t")
        says[gate] = next((k for k, words in LABELS.items() if bare in words), None)
    if sorted(map(str, says.values())) != ["f", "i", "o"] or all(g == s for g, s in says.items()):
        return
    if says["o"] != "o":
        channel.fault(
            "wrong-equation",
            f"What you call {says['o']}(t) does the work of the output gate o(t).",
            equation=6,
            line=match.gates["o"].line,
        )
    if says["i"] != "i" and says["f"] != "f":
        channel.fault(
            "wrong-equation",
            "The gates are mixed up in c(t). Which of them multiplies g(t), and which multiplies "
            "c(t-1)?",
            equation=5,
            line=match.gates["f"].line,
        )
