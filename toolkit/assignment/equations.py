"""Equations (1) to (7) of a student's LSTM, as findings."""

import ast
import inspect

import torch
from torch import Tensor, nn

from toolkit.assignment import cells
from toolkit.assignment.cells import GATES, Chunk, Match, affine
from toolkit.assignment.lstm_model import Model, line_of_attribute, loose_tensors
from toolkit.assignment.sink import Sink
from toolkit.assignment.static_checks import assigned_at
from toolkit.assignment.watch import Watch
from toolkit.lstm.model import LSTMCell

SIZE = 1e-4  # weights below this count as none
WORDS = {"g": "input modulation", "i": "input gate", "f": "forget gate", "o": "output gate"}
LABELS = {
    "i": ("i", "input", "in"),
    "f": ("f", "forget"),
    "o": ("o", "output", "out"),
}
OWN = {"g": "tanh", "i": "sigmoid", "f": "sigmoid", "o": "sigmoid"}


def check_equations(model: Model, sink: Sink) -> None:
    """Explain the network's numbers by equations (1) to (7), and report what deviates."""
    setup = model.setup
    network = model.build(hidden=setup.hidden, batch=setup.batch).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.5)
    x = torch.randn(setup.batch, setup.steps, setup.input_dim)
    watch = Watch(sink.root, keep=True)
    with watch, torch.no_grad():
        output = model.run(network, x).detach()
    found = cells.chunks(watch.steps, setup.steps, setup.batch, setup.hidden)
    logits = _logits(output)
    names = assigned_at(ast.parse((sink.root / sink.file).read_text(errors="replace")))
    match = cells.explain(found, logits, x)
    if match is None:
        _say_unexplained(found, logits, sink, model)
        return
    lines = Lines(watch, found, match, names)
    _check_states(match, lines, sink)
    maps = _check_gates(match, x, lines, sink)
    _check_swapped(match, names, sink)
    _check_loose(network, maps, logits, match, lines, sink, model)
    if not sink.faults:
        _prove(maps, match, x, sink)


class Lines:
    """The likely line of each equation."""

    def __init__(
        self, watch: Watch, found: list[Chunk], match: Match, names: dict[int, str]
    ) -> None:
        used = {chunk.id_after for chunk in match.gates.values()}
        squashing = [c for c in found if c.kind == "tanh" and c.id_after not in used]
        self.gate = {name: match.gates[name].line for name in GATES}
        named = {name.lower().removesuffix("_t"): line for line, name in sorted(names.items())}
        self.cell = named.get("c")
        self.output = named.get("h")
        if squashing:
            tanh_c = squashing[0]
            self.cell = watch.made_at.get(tanh_c.id_before) or self.cell
            self.output = next(iter(watch.used_at.get(tanh_c.id_after, [])), None) or tanh_c.line


def _logits(output: Tensor) -> Tensor:
    """Logits up to a constant a row: probabilities are turned back, log-probabilities stay."""
    if bool((output >= 0).all()) and torch.allclose(output.sum(1), torch.ones(len(output))):
        output = output.clamp_min(1e-30).log()
    return output - output.mean(dim=1, keepdim=True)


def _say_unexplained(found: list[Chunk], logits: Tensor, sink: Sink, model: Model) -> None:
    """Nothing fits with h(T) in the readout: does another state, or no known formula?"""
    squashed = [c for c in found if c.kind == "sigmoid"]
    bounded = [c for c in found if c.kind == "tanh"]
    line = None
    if len(squashed) == 3 and bounded:
        for g in bounded:
            for i, f, o in _orders(squashed):
                match = cells.unroll(dict(zip(GATES, (g, i, f, o), strict=True)), "", "")
                states = {
                    "the hidden state of an earlier step": list(match.h[:-1]),
                    "the mean of the hidden states": [match.h.mean(0), match.h.sum(0)],
                    "the largest of the hidden states": [match.h.amax(0)],
                }
                for what, candidates in states.items():
                    if any(affine(logits, None, s).residual < cells.FITS for s in candidates):
                        sink.fault(
                            "loss-not-last-step",
                            f"The answer comes from {what}. Only p(T), which is computed from the "
                            "last h, counts.",
                            equation=9,
                        )
                        return
                if affine(logits, None, match.c[-1]).residual < cells.FITS:
                    sink.fault(
                        "wrong-equation",
                        "The readout p(t) is computed from c(t), not from h(t).",
                        equation=7,
                    )
                    return
    if len(squashed) == 3 and len(bounded) == 2:
        sink.fault(
            "wrong-equation",
            "It has three sigmoids and two tanh a step, but c(t) and h(t) do not follow from them. "
            "Compare (5), (6) and (7) with your lines, bracket by bracket.",
            equation=5,
            line=line,
        )
    else:
        sink.note(
            f"Equations (1) to (6) could not be followed: {len(squashed)} sigmoids and "
            f"{len(bounded)} tanh a step were seen, where 3 and 2 were expected."
        )


