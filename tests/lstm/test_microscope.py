"""The microscope against nn.LSTM and nn.RNN, through which every sequence is read on its own."""

import numpy as np
import pytest
import torch
from torch import nn

from toolkit.lstm.microscope import (
    GATES,
    logits_after_each_step,
    remembered,
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


def test_remembered(network: LSTM | RNN) -> None:
    """Every digit replaced by every other one, and the whole read anew."""
    found = remembered(network, torch.tensor(DIGITS)).numpy()
    own = memory(network, DIGITS)[1]
    expected = np.zeros((len(DIGITS), len(DIGITS)))
    for k, digit in enumerate(DIGITS):
        for other in set(range(10)) - {digit}:
            moved = memory(network, [*DIGITS[:k], other, *DIGITS[k + 1 :]])[1] - own
            expected[:, k] += np.linalg.norm(moved, axis=1) / 9
    expected /= np.linalg.norm(own, axis=1)[:, None]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert not np.triu(found, 1).any()


def test_a_single_digit(network: LSTM | RNN) -> None:
    assert trace(network, torch.tensor([8]))["h"].shape == (1, HIDDEN)
    assert remembered(network, torch.tensor([8])).shape == (1, 1)
