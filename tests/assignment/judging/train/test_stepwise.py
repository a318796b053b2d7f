"""One file trains an LSTM and an RNN several times; it calls them step by step."""

from pathlib import Path

import pytest

from ...conftest import Check
from .scripts import DATASET

TRAINING = """
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader


class Step(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.hidden = hidden
        self.a = nn.Linear(10 + hidden, 4 * hidden)
        self.p = nn.Linear(hidden, 10)

    def forward(self, x_t, h, c):
        g, i, f, o = self.a(torch.cat([x_t, h], 1)).chunk(4, 1)
        c = g.tanh() * i.sigmoid() + c * f.sigmoid()
        return c.tanh() * o.sigmoid(), c


class Plain(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.hidden = hidden
        self.a = nn.Linear(10 + hidden, hidden)
        self.p = nn.Linear(hidden, 10)

    def forward(self, x_t, h, c):
        return self.a(torch.cat([x_t, h], 1)).tanh(), c


def logits(network, x):
    h = c = torch.zeros(len(x), network.hidden)
    every_p = []
    for x_t in x.unbind(1):
        h, c = network(x_t, h, c)
        every_p.append(network.p(h))
    return torch.stack(every_p, 1)


@torch.no_grad()
def accuracy(network, loader):
    right = [(logits(network, x)[:, -1].argmax(1) == y).float() for x, y in loader]
    return torch.cat(right).mean().item()


def fit(kind, length, steps=600):
    train_set = PalindromeDataset(length)
    train_loader = DataLoader(train_set, 128, shuffle=True)
    test_loader = DataLoader(PalindromeDataset(length, train=False), 128)
    network = kind(128)
    optimiser = torch.optim.RMSprop(network.parameters(), 1e-3)
    done, curve = 0, []
    while done < steps:
        for x, y in train_loader:
            p = logits(network, x)
            loss = F.cross_entropy(p[:, -1], y)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 10)
            optimiser.step()
            done += 1
            if done % 200 == 0 or done == steps:
                curve.append(accuracy(network, test_loader))
            if done == steps:
                break
    print(kind.__name__, length, curve[-1])


for length in (5, 11, 19):
    fit(Step, length)
    fit(Plain, length)
"""
EVERY_STEP = ("p[:, -1], y)", "p.flatten(0, 1), y.repeat_interleave(p.size(1)))")
SOME_STEPS = ("p[:, -1], y)", "p[:, 1:].flatten(0, 1), y.repeat_interleave(p.size(1) - 1))")
ITS_OWN = ("PalindromeDataset(length, train=False), 128", "train_set, 128")


def findings_of(folder: Path, check: Check, *changes: tuple[str, str]) -> list[tuple[str, str]]:
    """The id of each finding, and its line."""
    text = DATASET + TRAINING
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "assignment.py").write_text(text)
    report = check(folder, parts=["dataset", "lstm", "train"])
    assert report.not_seen == []
    lines = text.splitlines()
    return [(str(finding.id), lines[(finding.line or 0) - 1]) for finding in report.findings]


def test_right_is_not_called_wrong(tmp_path: Path, warm_check: Check) -> None:
    assert findings_of(tmp_path, warm_check) == []


@pytest.mark.parametrize(
    ("change", "id"),
    [
        (EVERY_STEP, "loss-not-last-step"),
        (SOME_STEPS, "loss-not-last-step"),
        (ITS_OWN, "tests-on-training-data"),
    ],
)
def test_a_fault_is_named(
    change: tuple[str, str], id: str, tmp_path: Path, warm_check: Check
) -> None:
    assert [found for found, _ in findings_of(tmp_path, warm_check, change)] == [id]
