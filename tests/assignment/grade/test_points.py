"""Points as a teacher would give them; each case is worked by hand."""

from typing import Any

import pytest

from toolkit.assignment.findings.findings import QUESTIONS, Finding, Id, Report
from toolkit.assignment.grade.points import count, free, reasons
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.running.parts import Part

RUBRIC = read_rubric()
IMPORT, GAP = "does-not-import", "not-written"
# LSTM 20, training 8, palindromes 8; GAN 36, samples 4, interpolation 8
FULL = [20, 8, 8, 36, 4, 8]


def wrong(id: Id, part: Part, file: str | None = None, line: int | None = None, **more: Any) -> Any:
    return Finding(verdict="wrong", id=id, part=part, file=file, line=line, message="m", **more)


def unseen(part: Part, id: Id | None = None) -> Finding:
    return Finding(verdict="not seen", id=id, part=part, message="m")


ANSWERED = [
    Finding(verdict="right", part=part, message=f"{ids}", answers=ids)
    for part, questions in QUESTIONS.items()
    for ids in questions
]


def not_judged(findings: list[Finding]) -> list[Finding]:
    """The answers about the parts whose code did not stop, and that were not left out."""
    stops = {IMPORT, GAP, "missing-file", "time-limit", None}
    ended = {finding.part for finding in findings if finding.id in stops}
    return [answer for answer in ANSWERED if answer.part not in ended]


def points(
    *findings: Finding, answered: list[Finding] | None = None
) -> tuple[list[float], list[float]]:
    """What each task has lost for certain, and what is open in it."""
    answers = not_judged(list(findings)) if answered is None else answered
    counted = count(Report.of([*answers, *findings]), RUBRIC)
    lost = [full - one.score - one.open for full, one in zip(FULL, counted, strict=True)]
    return lost, [one.open for one in counted]


