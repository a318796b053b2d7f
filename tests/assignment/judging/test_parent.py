"""The whole check, as a student calls it: its processes, its output and its exit codes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from toolkit.assignment.app import app
from toolkit.assignment.findings.findings import QUESTIONS, Finding
from toolkit.assignment.findings.rules import rules
from toolkit.assignment.findings.text import as_text
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.handin import submission as submission_module
from toolkit.assignment.judging import parent
from toolkit.assignment.judging.parent import check
from toolkit.assignment.running.parts import FILES, PARTS, TITLES, Part
from toolkit.common.errors import UsageError

from ..conftest import Check
from ..layouts import ROOT, notebook
from .corpus import build, cases

SKELETON = ROOT / "assignments" / "skeleton"
WITHOUT_TORCH = [
    "toolkit.assignment.app",
    "toolkit.assignment.running.parts",
    "toolkit.assignment.handin.locate",
    "toolkit.assignment.findings.findings",
    "toolkit.assignment.findings.text",
    "toolkit.assignment.findings.explanations",
    "toolkit.assignment.judging.static",
    "toolkit.assignment.handin.submission",
]


def python(*words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_without_torch() -> None:
    """--help, and what finds and reads files."""
    code = (
        "import importlib, sys\n"
        f"for module in {WITHOUT_TORCH}:\n"
        "    importlib.import_module(module)\n"
        "    if 'torch' in sys.modules:\n"
        "        sys.exit(f'{module} imports torch')\n"
    )
    done = python("-c", code)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_right(tmp_path: Path) -> None:
    cases.write_right("separate gates", tmp_path)
    done = python("-m", "toolkit.assignment", "check", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equations (1) to (7)" in done.stdout.lower()
    assert "Nothing is wrong." in done.stdout
    assert "gan: sampling and interpolating" in done.stderr  # progress


def test_wrong(tmp_path: Path) -> None:
    """The file, line and id, the student's own line, and the sentence about it."""
    text = cases.WRONG["the label is the middle"].texts["dataset"]
    (tmp_path / "dataset.py").write_text(text)
    done = python("-m", "toolkit.assignment", "check", str(tmp_path))
    assert done.returncode == 1
    lines = text.splitlines()
    number = next(k for k, line in enumerate(lines, start=1) if "def __getitem__(" in line)
    place = f"  dataset.py:{number}: wrong-label"
    after = done.stdout[done.stdout.index(place) :].splitlines()
    assert after[0] == place
    assert after[2] == f"  {number} | {lines[number - 1]}"
    assert "Which digit should be predicted?" in " ".join(done.stdout.split())
    assert "4 things are wrong." in done.stdout  # three files are missing


def test_json(tmp_path: Path, warm_check: Check) -> None:
    """The shape and the exit code; three files are missing and one has a syntax error."""
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "lstm.py").write_text("x = 1\ndef f(:\n")
    done = CliRunner().invoke(app, ["check", str(tmp_path), "--json"])
    assert done.exit_code == 1
    content = json.loads(done.stdout)
    assert content["passed"] is False
    assert content["right"] == content["not_seen"] == []
    assert content["files"] == {"lstm": "deeper/lstm.py"}
    assert [f["id"] for f in content["findings"]].count("missing-file") == 3
    (broken,) = [f for f in content["findings"] if f["id"] == "does-not-import"]
    assert broken.pop("message")
    assert broken.pop("proof")["kind"] == "read"
    assert list(broken.pop("fields")) == ["problem"]
    assert broken == {
        "verdict": "wrong",
        "rule": "does-not-import.raised",
        "id": "does-not-import",
        "part": "lstm",
        "equation": None,
        "file": "deeper/lstm.py",
        "cell": None,
        "line": 2,
        "answers": [],
        "function": None,
        "raised": None,
        "also": [],
    }


