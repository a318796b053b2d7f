"""Gradients over time, against finite differences and a case worked by hand."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from toolkit.lstm.memory import gradient_norms
from toolkit.lstm.model import LSTM, RNN


def test_linear_decay_by_hand() -> None:
    """Without inputs h stays 0, where tanh' = 1: W_hh = I / 2 halves the gradient at each step."""
    model = RNN(6)
    with torch.no_grad():
        model.cell.weight_ih.zero_()
        model.cell.weight_hh.copy_(torch.eye(6) / 2)
    norms = gradient_norms(model, torch.randint(10, (4, 9)), torch.randint(10, (4,)))["h"]
    ratios = [earlier / later for earlier, later in pairwise(norms)]
    assert ratios == pytest.approx([0.5] * 8, rel=1e-4)


def test_last_step_equals_finite_differences() -> None:
    torch.manual_seed(0)
    model = LSTM(5)
    digits, labels = torch.randint(10, (1, 4)), torch.tensor([3])
    h = model.trace(digits)[5][:, -1].detach().double()
    weight, bias = model.readout.weight.double(), model.readout.bias.double()

    def loss(h: torch.Tensor) -> float:
        return F.cross_entropy(F.linear(h, weight, bias), labels).item()

    steps = 1e-5 * torch.eye(5, dtype=torch.double)
    slopes = torch.tensor([(loss(h + e) - loss(h - e)) / 2e-5 for e in steps])
    norms = gradient_norms(model, digits, labels)
    assert norms["h"][-1] == pytest.approx(slopes.norm().item(), rel=1e-4)
    assert len(norms["h"]) == len(norms["c"]) == 4


def test_an_open_forget_gate_keeps_the_gradient() -> None:
    """With f = 1 and no way from h into the gates, dL/dc is the same at every step."""
    model = LSTM(5, forget_bias=100.0)
    with torch.no_grad():
        model.cell.weight_hh.zero_()
    norms = gradient_norms(model, torch.randint(10, (1, 30)), torch.randint(10, (1,)))["c"]
    assert norms == pytest.approx([norms[-1]] * 30, rel=1e-4)
