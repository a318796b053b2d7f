"""The states and gradients of exported networks in which connections ("wires") are cut.

The names of the connections are the same as in playground/src/cuts.js. "i0", "f1", "f0" and "o1"
fix a gate at the number in the name. With "hg", "hi", "hf" or "ho", the gate named by the second
letter does not read h(t-1). An RNN has no gates, so the only connection that can be cut is "hh":
once it is cut, the RNN no longer reads h(t-1).
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
    """The names of the connections that are cut, and the first step at which they are cut; steps
    are counted from 0.
    """

    wires: tuple[str, ...]
    start: int

    def at(self, step: int) -> tuple[str, ...]:
        """Return the names of the connections that are cut at `step`, which is counted from 0."""
        if step < self.start:
            return ()
        return self.wires


NO_CUT = Cut((), 0)


def parse_wires(text: Any) -> tuple[str, ...]:
    """Return the names of connections ("wires") that are listed in a string such as "f0,hg", in the
    order of `WIRES`.

    Raises:
        UsageError: the text is not a comma-separated list of names in `WIRES`, or fixes the forget
            gate at both 0 and 1.
    """
    names = []
    if isinstance(text, str) and text:
        names = text.split(",")
    if not isinstance(text, str) or set(names) - set(WIRES) or {"f0", "f1"} <= set(names):
        raise UsageError(
            f"Wires are some of {', '.join(WIRES)}, with commas between them and not both f0 and "
            f"f1; not {text!r}."
        )
    return tuple(wire for wire in WIRES if wire in names)


def states(network: Any, digits: Tensor, cut: Cut) -> dict[str, list[Tensor]]:
    """Return all gates and states after each step of a network in which some connections are cut;
    for an LSTM, they are computed from equations (1) to (6).

    Args:
        network: an LSTM or an RNN, loaded from an exported file.
        digits: int64 (batch, length), 0 to 9.

    Returns:
        i, f, o, g, c, h for an LSTM, or only h for an RNN, each a list of float64 (batch,
        hidden_size), one per step. The values are float64 because a vanishing gradient would be
        lost to rounding in float32.
    """
    if is_lstm(network):
        return _lstm_states(network, digits, cut)
    return _rnn_states(network, digits, cut)


def _lstm_states(network: Any, digits: Tensor, cut: Cut) -> dict[str, list[Tensor]]:
    projected = _projected_inputs(network)
    weight = network.cell.weight_hh.double()
    h = c = projected.new_zeros(len(digits), network.hidden_size)
    states: dict[str, list[Tensor]] = {name: [] for name in "ifogch"}
    for t in range(digits.size(1)):
        gates = _gates(projected[digits[:, t]], h @ weight.t(), cut.at(t))
        c = gates["g"] * gates["i"] + c * gates["f"]  # (5)
        h = torch.tanh(c) * gates["o"]  # (6)
        for name, value in gates.items():
            states[name].append(value)
        states["c"].append(c)
        states["h"].append(h)
    return states


def _gates(from_x: Tensor, from_h: Tensor, wires: tuple[str, ...]) -> dict[str, Tensor]:
    """Return the gates of equations (1) to (4), each float64 (batch, hidden_size).

    Args:
        from_x: W_x x(t) + b for all four gates, float64 (batch, 4 * hidden_size).
        from_h: W_h h(t-1) for all four gates, with the same shape as `from_x`.
        wires: the cut wires.
    """
    gates = {}
    for name, x_part, h_part in zip("ifgo", from_x.chunk(4, 1), from_h.chunk(4, 1), strict=True):
        total = x_part
        if f"h{name}" not in wires:
            total = x_part + h_part
        gates[name] = torch.tanh(total) if name == "g" else torch.sigmoid(total)
        for value in (0, 1):
            if f"{name}{value}" in wires:
                gates[name] = torch.full_like(total, value)
    return gates


def _rnn_states(network: Any, digits: Tensor, cut: Cut) -> dict[str, list[Tensor]]:
    projected = _projected_inputs(network)
    weight = network.cell.weight_hh.double()
    h = projected.new_zeros(len(digits), network.hidden_size)
    after_each_step = []
    for t in range(digits.size(1)):
        total = projected[digits[:, t]]
        if "hh" not in cut.at(t):
            total = total + h @ weight.t()
        h = torch.tanh(total)
        after_each_step.append(h)
    return {"h": after_each_step}


def _projected_inputs(network: Any) -> Tensor:
    """Return W_x x + b for each of the ten digits x, as float64.

    The result has the shape (10, hidden_size), or (10, 4 hidden_size) for an LSTM.

    The weights of an export do not require gradients, so this function makes its result require
    them; otherwise, autograd could not compute the derivatives that `gradient` returns.
    """
    weight = network.cell.weight_ih.double()
    projected = F.linear(all_inputs(weight), weight, network.cell.bias.double())
    return projected.requires_grad_()


def readout(network: Any, h: Tensor) -> Tensor:
    """Return the logits, (batch, 10), that equation (7) gives for h, which is float64 (batch,
    hidden_size).
    """
    return F.linear(h, network.readout.weight.double(), network.readout.bias.double())


def gradient(network: Any, digits: Tensor, cut: Cut) -> list[float]:
    """Return, for each step, the norm of the derivative of the loss with respect to the memory
    after that step.

    The memory is c for an LSTM, or h for an RNN.

    Args:
        digits: int64 (length,), 0 to 9; the first digit is also the target for the loss, a
            cross-entropy.
    """
    memory_name = "c" if is_lstm(network) else "h"
    with torch.enable_grad():
        after_each_step = states(network, digits[None], cut)
        loss = F.cross_entropy(readout(network, after_each_step["h"][-1]), digits[:1])
        memory = after_each_step[memory_name]
        gradients = torch.autograd.grad(loss, memory, allow_unused=True, materialize_grads=True)
    return [float(gradient.norm()) for gradient in gradients]
