"""The whole check, as a student calls it: its processes, its output and its exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.assignment.check import supervisor
from toolkit.assignment.check.parent import check
from toolkit.assignment.check.text import as_text

from .conftest import Check
from .corpus import cases

ROOT = Path(__file__).parents[3]
SKELETON = ROOT / "assignments" / "skeleton"
WITHOUT_TORCH = [
    "toolkit.assignment.app",
    "toolkit.assignment.parts",
    "toolkit.assignment.check.parent",
    "toolkit.assignment.check.supervisor",
    "toolkit.assignment.check.channel",
    "toolkit.assignment.check.findings",
    "toolkit.assignment.check.text",
    "toolkit.assignment.check.explanations",
    "toolkit.assignment.check.static",
    "toolkit.assignment.check.student.lines",
    "toolkit.assignment.check.student.submission",
]


def run_check(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "toolkit.assignment", "check", str(folder), *options],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def test_the_parent_imports_no_torch() -> None:
    """Nor do --help and what finds files."""
    code = (
        "import importlib, sys\n"
        f"for module in {WITHOUT_TORCH}:\n"
        "    importlib.import_module(module)\n"
        "    if 'torch' in sys.modules:\n"
        "        sys.exit(f'{module} imports torch')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_right(tmp_path: Path) -> None:
    cases.write_right("separate gates", tmp_path)
    done = run_check(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equations (1) to (7)" in done.stdout.lower()
    assert "Nothing is wrong." in done.stdout
    assert "gan: interpolating" in done.stderr  # progress


def test_wrong(tmp_path: Path) -> None:
    """The file, line and id, the student's own line, and the sentence about it."""
    cases.write_wrong("the label is the middle", tmp_path)
    for name in ("lstm.py", "train.py", "my_gan.py"):
        (tmp_path / name).unlink()
    done = run_check(tmp_path)
    assert done.returncode == 1
    lines = (tmp_path / "dataset.py").read_text().splitlines()
    number = next(k for k, line in enumerate(lines, start=1) if "def __getitem__" in line)
    place = f"  dataset.py:{number}: wrong-label"
    after = done.stdout[done.stdout.index(place) :].splitlines()
    assert after[0] == place
    assert after[2] == f"  {number} | {lines[number - 1]}"
    assert "Which digit should be predicted?" in " ".join(done.stdout.split())
    assert "4 things are wrong." in done.stdout  # three files are missing


def test_json(tmp_path: Path) -> None:
    """The shape and the exit code; three files are missing and one has a syntax error."""
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "lstm.py").write_text("x = 1\ndef f(:\n")
    done = run_check(tmp_path, "--json")
    assert done.returncode == 1
    content = json.loads(done.stdout)
    assert content["passed"] is False
    assert content["right"] == content["not_seen"] == []
    assert [f["id"] for f in content["findings"]].count("missing-file") == 3
    (broken,) = [f for f in content["findings"] if f["id"] == "does-not-import"]
    assert broken.pop("message")
    assert broken == {
        "verdict": "wrong",
        "id": "does-not-import",
        "part": "lstm",
        "equation": None,
        "file": "deeper/lstm.py",
        "line": 2,
    }


def test_nothing_to_check(tmp_path: Path) -> None:
    for folder, words in ((tmp_path, "contains none of"), (tmp_path / "x", "is not a folder")):
        done = run_check(folder)
        assert done.returncode == 2
        assert words in done.stderr
        assert done.stdout == ""


def test_the_blank_skeleton(warm_check: Check) -> None:
    """It says what is to be written, and that nothing is wrong with the rest."""
    report = warm_check(SKELETON)
    assert not report.passed
    text = as_text(report, SKELETON)
    raises = sum(p.read_text().count("raise NotImplementedError") for p in SKELETON.glob("*.py"))
    last = text.splitlines()[-1]
    assert last.startswith(f"{raises} pieces are still to be written. Nothing is wrong")
    assert text.count(": not-written") == raises


def test_the_skeleton_stands_alone() -> None:
    for path in SKELETON.glob("*.py"):
        assert "toolkit" not in path.read_text()


def test_the_toolkit_is_not_handed_in(tmp_path: Path, warm_check: Check) -> None:
    """By whichever file beside theirs, and however it is imported."""
    (tmp_path / "dataset.py").write_text("from helpers import make\nraise ValueError\n")
    (tmp_path / "helpers.py").write_text(
        "import importlib\n\nmake = importlib.import_module('toolkit.lstm.data')\n"
    )
    found = warm_check(tmp_path, parts=["dataset"]).findings
    assert ("forbidden-module", "helpers.py", 3) in [(f.id, f.file, f.line) for f in found]


def test_what_a_student_prints_is_no_finding(tmp_path: Path) -> None:
    """Nor what is written to all descriptors, nor the end of the check."""
    finding = {"verdict": "wrong", "part": "dataset", "id": "wrong-label", "message": ""}
    lines = "".join(json.dumps(m) + "\n" for m in ({"finding": finding}, {"finished": True}))
    (tmp_path / "dataset.py").write_text(
        f"import os\nprint({lines!r})\nfor descriptor in range(1, 40):\n    try:\n"
        f"        os.write(descriptor, {lines.encode()!r})\n    except OSError:\n        pass\n"
    )
    (found,) = check(tmp_path, parts=["dataset"]).findings
    assert found.id == "does-not-run"
    assert "no class PalindromeDataset" in found.message


def test_lower_limits_than_its_own_are_kept(tmp_path: Path) -> None:
    """As a sandbox sets them."""
    (tmp_path / "dataset.py").write_text("class PalindromeDataset:\n    raise KeyError('here')\n")
    limit = f"ulimit -d {3 << 20} -t 10; exec {sys.executable} -m toolkit.assignment check ."
    done = subprocess.run(
        ["bash", "-c", f"{limit} --json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    (finding,) = [f for f in json.loads(done.stdout)["findings"] if f["part"] == "dataset"]
    assert "KeyError: 'here'" in finding["message"]


@pytest.mark.parametrize(
    "code",
    ["raise SystemExit(0)", "print('x' * 10**8)\nraise ValueError('no')"],
    ids=["exit", "prints"],
)
def test_code_that_exits_or_prints(code: str, tmp_path: Path, warm_check: Check) -> None:
    (tmp_path / "dataset.py").write_text(code)
    report = warm_check(tmp_path, parts=["dataset"])
    assert [f.id for f in report.findings] == ["does-not-import"]


def test_a_crash_costs_only_its_own_process(tmp_path: Path) -> None:
    (tmp_path / "dataset.py").write_text("import os\nos._exit(0)\n")
    (finding,) = check(tmp_path, parts=["dataset"]).findings
    assert finding.id == "time-limit"
    assert "The process ended during this: importing dataset.py" in finding.message


def test_an_endless_loop_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(supervisor.LIMITS, "dataset", 4)  # CPU seconds, half of them for importing
    (tmp_path / "dataset.py").write_text("while True:\n    pass\n")
    (finding,) = check(tmp_path, parts=["dataset"]).findings
    assert finding.id == "time-limit"
    assert "importing dataset.py" in finding.message
