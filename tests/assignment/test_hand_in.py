"""From a folder to points with the real check, through the command line: pack, then grade."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from toolkit.assignment.__main__ import app
from typer.testing import CliRunner

from .check.corpus import cases

ASSIGNMENTS = Path(__file__).parents[2] / "assignments"
CELL = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": 1, "source": ["1"]}
FULL = 84  # points that no person gives


def add_the_rest(folder: Path) -> None:
    """A notebook that was run, and a report."""
    content = {"cells": [CELL], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "assignment3.ipynb").write_text(json.dumps(content))
    (folder / "report.tex").write_text("An analysis.")
    (folder / "report.pdf").write_bytes(b"%PDF-1.7 the same")


@pytest.mark.slow
def test_right_and_wrong(tmp_path: Path) -> None:
    """The right one gets all points; the wrong one loses those of equation (5) and is told so."""
    handed_in = tmp_path / "class"
    runner = CliRunner()
    for number in ("10000001", "10000002"):
        folder = tmp_path / number
        folder.mkdir()
        cases.write_right("separate gates", folder)
        add_the_rest(folder)
    packed = runner.invoke(
        app, ["pack", str(folder), "--student-number", "10000001", "--out", str(handed_in)]
    )
    assert packed.exit_code == 0, packed.output
    assert "It unpacks and runs." in packed.output
    assert "Look at this again" not in packed.output
    cases.write_wrong("c adds f", folder)
    with zipfile.ZipFile(handed_in / "10000002_assignment3.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"10000002/{path.name}")
    out = tmp_path / "graded"
    graded = runner.invoke(app, ["grade", str(handed_in), "--out", str(out)])
    assert graded.exit_code == 0, graded.output
    assert "2 results, 0 of them need a look" in graded.output
    right, wrong = (
        json.loads((out / f"{number}_assignment3.zip" / "results.json").read_text())
        for number in ("10000001", "10000002")
    )
    assert right["score"] == FULL
    assert right["extra_data"]["findings"] == []
    (finding,) = wrong["extra_data"]["findings"]
    assert (finding["id"], finding["equation"]) == ("wrong-equation", 5)
    assert wrong["score"] == FULL - 5
    page = (out / "10000002_assignment3.zip" / "feedback.html").read_text()
    assert "wrong-equation, equation (5)" in page


def test_the_blank_skeleton_is_not_packed(tmp_path: Path) -> None:
    """Each file that is to be filled in is named, and so are the notebook and the report."""
    folder = tmp_path / "mine"
    shutil.copytree(ASSIGNMENTS / "skeleton", folder)
    shutil.copy(ASSIGNMENTS / "assignment3.ipynb", folder)
    packed = CliRunner().invoke(
        app, ["pack", str(folder), "--student-number", "10000001", "--out", str(tmp_path)]
    )
    assert packed.exit_code == 1
    for words in (
        *(f"{name} is not filled in" for name in cases.FILES.values()),
        "assignment3.ipynb was never run",
        "The report (.tex with its .pdf, or .docx) is missing",
    ):
        assert words in packed.output
    assert not list(tmp_path.glob("*.zip"))
