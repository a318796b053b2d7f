"""The judge of the data set, on data sets in many styles."""

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from toolkit.assignment.judging.dataset import read_items

from ...conftest import Check

START = """
import torch
from torch.utils.data import Dataset


def row(T, rng):
    left = [rng.randrange(10) for _ in range((T + 1) // 2)]
    return left + left[::-1][T % 2:]


class {name}(Dataset):
    def __init__(self, {parameters}):
        import random
        rng = random.Random(0)
        self.rows = [row({T}, rng) for _ in range({count})]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, k):
        r = self.rows[k]
        return {item}
"""
BARE = "torch.tensor(r[:-1]).float()[:, None], r[-1]"


def dataset(
    item: str = BARE,
    parameters: str = "seq_length",
    T: str = "seq_length",
    count: str = "1000",
    name: str = "PalindromeDataset",
) -> str:
    return START.format(item=item, parameters=parameters, T=T, count=count, name=name)


COUNTING = """
class PalindromeDataset:
    def __init__(self, T):
        self.half, self.T = (T + 1) // 2, T

    def __len__(self):
        return min(10 ** self.half, 10 ** 6)

    def __getitem__(self, k):
        number = k * 7919 ** 12 % 10 ** self.half
        left = [int(c) for c in str(number).zfill(self.half)]
        r = left + left[::-1][self.T % 2:]
        return [[float(d)] for d in r[:-1]], r[-1]
"""
STREAM = """
import random
from torch.utils.data import IterableDataset


class Palindromes(IterableDataset):
    def __init__(self, length):
        self.length = length

    def __iter__(self):
        while True:
            left = [random.randint(0, 9) for _ in range((self.length + 1) // 2)]
            r = left + left[::-1][self.length % 2:]
            yield [float(d) for d in r[:-1]], r[-1]
"""
BATCH = """import torch


def generate_batch(batch_size, T):
    r = torch.randint(10, (batch_size, T))
    return torch.eye(10)[r[:, :-1]], r[:, -1]
"""
RIGHT = {
    "bare digits": dataset(),
    "one-hot, true or false": dataset("torch.eye(10)[r[:-1]] == 1, r[-1]"),
    "another name": dataset(name="Digits"),
    "two lengths, of which one is the number of items": dataset(
        parameters="seq_length, length=500", count="length"
    ),
    "the number of items first": dataset(
        parameters="num_samples, sequence_length", T="sequence_length", count="num_samples"
    ),
    "divided by 9": dataset("torch.tensor(r[:-1]).float() / 9, r[-1]"),
    "one-hot labels": dataset("torch.tensor(r[:-1]).float(), torch.eye(10)[r[-1]]"),
    "all next digits as labels": dataset("torch.tensor(r[:-1]).float(), torch.tensor(r[1:])"),
    "a dictionary": dataset("{'x': torch.tensor(r[:-1]).float(), 'y': r[-1]}"),
    "three things": dataset("torch.tensor(r[:-1]), r[-1], len(r)"),
    "in the order of their numbers": COUNTING,
    "a generator of batches of one": STREAM,
    "plots in the same file": "import matplotlib.pyplot as plt\nimport tqdm\n" + dataset(),
    "a relative import": "from . import other\n" + dataset(),
}
WRONG = {
    "all next digits, of which the last is wrong": (
        dataset("torch.tensor(r[:-1]).float(), torch.tensor(r[:-1])"), "wrong-label"),
    "one-hot labels of the digit before": (
        dataset("torch.tensor(r[:-1]).float(), torch.eye(10)[r[-2]]"), "wrong-label"),
    "counting beyond 64 bits": (
        COUNTING.replace("min(10 ** self.half, 10 ** 6)", "10 ** self.half"), "length-overflow"),
    "an error in an item": (dataset(BARE + ", undefined"), "does-not-run"),
}  # fmt: skip
NOT_SEEN = {
    "functions": "def make(n):\n    return [n]\n",
    "a function that gives a batch": BATCH,
    "functions that are something else": "def left_data(q):\n    return q.left\n",
    "whole palindromes": dataset("torch.tensor(r)"),
    "bits": dataset("torch.tensor([[d >> k & 1 for k in range(4)] for d in r[:-1]]), r[-1]"),
    "a parameter that nobody knows": dataset(parameters="seq_length, wavelength"),
}


def found(text: str, folder: Path, check: Check) -> tuple[list[str | None], int, int]:
    (folder / "other.py").write_text("")
    (folder / "use.py").write_text("import dataset\nnext(iter(dataset.PalindromeDataset(5)))\n")
    (folder / "dataset.py").write_text(text)
    report = check(folder, parts=["dataset"])
    return [f.id for f in report.findings], len(report.not_seen), len(report.right)


