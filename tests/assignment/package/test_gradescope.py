"""The package for Gradescope, as Gradescope lays it out: its files, its results, its protection.

What runs a submission needs root, and a Python that every user can read.
"""

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from typer.testing import CliRunner

from toolkit.__main__ import app
from toolkit.assignment.grade.rubric import DEFAULT, read_rubric
from toolkit.assignment.package import graded, on_gradescope
from toolkit.assignment.package.graded import ANOTHER_USER
from toolkit.assignment.running.parts import FILES
from toolkit.assignment.sandbox.supervise import descendants

from .. import deceits, ways
from ..grade.test_folder import SCHEMA
from ..judging.corpus import cases
from ..submissions import FINE, pack

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("package") / "autograder.zip"
    result = CliRunner().invoke(app, ["package", "gradescope", "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out


def test_what_is_in_it(package: Path, tmp_path: Path) -> None:
    """Both scripts are at the root and can be run; no trained model, no document, no test is."""
    CliRunner().invoke(app, ["package", "gradescope", "--out", str(tmp_path / "again.zip")])
    assert (tmp_path / "again.zip").read_bytes() == package.read_bytes()
    with zipfile.ZipFile(package) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        assert archive.read("rubric.toml") == DEFAULT.read_bytes()
        lines = archive.read("requirements.txt").decode().splitlines()
        for script in ("setup.sh", "run_autograder"):
            subprocess.run(["bash", "-n"], input=archive.read(script), check=True)
    subprocess.run(["bash", "-n", ROOT / "benchmarks" / "as_gradescope.sh"], check=True)
    assert {entries[name].external_attr >> 16 for name in ("setup.sh", "run_autograder")} == {
        0o100755
    }
    assert not [name for name in entries if name.endswith((".pt", ".pt2", ".onnx", ".pyc"))]
    assert {name.partition("/")[0] for name in entries} == {
        *("setup.sh", "run_autograder", "requirements.txt", "rubric.toml", "toolkit")
    }
    assert {"torch<2.16,>=2.4", "pandas<4,>=2.2"} <= set(lines)
    assert not [line for line in lines if line.startswith(("gradio", "onnx", "pytest", "docxtpl"))]


@pytest.mark.slow
def test_it_needs_nothing_else_of_the_toolkit(package: Path, tmp_path: Path) -> None:
    """Its own files alone can be imported, without the packages that it does not install."""
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path)
    program = (
        "import sys\nsys.modules |= dict.fromkeys(['gradio', 'imageio'])\n"
        "import toolkit.assignment.package.on_gradescope, toolkit.assignment.judging.parent\n"
        "from toolkit.assignment.judging.parent import JUDGES\n"
        "for name in JUDGES.values():\n    __import__(name)\n"
        "print(sys.modules['toolkit'].__file__)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True,
                          text=True, env=os.environ | {"PYTHONPATH": str(tmp_path)})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "toolkit" / "__init__.py")


def test_a_name_that_gradescope_does_not_take(tmp_path: Path) -> None:
    out = tmp_path / "autograder.tar"
    result = CliRunner().invoke(app, ["package", "gradescope", "--out", str(out)])
    assert result.exit_code == 2
    assert not out.exists()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Gradescope's /autograder, with what its image and its harness put there."""
    if os.geteuid() != 0:
        pytest.skip("needs root: it runs a submission as another user")
    if (reason := ways.why_not(ANOTHER_USER)) is not None:
        pytest.skip(f"needs a Python that every user can read: {reason}")
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o011)  # pytest closes them; /autograder is open
    root = tmp_path / "autograder"
    for name in ("source/toolkit/lstm", "submission", "results"):
        (root / name).mkdir(parents=True)
    (root / "source" / "rubric.toml").write_bytes(DEFAULT.read_bytes())
    (root / "source" / "toolkit" / "lstm" / "model.py").write_text("class LSTM: ...\n")
    (root / "other.json").write_text('{"score": 10}')
    (root / "other.json").chmod(0o600)
    (root / "loot").mkdir()
    (root / "loot").chmod(0o777)
    return root


def result_of(root: Path) -> dict[str, Any]:
    """Run what run_autograder runs, and read its result."""
    on_gradescope.main(root)
    result = json.loads((root / "results" / "results.json").read_text())
    jsonschema.validate(result, SCHEMA)
    assert os.stat(root / "submission").st_mode & 0o777 == 0o755  # open again, as it was
    return dict(result)


