"""Equations (5) and (6), and the mistakes that are commonly made in them."""

from collections.abc import Callable

import torch
from torch import Tensor

GATES = ("g", "i", "f", "o")  # equations (1) to (4)
NAMES = {"g": "input modulation", "i": "input gate", "f": "forget gate", "o": "output gate"}
ACTIVATIONS = {"g": "tanh", "i": "sigmoid", "f": "sigmoid", "o": "sigmoid"}

Formula = Callable[..., Tensor]

NO_MEMORY = "c(t-1) has no effect on c(t)."
# (5) and the common mistakes in it: c(t) from g(t), i(t), f(t), c(t-1) and h(t-1).
CELLS: dict[str, Formula] = {
    "": lambda g, i, f, c, h: g * i + c * f,
    "The input gate i(t) has no effect on c(t).": lambda g, i, f, c, h: g + c * f,
    "The forget gate f(t) has no effect on c(t).": lambda g, i, f, c, h: g * i + c,
    NO_MEMORY: lambda g, i, f, c, h: g * i,
    "c(t) is not a sum of two products. Look at what f(t) multiplies.": lambda g, i, f, c, h: (
        g * i + f
    ),
    "c(t) adds where it should multiply.": lambda g, i, f, c, h: g * i + c + f,
    "c(t) adds g(t) and i(t) where it should multiply.": lambda g, i, f, c, h: g + i + c * f,
    "c(t) subtracts where it should add.": lambda g, i, f, c, h: g * i - c * f,
    "c(t-1) is multiplied by 1 - i(t), not by f(t).": lambda g, i, f, c, h: g * i + c * (1 - i),
    "c(t-1) is multiplied by 1 - f(t), not by f(t).": lambda g, i, f, c, h: g * i + c * (1 - f),
    "There is a tanh around c(t), which belongs in (6).": lambda g, i, f, c, h: torch.tanh(
        g * i + c * f
    ),
    "There is a sigmoid around c(t).": lambda g, i, f, c, h: torch.sigmoid(g * i + c * f),
    "f(t) multiplies h(t-1), not c(t-1).": lambda g, i, f, c, h: g * i + h * f,
    "One gate multiplies the whole sum. Look at the brackets.": lambda g, i, f, c, h: (
        (g + c * f) * i
    ),
    "One gate multiplies all of c(t). Look at the brackets.": lambda g, i, f, c, h: (g * i + c) * f,
}
# (6) and the common mistakes in it: h(t) from c(t), o(t), c(t-1) and g(t).
OUTPUTS: dict[str, Formula] = {
    "": lambda c, o, before, g: torch.tanh(c) * o,
    "The tanh around c(t) is missing.": lambda c, o, before, g: c * o,
    "The output gate o(t) has no effect on h(t).": lambda c, o, before, g: torch.tanh(c),
    "c(t) goes through a sigmoid, not through a tanh.": lambda c, o, before, g: (
        torch.sigmoid(c) * o
    ),
    "o(t) is added, not multiplied.": lambda c, o, before, g: torch.tanh(c) + o,
    "The tanh is around the whole product. Look at the brackets.": lambda c, o, before, g: (
        torch.tanh(c * o)
    ),
    "h(t) is computed from c(t-1), not from the new c(t).": lambda c, o, before, g: (
        torch.tanh(before) * o
    ),
    "h(t) is computed from g(t), not from c(t).": lambda c, o, before, g: torch.tanh(g) * o,
    "h(t) is c(t) itself.": lambda c, o, before, g: c,
    "There is a relu in place of the tanh.": lambda c, o, before, g: torch.relu(c) * o,
}
