"""An LSTM, implemented from its equations.

The complete solution to this assignment, for teachers. Students write their own.

For each step t, with * element-wise, and h(0) = c(0) = 0:

    g(t) = tanh(W_gx x(t) + W_gh h(t-1) + b_g)       (1)  input modulation
    i(t) = sigmoid(W_ix x(t) + W_ih h(t-1) + b_i)    (2)  input gate
    f(t) = sigmoid(W_fx x(t) + W_fh h(t-1) + b_f)    (3)  forget gate
    o(t) = sigmoid(W_ox x(t) + W_oh h(t-1) + b_o)    (4)  output gate
    c(t) = g(t) * i(t) + c(t-1) * f(t)               (5)
    h(t) = tanh(c(t)) * o(t)                         (6)
    p(t) = W_ph h(t) + b_p                           (7)

torch.nn.LSTM, LSTMCell, GRU and GRUCell are not allowed.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

KINDS = (("W", "x"), ("W", "h"), ("b", ""))  # the weights of a gate
State = tuple[Tensor, Tensor]  # h and c, (batch, hidden_dim) each


def equation_1(x: Tensor, h: Tensor, W_gx: Tensor, W_gh: Tensor, b_g: Tensor) -> Tensor:
    """Return g(t), (batch, hidden_dim), from x(t), (batch, input_dim), and h(t-1), (batch,
    hidden_dim).
    """
    return torch.tanh(x @ W_gx.T + h @ W_gh.T + b_g)


def equations_2_to_4(
    x: Tensor,
    h: Tensor,
    W_ix: Tensor,
    W_ih: Tensor,
    b_i: Tensor,
    W_fx: Tensor,
    W_fh: Tensor,
    b_f: Tensor,
    W_ox: Tensor,
    W_oh: Tensor,
    b_o: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """i(t), f(t) and o(t), (batch, hidden_dim) each."""
    i = torch.sigmoid(x @ W_ix.T + h @ W_ih.T + b_i)
    f = torch.sigmoid(x @ W_fx.T + h @ W_fh.T + b_f)
    o = torch.sigmoid(x @ W_ox.T + h @ W_oh.T + b_o)
    return i, f, o


def equation_5(g: Tensor, i: Tensor, f: Tensor, c: Tensor) -> Tensor:
    """c(t) from c(t-1)."""
    return g * i + c * f


def equation_6(c: Tensor, o: Tensor) -> Tensor:
    """h(t) from c(t)."""
    return torch.tanh(c) * o


def loop(x: Tensor, step: Callable[[Tensor, Tensor, Tensor], State], hidden_dim: int) -> Tensor:
    """Return h after the last step, (batch, hidden_dim), for x (batch, T-1, input_dim)."""
    h = x.new_zeros(x.size(0), hidden_dim)
    c = torch.zeros_like(h)
    for t in range(x.size(1)):
        h, c = step(x[:, t], h, c)
    return h


class LSTM(nn.Module):
    """An LSTM that reads T-1 digits and returns the logits p(T) of the last digit.

    Shapes: W_gx, W_ix, W_fx, W_ox are (hidden_dim, input_dim); W_gh, W_ih, W_fh, W_oh are
    (hidden_dim, hidden_dim); the biases b_g, b_i, b_f, b_o are (hidden_dim,); W_ph is (output_dim,
    hidden_dim) and b_p is (output_dim,). All of them are learnt. Think about how large their
    initial values should be.

    Args:
        seq_length: T, the number of digits in a palindrome. Does forward need it?
        input_dim: 10 for one-hot digits, 1 for digits as single numbers.
        hidden_dim: the size of h(t) and of c(t).
        output_dim: number of classes, 10.
    """

    def __init__(self, seq_length: int, input_dim: int, hidden_dim: int, output_dim: int) -> None:
        super().__init__()
        self.hidden_dim = hidden_dim
        scale = hidden_dim**-0.5  # so that the sums are about as large as their terms

        def weight(rows: int, columns: int) -> nn.Parameter:
            return nn.Parameter(scale * (2 * torch.rand(rows, columns) - 1))

        for gate in "gifo":
            setattr(self, f"W_{gate}x", weight(hidden_dim, input_dim))
            setattr(self, f"W_{gate}h", weight(hidden_dim, hidden_dim))
            setattr(self, f"b_{gate}", nn.Parameter(torch.full((hidden_dim,), float(gate == "f"))))
        self.W_ph = weight(output_dim, hidden_dim)
        self.b_p = nn.Parameter(torch.zeros(output_dim))

    def forward(self, x: Tensor) -> Tensor:
        """Step through time in a for loop, using equations (1) to (7).

        Args:
            x: float32 (batch, T-1, input_dim); any batch size, any length, any device.

        Returns:
            float32 (batch, output_dim): the logits p at the last step. Which part of (8) and (9) in
                train.py does PyTorch's loss function compute for you?
        """
        gates = [getattr(self, f"{kind}_{g}{of}") for g in "ifo" for kind, of in KINDS]
        h = loop(x, lambda x, h, c: self.step(x, h, c, gates), self.hidden_dim)
        return h @ self.W_ph.T + self.b_p  # (7); the loss applies (8)

    def step(self, x: Tensor, h: Tensor, c: Tensor, gates: list[Tensor]) -> State:
        """h(t) and c(t) from x(t), h(t-1) and c(t-1)."""
        g = equation_1(x, h, self.W_gx, self.W_gh, self.b_g)
        i, f, o = equations_2_to_4(x, h, *gates)
        c = equation_5(g, i, f, c)
        return equation_6(c, o), c
