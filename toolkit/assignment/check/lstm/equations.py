"""Equations (1) to (7) of a student's LSTM, as findings."""

from itertools import permutations, product

import torch
from torch import Tensor, nn

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.lstm import cells
from toolkit.assignment.check.lstm.cells import Chunk, Map, Match, affine, is_none
from toolkit.assignment.check.lstm.formulas import ACTIVATIONS, GATES, NAMES, NO_MEMORY
from toolkit.assignment.check.lstm.gates import check_gates, check_swapped
from toolkit.assignment.check.lstm.lines import Lines
from toolkit.assignment.check.lstm.model import Model
from toolkit.assignment.check.lstm.parameters import check_registered
from toolkit.assignment.check.student.lines import assigned_at, line_of_name, parse
from toolkit.assignment.check.student.recorder import Recorder
from toolkit.lstm.model import LSTMCell


def check_equations(model: Model, channel: Channel) -> None:
    """Compare the network's numbers with equations (1) to (7), and report what deviates."""
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
    match = cells.match_gates(found, logits, x)
    if match is None:
        _report_unmatched(found, logits, network, model, Lines(recorder, names), channel)
        return
    lines = Lines(recorder, names, found, match)
    _check_states(match, lines, channel)
    maps = check_gates(match, x, lines, channel)
    check_swapped(match, names, channel)
    if check_registered(network, setup.batch, channel):
        _check_biases(maps, affine(logits, None, match.h[-1]), lines, channel)
    if not channel.faults:
        _check_parity(maps, match, x, channel)


def _logits(output: Tensor) -> Tensor:
    """Logits up to a constant in each row, from logits, probabilities or their logarithms."""
    if bool((output >= 0).all()) and torch.allclose(output.sum(1), torch.ones(len(output))):
        output = output.clamp_min(1e-30).log()
    return output - output.mean(dim=1, keepdim=True)


def _report_unmatched(
    found: list[Chunk],
    logits: Tensor,
    network: nn.Module,
    model: Model,
    lines: Lines,
    channel: Channel,
) -> None:
    """Report what can be said without a match: another state in the readout, a missing gate."""
    if channel.has("fixed-sequence-length"):
        channel.not_seen("Equations (1) to (6) can be looked at once any sequence length works.")
        return
    sigmoids = [c for c in found if c.kind == "sigmoid"]
    tanhs = [c for c in found if c.kind == "tanh"]
    if len(sigmoids) == 3 and _reads_another_state(sigmoids, tanhs, logits, lines, channel):
        return
    seen = f"{len(sigmoids)} sigmoids and {len(tanhs)} tanh"
    weights = sum(p.numel() for p in network.parameters() if p.dim() > 1)
    n, d = model.setup.hidden, model.setup.input_dim
    if len(sigmoids) == 3 and len(tanhs) == 2:
        channel.fault(
            "wrong-equation",
            "Each step has three sigmoids and two tanh, but they are not combined as in (5), (6) "
            "and (7). Compare these equations with your lines, bracket by bracket.",
            equation=5,
            line=lines.cell,
        )
    elif found and model.takes("hidden") and weights < 4 * n * (n + d) + 10 * n:
        channel.fault(
            "wrong-equation",
            f"This is not an LSTM. A step has {seen}, but (1) to (6) have 3 and 2. Which of the "
            "four gates are there, and is there a c(t) besides h(t)?",
            equation=5,
            line=lines.cell,
        )
    else:
        channel.not_seen(
            f"Equations (1) to (6) could not be followed: a step has {seen}, not 3 and 2."
        )


def _reads_another_state(
    sigmoids: list[Chunk], tanhs: list[Chunk], logits: Tensor, lines: Lines, channel: Channel
) -> bool:
    """Whether the logits are computed from another state than h(T), which is reported."""
    for g, (i, f, o) in product(tanhs, permutations(sigmoids)):
        match = cells.unroll(dict(zip(GATES, (g, i, f, o), strict=True)), "", "")
        states = {
            "the hidden state of an earlier step": list(match.h[:-1]),
            "the mean of the hidden states": [match.h.mean(0), match.h.sum(0)],
            "the largest of the hidden states": [match.h.amax(0)],
        }
        for what, candidates in states.items():
            if any(
                affine(logits, None, state).residual < cells.MAX_RESIDUAL for state in candidates
            ):
                channel.fault(
                    "loss-not-last-step",
                    f"The answer is computed from {what}. Only p(T) counts, which is computed from "
                    "the last h.",
                    equation=9,
                    line=lines.readout,
                )
                return True
        if affine(logits, None, match.c[-1]).residual < cells.MAX_RESIDUAL:
            message = "The readout p(t) is computed from c(t), not from h(t)."
            channel.fault("wrong-equation", message, equation=7, line=lines.readout)
            return True
    return False


def _check_states(match: Match, lines: Lines, channel: Channel) -> None:
    """(5), (6), c(0), and whether each gate has its own activation."""
    if match.cell == NO_MEMORY and match.gates["f"].kind != "missing":
        channel.fault(
            "state-not-carried",
            "c(t-1) does not reach c(t), as if the memory were empty at every step. Where is c set "
            "to zero, and is the new c kept for the next step?",
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
            "c(0) is not zero, but every sequence starts with an empty memory.",
            line=line_of_name(channel.root / channel.file, "c") or lines.cell,
        )
    for number, name in enumerate(GATES, start=1):
        chunk = match.gates[name]
        if chunk.kind not in (ACTIVATIONS[name], "missing"):
            has = "no activation" if chunk.kind == "linear" else f"a {chunk.kind}"
            channel.fault(
                "wrong-equation",
                f"The {NAMES[name]} {name}(t) has {has}, unlike its equation. What range should "
                "its values have?",
                equation=number,
                line=chunk.line,
            )


def _check_biases(maps: dict[str, Map], readout: Map, lines: Lines, channel: Channel) -> None:
    """Every gate has a bias, and the readout has one."""
    for number, name in enumerate(GATES, start=1):
        if name in maps and maps[name].residual < cells.MAX_RESIDUAL and is_none(maps[name].bias):
            message = f"The bias b_{name} is missing."
            channel.fault("wrong-equation", message, equation=number, line=lines.gate[name])
    if is_none(readout.bias):
        message = "The bias b_p is missing."
        channel.fault("wrong-equation", message, equation=7, line=lines.readout)


def _check_parity(maps: dict[str, Map], match: Match, x: Tensor, channel: Channel) -> None:
    """The toolkit's cell gives the same h(T) with the student's weights, found by least squares."""
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
            "Equations (1) to (7): with your weights, the reference computes the same h(T), to "
            f"within {max(error, 1e-7):.0e}."
        )
    else:
        channel.not_seen(f"Why h(T) differs from the reference by {error:.1e}.")
