"""What an LSTM's cells do with the digits that one gives it, and which of them hold the first one.

Works on anything with the `trace` of `toolkit.lstm.model.LSTM`, so on the export as well.
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from toolkit.lstm.data import NUM_DIGITS

GATES = ("i", "f", "o", "g", "c", "h")  # in the order of `trace`


class Traced(Protocol):
    """An LSTM that shows its inside."""

    def trace(self, digits: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """From digits, int64 (batch, length), to i, f, o, g, c, h, (batch, length, hidden_size)."""


class Inside(NamedTuple):
    """One sequence of digits inside an LSTM; tensors are (length, hidden_size) unless said."""

    digits: Tensor  # int64 (length,)
    gates: dict[str, Tensor]  # i, f, o, g, c, h at every step, float32
    survival: Tensor  # log10 of f(2) * ... * f(t), the share of c(1) left in c(t); float64, <= 0
    shown: Tensor  # tanh c(t), were the first digit 0, 1, ... 9; float32 (10, length, hidden_size)
    held: Tensor  # how firmly each cell holds the first digit, float32, 0 to 1

    def firmest(self, step: int) -> Tensor:
        """The cells, int64 (hidden_size,), ordered by how firmly they hold the first digit at
        `step`, counted from 0."""
        return self.held[step].argsort(descending=True, stable=True)


@torch.no_grad()
def look_inside(lstm: Traced, digits: Tensor) -> Inside:
    """Trace one sequence, and the nine that differ from it in the first digit alone.

    A cell holds the first digit at step t as far as tanh c(t), what equation (6) lets out of it,
    depends on that digit: `held` is its standard deviation over the ten first digits. So a cell
    that holds nothing has 0, and one that says -1 to five of the digits and 1 to the others has 1.

    Args:
        lstm: on the CPU.
        digits: int64 (length,), 0 to 9.
    """
    ten = digits.repeat(NUM_DIGITS, 1)
    ten[:, 0] = torch.arange(NUM_DIGITS)
    traced = lstm.trace(ten)
    own = int(digits[0])
    gates = {name: values[own].clone() for name, values in zip(GATES, traced, strict=True)}
    logs = gates["f"].double().log10()
    logs[0] = 0  # f(1) forgets c(0), which is nothing
    shown = traced[4].tanh()
    return Inside(digits, gates, logs.cumsum(dim=0), shown, shown.std(dim=0, correction=0))


@torch.no_grad()
def differences(lstm: Traced, before: Tensor, after: Tensor) -> dict[str, Tensor]:
    """What changes inside when `before` becomes `after`, both int64 (length,).

    Returns:
        i, f, o, g, c, h after minus before, each float32 (length, hidden_size).
    """
    traced = lstm.trace(torch.stack([before, after]))
    return {name: values[1] - values[0] for name, values in zip(GATES, traced, strict=True)}
