"""The equations with a student's weights, as a fit has found them."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from toolkit.assignment.check.lstm.cell.affine import Map
from toolkit.lstm.model import LSTMCell

ORDER = ("i", "f", "g", "o")


def logits(layers: Sequence[Mapping[str, Map]], readout: Map, x: Tensor) -> Tensor:
    """Equations (1) to (7) for x (B, L, D), with fitted weights of each layer: (B, 10)."""
    x = x.double()
    with torch.no_grad():
        for gates in layers:
            x = _states(gates, x)
        return x[:, -1] @ readout.weight_h + readout.bias


def _states(gates: Mapping[str, Map], x: Tensor) -> Tensor:
    """h(t) at every step, (B, L, hidden)."""
    cell = LSTMCell(x.size(2), len(gates["g"].bias)).double()
    cell.weight_ih.copy_(torch.cat([gates[name].weight_x.t() for name in ORDER]))
    cell.weight_hh.copy_(torch.cat([gates[name].weight_h.t() for name in ORDER]))
    cell.bias.copy_(torch.cat([gates[name].bias for name in ORDER]))
    h = c = x.new_zeros(len(x), len(gates["g"].bias))
    states = []
    for t in range(x.size(1)):
        *_, c, h = cell(x[:, t], h, c)
        states.append(h)
    return torch.stack(states, 1)


def normalised(output: Tensor) -> Tensor:
    """Logits up to a constant in each row, from logits, probabilities or their logarithms.

    The probabilities may be taken over the batch: that only adds to a bias.
    """
    output = output.double()
    if is_probability(output) or is_probability(output.t()):
        output = output.clamp_min(1e-30).log()
    return output - output.mean(dim=1, keepdim=True)


def is_probability(output: Tensor) -> bool:
    """Whether each row is a distribution over the digits."""
    rows = output.double()
    return bool((rows >= 0).all()) and bool(((rows.sum(1) - 1).abs() < 1e-4).all())


def is_log_probability(output: Tensor) -> bool:
    """Whether each row is the logarithm of a distribution."""
    rows = output.double()
    return bool((rows <= 1e-6).all()) and is_probability(rows.exp())