@pytest.mark.rows(5)
@pytest.mark.parametrize("name", RIGHT)
def test_right(name: str, tmp_path: Path, warm_check: Check) -> None:
    wrong, not_seen, right = found(RIGHT[name], tmp_path, warm_check)
    assert (wrong, not_seen) == ([], 0)
    assert right >= 2


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name: str, tmp_path: Path, warm_check: Check) -> None:
    text, id = WRONG[name]
    assert found(text, tmp_path, warm_check)[:2] == ([id], 0)


@pytest.mark.parametrize("name", NOT_SEEN)
def test_only_unusual(name: str, tmp_path: Path, warm_check: Check) -> None:
    """It is no fault, and it is not right either."""
    assert found(NOT_SEEN[name], tmp_path, warm_check) == ([], 1, 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8, torch.bool])
def test_one_hot_digits_of_any_dtype(dtype: torch.dtype) -> None:
    """A child may send others than ours does."""
    rows = [[3, 1, 4], [1, 5, 9]]
    answer = {"inputs": torch.eye(10)[torch.tensor(rows)].to(dtype), "labels": torch.ones(2, 1)}
    child: Any = SimpleNamespace(ask=SimpleNamespace(items=lambda **arguments: answer))
    assert read_items(child, 4).digits.tolist() == rows


def test_what_only_the_check_cannot_read(tmp_path: Path, warm_check: Check) -> None:
    """An error that no line of theirs has raised is said, and is no fault."""
    (tmp_path / "dataset.py").write_text(
        "class PalindromeDataset:\n"
        "    def __init__(self, seq_length):\n        pass\n"
        "    def __len__(self):\n        return -1\n"
        "    def __getitem__(self, k):\n        return [1, 2], 1\n"
    )
    report = warm_check(tmp_path, parts=["dataset"])
    assert report.findings == []
    said = "The check could not read the items of PalindromeDataset"
    assert said in report.not_seen[0].message


def test_the_size_of_each_split_is_said(tmp_path: Path, warm_check: Check) -> None:
    """Beside the number of palindromes that both have."""
    text = dataset(parameters="seq_length, split='train'", count="100")
    (tmp_path / "dataset.py").write_text(text.replace("Random(0)", "Random(split)"))
    report = warm_check(tmp_path, parts=["dataset"])
    (message,) = (f.message for f in report.findings if f.id == "split-leak")
    train, test = map(_drawn, ("train", "test"))
    assert message.startswith(
        f"The two splits of the data set contain {len(train)} and {len(test)} different"
    )
    assert f" and {len(train & test)} of these palindromes are in both splits." in message


def _drawn(split: str) -> set[tuple[int, ...]]:
    """The first halves of 100 palindromes of 5 digits, as the class above draws them."""
    rng = random.Random(split)
    return {tuple(rng.randrange(10) for _ in range(3)) for _ in range(100)}


def test_a_fault_of_one_length_is_seen(tmp_path: Path, warm_check: Check) -> None:
    """Stopping at even T; and a digit that is missing from long palindromes alone."""
    even = dataset(item="torch.zeros(self.T - 1, 1).copy_(torch.tensor(r[:-1])[:, None]), r[-1]")
    even = even.replace("left[::-1][T % 2:]", "left[::-1][1:]")
    even = even.replace("        rng =", "        self.T = seq_length\n        rng =")
    (tmp_path / "dataset.py").write_text(even)
    (finding,) = warm_check(tmp_path, parts=["dataset"]).findings
    assert (finding.id, finding.line) == (
        "does-not-run",
        even[: even.index("copy_")].count("\n") + 1,
    )
    assert finding.message.endswith("This happens at T = 6, but not at T = 5.")
    nine = dataset().replace("randrange(10)", "randrange(10 if T < 20 else 9)")
    (tmp_path / "dataset.py").write_text(nine)
    (finding,) = warm_check(tmp_path, parts=["dataset"]).findings
    assert finding.id == "missing-digits"
    assert finding.message.startswith("At T = 40, none of the 400 labels is 9.")


def test_an_error_that_changes_is_not_lost(tmp_path: Path, warm_check: Check) -> None:
    """At T = 6 it stops with another message each time, so the length is not proved to matter."""
    text = dataset().replace(
        "        import random\n",
        "        import random\n        if seq_length == 6:\n"
        "            raise ValueError(random.random())\n",
    )
    (tmp_path / "dataset.py").write_text(text)
    report = warm_check(tmp_path, parts=["dataset"])
    (finding,) = (*report.findings, *report.not_seen)
    assert "ValueError" in finding.message
