"""A cell of a notebook that stops ends the cells after it, and not those before."""

from pathlib import Path

import pytest

from toolkit.assignment.findings.findings import Report
from toolkit.assignment.running.parts import Part

from ..conftest import Check
from ..layouts import notebook

PIECES = Path(__file__).parent / "corpus" / "right" / "pieces.py"
PARTS: tuple[Part, ...] = ("dataset", "lstm", "train")
STEPS = "steps = 11, 128, 1000"  # of a training that is too long for its plain run
FAULT = "accuracy_of_the_rnn"  # which nobody has defined


def checked(cells: list[str], folder: Path, check: Check) -> Report:
    """The report about a notebook with these cells of the pieces; others are code themselves."""
    pieces = {}
    for piece in PIECES.read_text().split("# %% ")[1:]:
        name, code = piece.split("\n", 1)
        pieces[name] = code.replace(STEPS, "steps = 11, 32, 12")
    texts = [pieces.get(cell, cell) for cell in cells]
    (folder / "all.ipynb").write_text(notebook(*texts))
    return check(folder, parts=PARTS)


@pytest.mark.rows(1)
def test_what_ran_before_is_judged_and_the_stop_is_one_finding(
    tmp_path: Path, warm_check: Check
) -> None:
    report = checked(["imports", "data", "lstm", "train", FAULT], tmp_path, warm_check)
    (stop,) = report.findings
    assert (stop.id, stop.part, stop.cell, stop.line) == ("does-not-run", "train", 5, 1)
    assert stop.message.startswith("This statement stops with NameError")
    assert {finding.part for finding in report.right} == {*PARTS}
    for finding in report.not_seen:
        assert finding.part == "train"


@pytest.mark.slow
def test_what_comes_after_it_was_not_run(tmp_path: Path, warm_check: Check) -> None:
    """The data set is judged, and the LSTM is not; nobody says that it is missing."""
    report = checked(["imports", "data", FAULT, "lstm", "train"], tmp_path, warm_check)
    assert {finding.part for finding in report.right} == {"dataset"}
    assert report.findings != []
    for finding in report.findings:
        assert (finding.id, finding.cell, finding.line) == ("does-not-run", 3, 1)