def test_not_seen(tmp_path: Path, warm_check: Check) -> None:
    """Two files that could be it: neither is taken, nothing is wrong, and exit code 3; unless one
    of them is named.
    """
    text = build.texts(cases.RIGHT["separate gates"])["dataset"]
    for name in ("palindrome", "palindromes"):
        (tmp_path / f"{name}.py").write_text(f"{text}\nNAME = {name!r}\n")
    report = warm_check(tmp_path, parts=["dataset"])
    named = warm_check(tmp_path / "palindromes.py")
    assert (named.exit_code, named.files["dataset"]) == (0, "palindromes.py")
    assert (report.passed, report.exit_code, report.findings) == (False, 3, [])
    assert "palindrome.py and palindromes.py could each be" in report.not_seen[0].message
    text = as_text(report, tmp_path)
    assert text.endswith("Nothing is wrong, but 1 thing was not seen: look at it.")
    assert "Not looked at: " + "; ".join(TITLES[part] for part in PARTS[1:]) in text


def test_what_another_part_lacks_is_said_once(tmp_path: Path, warm_check: Check) -> None:
    """A training that stops at a data set that is still to be written."""
    (tmp_path / "dataset.py").write_text(
        "class PalindromeDataset:\n    def __init__(self, seq_length):\n"
        "        pass\n\n    def __getitem__(self, k):\n        pass\n"
    )
    (tmp_path / "train.py").write_text(
        "from dataset import PalindromeDataset\n\nfor x in PalindromeDataset(5):\n    pass\n"
    )
    report = warm_check(tmp_path, parts=["dataset", "train"])
    assert [(f.part, f.line) for f in report.findings if f.id == "not-written"] == [("dataset", 6)]


def test_what_cannot_be_imported_is_one_fault(tmp_path: Path, warm_check: Check) -> None:
    """The training, which stops there, is not seen."""
    (tmp_path / "lstm.py").write_text("from torch import nn\n\nclass LSTM(nn.Module)\n    pass\n")
    train = build.texts(cases.RIGHT["separate gates"])["train"]
    (tmp_path / "train.py").write_text(f"import lstm\n{train}")
    report = warm_check(tmp_path, parts=["lstm", "train"])
    assert [(f.part, f.id, f.line) for f in report.findings] == [("lstm", "does-not-import", 3)]
    assert [(f.part, f.rule) for f in report.not_seen] == [("train", "not-seen.cannot-import")]


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("DATA = open('big.csv').read()\n", "not-seen.left-out"),
        ("import numpy\nDATA = numpy.loadtxt('big.csv')\n", "not-seen.left-out"),
        ("DATA = open('not_so_big.csv').read()\n", "not-seen.not-handed-in"),
    ],
    ids=["open", "numpy", "another file"],
)
def test_what_was_not_copied_is_no_fault(
    code: str, rule: str, tmp_path: Path, warm_check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission_module, "MAX_COPIED", 1000)
    (tmp_path / "dataset.py").write_text(code)
    (tmp_path / "big.csv").write_bytes(bytes(2000))
    report = warm_check(tmp_path, parts=["dataset"])
    assert report.findings == []
    assert report.not_seen[0].rule == rule
    if rule == "not-seen.left-out":
        said = rules("any")[rule].says.format(name="big.csv")
        assert report.not_seen[0].message == said


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("'/no/such/digits.csv'", "not-seen.outside"),
        ("'C:/Users/me/digits.csv'", "not-seen.outside"),
        ("__file__ + '.csv'", "not-seen.not-handed-in"),
    ],
)
def test_a_path_that_leads_outside(path: str, rule: str, tmp_path: Path, warm_check: Check) -> None:
    """It is named; a path in the folder may be absolute, too."""
    (tmp_path / "dataset.py").write_text(f"DATA = open({path}).read()\n")
    report = warm_check(tmp_path, parts=["dataset"])
    assert report.findings == []
    assert report.not_seen[0].rule == rule
    if rule == "not-seen.outside":
        assert report.not_seen[0].message.startswith(f"The code opens {path[1:-1]}. This path")
    assert "MNIST" in report.not_seen[0].message or rule == "not-seen.outside"


