"""Copies are found behind new names, moved functions and other comments."""

import tokenize
from collections.abc import Callable, Iterator

import pytest

from toolkit.assignment.grade import similar
from toolkit.assignment.grade.similar import THRESHOLD, find_similar, read_code

from ..submissions import FINE, pack

GENERATE_TOKENS = tokenize.generate_tokens
ORIGINAL = '''
"""My LSTM."""
import torch
from torch import nn


class LSTM(nn.Module):
    """One LSTM."""

    def __init__(self, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.w_x = nn.Parameter(torch.randn(input_dim, 4 * hidden_dim) / hidden_dim**0.5)
        self.w_h = nn.Parameter(torch.randn(hidden_dim, 4 * hidden_dim) / hidden_dim**0.5)
        self.b = nn.Parameter(torch.zeros(4 * hidden_dim))
        self.readout = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        # all zeros at the start
        h = c = torch.zeros(x.size(0), self.hidden_dim)
        for t in range(x.size(1)):
            g, i, f, o = (x[:, t] @ self.w_x + h @ self.w_h + self.b).chunk(4, dim=1)
            c = torch.tanh(g) * torch.sigmoid(i) + c * torch.sigmoid(f)
            h = torch.tanh(c) * torch.sigmoid(o)
        return self.readout(h)
'''
RENAMED = (
    ORIGINAL.replace("hidden_dim", "n")
    .replace("readout", "head")
    .replace("self.w_x", "self.kernel")
    .replace("# all zeros at the start", "# begin")
    .replace('"""One LSTM."""', '"""Quite another text."""')
)
START, MIDDLE = RENAMED.index("    def __init__"), RENAMED.index("    def forward")
MOVED = RENAMED[:START] + RENAMED[MIDDLE:] + "\n" + RENAMED[START:MIDDLE]
OTHER = """
import torch


class Gate(torch.nn.Module):
    def __init__(self, a, b, act):
        super().__init__()
        self.x, self.h = torch.nn.Linear(a, b), torch.nn.Linear(b, b, bias=False)
        self.act = act

    def forward(self, x, h):
        return self.act(self.x(x) + self.h(h))


class LSTM(torch.nn.Module):
    def __init__(self, seq_length, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.gates = torch.nn.ModuleDict(
            {n: Gate(input_dim, hidden_dim, torch.sigmoid) for n in "ifo"}
        )
        self.gates["g"] = Gate(input_dim, hidden_dim, torch.tanh)
        self.last = torch.nn.Linear(hidden_dim, output_dim)
        self.size = hidden_dim

    def forward(self, x):
        state = x.new_zeros(len(x), self.size)
        memory = x.new_zeros(len(x), self.size)
        for step in x.unbind(1):
            values = {name: gate(step, state) for name, gate in self.gates.items()}
            memory = values["g"] * values["i"] + memory * values["f"]
            state = memory.tanh() * values["o"]
        return self.last(state)
"""


def test_pairs() -> None:
    code = {"a": [ORIGINAL], "b": [RENAMED], "c": [MOVED], "d": [OTHER], "e": ["x = 1"]}
    pairs, usual = find_similar(code)
    named = {(pair.first, pair.second): pair for pair in pairs}
    assert set(named) == {("a", "b"), ("a", "c"), ("b", "c")}
    assert named["a", "b"].share == 1
    assert named["a", "c"].share == 1
    assert named["a", "b"].share_with_names < 1
    assert usual < THRESHOLD


def test_code_that_is_not_python() -> None:
    broken = ORIGINAL + "\n'''never closed"
    assert find_similar({"a": [ORIGINAL], "b": [broken]})[0][0].share > 0.95
    assert find_similar({"a": ["\0" * 1000], "b": ["(" * 5000]}) == ([], 0.0)


@pytest.mark.parametrize(
    "text",
    [
        *(piece * 2**17 for piece in ["(", "\0", "'\\\\", "x\n ", "f'{", '"""', "\\\\\n"]),
        '"""' + "a\n" * 2**17,
    ],
    ids=lambda text: ascii(text[:6]),
)
def test_code_made_to_be_slow(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is bounded: the characters and tokens that are read, and the letters compared."""
    work = {"characters": 0, "tokens": 0, "letters": 0}

    def count_tokens(readline: Callable[[], str]) -> Iterator[tokenize.TokenInfo]:
        def count_characters() -> str:
            line = readline()
            work["characters"] += len(line)
            return line

        for token in GENERATE_TOKENS(count_characters):
            work["tokens"] += 1
            yield token

    def count_letters(first: str, second: str) -> float:
        work["letters"] = max(work["letters"], len(first), len(second))
        return 0.0

    monkeypatch.setattr(similar.tokenize, "generate_tokens", count_tokens)
    monkeypatch.setattr(similar.Indel, "normalized_similarity", count_letters)
    monkeypatch.setattr(similar, "MAX_LINES", 100)
    monkeypatch.setattr(similar, "MAX_LINE", 50)
    monkeypatch.setattr(similar, "MAX_TOKENS", 200)
    find_similar({"a": [text], "b": [text]})
    times = 4  # two submissions, with and without names
    assert work["characters"] <= times * similar.MAX_LINES * (similar.MAX_LINE + 1)
    assert work["tokens"] <= times * similar.MAX_TOKENS
    assert work["letters"] <= similar.MAX_TOKENS


def test_a_long_program_is_read_up_to_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the bounds of the test above are really reached."""
    monkeypatch.setattr(similar, "MAX_TOKENS", 200)
    beginning = "x = 1\n" * 100
    pairs, _ = find_similar({"a": [beginning + "y = (2 + 3)\n" * 100], "b": [beginning]})
    assert [pair.share for pair in pairs] == [1]


def test_read_code() -> None:
    code = pack({f"folder/{name}": text for name, text in FINE.items()})
    assert read_code(code) == list(FINE.values())
    assert read_code(pack({"lstm.py": "x"})) == ["", "x", "", ""]
    assert read_code(b"no zip") == []
