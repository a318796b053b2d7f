"""The judge of the LSTM on cells of other styles, and on faults in them."""

from pathlib import Path

import pytest

from ..conftest import Check

CELL = """
import torch
from torch import nn


class LSTM(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.n = hidden_dim
        self.w = nn.Linear(input_dim + hidden_dim, 4 * hidden_dim)
        self.p = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        h = x.new_zeros(len(x), self.n)
        c = torch.zeros_like(h)
        for t in range(x.size(1)):
            i, f, g, o = self.w(torch.cat([x[:, t], h], 1)).chunk(4, 1)
            i, f, o, g = i.sigmoid(), f.sigmoid(), o.sigmoid(), g.tanh()
            c = g * i + c * f
            h = c.tanh() * o
        return self.p(h)
"""
RIGHT = {
    "packed": ("", ""),
    "in place": ("c = g * i + c * f", "c = c.mul(f).add_(g * i)"),
    "a sigmoid from tanh": ("f.sigmoid()", "(f / 2).tanh() / 2 + 0.5"),
    "the first step apart": ("c = g * i + c * f", "c = g * i if t == 0 else g * i + c * f"),
    "moved afterwards": ("x.new_zeros(len(x), self.n)", "torch.zeros(len(x), self.n).to(x.device)"),
}
WRONG = {
    "a tanh in a packed cell": ("f.sigmoid()", "f.tanh()", "wrong-equation", 3),
    "tanh twice": ("c = g * i", "c = g.tanh() * i", "wrong-equation", 1),
    "c cut off": ("+ c * f", "+ c.detach() * f", "broken-gradient", None),
    "hidden by hidden": ("x.new_zeros(len(x),", "x.new_zeros(self.n,", "fixed-batch-size", None),
    "on the CPU": ("x.new_zeros(len", "torch.zeros(len", "fixed-device", None),
    "four steps": ("x.size(1)", "4", "fixed-sequence-length", None),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_cell_of_another_style(name: str, tmp_path: Path, warm_check: Check) -> None:
    (tmp_path / "lstm.py").write_text(CELL.replace(*RIGHT[name]))
    report = warm_check(tmp_path, parts=["lstm"])
    assert [*report.findings, *report.not_seen] == []


@pytest.mark.parametrize("name", WRONG)
def test_a_fault_is_named_with_its_line(name: str, tmp_path: Path, warm_check: Check) -> None:
    old, new, kind, equation = WRONG[name]
    text = CELL.replace(old, new)
    (tmp_path / "lstm.py").write_text(text)
    report = warm_check(tmp_path, parts=["lstm"])
    assert [(f.id, f.equation) for f in report.findings] == [(kind, equation)]
    assert report.findings[0].line is not None
