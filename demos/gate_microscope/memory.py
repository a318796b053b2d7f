"""Which digits a network's memory holds: each is replaced, and the rest is read as it is."""

from typing import Any

import torch
from torch import Tensor

from toolkit.lstm.data import NUM_DIGITS
from toolkit.lstm.microscope import is_lstm, step
from toolkit.lstm.model import all_inputs


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
    projected = network.cell.project(all_inputs(network.cell.weight_ih))
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
        replaced = step(network, projected[read], replaced)
        own = step(network, projected[digit : digit + 1], own)
        moved = (replaced[-1] - own[-1]).norm(dim=1).reshape(t + 1, nine).mean(dim=1)
        result[t, : t + 1] = moved / own[-1].norm()
    return result
