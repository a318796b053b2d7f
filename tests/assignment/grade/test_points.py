"""Points as a teacher would give them; each case is worked by hand."""

from typing import Any

import pytest

from toolkit.assignment.check.findings import Finding, Id, Report
from toolkit.assignment.grade.points import count, free, reasons
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.parts import Part

RUBRIC = read_rubric()
# LSTM 20, training 8, palindromes 8; GAN 36, samples 4, interpolation 8
FULL = [20, 8, 8, 36, 4, 8]


def wrong(id: Id, part: Part, file: str | None = None, line: int | None = None, **more: Any) -> Any:
    return Finding(verdict="wrong", id=id, part=part, file=file, line=line, message="m", **more)


def unseen(part: Part, id: Id | None = None) -> Finding:
    return Finding(verdict="not seen", id=id, part=part, message="m")


def points(*findings: Finding) -> tuple[list[float], list[float]]:
    """What is certain, and what is open."""
    counted = count(Report.of(findings), RUBRIC)
    return [one.score for one in counted], [one.open for one in counted]


def lost(*findings: Finding) -> list[float]:
    """What each task has lost for certain."""
    scores, still_open = points(*findings)
    return [full - a - b for full, a, b in zip(FULL, scores, still_open, strict=True)]


def test_nothing_wrong() -> None:
    assert points() == (FULL, [0] * 6)


def test_a_kind_counts_once_in_a_task() -> None:
    """Two equations are 2 x 5 points; the same one twice is 5; another kind is another loss."""
    places = ((1, 1), (2, 3), (9, 3))
    twice = [wrong("wrong-equation", "lstm", "lstm.py", line, equation=k) for line, k in places]
    assert lost(*twice) == [10, 0, 0, 0, 0, 0]
    assert lost(*twice, wrong("fixed-device", "lstm", "lstm.py", 4)) == [12, 0, 0, 0, 0, 0]


def test_no_task_goes_below_nothing() -> None:
    many = [wrong("wrong-equation", "lstm", "lstm.py", k, equation=k) for k in range(1, 7)]
    assert lost(*many) == [20, 0, 0, 0, 0, 0]


def test_an_import_that_two_files_need_counts_once() -> None:
    """In the data set, which cannot be judged; nor can the training, but nobody knows about it."""
    both = [wrong("does-not-import", part, "dataset.py", 3) for part in ("dataset", "train")]
    assert lost(*both) == [0, 0, 8, 0, 0, 0]
    assert points(*both)[1] == [0, 8, 0, 0, 0, 0]


def test_an_import_counts_where_it_costs_most() -> None:
    """That of lstm.py in its own task, though the training comes to a halt as well."""
    both = [wrong("does-not-import", part, "lstm.py", 3) for part in ("lstm", "train")]
    assert lost(*both) == [20, 0, 0, 0, 0, 0]
    assert points(*both)[1] == [0, 8, 8, 0, 0, 0]


def test_two_causes_count_twice() -> None:
    two = [wrong("does-not-import", "lstm", "lstm.py", 1),
           wrong("does-not-import", "train", "train.py", 1)]  # fmt: skip
    assert lost(*two) == [20, 8, 0, 0, 0, 0]
    assert points(*two)[1] == [0, 0, 8, 0, 0, 0]


def test_one_line_in_two_parts_counts_once() -> None:
    """And hides nothing, so nothing is open."""
    both = [wrong("fixed-device", part, "lstm.py", 7) for part in ("lstm", "train")]
    assert points(*both) == ([18, 8, 8, 36, 4, 8], [0] * 6)


@pytest.mark.parametrize(
    ("part", "expected"),
    [("lstm", [20, 0, 0, 0, 0, 0]), ("dataset", [0, 0, 8, 0, 0, 0]),
     ("train", [0, 8, 8, 0, 0, 0]), ("gan", [0, 0, 0, 36, 4, 8])],
)  # fmt: skip
def test_a_missing_file_costs_all_its_tasks(part: Part, expected: list[float]) -> None:
    assert lost(wrong("missing-file", part)) == expected


def test_what_is_not_written_costs_all_its_tasks() -> None:
    """Once in the part that it stands in, whichever else comes across it."""
    holes = [wrong("not-written", "gan", "my_gan.py", k) for k in (5, 9)]
    assert lost(*holes) == [0, 0, 0, 36, 4, 8]
    across = [wrong("not-written", part, "lstm.py", 5) for part in ("lstm", "train")]
    assert lost(*across) == [20, 0, 0, 0, 0, 0]
    assert points(*across)[1] == [0, 8, 8, 0, 0, 0]


def test_what_was_not_seen_is_open() -> None:
    """All that is left of the tasks of its part."""
    one = wrong("wrong-shape", "gan", "my_gan.py", 3)
    assert points(one, unseen("gan")) == ([20, 8, 8, 0, 0, 0], [0, 0, 0, 30, 4, 8])


def test_one_fault_that_may_be_there_is_open() -> None:
    """In the task that counts it, and for what it costs; one that costs nothing opens nothing."""
    assert points(unseen("gan", "missing-interpolation"))[1] == [0, 0, 0, 0, 0, 8]
    assert points(unseen("dataset", "split-leak"))[1] == [0, 0, 2, 0, 0, 0]
    assert points(unseen("gan", "missing-folder")) == (FULL, [0] * 6)
    known = wrong("split-leak", "dataset", "dataset.py", 3)
    assert points(known, unseen("dataset", "split-leak"))[1] == [0] * 6


def test_after_a_time_limit_the_rest_is_open() -> None:
    """It is neither wrong nor full."""
    late = wrong("time-limit", "lstm", "lstm.py")
    assert points(late) == ([0, 8, 8, 36, 4, 8], [10, 0, 0, 0, 0, 0])


def test_what_costs_nothing() -> None:
    """An id that costs points in other parts only, or nowhere."""
    elsewhere = wrong("wrong-noise", "lstm", "lstm.py", 2)
    nowhere = wrong("missing-folder", "gan", "my_gan.py", 3)
    counted = wrong("dead-parameter", "lstm", "lstm.py", 2)
    report = Report.of([elsewhere, nowhere, counted])
    assert free(report, RUBRIC) == [elsewhere, nowhere]
    assert lost(elsewhere, nowhere, counted) == [4, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([], []),
        ([wrong("wrong-shape", "gan", "my_gan.py", 1)], []),
        ([wrong("missing-file", "train")], ["train.py is missing."]),
        (
            [wrong("does-not-import", "lstm", "src/cell.py", 1)],
            ["src/cell.py cannot be imported."],
        ),
        (
            [wrong("doubtful-record", "train", "records/lstm-T5.csv", 3)],
            ["records/lstm-T5.csv says what cannot be true."],
        ),
        (
            [wrong("time-limit", "lstm", "lstm.py")],
            ["lstm.py was stopped or ended in the middle.", "10 points are open."],
        ),
        (
            [unseen("lstm")],
            ["Not all was seen of Part I, the LSTM.", "20 points are open."],
        ),
        (
            [wrong("missing-file", "gan")],
            ["my_gan.py is missing.", "The score is low, 36 of 84."],
        ),
    ],
)
def test_who_needs_a_look(findings: list[Finding], expected: list[str]) -> None:
    report = Report.of(findings)
    assert reasons(report, count(report, RUBRIC)) == expected
