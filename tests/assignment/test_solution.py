"""The complete solution on bad days: it ends, and what was trained is kept."""

import argparse
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

SOLUTION = Path(__file__).parents[2] / "assignments" / "solution"


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that a file of the solution defines."""
    monkeypatch.syspath_prepend(str(SOLUTION))
    return runpy.run_path(str(SOLUTION / name))


def always_the_same(module: Any, z: Tensor) -> Tensor:
    """A collapsed generator."""
    return torch.zeros(len(z), 1, 28, 28)


def bright_or_dark(module: Any, z: Tensor) -> Tensor:
    """An image as bright as the first number of z."""
    return z[:, :1, None, None].expand(-1, 1, 28, 28)


def test_two_ends_of_different_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    gan = load("my_gan.py", monkeypatch)
    monkeypatch.setattr(gan["Generator"], "forward", bright_or_dark)
    torch.manual_seed(0)
    generator = gan["Generator"](4)

    def classifier(images: Tensor) -> Tensor:
        return torch.eye(10)[(images.flatten(1)[:, 0] > 0).long()]

    for _ in range(20):
        ends = torch.stack(gan["choose_ends"](generator, classifier))
        first, last = classifier(gan["draw"](generator, ends)).argmax(dim=1).tolist()
        assert first != last


def test_a_collapsed_generator_is_said_after_everything_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    gan = load("my_gan.py", monkeypatch)
    monkeypatch.setattr(gan["Generator"], "forward", always_the_same)
    batch = torch.rand(8, 1, 28, 28), torch.arange(8)
    train: Callable[..., Any] = gan["train"]
    monkeypatch.setitem(train.__globals__, "load_data", lambda batch_size: [batch, batch])
    settings = {"epochs": 1, "batch_size": 8, "learning_rate": 1e-3, "latent_dim": 4}
    train(argparse.Namespace(**settings, save_every=500))
    assert "no interpolation: all of 100 samples are of class" in capsys.readouterr().out
    kept = {path.name for path in (tmp_path / "records").iterdir()}
    pictures = {f"samples-{when}.png" for when in ("start", "halfway", "end")}
    assert kept == {"gan.csv", "gan.json", "gan.pt", *pictures}


def test_a_batch_that_is_larger_than_the_data_ends_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    train = load("train.py", monkeypatch)["train"]
    settings = {
        "network": "lstm",
        "length": 5,
        "input_dim": 10,
        "hidden_dim": 4,
        "batch_size": 20_000,
    }
    config = argparse.Namespace(**settings, learning_rate=1e-3, train_steps=1, max_norm=1, seed=0)
    with pytest.raises(ValueError, match="A batch of 20000 is more than all 10000 palindromes"):
        train(config)
