"""Looking inside an LSTM: what its cells do, and which of them hold the first digit of a sequence.

Works with any module that has the `trace` method of `toolkit.lstm.model.LSTM`, the export included.
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from toolkit.lstm.data import NUM_DIGITS

GATES = ("i", "f", "o", "g", "c", "h")  # in the order of `trace`


class Traced(Protocol):
    """An LSTM that returns its gates and states at every step."""

    def trace(self, digits: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """From digits, int64 (batch, length), to i, f, o, g, c, h, (batch, length, hidden_size)."""


class Inside(NamedTuple):
    """One sequence inside an LSTM; tensors are (length, hidden_size) unless stated otherwise."""

    digits: Tensor  # int64 (length,)
    gates: dict[str, Tensor]  # i, f, o, g, c, h at every step, float32
    survival: Tensor  # log10 of f(2) * ... * f(t), the share of c(1) left in c(t); float64, <= 0
    shown: Tensor  # tanh c(t) for each first digit 0 to 9; float32 (10, length, hidden_size)
    held: Tensor  # how firmly each cell holds the first digit, float32, 0 to 1

    def firmest(self, step: int) -> Tensor:
        """The cells, int64 (hidden_size,), sorted by how firmly they hold the first digit.

        Args:
            step: the step to sort by, counted from 0; the firmest cell comes first.
        """
        return self.held[step].argsort(descending=True, stable=True)


@torch.no_grad()
def look_inside(lstm: Traced, digits: Tensor) -> Inside:
    """Trace a sequence together with the nine that differ from it only in the first digit.

    A cell holds the first digit at step t to the extent that tanh c(t), which equation (6) lets
    out, depends on that digit: `held` is its standard deviation over the ten first digits. It is 0
    for a cell that holds nothing, and 1 for a cell that is -1 for five digits and 1 for the others.

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
    logs[0] = 0  # f(1) multiplies c(0), which is 0
    shown = traced[4].tanh()
    return Inside(digits, gates, logs.cumsum(dim=0), shown, shown.std(dim=0, correction=0))


@torch.no_grad()
def differences(lstm: Traced, before: Tensor, after: Tensor) -> dict[str, Tensor]:
    """How gates and states change when the digits `before` become `after`, both int64 (length,).

    Returns:
        i, f, o, g, c, h for `after` minus those for `before`, each float32 (length, hidden_size).
    """
    traced = lstm.trace(torch.stack([before, after]))
    return {name: values[1] - values[0] for name, values in zip(GATES, traced, strict=True)}
