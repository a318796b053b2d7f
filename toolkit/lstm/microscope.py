"""Functions that inspect the states, outputs and gradients of a network that reads digits.

The functions work with the LSTM and the RNN of `toolkit.lstm.model`, and with exported networks of
both kinds.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.lstm.model import all_inputs

GATES = ("i", "f", "o", "g", "c", "h")  # in the order in which an LSTM's cell returns them


def is_lstm(network: Any) -> bool:
    """Return True if the network is an LSTM (with a cell state c), and False if it is a vanilla
    RNN.
    """
    return hasattr(network, "trace")


@torch.no_grad()
def trace(network: Any, digits: Tensor) -> dict[str, Tensor]:
    """Return the gates and states at every step.

    Args:
        network: an LSTM or an RNN on the CPU, either built by the toolkit or loaded from an
            exported file.
        digits: int64 (length,), 0 to 9.

    Returns:
        a dictionary with i, f, o, g, c and h for an LSTM, or only h for an RNN; each is float32
        (length, hidden_size).
    """
    if is_lstm(network):
        return dict(zip(GATES, (x[0] for x in network.trace(digits[None])), strict=True))
    return {"h": torch.cat(states(network, digits[None])["h"])}


def states(network: Any, digits: Tensor) -> dict[str, list[Tensor]]:
    """Return h (and c for an LSTM) after every step, still attached to the autograd graph.

    Args:
        digits: int64 (batch, length), 0 to 9.

    Returns:
        a dictionary with h (and c for an LSTM), each a list with one float32 tensor (batch,
        hidden_size) per step.
    """
    projected = network.cell.project(all_inputs(network.cell.weight_ih))
    projected.requires_grad_()  # the weights of an export require no gradients
    zero = projected.new_zeros(len(digits), network.hidden_size)
    state, steps = [zero] * (2 if is_lstm(network) else 1), []
    for t in range(digits.size(1)):
        state = step(network, F.embedding(digits[:, t], projected), state)
        steps.append(state)
    return dict(zip(("h", "c"), map(list, zip(*steps, strict=True)), strict=False))


def step(network: Any, projected: Tensor, state: list[Tensor]) -> list[Tensor]:
    """Compute the next state (h, or h and c for an LSTM) from the current state.

    Args:
        projected: the output of the cell's `project` method for the digits that are read at this
            step.
        state: h (and c for an LSTM), each (batch, hidden_size).
    """
    if len(state) == 1:
        return [network.cell.step(projected, state[0])]
    step = network.cell.step(projected, state[0], state[1])
    return [step.h, step.c]


def gradient_norms(network: Any, digits: Tensor, labels: Tensor) -> dict[str, list[float]]:
    """Return the norm of dL/dh(t) (and of dL/dc(t) for an LSTM) at each step t.

    L is the cross-entropy, equation (9), after the last step. If the norm shrinks by a constant
    factor with each step back in time, the network cannot learn from early digits
    (Hochreiter, 1991; Bengio, Simard and Frasconi, "Learning long-term dependencies with gradient
    descent is difficult", 1994).

    Args:
        digits: int64 (batch, length).
        labels: int64 (batch,).

    Returns:
        a dictionary with the key "h" (and "c" for an LSTM); each value is a list of `length`
        gradient norms, one per step, each averaged over the batch.
    """
    memory = states(network, digits)
    loss = F.cross_entropy(network.readout(memory["h"][-1]), labels, reduction="sum")
    norms = {}
    for name, steps in memory.items():
        gradients = torch.autograd.grad(loss, steps, retain_graph=True)
        norms[name] = [float(gradient.norm(dim=1).mean()) for gradient in gradients]
    return norms


@torch.no_grad()
def logits_after_each_step(network: Any, h: Tensor) -> Tensor:
    """Map h at every step, (length, hidden_size), to the logits of equation (7), (length, 10)."""
    logits: Tensor = network.readout(h)
    return logits


@torch.no_grad()
def telling_cells(network: Any, h: Tensor) -> Tensor:
    """Sort the cells by the size of their contribution to the prediction, largest first.

    By equation (7), cell j adds W_pj h_j to the logit of the predicted digit p. The softmax does
    not change if the same amount is added to all ten logits. The contribution of cell j is
    therefore defined as W_pj h_j minus the mean of the ten amounts that cell j adds to the logits.
    The cells are sorted by the absolute value of their contribution.

    Args:
        h: the hidden state after the last step, float32 (hidden_size,).

    Returns:
        the indices of the cells, sorted from the largest contribution to the smallest, int64
        (hidden_size,).
    """
    weight = network.readout.weight
    answer = int(network.readout(h).argmax())
    says = (h * (weight[answer] - weight.mean(dim=0))).abs()
    order: Tensor = says.argsort(descending=True, stable=True)
    return order
