"""A right hand-in in the forms that people choose: a notebook, a script with modes, Lightning."""

import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from textwrap import indent

import pytest

from toolkit.assignment.findings.findings import Report
from toolkit.assignment.running.parts import PARTS, Part

from ..conftest import Check
from ..layouts import notebook

SOURCE = (Path(__file__).parent / "corpus" / "right" / "pieces.py").read_text()
PIECES = dict(re.findall(r"^# %% (\w+)\n(.*?)(?=^# %%|\Z)", SOURCE, re.DOTALL | re.MULTILINE))
MODES = {  # of a parser
    "a position": 'parser.add_argument("mode", choices=["lstm", "gan"])',
    "an option": 'parser.add_argument("--mode", choices=["gan", "lstm"], default="lstm")',
    "commands": 'commands = parser.add_subparsers(dest="mode", required=True)\n'
    'commands.add_parser("lstm"), commands.add_parser("gan")',
}
RIGHT: dict[Part, int] = {"dataset": 3, "lstm": 5, "train": 4, "gan": 7}  # what is said of each
TRAINED: tuple[Part, ...] = ("train", "gan")


def code(names: str) -> str:
    """Some pieces, one below the other."""
    return "".join(PIECES[name] for name in names.split())


def assert_right(report: Report, parts: Collection[Part] = PARTS) -> None:
    """Nothing is wrong, and of each part all is said that can be right."""
    assert report.findings == []
    for finding in report.not_seen:
        assert finding.id == "same-class-ends"  # chosen by no class
    counts = Counter(finding.part for finding in report.right)
    for part in parts:
        assert counts[part] == RIGHT[part], part


@pytest.mark.slow
def test_one_notebook(tmp_path: Path, warm_check: Check) -> None:
    """MNIST is there in every part, and a training in a cell does not keep one from the next."""
    names = ["imports", "data", "lstm", "train", "networks", "images", "gan", "walk"]
    (tmp_path / "All of it.ipynb").write_text(notebook(*map(PIECES.__getitem__, names)))
    assert_right(warm_check(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("chosen", MODES.values(), ids=list(MODES))
def test_one_script_with_modes(chosen: str, tmp_path: Path, warm_check: Check) -> None:
    """Each part is run in the mode that trains it, also where another is the default."""
    training = "def train_lstm():\n" + indent(PIECES["train"], "    ")
    game = "def train_gan():\n    device = 'cpu'\n" + indent(code("images gan walk"), "    ")
    main = f"""
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
{indent(chosen, "    ")}
    train_gan() if parser.parse_args().mode == "gan" else train_lstm()
"""
    text = "import argparse\n" + code("imports data lstm networks") + training + game + main
    (tmp_path / "main.py").write_text(text)
    assert_right(warm_check(tmp_path, parts=TRAINED), TRAINED)


@pytest.mark.slow
def test_lightning(tmp_path: Path, warm_check: Check) -> None:
    """A Trainer trains what is no network, what it needs is not replaced, and its loop ends."""
    files = {
        "palindromes.py": code("imports data"),
        "model.py": code("imports lstm"),
        "train.py": code("reader"),
        "my_gan.py": code("lightning imports networks images game walk"),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert_right(warm_check(tmp_path, parts=TRAINED), TRAINED)
