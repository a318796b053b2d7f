"""The microscope against nn.LSTMCell, autograd and numpy."""

import numpy as np
import pytest
import torch
from torch import nn

from toolkit.lstm.microscope import GATES, differences, look_inside
from toolkit.lstm.model import LSTM, copy_to_torch

HIDDEN = 7


@pytest.fixture(scope="module")
def lstm() -> LSTM:
    torch.manual_seed(0)
    return LSTM(hidden_size=HIDDEN)


def cells(lstm: LSTM, digits: list[int]) -> np.ndarray:
    """c after each digit, (length, hidden_size), step by step."""
    theirs = nn.LSTM(10, HIDDEN)
    copy_to_torch(lstm.cell, theirs)
    cell = nn.LSTMCell(10, HIDDEN)
    cell.load_state_dict({name[:-3]: w for name, w in theirs.state_dict().items()})
    state = (torch.zeros(1, HIDDEN), torch.zeros(1, HIDDEN))
    found = []
    with torch.no_grad():
        for digit in digits:
            state = cell(torch.eye(10)[[digit]], state)
            found.append(state[1][0].numpy())
    return np.stack(found)


def test_cells_for_each_first_digit(lstm: LSTM) -> None:
    digits = [4, 1, 0, 9, 9, 2]
    inside = look_inside(lstm, torch.tensor(digits))
    theirs = np.stack([np.tanh(cells(lstm, [first, *digits[1:]])) for first in range(10)])
    np.testing.assert_allclose(inside.shown.numpy(), theirs, atol=1e-6)
    np.testing.assert_allclose(inside.gates["c"].tanh().numpy(), theirs[4], atol=1e-6)
    np.testing.assert_allclose(inside.held.numpy(), theirs.std(axis=0), atol=1e-6)
    np.testing.assert_array_equal(
        inside.firmest(3).numpy(), np.argsort(-inside.held[3].numpy(), kind="stable")
    )


def test_survival_is_the_derivative_along_the_cells(lstm: LSTM) -> None:
    """dc(t)/dc(1) by autograd, through equation (5) with constant gates, from nn.LSTM's weights."""
    digits = [3, 1, 4, 1, 5]
    survival = look_inside(lstm, torch.tensor(digits)).survival
    theirs = nn.LSTM(10, HIDDEN)
    copy_to_torch(lstm.cell, theirs)
    weight_ih, weight_hh, bias_ih, bias_hh = (p.detach().double() for p in theirs.parameters())
    h = c = c_1 = torch.zeros(HIDDEN, dtype=torch.double)
    for t, digit in enumerate(digits):
        i, f, g, o = (weight_ih[:, digit] + bias_ih + weight_hh @ h + bias_hh).chunk(4)
        c = g.tanh() * i.sigmoid() + c * f.sigmoid()
        if t == 0:
            c = c_1 = c.requires_grad_()
        h = o.sigmoid() * c.detach().tanh()
        (derivative,) = torch.autograd.grad(c.sum(), c_1, retain_graph=True)
        torch.testing.assert_close(10 ** survival[t], derivative, rtol=1e-5, atol=0)


def test_differences(lstm: LSTM) -> None:
    before, after = [3, 1, 4, 1], [3, 1, 9, 1]
    changed = differences(lstm, torch.tensor(before), torch.tensor(after))
    assert list(changed) == list(GATES)
    assert not changed["c"][:2].any()  # nothing can change before the edit
    np.testing.assert_allclose(
        changed["c"].numpy(), cells(lstm, after) - cells(lstm, before), atol=1e-6
    )


def test_a_single_digit(lstm: LSTM) -> None:
    inside = look_inside(lstm, torch.tensor([8]))
    assert inside.held.shape == (1, HIDDEN)
    assert not inside.survival.any()
