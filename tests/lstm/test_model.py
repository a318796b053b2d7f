"""The LSTM against `nn.LSTM`, the RNN against `nn.RNN`, and gradients against differences."""

import pytest
import torch
from torch import nn

from toolkit.lstm.model import LSTM, RNN, LSTMCell, RNNCell

from .torch_weights import copy_from_torch, copy_to_torch, encode

HIDDEN = 12


@pytest.mark.parametrize("one_hot", [True, False])
def test_output_state_and_gradients_equal_torch(one_hot: bool) -> None:
    torch.manual_seed(0)
    ours = LSTM(HIDDEN, one_hot)
    theirs = nn.LSTM(10 if one_hot else 1, HIDDEN, batch_first=True)
    copy_from_torch(ours.cell, theirs)
    digits = torch.randint(10, (5, 17))

    output, (h, c) = theirs(encode(digits, one_hot))
    trace = ours.trace(digits)
    torch.testing.assert_close(trace[5], output)
    torch.testing.assert_close(trace[5][:, -1], h[0])
    torch.testing.assert_close(trace[4][:, -1], c[0])
    torch.testing.assert_close(ours(digits), ours.readout(h[0]))

    weights = torch.randn(5, 10)
    (ours.readout(h[0]) * weights).sum().backward()
    expected = {name: parameter.grad.clone() for name, parameter in theirs.named_parameters()}
    readout = ours.readout.weight.grad.clone()
    ours.zero_grad()
    (ours(digits) * weights).sum().backward()
    torch.testing.assert_close(ours.cell.weight_ih.grad, expected["weight_ih_l0"])
    torch.testing.assert_close(ours.cell.weight_hh.grad, expected["weight_hh_l0"])
    torch.testing.assert_close(ours.cell.bias.grad, expected["bias_ih_l0"])
    torch.testing.assert_close(ours.readout.weight.grad, readout)


def test_weights_move_to_torch() -> None:
    torch.manual_seed(1)
    ours, theirs = LSTM(HIDDEN), nn.LSTM(10, HIDDEN, batch_first=True)
    copy_to_torch(ours.cell, theirs)
    digits = torch.randint(10, (3, 9))
    torch.testing.assert_close(theirs(encode(digits, True))[0], ours.trace(digits)[5])


def test_rnn_equals_torch() -> None:
    torch.manual_seed(2)
    ours, theirs = RNN(HIDDEN), nn.RNN(10, HIDDEN, batch_first=True)
    theirs.load_state_dict(
        {
            "weight_ih_l0": ours.cell.weight_ih,
            "weight_hh_l0": ours.cell.weight_hh,
            "bias_ih_l0": ours.cell.bias,
            "bias_hh_l0": torch.zeros(HIDDEN),
        }
    )
    digits = torch.randint(10, (4, 11))
    torch.testing.assert_close(ours(digits), ours.readout(theirs(encode(digits, True))[1][0]))


@pytest.mark.parametrize("cell", [LSTMCell(3, 4).double(), RNNCell(3, 4).double()])
def test_gradients_equal_finite_differences(cell: nn.Module) -> None:
    torch.manual_seed(3)
    names = [name for name, _ in cell.named_parameters()]
    states = 2 if isinstance(cell, LSTMCell) else 1
    inputs = [torch.randn(2, 3, dtype=torch.double)]
    inputs += [torch.randn(2, 4, dtype=torch.double) for _ in range(states)]
    weights = [torch.randn_like(p) for p in cell.parameters()]

    def step(*tensors: torch.Tensor) -> torch.Tensor:
        x, *state = tensors[: 1 + states]
        return torch.func.functional_call(
            cell, dict(zip(names, tensors[1 + states :], strict=True)), (x, *state)
        )

    assert torch.autograd.gradcheck(step, [t.requires_grad_() for t in inputs + weights])


def test_one_step_by_hand() -> None:
    """One cell, all weights 0, biases i = 0, f = 1, g = 2, o = -1, c(0) = 0.5."""
    cell = LSTMCell(1, 1)
    nn.init.zeros_(cell.weight_ih)
    nn.init.zeros_(cell.weight_hh)
    cell.bias.data = torch.tensor([0.0, 1.0, 2.0, -1.0])
    i, f, o, g, c, h = cell(torch.zeros(1, 1), torch.zeros(1, 1), torch.full((1, 1), 0.5))
    assert i.item() == 0.5
    assert f.item() == pytest.approx(0.731059, abs=1e-6)
    assert o.item() == pytest.approx(0.268941, abs=1e-6)
    assert g.item() == pytest.approx(0.964028, abs=1e-6)
    assert c.item() == pytest.approx(0.847543, abs=1e-6)  # 0.964028 * 0.5 + 0.5 * 0.731059
    assert h.item() == pytest.approx(0.185511, abs=1e-6)  # tanh(0.847543) * 0.268941


def test_forget_gate_starts_open() -> None:
    cell = LSTMCell(10, 6, forget_bias=1.0)
    assert cell.bias.tolist() == [0.0] * 6 + [1.0] * 6 + [0.0] * 12


@pytest.mark.parametrize("model", [LSTM(HIDDEN), RNN(HIDDEN)])
@pytest.mark.parametrize(
    ("digits", "message"),
    [
        (torch.zeros(2, 3), r"must be int64 .* got float32 of shape \[2, 3\]"),
        (torch.zeros(3, dtype=torch.long), r"got int64 of shape \[3\]"),
        (torch.zeros(2, 0, dtype=torch.long), r"at least one digit each; got int64 of shape"),
        (torch.tensor([[1, 10]]), "between 0 and 9; got values from 1 to 10"),
        (torch.tensor([[-1, 2]]), "between 0 and 9; got values from -1 to 2"),
    ],
)
def test_bad_input(model: nn.Module, digits: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model(digits)


def test_batch_of_none() -> None:
    assert LSTM(HIDDEN)(torch.zeros(0, 4, dtype=torch.long)).shape == (0, 10)
