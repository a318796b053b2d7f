"""The equations of `model.py`, with each tanh rewritten as a sigmoid to make the loop faster.

Since tanh(x) = 2 sigmoid(2x) - 1, a single call to sigmoid computes all four gates if the weights
of g are doubled. Let a(t) be the pre-activation of g in equation (1), and let

    s(t) = sigmoid(2 a(t))    so that g(t) = 2 s(t) - 1
    C(t) = 2 c(t)
    r(t) = sigmoid(C(t))      so that tanh(c(t)) = 2 r(t) - 1
    H(t) = h(t) / 2

With these variables, equations (5) and (6) become

    C(t) = i(t) * (4 s(t) - 2) + C(t-1) * f(t)     (5), doubled
    H(t) = (r(t) - 1/2) * o(t)                     (6), halved

torch.sigmoid is fast on every processor. Depending on the processor, torch.tanh takes between 0.8
and 5 times as long as torch.sigmoid.

In the matrices of gates and states, each column belongs to one sequence of the batch. The rows of
each gate form one block, which is contiguous in memory. All results are written into preallocated
tensors. The input of each step is a matrix whose columns contain H(t-1) and, below it, the one-hot
encoding of the digit x(t). A single matrix product therefore computes the pre-activations of all
gates.
"""

import torch
from torch import Tensor


def stack(projected: Tensor, weight_hh: Tensor) -> Tensor:
    """Return the matrix that maps [H(t-1); one-hot x(t)] to all pre-activations.

    The pre-activations of g are doubled, because tanh(a) is computed as 2 sigmoid(2a) - 1. The
    matrix is differentiable with respect to both arguments.

    Args:
        projected: W_x x + b for each of the ten digits, float (10, 4 hidden_size), with the gates
            in the order i, f, g, o.
        weight_hh: W_h, float (4 hidden_size, hidden_size).

    Returns:
        the matrix, (4 hidden_size, hidden_size + 10), with its rows in the order of the gates i, f,
        g, o.
    """
    once = torch.ones(weight_hh.size(1), 1, dtype=weight_hh.dtype, device=weight_hh.device)
    twice_g = torch.cat([once, once, 2 * once, once])
    return torch.cat([2 * twice_g * weight_hh, twice_g * projected.t()], dim=1)


def step(
    i: Tensor, f: Tensor, s: Tensor, o: Tensor, c_before: Tensor, c: Tensor, r: Tensor, h: Tensor
) -> None:
    """Apply equations (5) and (6) to the gates and to the previous state C(t-1), which is passed as
    `c_before`.

    The function writes C(t), r(t) = sigmoid(C(t)) and H(t), as defined at the top of this module,
    to `c`, `r` and `h`. `c` and `c_before` may be the same tensor, and so may `r` and `h`. All
    tensors have the shape (hidden_size, batch).
    """
    torch.mul(c_before, f, out=c)
    c.addcmul_(i, s, value=4).sub_(i, alpha=2)  # (5)
    torch.sigmoid(c, out=r)
    torch.mul(r, o, out=h).sub_(o, alpha=0.5)  # (6)


def last_hidden(digits: Tensor, weight: Tensor) -> Tensor:
    """Return H(T) = h(T) / 2, half of the hidden state after T >= 1 digits.

    H(T) has shape (hidden_size, batch), and `digits` is int64 of shape (batch, T). Autograd cannot
    differentiate H(T), because every step overwrites the states of the previous step.

    Args:
        weight: the result of `stack`.
    """
    hidden_size, batch_size = weight.size(1) - 10, digits.size(0)
    one_hot = torch.eye(10, dtype=weight.dtype, device=weight.device)
    column = torch.empty(weight.size(1), batch_size, dtype=weight.dtype, device=weight.device)
    h, x = column[:hidden_size], column[hidden_size:]
    c = torch.zeros_like(h)
    gates = torch.empty(weight.size(0), batch_size, dtype=weight.dtype, device=weight.device)
    i, f, s, o = gates.chunk(4)
    for t, digit in enumerate(digits.t().contiguous().unbind(0)):
        torch.index_select(one_hot, 1, digit, out=x)
        if t == 0:  # h(0) = 0
            torch.mm(weight[:, hidden_size:], x, out=gates)
        else:
            torch.mm(weight, column, out=gates)
        gates.sigmoid_()  # (1) to (4)
        step(i, f, s, o, c, c, h, h)
    return h
