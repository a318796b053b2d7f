"""From a folder to points with the real check, through the command line: pack, then grade."""

import html
import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from toolkit.assignment.app import app
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.verdict import grade_archive
from toolkit.assignment.running.parts import FILES
from toolkit.assignment.sandbox.choice import candidates
from toolkit.assignment.sandbox.isolation import Limits

from . import layouts, submissions, ways
from .judging.corpus import cases

CELL = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": 1, "source": ["1"]}

pytestmark = pytest.mark.needs("bwrap")


def add_the_rest(folder: Path) -> None:
    """Add a notebook that was run, and a report."""
    content = {"cells": [CELL], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "assignment3.ipynb").write_text(json.dumps(content))
    (folder / "report.tex").write_text("An analysis.")
    (folder / "report.pdf").write_bytes(b"%PDF-1.7 the same")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The folder of the archive of a submission with one fault, and what `pack` said."""
    folder = tmp_path_factory.mktemp("mine")
    cases.write_right("separate gates", folder)
    cases.write_planted("c adds f", folder)
    add_the_rest(folder)
    out = tmp_path_factory.mktemp("class")
    arguments = ["pack", str(folder), "--student-number", "10000002", "--out", str(out)]
    return out, CliRunner().invoke(app, arguments)


@pytest.mark.slow
@pytest.mark.xdist_group("hand in")  # packed once
def test_pack_names_the_fault(packed: tuple[Path, Result]) -> None:
    """The archive is made nevertheless, because the code runs."""
    folder, result = packed
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    first = "10000002_assignment3.zip is packed, but this would cost points: wrong-equation."
    assert first in lines
    (records,) = [line for line in lines if line.startswith("Have another look")]
    assert "There is no folder records/" in records
    (cost,) = [line for line in lines if line.startswith("Costs points: ")]
    assert "[wrong-equation, equation (5)]" in cost
    assert [path.name for path in folder.iterdir()] == ["10000002_assignment3.zip"]


@pytest.mark.slow
@pytest.mark.xdist_group("hand in")
def test_grade_takes_its_points_away(packed: tuple[Path, Result], tmp_path: Path) -> None:
    """Those of equation (5), and no others: all else is right."""
    if all(map(ways.why_not, candidates())):
        pytest.skip(ways.HOW["bubblewrap"])  # this is root, and cannot give up its rights
    graded = CliRunner().invoke(app, ["grade", str(packed[0]), "--out", str(tmp_path)])
    assert graded.exit_code == 0, graded.output
    assert "Graded: 1. Need a look: 0." in graded.output
    directory = tmp_path / "10000002_assignment3.zip"
    result = json.loads((directory / "results.json").read_text())
    (finding,) = result["extra_data"]["findings"]
    assert (finding["id"], finding["equation"]) == ("wrong-equation", 5)
    assert [test["score"] for test in result["tests"]] == [20 - 5, 8, 8, 36, 4, 8]
    (line,) = result["extra_data"]["lines"].values()
    feedback = (directory / "feedback.html").read_text()
    assert "(equation 5)" in feedback
    assert f"<pre>{html.escape(line.strip())}</pre>" in feedback


COURSE = (
    pytest.param("flat", marks=pytest.mark.nightly),  # the one before
    pytest.param("nested twice", marks=pytest.mark.nightly),
    "Part 1, Part 2",
    "two notebooks",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", COURSE)
def test_the_same_points_in_the_folders_of_the_course(name: str, tmp_path: Path) -> None:
    """To the point, task by task, for a submission with one fault."""
    isolation = ways.best()
    cases.write_right("separate gates", tmp_path)
    cases.write_planted("c adds f", tmp_path)
    texts = {part: (tmp_path / name).read_text() for part, name in FILES.items()}
    files, _ = layouts.LAYOUTS[name](texts)
    data = submissions.pack(dict(files))
    result = grade_archive(
        "1234_assignment3.zip", data, read_rubric(), Limits(), isolation=isolation
    )
    assert [test.score for test in result.tests] == [20 - 5, 8, 8, 36, 4, 8]
    assert not any(test.extra_data.open for test in result.tests)
    (finding,) = result.extra_data.findings
    assert (finding.part, finding.id, finding.equation) == ("lstm", "wrong-equation", 5)
    assert not result.extra_data.not_seen
