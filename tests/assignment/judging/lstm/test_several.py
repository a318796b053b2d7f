"""The judge of the LSTM on files with more than one fault, or with one far from where it shows."""

from pathlib import Path

import pytest

from ...conftest import Check
from .test_lstm import CELL, USE, ZEROS

LOOP = CELL[CELL.index("            i, f, g, o") : CELL.index("        return")]
STEP = """            h_t, c_t = self.step(x[:, t], h, c)
        return self.p(h_t)

    def step(self, x, h, c):
        i, f, g, o = self.w(torch.cat([x, h], 1)).chunk(4, 1)
        c = g.tanh() * i.sigmoid() + c * f.sigmoid()
        return c.tanh() * o.sigmoid(), c
"""
READOUT = """

class Readout:
    def __init__(self, n, k):
        self.w = torch.randn(n, k) / n**0.5
        self.b = torch.zeros(k)

    def __call__(self, h):
        return h @ self.w + self.b
"""

KEPT = {
    "        self.p =": "        self.h, self.c = torch.zeros(2, hidden_dim, hidden_dim)\n"
    "        self.p =",
    f"        h = {ZEROS}\n        c = torch.zeros_like(h)\n": "        h, c = self.h, self.c\n",
    "        return": "        self.h = h\n        self.c = c\n        return",
}
GATES = """            z = torch.cat([x[:, t], h], 1)
            i, f, o = self.w(z).sigmoid(), self.w(z).sigmoid(), self.w(z).sigmoid()
            g = self.w(z).tanh()
"""
# what is replaced, and the faults: (id, equation) -> a piece of a line where it is mended
CASES: dict[str, tuple[dict[str, str], dict[tuple[str | None, int | None], str]]] = {
    "one layer for all gates": (
        {"4 * hidden_dim": "hidden_dim", LOOP[: LOOP.index("            c =")]: GATES},
        {("wrong-equation", 2): "self.w(z)"},
    ),
    "one layer for all gates, in one line": (
        {
            "4 * hidden_dim": "hidden_dim",
            LOOP[: LOOP.index("            c =")]: """            z = torch.cat([x[:, t], h], 1)
            pre = [layer(z) for layer in [self.w] * 4]
            g = pre[0].tanh()
            i, f, o = (a.sigmoid() for a in pre[1:])
""",
        },
        {("wrong-equation", 2): "self.w] * 4"},
    ),
    "one layer for two gates, in one line": (
        {
            "self.w = nn.Linear": "self.v, self.u = (nn.Linear(input_dim + hidden_dim, hidden_dim) "
            "for _ in range(2))\n        self.w = nn.Linear",
            "4 * hidden_dim": "hidden_dim",
            LOOP[: LOOP.index("            c =")]: """            z = torch.cat([x[:, t], h], 1)
            pre = [layer(z) for layer in (self.u, self.w, self.w, self.v)]
            g = pre[0].tanh()
            i, f, o = (a.sigmoid() for a in pre[1:])
""",
        },
        {("wrong-equation", 3): "self.w, self.w, self.v"},
    ),
    "empty memory that every forward fills": (
        {
            "self.n = hidden_dim": "self.n = hidden_dim\n        self.h = torch.empty(3, 3)",
            "        h = x.new": "        h = self.h = x.new",
        },
        {},
    ),
    "a c(0) of the constructor, and no other c": (
        {
            "self.n = hidden_dim": "self.n = hidden_dim\n        self.c = torch.zeros(7, 7)",
            "c = torch.zeros_like(h)": "before = self.c",
            "c * f": "before * f",
        },
        {
            ("fixed-batch-size", None): "self.c = torch.zeros",
            ("fixed-device", None): "self.c = torch.zeros",
            ("state-not-carried", 5): "before * f",
        },
    ),
    "weights in an object that is no module": (
        {"self.p = nn.Linear": "self.p = Readout", "\n\nclass LSTM": READOUT + "\n\nclass LSTM"},
        {("parameter-not-learnable", None): "self.w = torch.randn"},
    ),
    "a parameter on the CPU, made in forward": (
        {ZEROS: "nn.Parameter(torch.zeros(len(x), self.n), requires_grad=False)"},
        {("fixed-device", None): "torch.zeros(len(x)"},
    ),
    "states that are not carried": (
        {LOOP + "        return self.p(h)\n": STEP},
        {("state-not-carried", None): "h_t, c_t ="},
    ),
    "states that the model keeps": (
        KEPT,
        {
            ("fixed-batch-size", None): "self.h, self.c = torch",
            ("fixed-device", None): "self.h, self.c = torch",
            ("nonzero-initial-state", None): "self.h = h",
        },
    ),
    "weights and states made anew at every step": (
        {
            "            i, f, g, o = self.w": "            h = c = torch.zeros(len(x), self.n, "
            "device=x.device)\n"
            "            w = nn.Linear(x.size(2) + self.n, 4 * self.n, device=x.device)\n"
            "            i, f, g, o = w",
        },
        {("parameter-not-learnable", None): "w = nn.Linear"},
    ),
    "o(t) in the list of outputs": (
        {
            "        for t": "        hs = []\n        for t",
            "i, f, o, g = i.sigmoid(), f.sigmoid(), o.sigmoid()": "o = o.sigmoid()\n"
            "            i, f, g = i.sigmoid(), f.sigmoid()",
            "c.tanh() * o\n": "c.tanh() * o\n            hs.append(o)\n",
            "self.p(h)": "self.p(hs[-1])",
        },
        {("wrong-equation", 7): "self.p(hs[-1])"},
    ),
}


@pytest.mark.rows(3)
@pytest.mark.parametrize("name", CASES)
def test_every_fault_is_named(name: str, tmp_path: Path, warm_check: Check) -> None:
    changes, faults = CASES[name]
    text = CELL
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    (tmp_path / "lstm.py").write_text(text)
    (tmp_path / "use.py").write_text(USE)
    report = warm_check(tmp_path, parts=["lstm"])
    found = [*report.findings, *(f for f in report.not_seen if f.line)]
    assert {(f.id, f.equation) for f in found} == set(faults)
    for finding in found:
        line = text.splitlines()[(finding.line or 0) - 1]
        assert faults[finding.id, finding.equation] in line
