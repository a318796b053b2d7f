"""Equations (5) and (6), and the mistakes that are commonly made in them."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

GATES = ("g", "i", "f", "o")  # equations (1) to (4)
NAMES = {"g": "input modulation", "i": "input gate", "f": "forget gate", "o": "output gate"}
ACTIVATIONS = {"g": "tanh", "i": "sigmoid", "f": "sigmoid", "o": "sigmoid"}


class Formula(NamedTuple):
    """A way to compute c(t) or h(t)."""

    mistake: str  # "" for the right one
    gates: str  # those that it uses
    compute: Callable[..., Tensor]
    part: Callable[..., Tensor] | None = None  # what is wrong in it


NO_MEMORY = "c(t-1) has no effect on c(t)."
READS_H = "f(t) multiplies h(t-1), not c(t-1)."
# (5) and the common mistakes in it: c(t) from g(t), i(t), f(t), c(t-1) and h(t-1).
CELLS = (
    Formula("", "gif", lambda g, i, f, c, h: g * i + c * f),
    Formula("The input gate i(t) has no effect on c(t).", "gf", lambda g, i, f, c, h: g + c * f),
    Formula("The forget gate f(t) has no effect on c(t).", "gi", lambda g, i, f, c, h: g * i + c),
    Formula(NO_MEMORY, "gi", lambda g, i, f, c, h: g * i),
    Formula("c(t) is not a sum of two products. Look at what f(t) multiplies.", "gif",
            lambda g, i, f, c, h: g * i + f),
    Formula("c(t) adds where it should multiply.", "gif",
            lambda g, i, f, c, h: g * i + c + f, lambda g, i, f, c, h: c + f),
    Formula("c(t) adds g(t) and i(t) where it should multiply.", "gif",
            lambda g, i, f, c, h: g + i + c * f, lambda g, i, f, c, h: g + i),
    Formula("c(t) subtracts where it should add.", "gif", lambda g, i, f, c, h: g * i - c * f),
    Formula("c(t) subtracts where it should add.", "gif", lambda g, i, f, c, h: c * f - g * i),
    Formula("c(t) multiplies its two products where it should add them.", "gif",
            lambda g, i, f, c, h: g * i * c * f),
    Formula("c(t-1) is multiplied by 1 - i(t), not by f(t).", "gi",
            lambda g, i, f, c, h: g * i + c * (1 - i), lambda g, i, f, c, h: c * (1 - i)),
    Formula("g(t) is multiplied by 1 - f(t), not by i(t).", "gf",
            lambda g, i, f, c, h: g * (1 - f) + c * f, lambda g, i, f, c, h: g * (1 - f)),
    Formula("c(t-1) is multiplied by 1 - f(t), not by f(t).", "gif",
            lambda g, i, f, c, h: g * i + c * (1 - f), lambda g, i, f, c, h: c * (1 - f)),
    Formula("i(t) multiplies both g(t) and c(t-1).", "gi",
            lambda g, i, f, c, h: g * i + c * i, lambda g, i, f, c, h: c * i),
    Formula("There is a tanh around c(t), which belongs in (6).", "gif",
            lambda g, i, f, c, h: torch.tanh(g * i + c * f)),
    Formula("There is a sigmoid around c(t).", "gif",
            lambda g, i, f, c, h: torch.sigmoid(g * i + c * f)),
    Formula("There is a second tanh around g(t), which has one already.", "gif",
            lambda g, i, f, c, h: torch.tanh(g) * i + c * f, lambda g, i, f, c, h: torch.tanh(g)),
    Formula("c(t-1) goes through a tanh before f(t) multiplies it.", "gif",
            lambda g, i, f, c, h: g * i + torch.tanh(c) * f,
            lambda g, i, f, c, h: torch.tanh(c) * f),
    Formula(READS_H, "gif", lambda g, i, f, c, h: g * i + h * f, lambda g, i, f, c, h: h * f),
    Formula("One gate multiplies the whole sum. Look at the brackets.", "gif",
            lambda g, i, f, c, h: (g + c * f) * i),
    Formula("One gate multiplies all of c(t). Look at the brackets.", "gif",
            lambda g, i, f, c, h: (g * i + c) * f),
    Formula("i(t) multiplies c(t-1) as well. Which gate should?", "gif",
            lambda g, i, f, c, h: g * i + c * f * i, lambda g, i, f, c, h: c * f * i),
)  # fmt: skip
# (6) and the common mistakes in it: h(t) from c(t), o(t), c(t-1) and g(t).
OUTPUTS = (
    Formula("", "o", lambda c, o, before, g: torch.tanh(c) * o),
    Formula("o(t) multiplies c(t) as it is. What keeps h(t) between -1 and 1?", "o",
            lambda c, o, before, g: c * o),
    Formula("The output gate o(t) has no effect on h(t).", "",
            lambda c, o, before, g: torch.tanh(c)),
    Formula("c(t) goes through a sigmoid, not through a tanh.", "o",
            lambda c, o, before, g: torch.sigmoid(c) * o),
    Formula("o(t) is added, not multiplied.", "o", lambda c, o, before, g: torch.tanh(c) + o),
    Formula("o(t) is subtracted.", "o", lambda c, o, before, g: torch.tanh(c) - o),
    Formula("The tanh is around the whole product. Look at the brackets.", "o",
            lambda c, o, before, g: torch.tanh(c * o)),
    Formula("The tanh is around o(t), not around c(t).", "o",
            lambda c, o, before, g: c * torch.tanh(o)),
    Formula("There are two tanh around c(t).", "o",
            lambda c, o, before, g: torch.tanh(torch.tanh(c)) * o),
    Formula("h(t) is computed from c(t-1), not from the new c(t).", "o",
            lambda c, o, before, g: torch.tanh(before) * o),
    Formula("h(t) is computed from g(t), not from c(t).", "o",
            lambda c, o, before, g: torch.tanh(g) * o),
    Formula("h(t) is multiplied by 1 - o(t), not by o(t).", "o",
            lambda c, o, before, g: torch.tanh(c) * (1 - o)),
    Formula("h(t) is c(t) itself.", "", lambda c, o, before, g: c),
    Formula("There is a relu in place of the tanh.", "o",
            lambda c, o, before, g: torch.relu(c) * o),
    Formula("The sign of h(t) is wrong.", "o", lambda c, o, before, g: -torch.tanh(c) * o),
)  # fmt: skip
