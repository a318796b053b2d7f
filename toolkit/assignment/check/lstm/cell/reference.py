"""The equations with a student's weights, as a fit has found them."""

from collections.abc import Mapping

import torch
from torch import Tensor

from toolkit.assignment.check.lstm.cell.affine import Map
from toolkit.lstm.model import LSTMCell

ORDER = ("i", "f", "g", "o")


def logits(gates: Mapping[str, Map], readout: Map, x: Tensor) -> Tensor:
    """Equations (1) to (7) for x (B, L, D), with fitted weights: (B, 10)."""
    hidden = len(readout.weight_h)
    cell = LSTMCell(x.size(2), hidden).double()
    with torch.no_grad():
        cell.weight_ih.copy_(torch.cat([gates[name].weight_x.t() for name in ORDER]))
        cell.weight_hh.copy_(torch.cat([gates[name].weight_h.t() for name in ORDER]))
        cell.bias.copy_(torch.cat([gates[name].bias for name in ORDER]))
        h = c = torch.zeros(len(x), hidden, dtype=torch.float64)
        for t in range(x.size(1)):
            *_, c, h = cell(x[:, t].double(), h, c)
        return h @ readout.weight_h + readout.bias


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
