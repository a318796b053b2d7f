"""The microscope against nn.LSTM and nn.RNN, through which every sequence is read on its own, and
gradients over time against finite differences and a case worked by hand."""

from copy import deepcopy
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from toolkit.lstm.microscope import (
    GATES,
    gradient_norms,
    logits_after_each_step,
    telling_cells,
    trace,
)
from toolkit.lstm.model import LSTM, RNN

from .torch_weights import copy_to_torch

HIDDEN = 7
DIGITS = [4, 1, 0, 9, 9, 2]


@pytest.fixture(params=["lstm", "rnn"])
def network(request: pytest.FixtureRequest) -> LSTM | RNN:
    torch.manual_seed(0)
    return LSTM(HIDDEN) if request.param == "lstm" else RNN(HIDDEN)


def memory(network: LSTM | RNN, digits: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """h, and c or h, after each digit: (length, hidden_size), by torch's own networks."""
    theirs: nn.LSTM | nn.RNN
    if isinstance(network, LSTM):
        theirs = nn.LSTM(10, HIDDEN)
        copy_to_torch(network.cell, theirs)
    else:
        theirs = nn.RNN(10, HIDDEN)
        cell = network.cell
        zeros = torch.zeros(HIDDEN)
        weights = (cell.weight_ih, cell.weight_hh, cell.bias, zeros)
        theirs.load_state_dict(dict(zip(theirs.state_dict(), weights, strict=True)))
    found = []
    with torch.no_grad():
        for length in range(1, len(digits) + 1):
            _, state = theirs(torch.eye(10)[digits[:length]])
            h, c = state if isinstance(state, tuple) else (state, state)
            found.append((h[0].numpy(), c[0].numpy()))
    h, c = (np.stack(values) for values in zip(*found, strict=True))
    return h, c


def test_trace(network: LSTM | RNN) -> None:
    traced = trace(network, torch.tensor(DIGITS))
    h, c = memory(network, DIGITS)
    assert set(traced) == (set(GATES) if isinstance(network, LSTM) else {"h"})
    np.testing.assert_allclose(traced["h"].numpy(), h, atol=1e-6)
    if isinstance(network, LSTM):
        np.testing.assert_allclose(traced["c"].numpy(), c, atol=1e-6)


def test_answers_after_each_step(network: LSTM | RNN) -> None:
    logits = logits_after_each_step(network, trace(network, torch.tensor(DIGITS))["h"])
    with torch.no_grad():
        for length in range(1, len(DIGITS) + 1):
            torch.testing.assert_close(
                logits[length - 1], network(torch.tensor([DIGITS[:length]]))[0]
            )


def test_the_telling_cell_is_the_one_whose_loss_hurts_most() -> None:
    """One cell alone speaks for the answer, another for all digits alike."""
    torch.manual_seed(0)
    network = RNN(3)
    with torch.no_grad():
        network.readout.bias.zero_()
        network.readout.weight.zero_()
        network.readout.weight[:, 0] = 9  # the same to all digits, so it decides nothing
        network.readout.weight[5, 1] = 0.1
        network.readout.weight[5, 2] = 2
    assert telling_cells(network, torch.tensor([1.0, 1.0, -0.1])).tolist() == [2, 1, 0]


def test_a_single_digit(network: LSTM | RNN) -> None:
    assert trace(network, torch.tensor([8]))["h"].shape == (1, HIDDEN)


def test_linear_decay_by_hand() -> None:
    """Without inputs h stays 0, where tanh' = 1: W_hh = I / 2 halves the gradient at each step."""
    model = RNN(6)
    with torch.no_grad():
        model.cell.weight_ih.zero_()
        model.cell.weight_hh.copy_(torch.eye(6) / 2)
    norms = gradient_norms(model, torch.randint(10, (4, 9)), torch.randint(10, (4,)))["h"]
    ratios = [earlier / later for earlier, later in pairwise(norms)]
    assert ratios == pytest.approx([0.5] * 8, rel=1e-4)


def test_weights_that_need_no_gradients_change_no_gradient(network: LSTM | RNN) -> None:
    """As those of an export: what is asked for is the gradient of the states."""
    digits, labels = torch.tensor([DIGITS[:-1]]), torch.tensor(DIGITS[-1:])
    expected = gradient_norms(network, digits, labels)
    frozen = deepcopy(network).requires_grad_(False)
    assert gradient_norms(frozen, digits, labels) == expected
    assert min(expected["h"]) > 0


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
