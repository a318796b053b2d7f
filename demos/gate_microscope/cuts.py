"""Exports with wires cut, and the gradient that comes back: computed from their weights.

As in playground/src/cuts.js, "i0", "f1", "f0" and "o1" fix a gate; with "hg", "hi", "hf" or "ho" a
gate does not read h(t-1), and with "hh" an RNN, which has no gates, does not read its own.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.common.errors import UsageError
from toolkit.lstm.microscope import is_lstm
from toolkit.lstm.model import all_inputs

WIRES = ("i0", "f1", "f0", "o1", "hg", "hi", "hf", "ho", "hh")


class Cut(NamedTuple):
    """Wires, and the first step without them, counted from 0."""

    wires: tuple[str, ...]
    start: int


NO_CUT = Cut((), 0)


def parse_wires(text: Any) -> tuple[str, ...]:
    """The wires in a text such as "f0,hg".

    Raises:
        UsageError: it names something else, or two values of one gate.
    """
    named = text.split(",") if isinstance(text, str) and text else []
    if not isinstance(text, str) or set(named) - set(WIRES) or {"f0", "f1"} <= set(named):
        raise UsageError(
            f"Wires are some of {', '.join(WIRES)}, with commas between them and not both f0 and "
            f"f1; not {text!r}."
        )
    return tuple(wire for wire in WIRES if wire in named)


def states(network: Any, digits: Tensor, cut: Cut) -> dict[str, list[Tensor]]:
    """Every gate and state after every step: equations (1) to (6) with wires cut.

    Args:
        network: the export of an LSTM or an RNN.
        digits: int64 (batch, length), 0 to 9.

    Returns:
        i, f, o, g, c, h of an LSTM, h of an RNN: of each a list of float64 (batch, hidden_size),
        since a gradient that vanishes is smaller than what float32 rounds off.
    """
    cell = network.cell
    weight_ih = cell.weight_ih.double()
    projected = F.linear(all_inputs(weight_ih), weight_ih, cell.bias.double())
    projected.requires_grad_()  # the weights of an export do not, so nothing would
    weight = cell.weight_hh.double()
    h = c = projected.new_zeros(len(digits), network.hidden_size)
    kept: dict[str, list[Tensor]] = {name: [] for name in ("ifogch" if is_lstm(network) else "h")}
    for t in range(digits.size(1)):
        wires = cut.wires if t >= cut.start else ()
        x, of_h = projected[digits[:, t]], h @ weight.t()
        if not is_lstm(network):
            h = torch.tanh(x if "hh" in wires else x + of_h)
            kept["h"].append(h)
            continue
        gates = {}
        for name, a, b in zip("ifgo", x.chunk(4, 1), of_h.chunk(4, 1), strict=True):
            heard = a if f"h{name}" in wires else a + b
            gates[name] = torch.tanh(heard) if name == "g" else torch.sigmoid(heard)
            for value in (0, 1):
                if f"{name}{value}" in wires:
                    gates[name] = torch.full_like(heard, value)
        c = gates["g"] * gates["i"] + c * gates["f"]  # (5)
        h = torch.tanh(c) * gates["o"]  # (6)
        for name, value in {**gates, "c": c, "h": h}.items():
            kept[name].append(value)
    return kept


def readout(network: Any, h: Tensor) -> Tensor:
    """The logits (7) of h, float64 (batch, hidden_size)."""
    return F.linear(h, network.readout.weight.double(), network.readout.bias.double())


def gradient(network: Any, digits: Tensor, cut: Cut) -> list[float]:
    """After each step the length of the derivative of the loss with respect to c, or h of an RNN.

    Args:
        digits: int64 (length,), 0 to 9; the loss is that of the first as the answer.
    """
    with torch.enable_grad():
        kept = states(network, digits[None], cut)
        loss = F.cross_entropy(readout(network, kept["h"][-1]), digits[:1])
        memory = kept["c" if is_lstm(network) else "h"]
        found = torch.autograd.grad(loss, memory, allow_unused=True, materialize_grads=True)
    return [float(x.norm()) for x in found]