def _orders(squashed: list[Chunk]) -> list[tuple[Chunk, Chunk, Chunk]]:
    a, b, c = squashed
    return [(a, b, c), (a, c, b), (b, a, c), (b, c, a), (c, a, b), (c, b, a)]


def _check_states(match: Match, lines: Lines, sink: Sink) -> None:
    """(5), (6), c(0), and whether each gate has its own activation."""
    if (
        match.cell.startswith("c(t-1)")
        and match.cell.endswith("no part in c(t).")
        and (match.gates["f"].kind != "missing")
    ):
        sink.fault(
            "state-not-carried",
            "c(t-1) does not reach c(t): at every step it is as if the memory were empty. Look at "
            "where c is set to zero, and at whether the new c is kept for the next step.",
            equation=5,
            line=lines.cell,
        )
    elif match.cell:
        sink.fault("wrong-equation", match.cell, equation=5, line=lines.cell)
    if match.output:
        sink.fault("wrong-equation", match.output, equation=6, line=lines.output)
    if match.start is not None:
        sink.fault(
            "nonzero-initial-state",
            "c(0) is not zero. Every sequence starts with an empty memory.",
            line=lines.cell,
        )
    for number, name in enumerate(GATES, start=1):
        chunk = match.gates[name]
        if chunk.kind not in (OWN[name], "missing"):
            has = "no activation" if chunk.kind == "linear" else f"a {chunk.kind}"
            sink.fault(
                "wrong-equation",
                f"The {WORDS[name]} {name}(t) has {has}; the equation has another one. What range "
                "should its values have?",
                equation=number,
                line=chunk.line,
            )


