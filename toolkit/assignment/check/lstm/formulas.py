"""Equations (5) and (6), and the mistakes that are commonly made in them."""

from collections.abc import Callable

import torch
from torch import Tensor

GATES = ("g", "i", "f", "o")  # equations (1) to (4)
WORDS = {"g": "input modulation", "i": "input gate", "f": "forget gate", "o": "output gate"}
OWN = {"g": "tanh", "i": "sigmoid", "f": "sigmoid", "o": "sigmoid"}

Formula = Callable[..., Tensor]

NO_MEMORY = "c(t-1) plays no part in c(t)."
# (5) and its common mistakes: c(t) from g, i, f and c(t-1), h(t-1).
CELLS: dict[str, Formula] = {
    "": lambda g, i, f, c, h: g * i + c * f,
    "The input gate i(t) plays no part in c(t).": lambda g, i, f, c, h: g + c * f,
    "The forget gate f(t) plays no part in c(t).": lambda g, i, f, c, h: g * i + c,
    NO_MEMORY: lambda g, i, f, c, h: g * i,
    "c(t) is not the sum of two products: look at what f(t) multiplies.": lambda g, i, f, c, h: (
        g * i + f
    ),
    "c(t) adds where it should multiply.": lambda g, i, f, c, h: g * i + c + f,
    "c(t) adds g(t) and i(t) where it should multiply.": lambda g, i, f, c, h: g + i + c * f,
    "c(t) subtracts where it should add.": lambda g, i, f, c, h: g * i - c * f,
    "c(t-1) is kept by 1 - i(t), not by f(t).": lambda g, i, f, c, h: g * i + c * (1 - i),
    "c(t-1) is kept by 1 - f(t), not by f(t).": lambda g, i, f, c, h: g * i + c * (1 - f),
    "There is a tanh round c(t): it belongs into (6).": lambda g, i, f, c, h: torch.tanh(
        g * i + c * f
    ),
    "There is a sigmoid round c(t).": lambda g, i, f, c, h: torch.sigmoid(g * i + c * f),
    "f(t) multiplies h(t-1), not c(t-1).": lambda g, i, f, c, h: g * i + h * f,
    "One gate multiplies the whole sum: look at the brackets.": lambda g, i, f, c, h: (
        (g + c * f) * i
    ),
    "One gate multiplies the whole of c(t): look at the brackets.": lambda g, i, f, c, h: (
        (g * i + c) * f
    ),
}
# (6) and its common mistakes: h(t) from c(t), o, c(t-1), g.
OUTPUTS: dict[str, Formula] = {
    "": lambda c, o, before, g: torch.tanh(c) * o,
    "The tanh round c(t) is missing.": lambda c, o, before, g: c * o,
    "The output gate o(t) plays no part in h(t).": lambda c, o, before, g: torch.tanh(c),
    "The squashing of c(t) is a sigmoid.": lambda c, o, before, g: torch.sigmoid(c) * o,
    "o(t) is added, not multiplied.": lambda c, o, before, g: torch.tanh(c) + o,
    "The tanh goes round the whole product: look at the brackets.": lambda c, o, before, g: (
        torch.tanh(c * o)
    ),
    "It uses c(t-1) where it should use the new c(t).": lambda c, o, before, g: (
        torch.tanh(before) * o
    ),
    "It uses g(t) where it should use c(t).": lambda c, o, before, g: torch.tanh(g) * o,
    "h(t) is c(t) itself.": lambda c, o, before, g: c,
    "A relu stands where the tanh should.": lambda c, o, before, g: torch.relu(c) * o,
}
