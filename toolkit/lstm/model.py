"""The LSTM that the assignment specifies, implemented equation by equation, and a vanilla RNN as
its baseline.

The equations for each digit x(t) of a sequence, where * is element-wise and h(0) = c(0) = 0, are:

    g(t) = tanh(W_gx x(t) + W_gh h(t-1) + b_g)       (1)  input modulation
    i(t) = sigmoid(W_ix x(t) + W_ih h(t-1) + b_i)    (2)  input gate
    f(t) = sigmoid(W_fx x(t) + W_fh h(t-1) + b_f)    (3)  forget gate
    o(t) = sigmoid(W_ox x(t) + W_oh h(t-1) + b_o)    (4)  output gate
    c(t) = g(t) * i(t) + c(t-1) * f(t)               (5)  cell
    h(t) = tanh(c(t)) * o(t)                         (6)  hidden state
    p(t) = W_ph h(t) + b_p                           (7)  logits
    y~(t) = softmax(p(t))                            (8)  probabilities

The models return the logits, equation (7), after the last step. All computations use the dtype of
the weights. Apply the softmax, equation (8), only to show probabilities, because `cross_entropy`
already contains the softmax. With a second softmax, `cross_entropy` would get values from 0 to 1
instead of logits, and the loss could not fall below log(1 + 9 / e) = 1.46.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.common.checks import check_digits, check_sizes


class Step(NamedTuple):
    """The gates and states at one step or at all steps.

    Each tensor has shape (batch, hidden_size) at one step, or (batch, length, hidden_size) at all
    steps.
    """

    i: Tensor
    f: Tensor
    o: Tensor
    g: Tensor
    c: Tensor
    h: Tensor


class LSTMCell(nn.Module):
    """The LSTM's cell, which uses equations (1) to (6) to compute one time step.

    The matrices W_ix, W_fx, W_gx and W_ox are stacked into `weight_ih`, and W_ih, W_fh, W_gh and
    W_oh into `weight_hh`. The stacking order (i, f, g, o) is the same as in PyTorch, so `nn.LSTM`
    can use the same weights. The weights are initialised with variance 1 / fan-in (LeCun et al.,
    "Efficient BackProp", 1998).

    Args:
        input_size: size of x(t).
        hidden_size: size of h(t) and of c(t).
        forget_bias: initial value of b_f. With an initial value of 1, the cell remembers until it
            learns to forget (Gers, Schmidhuber and Cummins, "Learning to Forget", 2000).
    """

    def __init__(self, input_size: int, hidden_size: int, forget_bias: float = 1.0) -> None:
        super().__init__()
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        self.weight_ih = nn.Parameter(torch.empty(4 * hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.zeros(4 * hidden_size))
        nn.init.normal_(self.weight_ih, std=input_size**-0.5)
        nn.init.normal_(self.weight_hh, std=hidden_size**-0.5)
        nn.init.constant_(self.bias[hidden_size : 2 * hidden_size], forget_bias)

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> Step:
        """Compute step t from x(t), h(t-1) and c(t-1).

        x has shape (batch, input_size), and h and c have shape (batch, hidden_size).
        """
        return self.step(self.project(x), h, c)

    def project(self, x: Tensor) -> Tensor:
        """Return the input's contribution to the pre-activations, W_x x + b, (batch, 4
        hidden_size).
        """
        return F.linear(x, self.weight_ih, self.bias)

    def step(self, projected: Tensor, h: Tensor, c: Tensor) -> Step:
        """Compute the same result as `forward`, but from `project(x)` instead of x."""
        gates = torch.addmm(projected, h, self.weight_hh.t())
        i, f, g, o = gates.chunk(4, dim=1)
        g = torch.tanh(g)  # (1)
        i = torch.sigmoid(i)  # (2)
        f = torch.sigmoid(f)  # (3)
        o = torch.sigmoid(o)  # (4)
        c = g * i + c * f  # (5)
        h = torch.tanh(c) * o  # (6)
        return Step(i, f, o, g, c, h)


def all_inputs(weight: Tensor) -> Tensor:
    """Return the ten possible inputs, (10, input_size); row d encodes the digit d.

    An input can have only ten different values, one for each digit. Therefore, W_x x + b can be
    computed once for each value and then looked up at every step of every sequence.

    Args:
        weight: the input weights W_x, (rows, input_size), with any number of rows; the tensor of
            inputs that is returned has the same dtype and device as W_x. If the input size is 10,
            each digit is one-hot encoded; if the input size is 1, the input is the digit itself.
    """
    if weight.size(1) == 10:
        return torch.eye(10, dtype=weight.dtype, device=weight.device)
    return torch.arange(10, dtype=weight.dtype, device=weight.device).unsqueeze(1)


class LSTM(nn.Module):
    """An LSTM that reads a sequence of digits and predicts the next digit, as in equations (1) to
    (7).

    Args:
        hidden_size: size of h and c.
        one_hot: True to encode each digit as a one-hot vector of size 10; False to use the digit
            itself as the input.
        forget_bias: see `LSTMCell`.
    """

    def __init__(
        self, hidden_size: int = 128, one_hot: bool = True, forget_bias: float = 1.0
    ) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.one_hot = one_hot
        self.cell = LSTMCell(10 if one_hot else 1, hidden_size, forget_bias)
        self.readout = nn.Linear(hidden_size, 10)

    def forward(self, digits: Tensor) -> Tensor:
        """Map digits, int64 (batch, length), to the logits p (batch, 10) after the last digit.

        Raises:
            ValueError: `digits` has the wrong dtype or shape, or contains a value outside 0 to 9.
        """
        check_digits(digits)
        logits: Tensor = self.readout(self.last_hidden(digits))  # (7)
        return logits

    def last_hidden(self, digits: Tensor) -> Tensor:
        """Apply equations (1) to (6) at each step, and return the last h, (batch, hidden_size)."""
        projected = self.cell.project(all_inputs(self.cell.weight_ih))
        h = projected.new_zeros(digits.size(0), self.hidden_size)
        c = torch.zeros_like(h)
        for t in range(digits.size(1)):
            step = self.cell.step(F.embedding(digits[:, t], projected), h, c)
            h, c = step.h, step.c
        return h

    def trace(self, digits: Tensor) -> Step:
        """Return the gates and states at every step, each of shape (batch, length, hidden_size).

        Raises:
            ValueError: see `forward`.
        """
        check_digits(digits)
        projected = self.cell.project(all_inputs(self.cell.weight_ih))
        h = projected.new_zeros(digits.size(0), self.hidden_size)
        c = torch.zeros_like(h)
        steps: list[Tensor] = []
        for t in range(digits.size(1)):
            step = self.cell.step(F.embedding(digits[:, t], projected), h, c)
            h, c = step.h, step.c
            steps.append(torch.stack([step.i, step.f, step.o, step.g, c, h]))
        i, f, o, g, c, h = torch.stack(steps, dim=2).unbind(0)
        return Step(i, f, o, g, c, h)


class RNNCell(nn.Module):
    """The vanilla RNN's cell, which computes h(t) = tanh(W_hx x(t) + W_hh h(t-1) + b_h)."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        self.weight_ih = nn.Parameter(torch.empty(hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.zeros(hidden_size))
        nn.init.normal_(self.weight_ih, std=input_size**-0.5)
        nn.init.normal_(self.weight_hh, std=hidden_size**-0.5)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """Compute h(t) from x, of shape (batch, input_size), and h(t-1), (batch, hidden_size)."""
        return self.step(self.project(x), h)

    def project(self, x: Tensor) -> Tensor:
        """Return the input's contribution to the pre-activation, W_hx x + b_h, (batch,
        hidden_size).
        """
        return F.linear(x, self.weight_ih, self.bias)

    def step(self, projected: Tensor, h: Tensor) -> Tensor:
        """Compute the same result as `forward`, but from `project(x)` instead of x."""
        return torch.tanh(torch.addmm(projected, h, self.weight_hh.t()))


