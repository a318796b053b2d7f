"""The judge of the LSTM calls a network as the student's training does, whatever its signature."""

from pathlib import Path

import pytest

from ...conftest import Check
from ..train.scripts import DATASET

CELL = """
import torch
from torch import nn


class LSTM(nn.Module):
    def __init__(self, inputs, hidden, classes):
        super().__init__()
        self.hidden = hidden
        self.w = nn.Linear(inputs + hidden, 4 * hidden)
        self.p = nn.Linear(hidden, classes)

    def step(self, x_t, h, c):
        i, f, o, g = self.w(torch.cat([x_t, h], 1)).chunk(4, 1)
        c = g.tanh() * i.sigmoid() + c * f.sigmoid()
        return c.tanh() * o.sigmoid(), c
"""
ONE_STEP = """
    def forward(self, x_t, h, c):
        h, c = self.step(x_t, h, c)
        return self.p(h), h, c
"""
BEGINS = """
    def forward(self, x_t, h=None, c=None):
        if h is None:
            h = c = x_t.new_zeros(len(x_t), self.hidden)
        h, c = self.step(x_t, h, c)
        return self.p(h), h, c
"""
KEEPS = """
    def forward(self, x_t):
        self.h, self.c = self.step(x_t, self.h, self.c)
        return self.p(self.h)
"""
STATES = """
    def forward(self, x, states):
        h, c = states
        for x_t in x.unbind(1):
            h, c = self.step(x_t, h, c)
        return self.p(h)
"""
ONE_BY_ONE = STATES.replace("states):\n        h, c = states", "h, c):")
STATES_ONLY = """
    def forward(self, x_t, h, c):
        return self.step(x_t, h, c)
"""
WHOLE = """
    def forward(self, x):
        h = c = x.new_zeros(len(x), self.hidden)
        for x_t in x.unbind(1):
            h, c = self.step(x_t, h, c)
        return self.p(h)
"""
TRAIN = """
import torch
from torch import nn
from torch.utils.data import DataLoader
from dataset import PalindromeDataset
from lstm import LSTM

model = LSTM(10, 128, 10)
optimiser = torch.optim.RMSprop(model.parameters(), 1e-3)
for x, y in DataLoader(PalindromeDataset(5), 64, shuffle=True):
    p = model(x)
    loss = nn.functional.cross_entropy(p, y)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
"""
LOOP = """
    h = torch.zeros(len(x), 128)
    c = torch.zeros(len(x), 128)
    for x_t in x.transpose(0, 1):
        p, h, c = model(x_t, h, c)
"""
LOGITS_OUTSIDE = """
    h = c = torch.zeros(len(x), 128)
    for x_t in x.transpose(0, 1):
        h, c = model(x_t, h, c)
    p = model.p(h)
"""
LOGITS_OF_EACH_STEP = """
    h = c = torch.zeros(len(x), 128)
    every_h = []
    for x_t in x.transpose(0, 1):
        h, c = model(x_t, h, c)
        every_h.append(h)
    p = model.p(torch.stack(every_h, 1))[:, -1]
"""
LOOP_AROUND_STATES = """
    model.h = model.c = torch.zeros(len(x), 128)
    for x_t in x.transpose(0, 1):
        p = model(x_t)
"""
MODES = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--network", default="rnn")
config = parser.parse_args()
if config.network == "rnn":
    raise SystemExit
