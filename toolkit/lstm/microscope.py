"""Looking inside a network that reads digits: its cells, its answers, and what it remembers.

Works with `toolkit.lstm.model`'s LSTM and RNN and with their exports.
"""

from typing import Any

import torch
from torch import Tensor

from toolkit.lstm.data import NUM_DIGITS
from toolkit.lstm.model import all_inputs

GATES = ("i", "f", "o", "g", "c", "h")  # in the order in which an LSTM's cell returns them


def is_lstm(network: Any) -> bool:
    """Whether it has a cell c, or is a vanilla RNN."""
    return hasattr(network, "trace")


@torch.no_grad()
def trace(network: Any, digits: Tensor) -> dict[str, Tensor]:
    """Every gate and state at every step.

    Args:
        network: an LSTM or an RNN, or the export of one, on the CPU.
        digits: int64 (length,), 0 to 9.

    Returns:
        i, f, o, g, c, h of an LSTM, h of an RNN, each float32 (length, hidden_size).
    """
    if is_lstm(network):
        return dict(zip(GATES, (x[0] for x in network.trace(digits[None])), strict=True))
    projected = network.cell.project(all_inputs(network.one_hot, digits.device))
    h = torch.zeros(1, network.hidden_size)
    steps = []
    for digit in digits.tolist():
        h = network.cell.step(projected[digit : digit + 1], h)
        steps.append(h)
    return {"h": torch.cat(steps)}


@torch.no_grad()
def logits_after_each_step(network: Any, h: Tensor) -> Tensor:
    """What it would say after every step, equation (7): h (length, hidden_size) -> (length, 10)."""
    logits: Tensor = network.readout(h)
    return logits


@torch.no_grad()
def telling_cells(network: Any, h: Tensor) -> Tensor:
    """The cells by how much they say for the answer, the one that says most first.

    By (7), cell j adds W_pj h_j to the logit of the answer. What counts is by how much that differs
    from what it adds to the mean of all ten logits, since a softmax ignores what they share.

    Args:
        h: float32 (hidden_size,), after the last step.

    Returns:
        int64 (hidden_size,).
    """
    weight = network.readout.weight
    answer = int(network.readout(h).argmax())
    says = (h * (weight[answer] - weight.mean(dim=0))).abs()
    order: Tensor = says.argsort(descending=True, stable=True)
    return order


@torch.no_grad()
def remembered(network: Any, digits: Tensor) -> Tensor:
    """Which digits the memory holds after each step, by replacing them one at a time.

    The memory is c(t) of an LSTM, h(t) of an RNN. Each digit is replaced by each of the nine others
    and the rest is read as it is. The further the memory then is from where it was, the more of
    that digit it holds; with a digit that it has forgotten it is where it was.

    Args:
        network: an LSTM or an RNN, or the export of one, on the CPU.
        digits: int64 (length,), 0 to 9. The time grows with length^2.

    Returns:
        float32 (length, length): in row t, column k the mean distance over the nine replacements
        of digit k, divided by the length of the memory's own vector at step t; 0 where k > t.
    """
    projected = network.cell.project(all_inputs(network.one_hot, digits.device))
    length, nine = len(digits), NUM_DIGITS - 1
    own = [torch.zeros(1, network.hidden_size)] * (2 if is_lstm(network) else 1)  # h, and c
    replaced = [state[:0] for state in own]  # after t steps: nine rows for each of t digits
    result = torch.zeros(length, length)
    for t, digit in enumerate(digits.tolist()):
        others = [other for other in range(NUM_DIGITS) if other != digit]
        read = torch.tensor([digit] * (nine * t) + others)
        replaced = [
            torch.cat([rows, before.expand(nine, -1)])
            for rows, before in zip(replaced, own, strict=True)
        ]
        replaced = _next(network, projected[read], replaced)
        own = _next(network, projected[digit : digit + 1], own)
        moved = (replaced[-1] - own[-1]).norm(dim=1).reshape(t + 1, nine).mean(dim=1)
        result[t, : t + 1] = moved / own[-1].norm()
    return result


def _next(network: Any, projected: Tensor, state: list[Tensor]) -> list[Tensor]:
    """One step: from h and, of an LSTM, c, each (batch, hidden_size), to the next ones."""
    if len(state) == 1:
        return [network.cell.step(projected, state[0])]
    _, _, _, _, c, h = network.cell.step(projected, state[0], state[1])
    return [h, c]
