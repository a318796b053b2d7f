"""Copies are found behind new names, moved functions and other comments."""

import json
import tokenize
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest

from toolkit.assignment.grade.copies import similar
from toolkit.assignment.grade.copies.beside import side_by_side
from toolkit.assignment.grade.copies.similar import (
    SAME,
    Code,
    Pair,
    find_similar,
    prints_of,
    read_code,
)
from toolkit.common.package_data import package_data

from ..judging.corpus import cases
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


def compare(code: dict[str, dict[str, str]]) -> tuple[list[Pair], float]:
    return find_similar({name: prints_of(Code(files, [])) for name, files in code.items()})


def test_pairs() -> None:
    texts = {"a": ORIGINAL, "b": RENAMED, "c": MOVED, "d": OTHER, "e": "x = 1"}
    pairs, usual = compare({name: {"lstm.py": text} for name, text in texts.items()})
    named = {(pair.first, pair.second): pair for pair in pairs}
    assert set(named) == {("a", "b"), ("a", "c"), ("b", "c")}
    assert named["a", "b"].share == 1
    assert named["a", "c"].share == 1
    assert named["a", "b"].share_with_names < 1
    assert usual < SAME


def test_the_skeleton_is_no_ones_own() -> None:
    """What everybody was given says nothing, with or without a little that was written into it."""
    given = {path.name: path.read_text() for path in package_data("skeleton").glob("*.py")}
    assert len(given) == 4
    assert len(prints_of(Code(given, [])).plain) == 0
    pairs, _ = compare({name: given | {"own.py": f"{name} = 1"} for name in "abc"})
    assert pairs == []


def test_whole_files_wherever_they_lie() -> None:
    """Other folders, names of files, a notebook, and files beside them change nothing."""
    cell = {"cell_type": "code", "source": "%matplotlib inline\n" + RENAMED}
    archives = {
        "a": pack({"lstm.py": ORIGINAL}),
        "b": pack({"my work/src/Network.py": MOVED, "notes.py": OTHER, "read.txt": "hello"}),
        "c": pack({"all.ipynb": json.dumps({"cells": [cell]})}),
    }
    pairs, _ = compare({name: read_code(data).files for name, data in archives.items()})
    assert {(pair.first, pair.second): pair.share for pair in pairs} == {
        pair: 1 for pair in combinations("abc", 2)
    }


def test_a_class_in_which_files_are_shared(tmp_path: Path) -> None:
    """Of 30 submissions, those pairs are named that were made with the same file of a part."""
    code = {}
    for name in cases.RIGHT:
        folder = tmp_path / name
        folder.mkdir()
        cases.write_right(name, folder)
        files = [path for path in folder.rglob("*") if path.is_file()]
        code[name] = read_code(
            pack({str(path.relative_to(folder)): path.read_bytes() for path in files})
        ).files
    pairs, usual = compare(code)
    shared = {
        (one, other): {
            part for part in cases.FILES
            if getattr(cases.RIGHT[one], part) == getattr(cases.RIGHT[other], part)
        }
        for one, other in combinations(sorted(cases.RIGHT), 2)
    }  # fmt: skip
    named = [(pair.first, pair.second) for pair in pairs]
    assert all(shared[pair] for pair in named)
    assert {pair for pair, parts in shared.items() if "gan" in parts} <= set(named)
    assert all(len(shared[pair]) == 4 for pair in named[:2])
    assert usual < 0.2


def test_code_that_is_not_python() -> None:
    broken = ORIGINAL + "\n'''never closed"
    pairs, _ = compare({"a": {"lstm.py": ORIGINAL}, "b": {"lstm.py": broken}})
    assert pairs[0].share > 0.95
    assert compare({"a": {"x": "\0" * 1000}, "b": {"x": "(" * 5000}}) == ([], 0.0)


def test_side_by_side() -> None:
    """Each line beside its like, what only one has beside nothing, and files that match."""
    first = {"a.py": "x = 1\n" + ORIGINAL, "other.py": "print('no')"}
    second = {"z.py": "y = 2", "copy.py": ORIGINAL.replace("h = c =", "new = 3\n        h = c =")}
    ((one, other, rows),) = side_by_side(first, second)
    assert (one, other) == ("a.py", "copy.py")
    for side, text in enumerate((first["a.py"], second["copy.py"])):
        lines = enumerate(text.split("\n"), start=1)
        shown = [row[side] for row in rows if row[side]]
        assert [(line.number, line.text) for line in shown] == [
            (number, line) for number, line in lines if line.strip()
        ]
    assert [left.text for left, right in rows if left and not right] == ["x = 1"]
    assert [right.text.strip() for left, right in rows if right and not left] == ["new = 3"]
    both = [(left, right) for left, right in rows if left and right]
    assert all(left.text == right.text for left, right in both)
    ((gates, _),) = [pair for pair in both if "chunk(4" in pair[0].text]
    assert gates.shared
    assert not any(left.shared for left, _ in both if left.text.startswith("class"))  # was given
    assert not any(right.shared for left, right in rows if right and not left)
    assert list(side_by_side({"a.py": ORIGINAL}, {"b.py": "x = 1"})) == []


