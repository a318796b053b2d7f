"""The snippets that `check --explain` tells a student to paste, on right and on wrong code."""

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from toolkit.assignment.findings.explanations import explanation
from toolkit.assignment.findings.findings import IDS, Id

RIGHT = Path(__file__).parents[1] / "judging" / "corpus" / "right"
SOURCES = {"dataset": "dataset_digits.py", "lstm": "lstm_separate.py", "my_gan": "gan_mlp_tanh.py"}
# What a page promises that a right program prints, in the snippet that begins like this.
PROMISED: dict[Id, tuple[str, str]] = {
    "answer-in-input": ("from dataset", r"5 4\n6 5\n9 8\n"),
    "not-a-palindrome": ("from dataset", r"5 5 .* True\n6 6 .* True\n9 9 .* True"),
    "wrong-label": ("from dataset", r"\[(\d), .*\] -> \1\n"),
    "length-overflow": ("from dataset", r"61 (\d)\d{59} \1\n"),
    "split-leak": ("def rows", r"^[1-9]\d+ [1-9]\d+ 0\n"),
    "fixed-device": ("import torch", r"^meta\n"),
    "nonzero-initial-state": ("import torch", r"^True\n"),
    "fixed-batch-size": ("import torch", r"128 torch.Size\(\[128, 10\]\)"),
    "fixed-sequence-length": ("import torch", r"12 0\.\d*[1-9]"),
    "state-not-carried": ("import torch", r"^0\.\d*[1-9]"),
    "broken-gradient": ("torch.set_default_dtype", r"^True\n"),
    "parameter-not-learnable": ("for name", r"\n72458\n"),
    "does-not-run": ("import torch", r"torch.Size\(\[3, 10\]\)"),
    "gradients-not-cleared": ("print", r"^True\n"),
    "tests-on-training-data": ("print", r"^False\n0\n"),
    "same-class-ends": ("generator.eval", r"^0\n"),
    "missing-interpolation": ("images", r"torch.Size\(\[9, "),
    "wrong-interpolation": ("images", r"^9\n"),
}
ZERO = "torch.zeros(x.size(0), self.hidden_dim, device=x.device)"
# One fault each, of which the snippet must not print what is promised: (file, old, new).
WRONG: list[tuple[Id, str, str, str]] = [
    ("answer-in-input", "dataset", "row[:-1]", "row"),
    ("not-a-palindrome", "dataset", "left.flip(0)[seq_length % 2 :]", "left.flip(0)"),
    ("not-a-palindrome", "dataset", "left.flip(0)[seq_length", "left[seq_length"),
    ("wrong-label", "dataset", "int(row[-1])", "int(inputs[-1])"),
    ("fixed-device", "lstm", ZERO, "torch.zeros(x.size(0), self.hidden_dim)"),
    ("nonzero-initial-state", "lstm", ZERO, "torch.randn(x.size(0), self.hidden_dim)"),
    ("fixed-batch-size", "lstm", ZERO, "torch.zeros(20, self.hidden_dim)"),
    ("fixed-sequence-length", "lstm", "range(x.size(1))", "range(4)"),
    ("fixed-sequence-length", "lstm", "range(x.size(1))", "range(x.size(1) - 1)"),
    ("broken-gradient", "lstm", "torch.tanh(c) * o", "(torch.tanh(c) * o).detach()"),
    ("parameter-not-learnable", "lstm", "self.b_f = nn.Parameter(", "self.b_f = torch.clone("),
    ("wrong-interpolation", "my_gan", "torch.linspace(0, 1, 9)", "torch.linspace(0, 1, 7)"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """In an empty folder, with their modules importable, and torch as it was afterwards."""
    monkeypatch.chdir(tmp_path)
    for name in SOURCES:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    before = torch.get_default_dtype()
    yield
    torch.set_default_dtype(before)


def names(changed: tuple[str, str, str] = ("", "", "")) -> dict[str, Any]:
    """The variables of a student's program in which a snippet is pasted, with one piece changed."""
    torch.manual_seed(0)
    modules = {}
    for name, file in SOURCES.items():
        source = (RIGHT / file).read_text().replace("num_samples=2000", "num_samples=200")
        if name == changed[0]:
            assert changed[1] in source
            source = source.replace(*changed[1:])
        exec(source, vars(sys.modules[name]))
        modules[name] = sys.modules[name]
    dataset, lstm, gan = (modules[name] for name in SOURCES)
    model = lstm.LSTM(5, 10, 128, 10)
    train_set, test_set = dataset.PalindromeDataset(5), dataset.PalindromeDataset(5, train=False)
    train_loader = DataLoader(train_set, batch_size=64)
    inputs, labels = next(iter(train_loader))
    generator, discriminator = gan.Generator(100), gan.Discriminator()
    z = torch.randn(64, 100)
    if not changed[0]:  # else the fault may be in the way, and the page does not need it
        outputs = model(inputs)
        loss = nn.functional.cross_entropy(outputs, labels)
    return {**vars(gan), **vars(lstm), **vars(dataset), **locals()} | {
        "optimizer": torch.optim.RMSprop(model.parameters()),
        "test_loader": DataLoader(test_set),
        "real": torch.rand(64, 1, 28, 28) * 2 - 1,
        "generated": generator(z),
        "z_from": z[0],
        "z_to": z[1],
        "classifier": nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
        "images": torch.rand(9, 1, 28, 28),
        "x": inputs,
        "h": z,
        "c": z,
        "t": 0,
    }


def snippets(id: Id) -> list[str]:
    """The indented blocks of a page."""
    prose = re.sub(r"^```.*?^```$", "", explanation(id), flags=re.DOTALL | re.MULTILINE)
    blocks = re.findall(r"(?:(?<=\n\n) {4}.*\n(?:(?: {4}.*)?\n)*)", prose)
    return [textwrap.dedent(block) for block in blocks]


def promise(id: Id) -> tuple[str, str]:
    """The snippet of which the page says what a right program prints, and that."""
    start, promised = PROMISED[id]
    return next(code for code in snippets(id) if code.startswith(start)), promised


@pytest.mark.parametrize("id", IDS)
def test_there_is_something_to_try(id: Id) -> None:
    """Something to paste, which runs in a right program, or something to type."""
    codes = snippets(id)
    assert codes or "```text" in explanation(id)
    for code in codes:
        known = names()
        if re.search(r"\.grad\.|step\(\)", code):
            known["loss"].backward()
        exec(code, known)


@pytest.mark.rows(5)
@pytest.mark.parametrize("id", PROMISED)
def test_right(id: Id, capsys: pytest.CaptureFixture[str]) -> None:
    """A right program prints what the page promises."""
    code, promised = promise(id)
    exec(code, names())
    assert re.search(promised, capsys.readouterr().out)


@pytest.mark.rows(5)
@pytest.mark.parametrize(("id", "file", "old", "new"), WRONG)
def test_wrong(id: Id, file: str, old: str, new: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong one raises an error, or prints something else."""
    code, promised = promise(id)
    known = names((file, old, new))
    try:
        exec(code, known)
    except (RuntimeError, IndexError):
        return
    assert not re.search(promised, capsys.readouterr().out)