def test_a_file_that_is_no_part() -> None:
    with pytest.raises(UsageError, match=r"is none of dataset\.py, lstm\.py"):
        check(SKELETON.parent / "colab.ipynb")


def test_the_blank_skeleton(warm_check: Check) -> None:
    """It says what is to be written, in a line for each file, and that the rest is not wrong."""
    report = warm_check(SKELETON)
    assert not report.passed
    text = as_text(report, SKELETON)
    raises = sum(p.read_text().count("raise NotImplementedError") for p in SKELETON.glob("*.py"))
    last = text.splitlines()[-1]
    assert last.startswith(f"{raises} pieces are still to be written. Nothing is wrong")
    assert text.count("still to be written in") == len(FILES)
    assert len(re.findall(r"\(line\s+\d+\)", text)) == raises


@pytest.mark.parametrize(
    "code",
    ["raise SystemExit(0)", "print('x' * 10**8)\nraise ValueError('no')"],
    ids=["exit", "prints"],
)
def test_code_that_exits_or_prints(code: str, tmp_path: Path, warm_check: Check) -> None:
    (tmp_path / "dataset.py").write_text(code)
    report = warm_check(tmp_path, parts=["dataset"])
    assert [f.id for f in report.findings] == ["does-not-import"]


def test_a_crash_is_named(tmp_path: Path, warm_check: Check) -> None:
    (tmp_path / "dataset.py").write_text("import os\nos._exit(0)\n")
    (finding,) = warm_check(tmp_path, parts=["dataset"]).findings
    assert finding.id == "time-limit"
    assert (
        "ended unexpectedly during this part of the check: importing dataset.py" in finding.message
    )


def test_a_sentence_has_the_name_of_the_notebook(tmp_path: Path, warm_check: Check) -> None:
    """The Python file that is made of it is nothing that a student has."""
    (tmp_path / "dataset.ipynb").write_text(notebook("import os\nos._exit(0)\n"))
    (finding,) = warm_check(tmp_path, parts=["dataset"]).findings
    assert "during this part of the check: importing dataset.ipynb." in finding.message


def test_a_fault_of_the_check_costs_nobody_a_point(
    tmp_path: Path, warm_check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases.write_right("separate gates", tmp_path)
    monkeypatch.setitem(parent.JUDGES, "dataset", "json")  # which has no check
    report = warm_check(tmp_path, parts=["dataset"])
    assert report.findings == []
    assert "This failure says nothing about your code" in report.not_seen[0].message


def test_one_stop_of_several_parts_is_one_finding() -> None:
    """A part that has an open question keeps it; a stop at another line is another stop."""

    def parts_that_stop(lines: dict[Part, int], answered: tuple[Part, ...]) -> dict[Part, Verdicts]:
        verdicts_of = {}
        for part, line in lines.items():
            verdicts = Verdicts(part, "all.py")
            stop = Finding(
                verdict="wrong", id="does-not-run", part=part, file="all.py", line=line, message="m"
            )
            verdicts.findings.append(stop)
            if part in answered:
                ids = tuple(id for question in QUESTIONS[part] for id in question)
                right = Finding(verdict="right", part=part, message="m", answers=ids)
                verdicts.findings.append(right)
            verdicts_of[part] = verdicts
        parent._leave_one_stop(verdicts_of)
        return verdicts_of

    def stops(verdicts_of: dict[Part, Verdicts]) -> list[Part]:
        return [part for part, verdicts in verdicts_of.items() if verdicts.faults]

    same: dict[Part, int] = {"dataset": 7, "train": 7, "gan": 7}
    assert stops(parts_that_stop(same, ("dataset", "train", "gan"))) == ["gan"]
    assert stops(parts_that_stop(same, ("dataset", "train"))) == ["gan"]
    assert stops(parts_that_stop(same, ("gan",))) == ["dataset", "train"]
    other: dict[Part, int] = {"dataset": 7, "train": 8}
    assert stops(parts_that_stop(other, ("dataset", "train"))) == ["dataset", "train"]
