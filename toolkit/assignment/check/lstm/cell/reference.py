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
    if kind_of(output)[0] == "probabilities":
        output = output.clamp_min(1e-30).log()
    return output - output.mean(dim=1, keepdim=True)


def kind_of(rows: Tensor) -> tuple[str, int]:
    """What the rows are: "probabilities", their "logarithms", or "logits"; and over which axis."""
    many = len(rows) > 1 and len(rows) != rows.size(1)
    if bool((rows >= 0).all()):
        if _all_one(rows.sum(1)):
            return "probabilities", 1
        if many and _all_one(rows.sum(0)):
            return "probabilities", 0
    if bool((rows <= 1e-6).all()):
        if _all_one(rows.exp().sum(1)):
            return "logarithms", 1
        if many and _all_one(rows.exp().sum(0)):
            return "logarithms", 0
    return "logits", 1


def _all_one(sums: Tensor) -> bool:
    return bool(((sums - 1).abs() < 1e-3).all())
