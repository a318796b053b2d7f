"""Equations (5) and (6), and common mistakes in them."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

GATES = ("g", "i", "f", "o")  # equations (1) to (4)
NAMES = {"g": "input modulation", "i": "input gate", "f": "forget gate", "o": "output gate"}
ACTIVATIONS = {"g": "tanh", "i": "sigmoid", "f": "sigmoid", "o": "sigmoid"}


class Formula(NamedTuple):
    """A way to compute c(t) or h(t)."""

    mistake: str  # `[wrong-equation.MISTAKE]` in the rules; "" for the right one
    gates: str  # those that it uses
    compute: Callable[..., Tensor]


NO_MEMORY = "no-memory"
READS_H = "f-multiplies-h"
# (5) and the common mistakes in it: c(t) from g(t), i(t), f(t), c(t-1) and h(t-1).
CELLS = (
    Formula("", "gif", lambda g, i, f, c, h: g * i + c * f),
    Formula("no-input-gate", "gf", lambda g, i, f, c, h: g + c * f),
    Formula("no-forget-gate", "gi", lambda g, i, f, c, h: g * i + c),
    Formula(NO_MEMORY, "gi", lambda g, i, f, c, h: g * i),
    Formula("adds-f", "gif", lambda g, i, f, c, h: g * i + f),
    Formula("adds-for-c", "gif", lambda g, i, f, c, h: g * i + c + f),
    Formula("adds-for-g", "gif", lambda g, i, f, c, h: g + i + c * f),
    Formula("subtracts", "gif", lambda g, i, f, c, h: g * i - c * f),
    Formula("subtracts", "gif", lambda g, i, f, c, h: c * f - g * i),
    Formula("one-minus-i", "gi", lambda g, i, f, c, h: g * i + c * (1 - i)),
    Formula("g-by-one-minus-f", "gf", lambda g, i, f, c, h: g * (1 - f) + c * f),
    Formula("c-by-one-minus-f", "gif", lambda g, i, f, c, h: g * i + c * (1 - f)),
    Formula("i-for-f", "gi", lambda g, i, f, c, h: g * i + c * i),
    Formula("tanh-around-c", "gif", lambda g, i, f, c, h: torch.tanh(g * i + c * f)),
    Formula("sigmoid-around-c", "gif", lambda g, i, f, c, h: torch.sigmoid(g * i + c * f)),
    Formula("tanh-around-g", "gif", lambda g, i, f, c, h: torch.tanh(g) * i + c * f),
    Formula(READS_H, "gif", lambda g, i, f, c, h: g * i + h * f),
    Formula("i-around-sum", "gif", lambda g, i, f, c, h: (g + c * f) * i),
)
# (6) and the common mistakes in it: h(t) from c(t), o(t), c(t-1) and g(t).
OUTPUTS = (
    Formula("", "o", lambda c, o, before, g: torch.tanh(c) * o),
    Formula("no-tanh", "o", lambda c, o, before, g: c * o),
    Formula("no-output-gate", "", lambda c, o, before, g: torch.tanh(c)),
    Formula("sigmoid-for-tanh", "o", lambda c, o, before, g: torch.sigmoid(c) * o),
    Formula("adds-o", "o", lambda c, o, before, g: torch.tanh(c) + o),
    Formula("tanh-around-product", "o", lambda c, o, before, g: torch.tanh(c * o)),
    Formula("tanh-around-o", "o", lambda c, o, before, g: c * torch.tanh(o)),
    Formula("two-tanh", "o", lambda c, o, before, g: torch.tanh(torch.tanh(c)) * o),
    Formula("old-c", "o", lambda c, o, before, g: torch.tanh(before) * o),
    Formula("g-for-c", "o", lambda c, o, before, g: torch.tanh(g) * o),
    Formula("h-is-c", "", lambda c, o, before, g: c),
    Formula("relu-for-tanh", "o", lambda c, o, before, g: torch.relu(c) * o),
)
