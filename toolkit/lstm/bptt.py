"""Backpropagation through time, written out: what autograd does with equations (1) to (6).

Write a = W_x x + W_h h(t-1) + b for the pre-activation of a gate, and dv for the derivative of the
loss with respect to v. Going back from step T to step 1, where dh(T) comes from the readout:

    do = dh * tanh(c)                      from (6)
    dc = dc + dh * o * (1 - tanh(c)^2)     from (6), added to what came from step t+1
    dg = dc * i                            from (5)
    di = dc * g
    df = dc * c(t-1)
    da_g = dg * (1 - g^2)                  from (1)
    da_i = di * i * (1 - i)                from (2); the same for f from (3) and o from (4)
    dW_h = dW_h + da h(t-1)^T              all steps share the weights, so their terms add up
    dh(t-1) = W_h^T da                     from (1) to (4)
    dc(t-1) = dc * f                       from (5): no matrix and no tanh, so it need not vanish

Autograd does the same in more and smaller operations; `benchmarks/lstm_speed.py` times both.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

# The derivatives that autograd uses: (d, y) -> d * y * (1 - y), and (d, y) -> d * (1 - y^2).
sigmoid_backward = torch.ops.aten.sigmoid_backward
tanh_backward = torch.ops.aten.tanh_backward


def tanh(x: Tensor) -> Tensor:
    """Equal to torch.tanh within 2e-7 and three times as fast on a CPU: 2 sigmoid(2x) - 1."""
    return 2 * torch.sigmoid(x + x) - 1


def last_hidden(digits: Tensor, projected: Tensor, weight_hh: Tensor) -> Tensor:
    """h(T) of the LSTM after the last digit. It can be differentiated once, not twice.

    Args:
        digits: int64 (batch, length).
        projected: W_x x + b of each of the ten digits, float (10, 4 * hidden_size), with the gates
            in the order i, f, g, o.
        weight_hh: W_h, float (4 * hidden_size, hidden_size).

    Returns:
        (batch, hidden_size), of the dtype of `projected`.
    """
    h: Tensor = _LastHidden.apply(digits, projected, weight_hh)  # type: ignore[no-untyped-call]
    return h


class _LastHidden(torch.autograd.Function):
    """`last_hidden` with the derivatives from this module's docstring."""

    @staticmethod
    def forward(ctx: Any, digits: Tensor, projected: Tensor, weight_hh: Tensor) -> Tensor:
        """Equations (1) to (6) at every step; gates overwrite their pre-activations in place."""
        h = c = projected.new_zeros(len(digits), weight_hh.size(1))
        ctx.steps = []
        for t, digit in enumerate(digits.unbind(dim=1)):
            h_before, c_before = h, c
            gates = F.embedding(digit, projected)
            if t > 0:  # h(0) = 0
                gates.addmm_(h_before, weight_hh.t())
            i, f, g, o = gates.chunk(4, dim=1)
            g.copy_(tanh(g))  # (1)
            i.sigmoid_()  # (2)
            f.sigmoid_()  # (3)
            o.sigmoid_()  # (4)
            c = torch.addcmul(c_before * f, g, i)  # (5)
            tanh_c = tanh(c)
            h = tanh_c * o  # (6)
            ctx.steps.append((digit, gates, tanh_c, h_before, c_before))
        ctx.save_for_backward(projected, weight_hh)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dh: Tensor) -> tuple[None, Tensor, Tensor]:
        """From dL/dh(T) to the derivatives with respect to `projected` and `weight_hh`."""
        projected, weight_hh = ctx.saved_tensors
        d_projected, d_weight_t = torch.zeros_like(projected), torch.zeros_like(weight_hh.t())
        dc = torch.zeros_like(dh)
        da = projected.new_empty(len(dh), len(weight_hh))
        di, df, dg, do = da.chunk(4, dim=1)  # views of da, which become da_i, ... in place
        for t, (digit, gates, tanh_c, h_before, c_before) in reversed(list(enumerate(ctx.steps))):
            i, f, g, o = gates.chunk(4, dim=1)
            torch.mul(dh, tanh_c, out=do)
            dc += tanh_backward(dh * o, tanh_c)
            torch.mul(dc, i, out=dg)
            torch.mul(dc, g, out=di)
            torch.mul(dc, c_before, out=df)
            tanh_backward.grad_input(dg, g, grad_input=dg)
            for d, gate in ((di, i), (df, f), (do, o)):
                sigmoid_backward.grad_input(d, gate, grad_input=d)
            d_projected.index_add_(0, digit, da)
            if t > 0:
                d_weight_t.addmm_(h_before.t(), da)
                dh = da @ weight_hh
                dc *= f
        return None, d_projected, d_weight_t.t()