def test_a_right_one(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Gradescope unpacks an archive; one inside of it stays."""
    if torch.version.cuda:
        pytest.skip("needs torch for the CPU, as setup.sh installs: the other takes 400 MB at once")
    files = root.parent / "files"
    files.mkdir()
    cases.write_right("separate gates", files)
    data = pack({path.name: path.read_bytes() for path in files.iterdir()})
    (root / "submission" / "12345678_assignment3.zip").write_bytes(data)
    result = result_of(root)
    assert result["score"] == 84
    assert result["extra_data"]["isolation"] == ANOTHER_USER.describe()
    assert result["extra_data"]["student_number"] == "12345678"
    assert capsys.readouterr().out == "Nothing needs a look.\n"


def test_nothing_handed_in(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = result_of(root)
    assert (result["score"], len(result["tests"])) == (0, 6)
    assert "contains none of dataset.py" in capsys.readouterr().out


def test_more_than_can_be_looked_at(root: Path) -> None:
    with open(root / "submission" / "weights.bin", "wb") as file:
        file.truncate(300 * 2**20)
    assert "more than 200 MiB" in result_of(root)["output"]


def test_stopped_in_the_middle(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By Gradescope, for its time or memory: there is a result, and it is nobody's fault."""

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(on_gradescope, "grade_handed_in", stopped)
    with pytest.raises(KeyboardInterrupt):
        on_gradescope.main(root)
    result = json.loads((root / "results" / "results.json").read_text())
    jsonschema.validate(result, SCHEMA)
    assert result["score"] == 0
    assert "did not finish" in result["output"]


def programs(root: Path) -> dict[str, str]:
    """All deceits, for this folder."""
    known = {"root": str(root), "loot": str(root / "loot"), "judge": os.getpid()}
    escapes = {
        name: (deceits.LOOT + text).format(**known) for name, text in deceits.ESCAPES.items()
    }
    return deceits.TRICKS | escapes


def test_the_escapes_would_succeed_without_protection(root: Path) -> None:
    """As root, they find what they are looking for, so that the next test means something."""
    escapes = [programs(root)[name] for name in ("results", "trace", "solve", "change")]
    subprocess.run([sys.executable, "-c", "\n".join(escapes)], check=True, cwd=root,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    found = {path.name for path in (root / "loot").iterdir()}
    assert {"write-results-results.json", "read-other.json", "signal", "trace", "read-environ",
            "list-fd", "read-model", "change-torch", "become-root"} <= found  # fmt: skip


# Each part is a process of its own, so each file of an archive can try something else.
ARCHIVES = [
    ["results trace solve change", "patch", "answer", "write"],
    ["outlive", "exit", "kill", "leave daemon"],
    ["send", "last", "solve", "results"],
]


def test_every_deceit_is_tried() -> None:
    tried = {name for files in ARCHIVES for file in files for name in file.split()}
    assert tried == deceits.TRICKS.keys() | deceits.ESCAPES.keys()


def running(uid: int | None) -> set[int]:
    """The processes of a user, without those that have ended and that nobody has waited for."""
    family = set(descendants(os.getpid(), uid)) - set(descendants(os.getpid()))
    return {pid for pid in family if b") Z" not in Path(f"/proc/{pid}/stat").read_bytes()}


@pytest.mark.slow
@pytest.mark.parametrize("files", ARCHIVES, ids="; ".join)
def test_deceits(root: Path, files: list[str]) -> None:
    """They earn nothing, reach nothing, change nothing, and leave nothing running or lying."""
    for file, names in zip(FILES.values(), files, strict=True):
        program = "\n".join(programs(root)[name] for name in names.split())
        (root / "submission" / file).write_text(program + deceits.STUBS)
    result = result_of(root)
    assert running(ANOTHER_USER.uid) == set()
    assert result["score"] == 0
    assert result["extra_data"]["right"] == []
    assert "the assignment needs nothing like that" in str(result["extra_data"]["needs_a_look"])
    written = (root / "results" / "results.json").read_bytes()
    time.sleep(0.5)
    assert (root / "results" / "results.json").read_bytes() == written
    assert [path.name for path in (root / "loot").iterdir()] == []
    assert (root / "other.json").read_text() == '{"score": 10}'
    for folder in ("/tmp", "/var/tmp", "/dev/shm"):
        assert not list(Path(folder).glob(f"left-by-{os.getpid()}*"))


def test_an_archive_may_be_as_large_as_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the byte; a larger one is handed on as a file among others."""
    given: list[str] = []
    data = pack(FINE)
    (tmp_path / "mine.zip").write_bytes(data)
    monkeypatch.setattr(graded.os, "geteuid", lambda: 0)
    monkeypatch.setattr(graded, "why_not", lambda way: None)
    monkeypatch.setattr(graded, "grade_archive", lambda name, *_, **__: given.append(name))
    for most in (len(data), len(data) - 1):
        monkeypatch.setattr(graded, "MAX_ARCHIVE", most)
        graded.grade_handed_in(tmp_path, read_rubric(), on_gradescope.LIMITS)
    assert given == ["mine.zip", "submission.zip"]


def test_only_root_can(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It never runs a submission as the judge's own user."""
    (tmp_path / "lstm.py").write_text(FINE["lstm.py"])
    monkeypatch.setattr(graded.os, "geteuid", lambda: 1000)
    with pytest.raises(graded.ToolkitError, match="grades as root"):
        graded.grade_handed_in(tmp_path, read_rubric(), on_gradescope.LIMITS)
