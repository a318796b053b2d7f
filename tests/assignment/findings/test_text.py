"""What a student reads in the terminal."""

from pathlib import Path

import pytest

from toolkit.assignment.findings.findings import Finding, Report
from toolkit.assignment.findings.text import as_text, source_line
from toolkit.assignment.running.parts import TITLES

from ..layouts import notebook

SOFTMAX = Finding(
    verdict="wrong",
    part="train",
    id="softmax-before-loss",
    equation=8,
    file="train.py",
    line=2,
    message="Which of the two is one too many?",
)
CODE = "def step(x, y):\n\treturn loss(x.softmax(1), y)  # why?\n"


@pytest.mark.parametrize(
    ("file", "cell", "place"),
    [("train.py", None, "train.py:2"), ("train.ipynb", 2, "train.ipynb, cell 2:2")],
)
def test_wrong_with_its_source_line(
    file: str, cell: int | None, place: str, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text(CODE)
    (tmp_path / "train.ipynb").write_text(notebook("x = 1", CODE))
    found = SOFTMAX.model_copy(update={"file": file, "cell": cell})
    text = as_text(Report.of([found]), tmp_path)
    lines = text[text.index(f"  {place}") :].splitlines()
    source = "return loss(x.softmax(1), y)  # why?"
    assert lines[:6] == [
        f"  {place}: softmax-before-loss, equation (8)",
        "    |",
        f"  2 |     {source}",
        f"    |     {'^' * len(source)}",
        "    Which of the two is one too many?",
        "    Read more: toolkit check --explain softmax-before-loss",
    ]
    assert text.splitlines()[-1].startswith("1 thing is wrong.")


def test_part_by_part(tmp_path: Path) -> None:
    """What is right, wrong and not seen stands under the title of its part."""
    right = Finding(verdict="right", part="lstm", message="It learns.")
    unseen = Finding(verdict="not seen", part="gan", message="No sampling was seen.")
    missing = Finding(verdict="wrong", part="dataset", id="missing-file", message="It is missing.")
    text = as_text(Report.of([SOFTMAX, unseen, missing, right]), tmp_path)
    assert [line for line in text.splitlines() if line] == [
        TITLES["dataset"],
        "  missing-file",
        "    It is missing.",
        "    Read more: toolkit check --explain missing-file",
        TITLES["lstm"],
        "  right: It learns.",
        TITLES["train"],
        "  train.py:2: softmax-before-loss, equation (8)",
        "    Which of the two is one too many?",
        "    Read more: toolkit check --explain softmax-before-loss",
        TITLES["gan"],
        "  not seen: No sampling was seen.",
        "2 things are wrong. Fix the first and check again: one fault hides others. "
        "1 thing was not seen: look at it.",
    ]
    assert f"{TITLES['dataset']}\n  missing-file\n" in text
    assert "right: It learns.\n\n" in text


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ({"line": 30, "function": "LSTM.forward"}, "LSTM.forward (line 30)"),
        ({"line": 3, "cell": 4, "function": "accuracy"}, "accuracy (cell 4, line 3)"),
        ({"line": 30}, "line 30"),
        ({}, "the whole file"),
    ],
)
def test_still_to_be_written(place: dict[str, object], shown: str, tmp_path: Path) -> None:
    """By its name and line, whatever its message says."""
    finding = Finding(
        verdict="wrong",
        part="train",
        id="not-written",
        file="train.py",
        message="This part is still to be written: Write this: now.",
    )
    text = as_text(Report.of([finding.model_copy(update=place)]), tmp_path)
    assert f"still to be written in train.py: {shown}\n" in text


@pytest.mark.parametrize(
    ("findings", "last"),
    [
        ([], "Nothing is wrong."),
        (["not-written"], "1 piece is still to be written. Nothing is wrong with the rest so far."),
        (
            ["not-written", "wrong-label"],
            "1 thing is wrong. Fix the first and check again: one fault hides others. "
            "1 piece is still to be written.",
        ),
    ],
    ids=["right", "to do", "both"],
)
def test_count(findings: list[str], last: str, tmp_path: Path) -> None:
    report = Report.of(
        Finding.model_validate({"verdict": "wrong", "part": "dataset", "id": id, "message": "m"})
        for id in findings
    )
    assert as_text(report, tmp_path).splitlines()[-1] == last


def test_which_file_was_taken(tmp_path: Path) -> None:
    """And where something was not seen, if it has a place."""
    unseen = Finding(
        verdict="not seen", part="gan", file="GAN.ipynb", cell=3, line=7, message="No loop."
    )
    text = as_text(Report.of([unseen], {"gan": "Part 2/GAN.ipynb"}), tmp_path)
    assert f"{TITLES['gan']}: Part 2/GAN.ipynb" in text
    assert "  not seen: No loop. (GAN.ipynb, cell 3:7)" in text
    assert text.endswith("Nothing is wrong, but 1 thing was not seen: look at it.")


def test_a_line_of_a_cell(tmp_path: Path) -> None:
    """Counted among the code cells; nothing of a notebook that is none."""
    (tmp_path / "a.ipynb").write_text(notebook("x = 1", "\ny = 2\nz = 3"))
    assert source_line(tmp_path, "a.ipynb", 2, 2) == "y = 2"
    for line, cell in ((9, 2), (1, 3), (1, 0)):
        assert source_line(tmp_path, "a.ipynb", line, cell) is None
    (tmp_path / "b.ipynb").write_text("{}")
    assert source_line(tmp_path, "b.ipynb", 1, 1) is None


def test_source_lines_that_cannot_be_shown(tmp_path: Path) -> None:
    """A file that is gone, a line past its end, a blank one, and a file outside the folder."""
    root = tmp_path / "theirs"
    root.mkdir()
    (root / "lstm.py").write_bytes(b"x = 1\n\ny = '\x1b[2J\xff'\n")
    (tmp_path / "secret.txt").write_text("not theirs\n")
    assert source_line(root, "lstm.py", 1) == "x = 1"
    assert source_line(root, "lstm.py", 3) == "y = ' [2J\ufffd'"  # nothing steers the terminal
    for file, line in (("gone.py", 1), ("lstm.py", 9), ("lstm.py", 2), ("../secret.txt", 1)):
        assert source_line(root, file, line) is None
