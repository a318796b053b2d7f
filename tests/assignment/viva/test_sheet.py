"""`viva --sheet` runs other people's code in the grader's sandbox, and nowhere else."""

import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from toolkit.assignment.app import app
from toolkit.assignment.viva import sheet

from .. import ways
from .test_viva import SCRIPT

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


@pytest.mark.slow
@pytest.mark.needs("bwrap")
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


def test_elsewhere_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    run = CliRunner().invoke(app, ["viva", str(tmp_path), "--sheet", str(tmp_path / "s.html")])
    assert run.exit_code == 1
    assert " ".join(sheet.NEEDS_LINUX.split()) in " ".join(run.output.split())


def test_unsafe_is_for_a_sheet(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["viva", str(tmp_path), "--unsafe"])
    assert run.exit_code == 2
    assert "--unsafe is for --sheet" in run.output
