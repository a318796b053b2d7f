"""The training step against hand-worked values, and what a short training achieves."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from torch import nn
from torch.optim import SGD, RMSprop
from torch.utils.flop_counter import FlopCounterMode

from toolkit.common.errors import UsageError
from toolkit.common.runs import Run
from toolkit.lstm.config import Config, curriculum_config
from toolkit.lstm.data import held_out
from toolkit.lstm.model import LSTM, RNN
from toolkit.lstm.training import (
    TrainState,
    _has_reached_target,
    accuracy,
    accuracy_by_length,
    build,
    next_longest,
    sample_length,
    train,
    train_step,
)


class Constant(nn.Module):
    """Always the same logits."""

    def __init__(self, logits: list[float]) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, digits: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(digits), 10)


def test_loss_is_cross_entropy_of_logits() -> None:
    """With logit 2 for the label and 0 for nine others the loss is ln(1 + 9 / e^2)."""
    model = Constant([2.0] + [0.0] * 9)
    digits, labels = torch.zeros(4, 3, dtype=torch.long), torch.zeros(4, dtype=torch.long)
    loss, right = train_step(model, SGD(model.parameters(), lr=0.0), digits, labels, 10.0)
    assert loss.item() == pytest.approx(math.log(1 + 9 / math.e**2))
    assert right.item() == 1


def test_gradient_is_clipped() -> None:
    """The gradient of the loss at equal logits is (0.1 - 1, 0.1, ...): of norm sqrt(0.9)."""
    model = Constant([0.0] * 10)
    digits, labels = torch.zeros(1, 3, dtype=torch.long), torch.zeros(1, dtype=torch.long)
    train_step(model, SGD(model.parameters(), lr=1.0), digits, labels, max_grad_norm=0.01)
    assert model.logits.norm().item() == pytest.approx(0.01, rel=1e-4)
    assert model.logits[0].item() == pytest.approx(0.01 * 0.9 / math.sqrt(0.9), rel=1e-4)


def test_accuracy_counts() -> None:
    sequences = torch.tensor([[1, 2, 1], [2, 2, 2], [1, 0, 1], [3, 3, 3]])
    assert accuracy(Constant([0.0, 1.0] + [0.0] * 8), sequences) == 0.5


@pytest.mark.parametrize("encoding", ["one-hot", "digit"])
def test_learns_5_digits(encoding: str, tmp_path: Path) -> None:
    config = Config(length=5, encoding=encoding, eval_every=25)  # type: ignore[arg-type]
    run = Run(tmp_path, config)
    model = train(config, run, torch.device("cpu"))
    assert accuracy(model, held_out(5, "test", 100, torch.Generator())) == 1.0
    *_, before, last = run.entries
    assert before["accuracy"] >= 0.999
    assert last["accuracy"] >= 0.999
    assert last["step"] < config.num_steps  # it stopped early
    state = run.load()
    assert state is not None
    for moments in state["optimizer"]["state"].values():  # what RMSProp remembers, and Adam not
        assert "square_avg" in moments
        assert "exp_avg" not in moments


def test_same_seed_same_weights() -> None:
    torch.manual_seed(1)
    one = build(Config(seed=4)).state_dict()
    torch.manual_seed(2)
    two = build(Config(seed=4)).state_dict()
    other = build(Config(seed=5)).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["cell.weight_hh"], other["cell.weight_hh"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "gru"}, "no model 'gru'; choose lstm or rnn"),
        ({"encoding": "binary"}, "no encoding 'binary'"),
        ({"length": 1}, "length must be from 2 to 1,000,000, not 1"),
        ({"hidden_size": 0}, "hidden_size must be from 1 to 10,000, not 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a finite number, not nan"),
    ],
)
def test_bad_settings(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Config(**settings)  # type: ignore[arg-type]


def test_two_validations_in_a_row_at_the_target_are_enough() -> None:
    """At the target, not above it: an accuracy of 1 must be able to end the training."""
    config, state = Config(target_accuracy=1.0), cast(TrainState, SimpleNamespace(streak=0))
    reached = [_has_reached_target(config, state, a) for a in (1.0, 0.99, 1.0, 1.0)]
    assert reached == [False, False, False, True]


def test_curriculum_by_hand() -> None:
    lengths = [5]
    for _ in range(8):
        lengths.append(next_longest(lengths[-1], 0.98, target=40))
    assert lengths == [5, 7, 9, 12, 16, 21, 27, 34, 40]
    assert next_longest(9, 0.97, target=40) == 9


@pytest.mark.parametrize(("longest", "expected"), [(8, {5, 6, 7, 8}), (5, {5}), (3, {3})])
def test_curriculum_mixes_lengths(longest: int, expected: set[int]) -> None:
    generator = torch.Generator().manual_seed(0)
    assert {sample_length(longest, generator) for _ in range(100)} == expected


@pytest.mark.slow
@pytest.mark.parametrize("model", ["lstm", "rnn"])
def test_curriculum_learns_more_than_it_was_shown(model: str, tmp_path: Path) -> None:
    """T = 100 and T = 400 after training on at most 20 digits."""
    config = replace(curriculum_config(model), length=20, num_steps=150)  # type: ignore[arg-type]
    run = Run(tmp_path, config)
    trained = train(config, run, torch.device("cpu"), quiet=True)
    assert max(entry["longest"] for entry in run.entries) <= 20
    assert run.entries[-1]["step"] == 150  # annealed to the end, whatever it has learnt
    tested = accuracy_by_length(trained, (100, 400), 0, 1000)
    assert min(share.value for share in tested.values()) >= 0.97


def test_accuracy_by_length_counts() -> None:
    class Counting(Constant):
        seen = 0

        def forward(self, digits: torch.Tensor) -> torch.Tensor:
            self.seen += len(digits)
            return super().forward(digits)

    for length, count in ((5, 100), (36, 200), (1000, 200), (4000, 100)):
        model = Counting([0.0] * 10)
        tested = accuracy_by_length(model, (length,), 0, num_test=200)
        assert {t: share.num_examples for t, share in tested.items()} == {length: count}
        assert model.seen == count


def test_orthogonal_start() -> None:
    weight = build(Config(model="rnn", orthogonal=True)).cell.weight_hh
    torch.testing.assert_close(weight @ weight.T, torch.eye(128), atol=1e-5, rtol=0)
    for gate in build(Config(orthogonal=True)).cell.weight_hh.split(128):
        torch.testing.assert_close(gate @ gate.T, torch.eye(128), atol=1e-5, rtol=0)


def test_chrono_start() -> None:
    i, f, g, o = build(Config(length=1000, chrono=True)).cell.bias.detach().chunk(4)
    assert torch.equal(i, -f)
    assert not g.any()
    assert not o.any()
    times = f.exp()
    assert times.min() >= 1
    assert times.max() <= 999
    assert times.mean().item() == pytest.approx(500, abs=100)


@pytest.mark.parametrize(("model", "network"), [("lstm", LSTM), ("rnn", RNN)])
def test_cost_is_what_torch_counts(model: str, network: type[LSTM | RNN]) -> None:
    """Torch counts two operations for a multiplication and the addition after it."""
    config = Config(model, length=60, batch_size=8, num_steps=3)  # type: ignore
    module = network(config.hidden_size)
    with FlopCounterMode(display=False) as counter:
        digits, labels = torch.zeros(8, 59, dtype=torch.long), torch.zeros(8, dtype=torch.long)
        train_step(module, RMSprop(module.parameters()), digits, labels, 10.0)
    multiplications, _ = config.cost
    assert multiplications == pytest.approx(3 * counter.get_total_flops() / 2, rel=0.15)
