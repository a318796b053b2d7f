"""`viva --sheet` runs other people's code in the grader's sandbox, and nowhere else."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from toolkit.assignment.app import app
from toolkit.assignment.grade import sheet
from toolkit.assignment.handin.submission import Located, Submission
from toolkit.assignment.viva.facts import Runs

from .. import ways
from ..viva.test_viva import SCRIPT

# What somebody's code should not find; where it does, it ends before it trains.
FINDS = {
    "an environment variable": "import os\nassert 'PLANTED' not in os.environ\n",
    "a file": "import os\nassert not os.path.exists({file!r})\n",
    "the network": """
import socket
try:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM)
except OSError:
    pass
else:
    raise AssertionError
""",
    "the process that asks": "import os\nassert not os.path.exists('/proc/{pid}/environ')\n",
}


@pytest.mark.needs("bwrap")
@pytest.mark.rows(1)
@pytest.mark.parametrize("what", FINDS)
def test_it_finds_nothing_of_the_teachers(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --sheet, as one's own code, it does: then there is no question."""
    ways.need(ways.BUBBLEWRAP)
    monkeypatch.setenv("PLANTED", "secret")
    secret = tmp_path / "secret.txt"
    secret.write_text("of the teacher")
    hand_in = tmp_path / "hand_in"
    hand_in.mkdir()
    begins = FINDS[what].replace("{file!r}", repr(str(secret))).replace("{pid}", str(os.getpid()))
    (hand_in / "train.py").write_text(begins + SCRIPT, encoding="utf-8")
    page = tmp_path / "sheet.html"
    run = CliRunner().invoke(app, ["viva", str(hand_in), "--seed", "1", "--sheet", str(page)])
    assert run.exit_code == 0, run.output
    assert page.read_text(encoding="utf-8").count("<li>") >= 20
    run = CliRunner().invoke(app, ["viva", str(hand_in), "--seed", "1"])
    assert (run.exit_code, run.output.count("Only 0 of 5 questions")) == (1, 1), run.output


class Liar:
    """A process that says that its lines are in another file."""

    def __init__(self, file: str, line: int) -> None:
        self.helps: dict[str, Any] = {}
        self.asked: list[dict[str, Any]] = []
        where = {"at": [file, line], "random": 0, "value": 1.0}
        steps = [where, where | {"value": 2.0}]
        self.run: dict[str, Any] = {"ended": "", "whole": True, "cpu": 0.1, "passes": steps}
        self.run["lines"] = [
            {"at": [file, n], "random": 0, "numbers": None} for n in (line, line + 1)
        ]

    @contextlib.contextmanager
    def child(self, part: str, root: str) -> Iterator[Any]:
        yield SimpleNamespace(ask=SimpleNamespace(watch=self.watch))

    def watch(self, **asked: Any) -> Any:
        self.asked.append(asked)
        return self.run


@pytest.mark.parametrize(
    ("file", "line"),
    [("{secret}", 1), ("../secret.py", 1), ("train.py", 10**9), ("{root}/train.py", 1)],
)
def test_no_other_file_is_read_for_a_liar(file: str, line: int, tmp_path: Path) -> None:
    """What is read for a change goes into the sandbox: it must be of the hand-in."""
    root, secret = tmp_path / "copy", tmp_path / "secret.py"
    root.mkdir()
    secret.write_text("answer = 7\nother = 8\nthird = 9\n")
    (root / "train.py").write_text("a = 1\nb = 2\n" * 9)
    submission = Submission(root, {"train": Located("train.py")}, existing=("train.py",))
    for name, is_liar in ((file.format(secret=secret, root=root), True), ("train.py", False)):
        host = Liar(name, line if is_liar else 1)
        facts = list(Runs(submission, host, str(root), 0).facts())  # type: ignore[arg-type]
        assert bool(facts) is not is_liar
        sent = str([asked.get("edit") for asked in host.asked])
        assert "answer" not in sent
        assert ("b = 2" in sent) is not is_liar


def test_elsewhere_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    run = CliRunner().invoke(app, ["viva", str(tmp_path), "--sheet", str(tmp_path / "s.html")])
    assert run.exit_code == 1
    assert " ".join(sheet.NEEDS_LINUX.split()) in " ".join(run.output.split())


def test_unsafe_is_for_a_sheet(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["viva", str(tmp_path), "--unsafe"])
    assert run.exit_code == 2
    assert "--unsafe is for --sheet" in run.output
