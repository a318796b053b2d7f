"""Equations (1) to (4) of a student's LSTM, as findings."""

import torch
from torch import Tensor

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.lstm import cells
from toolkit.assignment.check.lstm.cells import Map, Match, affine, is_none
from toolkit.assignment.check.lstm.formulas import GATES, WORDS
from toolkit.assignment.check.lstm.lines import Lines
from toolkit.assignment.check.student.lines import line_of_name

LABELS = {
    "i": ("i", "input", "in"),
    "f": ("f", "forget"),
    "o": ("o", "output", "out"),
}


def check_gates(match: Match, x: Tensor, lines: Lines, channel: Channel) -> dict[str, Map]:
    """(1) to (4): each gate is one affine map of x(t) and h(t-1), the same at every step."""
    steps = len(match.h)
    now = x.transpose(0, 1)[1:].flatten(0, 1)
    before = match.h[:-1].flatten(0, 1)
    maps = {}
    for name in GATES:
        if match.gates[name].kind != "missing":
            maps[name] = affine(match.gates[name].before[1:].flatten(0, 1), now, before)
    deaf = [n for n, m in maps.items() if m.residual < cells.FITS and is_none(m.weight_h)]
    if len(deaf) == len(maps) and steps > 1:
        channel.fault(
            "state-not-carried",
            "h(t-1) does not reach the gates: they see the same h at every step. Look at where h "
            "is set to zero, and at whether the new h is what the next step reads.",
            line=lines.output,
        )
    for number, name in enumerate(GATES, start=1):
        if name not in maps:
            continue
        fit, line, chunk = maps[name], lines.gate[name], match.gates[name]
        what = f"The {WORDS[name]} {name}(t)"
        if fit.residual > cells.FITS:
            c = match.c[:-1].flatten(0, 1)
            before_it = chunk.before[1:].flatten(0, 1)
            peep = affine(before_it, torch.cat([now, c], 1), before).residual < cells.FITS
            look = "it also reads c" if peep else "look at what it is computed from"
            channel.fault(
                "wrong-equation",
                f"{what} is not W x(t) + W h(t-1) + b inside its activation: {look}.",
                equation=number,
                line=line,
            )
        elif name in deaf and len(deaf) < len(maps):
            message = f"{what} does not read h(t-1)."
            channel.fault("wrong-equation", message, equation=number, line=line)
        elif is_none(fit.weight_x):
            message = f"{what} does not read x(t)."
            channel.fault("wrong-equation", message, equation=number, line=line)
        else:
            first = match.gates[name].before[0] - (x[:, 0].double() @ fit.weight_x + fit.bias)
            seen = float(first.abs().max()) > 1e-2 and name not in deaf
            if seen and not channel.has("nonzero-initial-state"):
                message = "h(0) is not zero: the first step already sees a past."
                start = line_of_name(channel.root / channel.file, "h")
                channel.fault("nonzero-initial-state", message, line=start)
    _check_shared(maps, lines, channel)
    return maps


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
                        f"{earlier}(t) and {later}(t) use the same {what}: each gate has its own. "
                        "Look for a name that was copied and not changed.",
                        equation=GATES.index(later) + 1,
                        line=lines.gate[later],
                    )


def check_swapped(match: Match, names: dict[int, str], channel: Channel) -> None:
    """Gates whose names say something else than what they do."""
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
            "The gates are mixed up in c(t): look at which of them multiplies g(t), and which "
            "c(t-1).",
            equation=5,
            line=match.gates["f"].line,
        )