NOTHING = [0] * 6
EQUATIONS = [wrong("wrong-equation", "lstm", "lstm.py", k, equation=k) for k in range(1, 7)]
CASES: dict[str, tuple[list[Finding], list[int], list[int]]] = {  # lost and open, by hand
    "nothing wrong": ([], NOTHING, NOTHING),
    "a kind counts once in a task, an equation is a kind": (
        [*EQUATIONS[:2], EQUATIONS[1].model_copy(update={"line": 9})],
        [10, 0, 0, 0, 0, 0], NOTHING),
    "another kind is another loss": (
        [*EQUATIONS[:2], wrong("fixed-device", "lstm", "lstm.py", 4)],
        [12, 0, 0, 0, 0, 0], NOTHING),
    "no task goes below nothing": (EQUATIONS, [20, 0, 0, 0, 0, 0], NOTHING),
    # In the data set, which cannot be judged; nor can the training, but nobody knows about it.
    "an import that two files need counts once": (
        [wrong(IMPORT, "dataset", "dataset.py", 3), wrong(IMPORT, "train", "dataset.py", 3)],
        [0, 0, 8, 0, 0, 0], [0, 8, 0, 0, 0, 0]),
    "an import counts where it costs most": (
        [wrong(IMPORT, "lstm", "lstm.py", 3), wrong(IMPORT, "train", "lstm.py", 3)],
        [20, 0, 0, 0, 0, 0], [0, 8, 8, 0, 0, 0]),
    "two causes count twice": (
        [wrong(IMPORT, "lstm", "lstm.py", 1), wrong(IMPORT, "train", "train.py", 1)],
        [20, 8, 0, 0, 0, 0], [0, 0, 8, 0, 0, 0]),
    "one line in two parts counts once and hides nothing": (
        [wrong("fixed-device", "lstm", "lstm.py", 7), wrong("fixed-device", "train", "lstm.py", 7)],
        [2, 0, 0, 0, 0, 0], NOTHING),
    **{f"without {part} all its tasks are lost": ([wrong("missing-file", part)], lost, NOTHING)
       for part, lost in (("lstm", [20, 0, 0, 0, 0, 0]), ("dataset", [0, 0, 8, 0, 0, 0]),
                          ("train", [0, 8, 8, 0, 0, 0]), ("gan", [0, 0, 0, 36, 4, 8]))},
    "what is not written costs all its tasks": (
        [wrong(GAP, "gan", "my_gan.py", k) for k in (5, 9)], [0, 0, 0, 36, 4, 8], NOTHING),
    "once in the part that it stands in, whichever else comes across it": (
        [wrong(GAP, "lstm", "lstm.py", 5), wrong(GAP, "train", "lstm.py", 5)],
        [20, 0, 0, 0, 0, 0], [0, 8, 8, 0, 0, 0]),
    "what was not seen is open: all that is left": (
        [wrong("wrong-shape", "gan", "my_gan.py", 3), unseen("gan")],
        [0, 0, 0, 6, 0, 0], [0, 0, 0, 30, 4, 8]),
    "one fault that may be there is open in the task that counts it, for what it costs": (
        [unseen("gan", "missing-interpolation"), unseen("dataset", "split-leak"),
         unseen("gan", "missing-folder")], NOTHING, [0, 0, 2, 0, 0, 8]),
    "a fault that is there is not open": (
        [wrong("split-leak", "dataset", "dataset.py", 3), unseen("dataset", "split-leak")],
        [0, 0, 2, 0, 0, 0], NOTHING),
    "after a time limit the rest is neither wrong nor full": (
        [wrong("time-limit", "lstm", "lstm.py")], [10, 0, 0, 0, 0, 0], [10, 0, 0, 0, 0, 0]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_points(case: str) -> None:
    findings, *expected = CASES[case]
    assert list(points(*findings)) == expected


@pytest.mark.parametrize(
    ("without", "lost", "still_open"),
    [
        ({("lstm", "wrong-equation")}, [2, 0, 0, 0, 0, 0], [10, 0, 0, 0, 0, 0]),
        ({("dataset", "wrong-label")}, [2, 0, 0, 0, 0, 0], [0, 0, 5, 0, 0, 0]),
        ({("gan", "sigmoid-twice"), ("gan", "one-sided-loss")},
         [2, 0, 0, 0, 0, 0], [0, 0, 0, 20, 0, 0]),
        ({("train", ids[0]) for ids in QUESTIONS["train"]},
         [2, 0, 0, 0, 0, 0], [0, 8, 8, 0, 0, 0]),
        ({(part, ids[0]) for part in QUESTIONS for ids in QUESTIONS[part]},
         [2, 0, 0, 0, 0, 0], [18, 8, 8, 36, 4, 8]),
    ],
)  # fmt: skip
def test_no_points_without_a_right(
    without: set[tuple[str, str]], lost: list[int], still_open: list[int]
) -> None:
    """The dearest fault that one look would have shown is open, also beside another fault."""
    cheap = wrong("fixed-device", "lstm", "lstm.py", 4)
    answered = [a for a in ANSWERED if not {(a.part, id) for id in a.answers} & without]
    assert points(cheap, answered=answered) == (lost, still_open)


DRAWING: set[Id] = {"missing-interpolation", "same-class-ends"}


@pytest.mark.parametrize(
    ("stop", "without", "still_open"),
    [
        (unseen("gan"), set(), NOTHING),
        (wrong("does-not-run", "gan", "my_gan.py", 90), set(), NOTHING),
        (unseen("gan"), DRAWING, [0, 0, 0, 0, 0, 8]),
        (wrong("does-not-run", "gan", "my_gan.py", 90), DRAWING, [0, 0, 0, 0, 0, 8]),
        (wrong("does-not-run", "gan", "my_gan.py", 90), {"wrong-direction", "batchnorm-mode"},
         [0, 0, 0, 12, 4, 0]),
        (wrong("time-limit", "lstm", "lstm.py"), {"does-not-learn"}, [6, 0, 0, 0, 0, 0]),
    ],
)  # fmt: skip
def test_what_was_judged_stays_judged(
    stop: Finding, without: set[str], still_open: list[int]
) -> None:
    """A stop opens the questions that nobody could answer for that reason, and no others."""
    answered = [
        answer
        for answer in ANSWERED
        if answer.part != stop.part or without.isdisjoint(answer.answers)
    ]
    assert points(stop, answered=answered) == (NOTHING, still_open)


def test_what_costs_nothing() -> None:
    """An id that costs points in other parts only, or nowhere."""
    elsewhere = wrong("wrong-noise", "lstm", "lstm.py", 2)
    nowhere = wrong("missing-folder", "gan", "my_gan.py", 3)
    counted = wrong("dead-parameter", "lstm", "lstm.py", 2)
    report = Report.of([elsewhere, nowhere, counted, *ANSWERED])
    assert free(report, RUBRIC) == [elsewhere, nowhere]
    assert points(elsewhere, nowhere, counted) == ([4, 0, 0, 0, 0, 0], NOTHING)


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
            [wrong("does-not-run", "gan", "my_gan.py", 90)],
            ["my_gan.py stops with an error."],
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
    report = Report.of([*not_judged(findings), *findings])
    assert reasons(report, count(report, RUBRIC)) == expected


def test_nobody_needs_a_look_where_nothing_is_open() -> None:
    """The check stopped the training after some steps, but every question has its answer."""
    report = Report.of([*ANSWERED, unseen("train")])
    counted = count(report, RUBRIC)
    assert [task.open for task in counted] == [0] * len(counted)
    assert reasons(report, counted) == []
