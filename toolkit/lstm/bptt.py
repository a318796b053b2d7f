"""Backpropagation through time for the LSTM's equations (1) to (6), written by hand; the
derivatives match those of autograd.

`sigmoids.py` contains the equations and explains the variables s, r, C and H. For any variable v,
dv is the derivative of the loss with respect to v. The only exception is dc: it is the derivative
with respect to C / 4 (that is, c / 2) instead of c. Equation (5), divided by 4, is C(t) / 4 = i *
(s - 1/2) + C(t-1) / 4 * f. The letter a denotes the pre-activations of i, f, s and o. The loop runs
backwards from step T to step 1, and begins with dH(T) from the readout:

    do = dH * (r - 1/2)                    from (6)
    dc = dc + 4 dH * o * r * (1 - r)       from (6), added to what came from step t+1
    ds = dc * i                            from (5)
    di = dc * (s - 1/2)
    df = dc * C(t-1) / 4
    da = dv * v * (1 - v)                  from (1) to (4), for v = i, f, s and o
    dW = dW + da [H(t-1); x(t)]^T          all steps share the weights, so their terms add up
    dH(t-1) = W_h^T da                     from (1) to (4)
    dc(t-1) = dc * f                       from (5): no matrix, no tanh, so dc need not vanish

Autograd computes the same derivatives, but splits the work into a larger number of smaller
operations. `benchmarks/lstm_speed.py` compares the speed of this loop with that of autograd.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from toolkit.lstm import sigmoids

sigmoid_backward = torch.ops.aten.sigmoid_backward  # (d, y) -> d * y * (1 - y)


def last_hidden(digits: Tensor, weight: Tensor) -> Tensor:
    """Return the result of `sigmoids.last_hidden` as a tensor that supports first derivatives but
    not second derivatives.
    """
    apply: Any = _LastHidden.apply  # `apply` has no types before torch 2.15
    h: Tensor = apply(digits, weight)
    return h


class _LastHidden(torch.autograd.Function):
    """The autograd function behind `last_hidden`; the module's docstring lists the derivatives."""

    @staticmethod
    def forward(ctx: Any, digits: Tensor, weight: Tensor) -> Tensor:
        """Compute H(T), and save the results of all steps for `backward`."""
        (batch_size, length), hidden_size = digits.shape, weight.size(1) - 10
        columns = weight.new_empty(length + 1, weight.size(1), batch_size)
        gates = weight.new_empty(length, weight.size(0), batch_size)
        c = weight.new_empty(length + 1, hidden_size, batch_size)
        c[0] = 0
        r = weight.new_empty(length, hidden_size, batch_size)
        one_hot = torch.eye(10, dtype=weight.dtype, device=weight.device)
        for t, (a, column, after) in enumerate(zip(gates, columns, columns[1:], strict=False)):
            x = column[hidden_size:]
            torch.index_select(one_hot, 1, digits[:, t], out=x)
            if t == 0:  # h(0) = 0
                torch.mm(weight[:, hidden_size:], x, out=a)
            else:
                torch.mm(weight, column, out=a)
            i, f, s, o = a.sigmoid_().chunk(4)  # (1) to (4)
            sigmoids.step(i, f, s, o, c[t], c[t + 1], r[t], after[:hidden_size])
        ctx.save_for_backward(weight, columns, gates, c, r)
        return columns[-1, :hidden_size].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dh: Tensor) -> tuple[None, Tensor]:
        """Map dL/dH(T) to the derivative of the loss L with respect to `weight`."""
        weight, columns, gates, c, r = ctx.saved_tensors
        d_weight, dc = torch.zeros_like(weight), torch.zeros_like(dh)
        weight_h = weight[:, : len(dh)]
        da = torch.empty_like(gates[0])
        di, df, ds, do = da.chunk(4)
        steps = list(zip(columns, gates, c, r, strict=False))
        for t, (column, gate, c_before, r_t) in reversed(list(enumerate(steps))):
            i, f, s, o = gate.chunk(4)
            torch.mul(dh, r_t, out=do).sub_(dh, alpha=0.5)
            dc.add_(sigmoid_backward(dh * o, r_t), alpha=4)
            torch.mul(dc, i, out=ds)
            torch.mul(dc, s, out=di).sub_(dc, alpha=0.5)
            torch.mul(dc, c_before, out=df).mul_(0.25)
            sigmoid_backward.grad_input(da, gate, grad_input=da)
            if t > 0:
                d_weight.addmm_(da, column.t())
                dh = weight_h.t() @ da
                dc *= f
        d_weight[:, len(dh) :].addmm_(da, columns[0, len(dh) :].t())  # h(0) = 0
        return None, d_weight