class RNN(nn.Module):
    """The vanilla RNN, whose only memory is h, as a baseline for the class `LSTM`."""

    def __init__(self, hidden_size: int = 128, one_hot: bool = True) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.one_hot = one_hot
        self.cell = RNNCell(10 if one_hot else 1, hidden_size)
        self.readout = nn.Linear(hidden_size, 10)

    def forward(self, digits: Tensor) -> Tensor:
        """Map digits, int64 (batch, length), to the logits (batch, 10) after the last digit.

        Raises:
            ValueError: `digits` has the wrong dtype or shape, or contains a value outside 0 to 9.
        """
        check_digits(digits)
        projected = self.cell.project(all_inputs(self.cell.weight_ih))
        h = projected.new_zeros(digits.size(0), self.hidden_size)
        for t in range(digits.size(1)):
            h = self.cell.step(F.embedding(digits[:, t], projected), h)
        logits: Tensor = self.readout(h)
        return logits


@torch.no_grad()
def init_chrono(cell: LSTMCell, longest: int) -> None:
    """Initialise the biases b_f and b_i for sequences of at most `longest` digits. Each element of
    b_f is set to log u, with u sampled uniformly from 1 to `longest` - 1. Then b_i is set to -b_f.

    The method is the chrono initialisation of Tallec and Ollivier, "Can recurrent neural networks
    warp time?" (2018), section 3. The function samples from torch's global generator, as
    `torch.nn.init` does.
    """
    i, f, _, _ = cell.bias.chunk(4)
    f.copy_(torch.empty_like(f).uniform_(1, max(1, longest - 1)).log())
    i.copy_(-f)
