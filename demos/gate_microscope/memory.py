"""How much of each digit a network remembers, found by replacing one digit at a time."""

from typing import Any

import torch
from torch import Tensor

from toolkit.lstm.data import NUM_DIGITS
from toolkit.lstm.microscope import is_lstm, step
from toolkit.lstm.model import all_inputs


@torch.no_grad()
def remembered(network: Any, digits: Tensor) -> Tensor:
    """Measure how much of each digit the network's memory, c(t) or h(t), still holds after each
    step.

    The memory is c(t) of an LSTM, or h(t) of an RNN. Each digit is replaced in turn by each of the
    nine other values, and the rest of the sequence is read unchanged. The more the memory changes,
    the more of the original digit it still holds. If the network has forgotten the digit, the
    memory stays the same.

    Args:
        network: an LSTM or an RNN on the CPU, either built by the toolkit or loaded from an
            exported file.
        digits: int64 (length,), 0 to 9. The computing time grows with length^2.

    Returns:
        float32 (length, length). Row t, column k contains the distance by which the memory at step
        t moves when digit k is replaced. This distance is averaged over the nine replacements and
        divided by the norm of the original memory vector. Where k > t, the entry is 0.
    """
    projected = network.cell.project(all_inputs(network.cell.weight_ih))
    length = len(digits)
    nine = NUM_DIGITS - 1
    num_states = 1  # h
    if is_lstm(network):
        num_states = 2  # h and c
    original = [torch.zeros(1, network.hidden_size)] * num_states
    # After t steps, the replaced states have nine rows for each of the t digits.
    replaced = [torch.zeros(0, network.hidden_size)] * num_states
    result = torch.zeros(length, length)
    for t, digit in enumerate(digits.tolist()):
        replacements = list(range(NUM_DIGITS))
        replacements.remove(digit)
        to_read = torch.tensor([digit] * (nine * t) + replacements)
        replaced = [
            torch.cat([rows, state.expand(nine, -1)])
            for rows, state in zip(replaced, original, strict=True)
        ]
        replaced = step(network, projected[to_read], replaced)
        original = step(network, projected[digit : digit + 1], original)
        moved = (replaced[-1] - original[-1]).norm(dim=1).reshape(t + 1, nine).mean(dim=1)
        result[t, : t + 1] = moved / original[-1].norm()
    return result