model = LSTM"""
# The methods of the class, and what is replaced in it and in the training.
RIGHT: dict[str, tuple[str, dict[str, str]]] = {
    "a loop outside of the class": (ONE_STEP, {"\n    p = model(x)\n": LOOP}),
    "a loop outside of the class, whose states begin as None": (
        BEGINS,
        {"\n    p = model(x)\n": LOOP.replace("torch.zeros(len(x), 128)", "None")},
    ),
    "logits outside of the class": (STATES_ONLY, {"\n    p = model(x)\n": LOGITS_OUTSIDE}),
    "logits of each step, outside of the class": (
        STATES_ONLY, {"\n    p = model(x)\n": LOGITS_OF_EACH_STEP}
    ),
    "(batch, dimension, time)": (
        WHOLE,
        {"x.unbind(1)": "x.unbind(2)", "model(x)": "model(x.transpose(1, 2))"},
    ),
    "one-hot digits in one row": (
        WHOLE,
        {"x.unbind(1)": "x.unflatten(1, (-1, 10)).unbind(1)", "model(x)": "model(x.flatten(1))"},
    ),
    "double precision": (
        WHOLE,
        {"model = LSTM(10, 128, 10)": "model = LSTM(10, 128, 10).double()",
         "model(x)": "model(x.double())"},
    ),
    "an argument that only they know": (
        WHOLE, {"(self, inputs,": "(self, purpose, inputs,", "LSTM(10,": "LSTM('palindromes', 10,"}
    ),
    "as many sequences as steps, and these come first": (
        WHOLE,
        {"unbind(1)": "unbind(0)", "len(x), self": "x.size(1), self", "(5), 64": "(11), 10",
         "model(x)": "model(x.transpose(0, 1))"},
    ),
    "the length as an argument": (
        WHOLE,
        {"(self, x)": "(self, x, n)", "x.unbind(1)": "[x[:, t] for t in range(n)]",
         "model(x)": "model(x, 4)"},
    ),
    "the batch size as an argument": (
        WHOLE,
        {"(self, x)": "(self, x, rows)", "len(x), self": "rows, self", "model(x)": "model(x, 64)"},
    ),
    "a mode that is compared with a text": (WHOLE, {"model = LSTM": MODES}),
}  # fmt: skip
WRONG: dict[str, tuple[str, dict[str, str], str, str]] = {
    "no tanh in one step": (
        ONE_STEP,
        {"\n    p = model(x)\n": LOOP, "c.tanh() * o": "c * o"},
        "wrong-equation",
        "return c * o",
    ),
    "the tanh of a product, and logits outside of the class": (
        STATES_ONLY,
        {
            "\n    p = model(x)\n": LOGITS_OUTSIDE,
            "c.tanh() * o.sigmoid()": "(c * o.sigmoid()).tanh()",
        },
        "wrong-equation",
        "(c * o.sigmoid()).tanh()",
    ),
    "the last digit is left out": (
        WHOLE,
        {"x.unbind(1)": "x.unbind(1)[:-1]"},
        "loss-not-last-step",
        "for x_t",
    ),
    "no reading of the gates": (
        WHOLE,
        {"g.tanh() * i.sigmoid() +": "1.5 * g.tanh() * i.sigmoid() +"},
        "wrong-equation",
        "c = ",
    ),
}


def write(folder: Path, methods: str, changes: dict[str, str]) -> str:
    """Put a submission into a folder; returns its `lstm.py`."""
    texts = {"dataset.py": DATASET, "lstm.py": CELL + methods, "train.py": TRAIN}
    for name, text in texts.items():
        for old, new in changes.items():
            text = text.replace(old, new)
        texts[name] = text
        (folder / name).write_text(text)
    assert all(any(new in text for text in texts.values()) for new in changes.values())
    return texts["lstm.py"]


@pytest.mark.rows(5)
@pytest.mark.parametrize("name", RIGHT)
def test_it_is_called_as_in_training(name: str, tmp_path: Path, warm_check: Check) -> None:
    write(tmp_path, *RIGHT[name])
    report = warm_check(tmp_path, parts=["lstm"])
    assert [*report.findings, *report.not_seen] == []
    assert len(report.right) == 5


def test_states_that_only_the_network_has_are_not_seen(tmp_path: Path, warm_check: Check) -> None:
    """Nobody can tell when they begin anew, so nothing is said about a single step."""
    write(tmp_path, KEEPS, {"\n    p = model(x)\n": LOOP_AROUND_STATES})
    report = warm_check(tmp_path, parts=["lstm"])
    assert report.findings == []
    assert report.not_seen != []


def test_without_a_training_one_step_is_not_taken_for_a_sequence(
    tmp_path: Path, warm_check: Check
) -> None:
    """One row of numbers is one digit, or as many digits as numbers: nobody can tell."""
    write(tmp_path, ONE_STEP, {})
    (tmp_path / "train.py").unlink()
    report = warm_check(tmp_path, parts=["lstm"])
    assert report.findings == []
    assert report.not_seen != []


@pytest.mark.parametrize("methods", [STATES, ONE_BY_ONE])
def test_without_a_training_zeros_are_passed_for_states(
    methods: str, tmp_path: Path, warm_check: Check
) -> None:
    write(tmp_path, methods, {})
    (tmp_path / "train.py").unlink()
    report = warm_check(tmp_path, parts=["lstm"])
    assert [*report.findings, *report.not_seen] == []


@pytest.mark.parametrize("name", WRONG)
def test_a_fault_is_named_with_its_line(name: str, tmp_path: Path, warm_check: Check) -> None:
    methods, changes, id, piece = WRONG[name]
    text = write(tmp_path, methods, changes)
    report = warm_check(tmp_path, parts=["lstm"])
    assert [finding.id for finding in report.findings] == [id]
    assert piece in text.splitlines()[(report.findings[0].line or 0) - 1]


STOPS = """
import os
os.mkdir("logs")
if NUMBER:
    os._exit(3)
model ="""


@pytest.mark.parametrize("number", [0, 1])
def test_the_training_of_the_witness_leaves_nothing(
    number: int, tmp_path: Path, warm_check: Check
) -> None:
    """Neither a folder that it makes, nor its own end."""
    write(tmp_path, WHOLE, {"\nmodel =": STOPS.replace("NUMBER", str(number))})
    report = warm_check(tmp_path, parts=["lstm", "train"])
    assert [finding.id for finding in report.findings] == ["time-limit"] * number
    assert {finding.part for finding in report.findings} <= {"train"}
    assert report.not_seen == []
    assert len([finding for finding in report.right if finding.part == "lstm"]) == 5


def test_an_empty_folder_may_be_lacking(tmp_path: Path, warm_check: Check) -> None:
    """Where a script stops for want of a folder, what follows is seen all the same."""
    write(tmp_path, WHOLE, {"\nmodel =": "\nimport os\nos.listdir('plots')\nmodel ="})
    report = warm_check(tmp_path, parts=["train"])
    assert report.findings == []
    assert [finding.message[:24] for finding in report.not_seen] == ["The code needs a folder "]
    assert len(report.right) >= 3
