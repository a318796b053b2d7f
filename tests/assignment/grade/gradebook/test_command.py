"""The command `grade --csv`: what it writes, and what it says."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from toolkit.assignment.app import app

pytestmark = pytest.mark.needs("bwrap")
ROSTER = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Assignment 3 (772)\n"
    '"Älva, Zoë",501,10000001,zalva,CS324,\n"Normal, Otto",503,10000003,onormal,CS324,\n'
)


def test_grade_for_canvas(tmp_path: Path) -> None:
    """Both archives are broken, so nothing is run; one is of nobody in the list."""
    folder = tmp_path / "archives"
    folder.mkdir()
    for name in ("älvazoë_501_90001_work.zip", "who_777_90003_work.zip"):
        (folder / name).write_bytes(b"no archive")
    (tmp_path / "roster.csv").write_text(ROSTER)
    out = tmp_path / "graded"
    options = ["--jobs", "1", "--out", str(out), "--csv", "canvas", "--unsafe"]
    options += ["--roster", str(tmp_path / "roster.csv")]
    result = CliRunner().invoke(app, ["grade", str(folder), *options])
    assert result.exit_code == 0, result.output
    said = result.output.splitlines()
    assert "'who_777_90003_work.zip' is in no line: nobody in the roster is like that." in said
    assert "Nothing from: Normal, Otto 503 10000003 onormal" in said
    files = ", ".join(str(out / name) for name in ("canvas.csv", "canvas-feedback.zip",
                                                   "missing.csv"))  # fmt: skip
    assert said[-1] == f"For canvas: {files}."
    assert (out / "canvas.csv").read_text().splitlines()[2] == (
        '"Älva, Zoë",501,10000001,zalva,CS324,'
    )


@pytest.mark.slow
def test_what_is_wanted_is_said_first(tmp_path: Path) -> None:
    """Before anything is graded; the names that a platform gives need no roster."""
    (tmp_path / "12345678_assignment3.zip").write_bytes(b"no archive")
    (tmp_path / "roster.csv").write_text(ROSTER)
    command = ["grade", str(tmp_path), "--out", str(tmp_path / "graded"), "--unsafe"]
    result = CliRunner().invoke(app, [*command, "--roster", str(tmp_path / "roster.csv")])
    assert result.exit_code == 2
    result = CliRunner().invoke(app, [*command, "--csv", "moodle"])
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "with Moodle's own list" in result.output
    assert not (tmp_path / "graded").exists()
    named = tmp_path / "Zoe Alva_501_assignsubmission_file_12345678_assignment3.zip"
    (tmp_path / "12345678_assignment3.zip").rename(named)
    assert CliRunner().invoke(app, [*command, "--csv", "moodle"]).exit_code == 0
    assert "Participant 501,Zoe Alva" in (tmp_path / "graded" / "moodle.csv").read_text()
