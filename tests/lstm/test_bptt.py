"""Backpropagation through time by hand against autograd and against finite differences."""

import pytest
import torch

from toolkit.lstm import bptt, sigmoids
from toolkit.lstm.fast import FastLSTM
from toolkit.lstm.model import LSTM


@pytest.mark.parametrize("length", [1, 2, 9, 40])
@pytest.mark.parametrize("one_hot", [True, False])
def test_training_equals_autograd_through_the_plain_loop(length: int, one_hot: bool) -> None:
    torch.manual_seed(length)
    trained = FastLSTM(7, one_hot)
    plain = LSTM(7, one_hot)
    plain.load_state_dict(trained.state_dict())
    digits = torch.randint(10, (5, length))
    weights = torch.randn(5, 10)
    results = []
    for model in (trained, plain):
        logits = model(digits)
        gradients = torch.autograd.grad(
            (logits * weights).sum(), list(model.parameters()), materialize_grads=True
        )
        results.append((logits, *gradients))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_training_uses_the_derivatives_by_hand() -> None:
    """They can be differentiated once; those of the plain loop can be again."""
    digits = torch.tensor([[1, 2, 3]])
    for model in (LSTM(3), FastLSTM(3)):
        weight = model.cell.weight_hh
        (gradient,) = torch.autograd.grad(model(digits).sum(), weight, create_graph=True)
        if isinstance(model, FastLSTM):
            with pytest.raises(RuntimeError, match="once_differentiable"):
                gradient.sum().backward()
        else:
            gradient.sum().backward()


def test_gradients_equal_finite_differences() -> None:
    torch.manual_seed(0)
    digits = torch.tensor([[1, 9, 0, 1, 4], [3, 3, 3, 2, 9]])
    projected = torch.randn(10, 12, dtype=torch.double, requires_grad=True)
    weight_hh = torch.randn(12, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda *weights: bptt.last_hidden(digits, sigmoids.stack(*weights)), (projected, weight_hh)
    )


def test_inputs_stay_as_they_are_and_two_passes_do_not_mix() -> None:
    """A second forward before the first backward, as when two losses are added."""
    torch.manual_seed(1)
    model = FastLSTM(6)
    first, second = torch.randint(10, (2, 4, 5)).unbind()
    apart = [
        torch.autograd.grad(model(digits).sum(), model.cell.weight_hh)[0]
        for digits in (first, second)
    ]
    together = torch.autograd.grad(model(first).sum() + model(second).sum(), model.cell.weight_hh)[
        0
    ]
    torch.testing.assert_close(together, apart[0] + apart[1])


def test_a_second_pass_back_gives_the_same() -> None:
    torch.manual_seed(2)
    model = FastLSTM(6)
    loss = model(torch.randint(10, (3, 7))).sum()
    first, second = (
        torch.autograd.grad(loss, model.cell.weight_hh, retain_graph=True)[0] for _ in range(2)
    )
    assert torch.equal(first, second)


def test_training_and_evaluation_agree() -> None:
    torch.manual_seed(2)
    model = FastLSTM(16)
    digits = torch.randint(10, (4, 30))
    with torch.no_grad():
        evaluated = model(digits)
    assert torch.equal(model(digits), evaluated)