def _check_gates(match: Match, x: Tensor, lines: Lines, sink: Sink) -> dict[str, cells.Map]:
    """(1) to (4): each gate is one affine map of x(t) and h(t-1), the same at every step."""
    steps = len(match.h)
    now = x.transpose(0, 1)[1:].flatten(0, 1)
    before = match.h[:-1].flatten(0, 1)
    maps = {}
    for name in GATES:
        if match.gates[name].kind != "missing":
            maps[name] = affine(match.gates[name].before[1:].flatten(0, 1), now, before)
    deaf = [n for n, m in maps.items() if m.residual < cells.FITS and _none(m.weight_h)]
    if len(deaf) == len(maps) and steps > 1:
        sink.fault(
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
            sink.fault(
                "wrong-equation",
                f"{what} is not W x(t) + W h(t-1) + b inside its activation: {look}.",
                equation=number,
                line=line,
            )
        elif name in deaf and len(deaf) < len(maps):
            message = f"{what} does not read h(t-1)."
            sink.fault("wrong-equation", message, equation=number, line=line)
        elif _none(fit.weight_x):
            message = f"{what} does not read x(t)."
            sink.fault("wrong-equation", message, equation=number, line=line)
        else:
            first = match.gates[name].before[0] - (x[:, 0].double() @ fit.weight_x + fit.bias)
            seen = float(first.abs().max()) > 1e-2 and name not in deaf
            if seen and not sink.has("nonzero-initial-state"):
                message = "h(0) is not zero: the first step already sees a past."
                sink.fault("nonzero-initial-state", message)
    _check_shared(maps, lines, sink)
    return maps


def _check_shared(maps: dict[str, cells.Map], lines: Lines, sink: Sink) -> None:
    """No two gates use the same matrix."""
    names = [name for name in GATES if name in maps]
    for k, later in enumerate(names):
        for earlier in names[:k]:
            for field, what in (("weight_x", "W_x"), ("weight_h", "W_h"), ("bias", "b")):
                a, b = getattr(maps[earlier], field), getattr(maps[later], field)
                if not _none(a) and float((a - b).abs().max()) < 1e-2 * float(a.abs().max()):
                    sink.fault(
                        "wrong-equation",
                        f"{earlier}(t) and {later}(t) use the same {what}: each gate has its own. "
                        "Look for a name that was copied and not changed.",
                        equation=GATES.index(later) + 1,
                        line=lines.gate[later],
                    )


def _check_swapped(match: Match, names: dict[int, str], sink: Sink) -> None:
    """Gates whose names say something else than what they do."""
    says = {}
    for gate in ("i", "f", "o"):
        name = names.get(match.gates[gate].line or 0, "").lower()
        bare = name.replace("gate", "").replace("_t", "").strip("_ t")
        says[gate] = next((k for k, words in LABELS.items() if bare in words), None)
    if sorted(map(str, says.values())) != ["f", "i", "o"] or all(g == s for g, s in says.items()):
        return
    if says["o"] != "o":
        sink.fault(
            "wrong-equation",
            f"What you call {says['o']}(t) does the work of the output gate o(t).",
            equation=6,
            line=match.gates["o"].line,
        )
    if says["i"] != "i" and says["f"] != "f":
        sink.fault(
            "wrong-equation",
            "The gates are mixed up in c(t): look at which of them multiplies g(t), and which "
            "c(t-1).",
            equation=5,
            line=match.gates["f"].line,
        )


def _check_loose(
    network: nn.Module,
    maps: dict[str, cells.Map],
    logits: Tensor,
    match: Match,
    lines: Lines,
    sink: Sink,
    model: Model,
) -> None:
    """Weights and biases that the optimiser never sees, and biases that are not there."""
    loose = [
        (name, tensor)
        for name, tensor in loose_tensors(network)
        if tensor.dim() <= 2 and model.setup.batch not in tensor.shape and _is_weight(name, tensor)
    ]
    for name, _ in loose:
        sink.fault(
            "parameter-not-learnable",
            f"self.{name} is no nn.Parameter of the model, so that model.parameters() does not "
            "have it and it is never learnt. Attributes of type nn.Parameter and nn.Module "
            "register themselves; plain tensors, lists and dictionaries do not.",
            line=line_of_attribute(sink.root / sink.file, name),
        )
    if loose:
        return
    for number, name in enumerate(GATES, start=1):
        if name in maps and maps[name].residual < cells.FITS and _none(maps[name].bias):
            sink.fault(
                "wrong-equation",
                f"The bias b_{name} is missing.",
                equation=number,
                line=lines.gate[name],
            )
    readout = affine(logits, None, match.h[-1])
    if _none(readout.bias):
        sink.fault("wrong-equation", "The bias b_p is missing.", equation=7)


def _is_weight(name: str, tensor: Tensor) -> bool:
    """Rather a weight than an initial state, by the name and whether it wants a gradient."""
    stem = name.split(".")[-1].split("[")[0].lower()
    return tensor.requires_grad or "." in name or stem.startswith(("w", "b", "u"))


def _prove(maps: dict[str, cells.Map], match: Match, x: Tensor, sink: Sink) -> None:
    """Parity: the student's weights, found by least squares, in the toolkit's own cell."""
    hidden = match.h.size(2)
    cell = LSTMCell(x.size(2), hidden)
    order = ("i", "f", "g", "o")
    with torch.no_grad():
        cell.weight_ih.copy_(torch.cat([maps[name].weight_x.t() for name in order]))
        cell.weight_hh.copy_(torch.cat([maps[name].weight_h.t() for name in order]))
        cell.bias.copy_(torch.cat([maps[name].bias for name in order]))
        h = c = torch.zeros(len(x), hidden)
        for t in range(x.size(1)):
            *_, c, h = cell(x[:, t], h, c)
    error = float((h - match.h[-1]).abs().max())
    if error < 1e-3:
        sink.right(
            "Equations (1) to (7): with your weights, the reference computes the same h(T) to "
            f"{max(error, 1e-7):.0e}."
        )
    else:
        sink.note(f"h(T) differs from the reference by {error:.1e}, for no reason that was found.")


def _none(x: Tensor) -> bool:
    return float(x.abs().max()) < SIZE


def source_line(kind: type) -> int | None:
    """Where a class begins."""
    try:
        return inspect.getsourcelines(kind)[1]
    except (OSError, TypeError):
        return None
