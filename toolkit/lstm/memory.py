"""Vanishing gradients: why a vanilla RNN is slow to learn what an LSTM learns at once."""

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.lstm.model import LSTM, RNN, all_inputs


def gradient_norms(model: LSTM | RNN, digits: Tensor, labels: Tensor) -> dict[str, list[float]]:
    """The norm of dL/dh(t), and for the LSTM of dL/dc(t), at each step t.

    L is the cross-entropy (9) after the last step. If the norm shrinks by a constant factor per
    step, the network cannot learn from early digits (Hochreiter, 1991; Bengio, Simard and Frasconi,
    "Learning long-term dependencies with gradient descent is difficult", 1994).

    Args:
        digits: int64 (batch, length).
        labels: int64 (batch,).

    Returns:
        "h" (and "c" for an LSTM) -> `length` numbers, each a mean over the batch.
    """
    projected = model.cell.project(all_inputs(model.one_hot, digits.device))
    h = torch.zeros(digits.size(0), model.hidden_size, device=digits.device)
    c = torch.zeros_like(h)
    states: dict[str, list[Tensor]] = {"h": []}
    for t in range(digits.size(1)):
        x = F.embedding(digits[:, t], projected)
        if isinstance(model, LSTM):
            _, _, _, _, c, h = model.cell.step(x, h, c)
            states.setdefault("c", []).append(c)
        else:
            h = model.cell.step(x, h)
        states["h"].append(h)
    loss = F.cross_entropy(model.readout(h), labels, reduction="sum")
    result = {}
    for name, steps in states.items():
        gradients = torch.autograd.grad(loss, steps, retain_graph=True)
        result[name] = [float(gradient.norm(dim=1).mean()) for gradient in gradients]
    return result
