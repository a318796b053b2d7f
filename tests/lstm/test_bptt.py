"""Backpropagation through time by hand against autograd and against finite differences."""

import pytest
import torch
import torch.nn.functional as F

from toolkit.lstm.bptt import last_hidden, tanh
from toolkit.lstm.model import LSTM, LSTMCell, all_inputs


def plain(digits: torch.Tensor, projected: torch.Tensor, cell: LSTMCell) -> torch.Tensor:
    """The same by the cell's equations, step after step, which autograd can follow."""
    h = projected.new_zeros(len(digits), cell.weight_hh.size(1))
    c = torch.zeros_like(h)
    for digit in digits.unbind(dim=1):
        *_, c, h = cell.step(F.embedding(digit, projected), h, c)
    return h


@pytest.mark.parametrize("length", [1, 2, 9, 40])
@pytest.mark.parametrize("one_hot", [True, False])
def test_equals_autograd(length: int, one_hot: bool) -> None:
    torch.manual_seed(length)
    model = LSTM(7, one_hot)
    cell = model.cell
    digits = torch.randint(10, (5, length))
    weights = torch.randn(5, 7)
    results = []
    for function in (
        lambda projected: last_hidden(digits, projected, cell.weight_hh),
        lambda projected: plain(digits, projected, cell),
    ):
        h = function(cell.project(all_inputs(one_hot, digits.device)))
        gradients = torch.autograd.grad(
            (h * weights).sum(), list(cell.parameters()), allow_unused=True, materialize_grads=True
        )
        results.append((h, *gradients))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_gradients_equal_finite_differences() -> None:
    torch.manual_seed(0)
    digits = torch.tensor([[1, 9, 0, 1, 4], [3, 3, 3, 2, 9]])
    projected = torch.randn(10, 12, dtype=torch.double, requires_grad=True)
    weight_hh = torch.randn(12, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda *weights: last_hidden(digits, *weights), (projected, weight_hh)
    )


def test_inputs_stay_as_they_are_and_two_passes_do_not_mix() -> None:
    """A second forward before the first backward, as when two losses are added."""
    torch.manual_seed(1)
    model = LSTM(6)
    first, second = torch.randint(10, (2, 4, 5)).unbind()
    apart = [
        torch.autograd.grad(model(digits).sum(), model.cell.weight_hh)[0]
        for digits in (first, second)
    ]
    together = torch.autograd.grad(model(first).sum() + model(second).sum(), model.cell.weight_hh)[
        0
    ]
    torch.testing.assert_close(together, apart[0] + apart[1])


def test_training_and_evaluation_agree() -> None:
    torch.manual_seed(2)
    model = LSTM(16)
    digits = torch.randint(10, (4, 30))
    with torch.no_grad():
        evaluated = model(digits)
    torch.testing.assert_close(model(digits), evaluated)


def test_tanh() -> None:
    x = torch.cat([torch.linspace(-12, 12, 10_001), torch.tensor([-torch.inf, 0.0, torch.inf])])
    assert (tanh(x) - torch.tanh(x.double())).abs().max() < 2e-7
