"""Equations (1) to (7) of a student's LSTM, as findings."""

from itertools import permutations, product

import torch
from torch import Tensor, nn

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.lstm import cells
from toolkit.assignment.check.lstm.cells import Chunk, Map, Match, affine, is_none
from toolkit.assignment.check.lstm.formulas import GATES, NO_MEMORY, OWN, WORDS
from toolkit.assignment.check.lstm.gates import check_gates, check_swapped
from toolkit.assignment.check.lstm.lines import Lines
from toolkit.assignment.check.lstm.model import Model
from toolkit.assignment.check.lstm.parameters import check_loose
from toolkit.assignment.check.student.lines import assigned_at, line_of_name, parse
from toolkit.assignment.check.student.recorder import Recorder
from toolkit.lstm.model import LSTMCell


def check_equations(model: Model, channel: Channel) -> None:
    """Explain the network's numbers by equations (1) to (7), and report what deviates."""
    setup = model.setup
    network = model.build(hidden=setup.hidden, batch=setup.batch).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.5)
    x = torch.randn(setup.batch, setup.steps, setup.input_dim)
    recorder = Recorder(channel.root, keep=True)
    with recorder, torch.no_grad():
        output = model.run(network, x).detach()
    found = cells.chunks(recorder.steps, setup.steps, setup.batch, setup.hidden)
    logits = _logits(output)
    names = assigned_at(parse(channel.root / channel.file))
    match = cells.explain(found, logits, x)
    if match is None:
        _say_unexplained(found, logits, network, model, Lines(recorder, names), channel)
        return
    lines = Lines(recorder, names, found, match)
    _check_states(match, lines, channel)
    maps = check_gates(match, x, lines, channel)
    check_swapped(match, names, channel)
    if not check_loose(network, setup.batch, channel):
        _check_biases(maps, affine(logits, None, match.h[-1]), lines, channel)
    if not channel.faults:
        _prove(maps, match, x, channel)


def _logits(output: Tensor) -> Tensor:
    """Logits up to a constant a row: probabilities are turned back, log-probabilities stay."""
    if bool((output >= 0).all()) and torch.allclose(output.sum(1), torch.ones(len(output))):
        output = output.clamp_min(1e-30).log()
    return output - output.mean(dim=1, keepdim=True)


def _say_unexplained(
    found: list[Chunk],
    logits: Tensor,
    network: nn.Module,
    model: Model,
    lines: Lines,
    channel: Channel,
) -> None:
    """Nothing fits with h(T) in the readout: does another state, or no known formula?"""
    if channel.has("fixed-sequence-length"):
        channel.not_seen("Equations (1) to (6) are looked at once any length works.")
        return
    squashed = [c for c in found if c.kind == "sigmoid"]
    bounded = [c for c in found if c.kind == "tanh"]
    if len(squashed) == 3 and _reads_another_state(squashed, bounded, logits, lines, channel):
        return
    seen = f"{len(squashed)} sigmoids and {len(bounded)} tanh a step"
    weights = sum(p.numel() for p in network.parameters() if p.dim() > 1)
    n, d = model.setup.hidden, model.setup.input_dim
    if len(squashed) == 3 and len(bounded) == 2:
        channel.fault(
            "wrong-equation",
            "It has three sigmoids and two tanh a step, but c(t) and h(t) do not follow from them. "
            "Compare (5), (6) and (7) with your lines, bracket by bracket.",
            equation=5,
            line=lines.cell,
        )
    elif found and model.takes("hidden") and weights < 4 * n * (n + d) + 10 * n:
        channel.fault(
            "wrong-equation",
            f"This is no LSTM: {seen} were seen, where (1) to (6) have 3 and 2. Which of the four "
            "gates are there, and is there a c(t) besides h(t)?",
            equation=5,
            line=lines.cell,
        )
    else:
        channel.not_seen(
            f"Equations (1) to (6) could not be followed: {seen} were seen, where 3 and 2 were "
            "expected."
        )


def _reads_another_state(
    squashed: list[Chunk], bounded: list[Chunk], logits: Tensor, lines: Lines, channel: Channel
) -> bool:
    """Whether the logits come from another state than h(T), which is reported."""
    for g, (i, f, o) in product(bounded, permutations(squashed)):
        match = cells.unroll(dict(zip(GATES, (g, i, f, o), strict=True)), "", "")
        states = {
            "the hidden state of an earlier step": list(match.h[:-1]),
            "the mean of the hidden states": [match.h.mean(0), match.h.sum(0)],
            "the largest of the hidden states": [match.h.amax(0)],
        }
        for what, candidates in states.items():
            if any(affine(logits, None, state).residual < cells.FITS for state in candidates):
                channel.fault(
                    "loss-not-last-step",
                    f"The answer comes from {what}. Only p(T), which is computed from the last h, "
                    "counts.",
                    equation=9,
                    line=lines.readout,
                )
                return True
        if affine(logits, None, match.c[-1]).residual < cells.FITS:
            message = "The readout p(t) is computed from c(t), not from h(t)."
            channel.fault("wrong-equation", message, equation=7, line=lines.readout)
            return True
    return False


def _check_states(match: Match, lines: Lines, channel: Channel) -> None:
    """(5), (6), c(0), and whether each gate has its own activation."""
    if match.cell == NO_MEMORY and match.gates["f"].kind != "missing":
        channel.fault(
            "state-not-carried",
            "c(t-1) does not reach c(t): at every step it is as if the memory were empty. Look at "
            "where c is set to zero, and at whether the new c is kept for the next step.",
            equation=5,
            line=lines.cell,
        )
    elif match.cell:
        channel.fault("wrong-equation", match.cell, equation=5, line=lines.cell)
    if match.output:
        channel.fault("wrong-equation", match.output, equation=6, line=lines.output)
    if match.start is not None:
        channel.fault(
            "nonzero-initial-state",
            "c(0) is not zero. Every sequence starts with an empty memory.",
            line=line_of_name(channel.root / channel.file, "c") or lines.cell,
        )
    for number, name in enumerate(GATES, start=1):
        chunk = match.gates[name]
        if chunk.kind not in (OWN[name], "missing"):
            has = "no activation" if chunk.kind == "linear" else f"a {chunk.kind}"
            channel.fault(
                "wrong-equation",
                f"The {WORDS[name]} {name}(t) has {has}; the equation has another one. What range "
                "should its values have?",
                equation=number,
                line=chunk.line,
            )


def _check_biases(maps: dict[str, Map], readout: Map, lines: Lines, channel: Channel) -> None:
    """Every gate and the readout have one."""
    for number, name in enumerate(GATES, start=1):
        if name in maps and maps[name].residual < cells.FITS and is_none(maps[name].bias):
            message = f"The bias b_{name} is missing."
            channel.fault("wrong-equation", message, equation=number, line=lines.gate[name])
    if is_none(readout.bias):
        message = "The bias b_p is missing."
        channel.fault("wrong-equation", message, equation=7, line=lines.readout)


def _prove(maps: dict[str, Map], match: Match, x: Tensor, channel: Channel) -> None:
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
        channel.right(
            "Equations (1) to (7): with your weights, the reference computes the same h(T) to "
            f"{max(error, 1e-7):.0e}."
        )
    else:
        channel.not_seen(
            f"h(T) differs from the reference by {error:.1e}, for no reason that was found."
        )