@pytest.mark.parametrize(
    "text",
    [
        *(piece * 2**14 for piece in ["(", "\0", "'\\\\", "x\n ", "f'{", '"""', "\\\\\n"]),
        '"""' + "a\n" * 2**14,
    ],
    ids=lambda text: ascii(text[:6]),
)
def test_code_made_to_be_slow(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is bounded by the words that are read, and what is behind them is named."""
    tokens = 0

    def count_tokens(readline: Callable[[], str]) -> Iterator[tokenize.TokenInfo]:
        nonlocal tokens
        for token in GENERATE_TOKENS(readline):
            tokens += 1
            yield token

    monkeypatch.setattr(similar.tokenize, "generate_tokens", count_tokens)
    monkeypatch.setattr(similar, "MAX_TOKENS", 200)
    files = {f"{k}.py": text for k in range(3)}
    prints = prints_of(Code(files, []))
    assert tokens <= 3 * similar.MAX_TOKENS  # with layout
    assert len(prints.named) <= similar.MAX_TOKENS
    assert prints.left_out
    for _, _, rows in side_by_side(files, files):
        assert len(rows) <= len(text)


def test_a_long_program_is_read_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is named."""
    monkeypatch.setattr(similar, "MAX_TOKENS", 400)
    beginning = "".join(f"x = {k}\n" for k in range(100))
    code = {"a": beginning + "y = (2 + 3)\n" * 100, "b": beginning}
    pairs, _ = compare({name: {"a.py": text} for name, text in code.items()})
    assert [pair.share for pair in pairs] == [1]
    prints = prints_of(Code({"a.py": code["a"]}, []))
    assert prints.left_out == ("a.py, line 115: more than 400 words of code are not read",)


def notebook(source: str) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": source}]})


LONG = ORIGINAL.replace('"""One LSTM."""', f'"""{"One LSTM, explained. " * 100}"""')
WIDE = ORIGINAL.replace("h = torch.tanh(c)", f"h ={' ' * 500}torch.tanh(c)")


@pytest.mark.parametrize(
    ("files", "left_out"),
    [
        pytest.param({"lstm.py": "\n" * 6000 + ORIGINAL}, "", id="blank lines"),
        pytest.param({"a.py": "\n" * 6000, "lstm.py": ORIGINAL}, "", id="a blank file"),
        pytest.param({"lstm.py": LONG}, "", id="a long docstring"),
        pytest.param({"lstm.py": WIDE}, "", id="a long line"),
        pytest.param({"a.py": "# word\n" * 6000, "lstm.py": ORIGINAL}, "", id="comments"),
        pytest.param(
            {"a.py": '"""' + "a\n" * 9000 + '"""', "lstm.py": ORIGINAL},
            "",
            id="a docstring of lines",
        ),
        pytest.param(
            {"lstm.py": ORIGINAL + "\n'''never closed"},
            "lstm.py is not Python somewhere after line 25",
            id="no end",
        ),
        pytest.param(
            {"lstm.py": ORIGINAL, "z.py": "if x:\n  y\n z"},
            "z.py is not Python somewhere after line 2",
            id="an indent",
        ),
        pytest.param(
            {"lstm.py": ORIGINAL, "a.ipynb": "{"},
            "a.ipynb is not a notebook that can be read",
            id="no notebook",
        ),
        pytest.param(
            {"lstm.py": ORIGINAL, "a.ipynb": notebook("x = (")},
            "a.ipynb, cell 1 is not Python",
            id="a cell",
        ),
        pytest.param(
            {"lstm.py": ORIGINAL, "a.ipynb": notebook("x = 1\n" * 60_000)},
            "a.ipynb has more than 300 KiB of code",
            id="a large notebook",
        ),
    ],
)
def test_nothing_is_compared_silently_in_part(files: dict[str, str], left_out: str) -> None:
    """A copy is in a pair; what could not be compared of it is named."""
    copied = prints_of(read_code(pack(files)))
    original = prints_of(read_code(pack({"lstm.py": ORIGINAL})))
    pairs, _ = find_similar({"copy": copied, "original": original})
    assert [pair.share for pair in pairs] == [1]
    assert copied.left_out == ((left_out,) if left_out else ())
    assert original.left_out == ()


def test_what_is_in_no_pair_is_named() -> None:
    """An archive that cannot be read, and one with hardly any code."""
    (why,) = prints_of(read_code(b"no zip")).left_out
    assert why == (
        "the archive was not unpacked, because it is not a zip archive, or it is damaged"
    )
    assert prints_of(read_code(pack({"a.py": "x = 1"}))).left_out == (
        "it has too little code of its own",
    )


def test_read_code() -> None:
    code = pack({f"folder/{name}": text for name, text in FINE.items()} | {"venv/a.py": "x"})
    assert read_code(code).files == {f"folder/{name}": text for name, text in sorted(FINE.items())}
    assert read_code(pack({"broken.ipynb": "{"})).files == {"broken.ipynb": ""}
