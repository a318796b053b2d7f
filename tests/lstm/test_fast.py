"""The quick LSTM against the plain one and against `nn.LSTM`, in Python and as a script."""

import io

import pytest
import torch
from torch import nn

from toolkit.export.formats import torchscript
from toolkit.lstm import sigmoids
from toolkit.lstm.config import Config
from toolkit.lstm.data import palindromes, split_last
from toolkit.lstm.fast import FastLSTM
from toolkit.lstm.model import LSTM, RNN, all_inputs
from toolkit.lstm.training import initial_state, train_step

from .torch_weights import copy_from_torch, encode


@pytest.fixture(params=[True, False], ids=["one-hot", "bare digits"])
def models(request: pytest.FixtureRequest) -> tuple[FastLSTM, LSTM, nn.LSTM]:
    """The same network three times."""
    torch.manual_seed(0)
    theirs = nn.LSTM(10 if request.param else 1, 24, batch_first=True)
    quick, plain = FastLSTM(24, request.param), LSTM(24, request.param)
    copy_from_torch(quick.cell, theirs)
    plain.load_state_dict(quick.state_dict())
    return quick, plain, theirs


@pytest.mark.parametrize(("batch_size", "length"), [(1, 1), (1, 20), (7, 2), (33, 100), (0, 3)])
def test_equals_the_plain_loop_and_torch(
    models: tuple[FastLSTM, LSTM, nn.LSTM], batch_size: int, length: int
) -> None:
    quick, plain, theirs = models
    digits = torch.randint(10, (batch_size, length))
    with torch.no_grad():
        expected = plain(digits)
        torch.testing.assert_close(quick(digits), expected, rtol=0, atol=1e-6)
        if batch_size > 0:  # nn.LSTM refuses none
            _, (h, _) = theirs(encode(digits, quick.one_hot))
            torch.testing.assert_close(quick(digits), quick.readout(h[0]), rtol=0, atol=1e-6)


def test_equals_torch_in_double_precision() -> None:
    torch.manual_seed(1)
    theirs = nn.LSTM(10, 24, batch_first=True).double()
    digits = torch.randint(10, (5, 100))
    with torch.no_grad():
        _, (h, _) = theirs(encode(digits, True).double())
        bias = theirs.bias_ih_l0 + theirs.bias_hh_l0
        weight = sigmoids.stack((theirs.weight_ih_l0.t() + bias), theirs.weight_hh_l0)
        ours = 2 * sigmoids.last_hidden(digits, weight).t()
    torch.testing.assert_close(ours, h[0], rtol=0, atol=1e-12)


def test_large_pre_activations_saturate() -> None:
    """tanh and sigmoid at +-1 and 0 exactly, no NaN."""
    quick, plain = FastLSTM(4), LSTM(4)
    nn.init.constant_(quick.cell.weight_ih, 300)
    nn.init.constant_(quick.cell.weight_hh, -200)
    plain.load_state_dict(quick.state_dict())
    digits = torch.randint(10, (3, 12))
    with torch.no_grad():
        torch.testing.assert_close(quick(digits), plain(digits))


def scripted(model: nn.Module) -> torch.jit.ScriptModule:
    """The model scripted, saved and loaded."""
    return torch.jit.load(io.BytesIO(torchscript.to_bytes("lstm", model.eval())))


def test_script_equals_the_model(models: tuple[FastLSTM, LSTM, nn.LSTM]) -> None:
    quick, plain, _ = models
    script = scripted(quick)
    assert list(script.state_dict()) == list(plain.state_dict())
    with torch.no_grad():
        for batch_size, length in ((1, 5), (9, 1), (9, 30)):
            digits = torch.randint(10, (batch_size, length))
            assert torch.equal(script(digits), quick(digits))
            for ours, theirs in zip(script.trace(digits), plain.trace(digits), strict=True):
                assert torch.equal(ours, theirs)


def test_script_can_be_trained(models: tuple[FastLSTM, LSTM, nn.LSTM]) -> None:
    quick, plain, _ = models
    script = scripted(quick)
    digits = torch.randint(10, (6, 8))
    for _ in range(3):  # the script is compiled anew for the second call
        script.zero_grad()
        script(digits).square().sum().backward()
    plain(digits).square().sum().backward()
    for ours, theirs in zip(script.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
    with torch.no_grad():
        torch.testing.assert_close(script(digits), plain(digits))


def test_script_names_no_operator_of_one_processor(
    models: tuple[FastLSTM, LSTM, nn.LSTM],
) -> None:
    graph = scripted(models[0]).inlined_graph
    kinds = {node.kind() for node in graph.findAllNodes("aten::mm")}
    assert kinds == {"aten::mm"}
    assert "mkl" not in str(graph)


def test_all_inputs_are_the_encoded_digits() -> None:
    for one_hot in (True, False):
        expected = encode(torch.arange(10).unsqueeze(1), one_hot).squeeze(1)
        weight = torch.zeros(4, 10 if one_hot else 1)
        assert torch.equal(all_inputs(weight), expected)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("kind", [LSTM, FastLSTM, RNN])
def test_the_dtype_is_that_of_the_weights(kind: type[nn.Module], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    model, digits = kind(8), torch.randint(10, (3, 5))
    expected = model(digits)
    model.to(dtype)
    logits = model(digits)
    assert logits.dtype == dtype
    torch.testing.assert_close(logits.float(), expected, rtol=0, atol=0.05)
    logits.sum().backward()
    assert all(weight.grad.dtype == dtype for weight in model.parameters())
    if kind is not RNN:
        assert {x.dtype for x in model.trace(digits)} == {dtype}


def test_wrong_sizes_are_a_sentence() -> None:
    for kind in (LSTM, FastLSTM, RNN):
        with pytest.raises(
            ValueError, match=r"hidden_size must be a whole number, at least 1; got 0"
        ):
            kind(0)
    with pytest.raises(ValueError, match=r"hidden_size must be .* got 2\.5"):
        LSTM(2.5)


def test_a_step_names_its_parts() -> None:
    model, digits = LSTM(4), torch.randint(10, (3, 5))
    steps = model.trace(digits)
    assert torch.equal(steps.h[:, -1], model.last_hidden(digits))
    step = model.cell(torch.eye(10)[:3], *torch.zeros(2, 3, 4))
    assert step.c is step[4]


def test_the_plain_lstm_is_trained_to_the_same_weights() -> None:
    """`Config.fast` changes how derivatives are computed, not what they are."""
    runs = []
    for fast in (True, False):
        state = initial_state(Config(length=6, hidden_size=8, fast=fast), "cpu")
        assert type(state.model) is (FastLSTM if fast else LSTM)
        digits, labels = split_last(palindromes(16, 6, split="train", rng=state.rng))
        for _ in range(3):
            train_step(state.model, state.optimizer, digits, labels, 10)
        runs.append(state.model.state_dict())
    for fast_weight, plain_weight in zip(runs[0].values(), runs[1].values(), strict=True):
        torch.testing.assert_close(fast_weight, plain_weight, rtol=1e-3, atol=1e-5)
