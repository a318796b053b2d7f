"""One archive from its bytes to a result: what the judge says, whatever happens to it."""

from collections.abc import Collection
from itertools import chain
from typing import Any

import pytest

from toolkit.assignment.findings.findings import MAX_TEXT, QUESTIONS, Finding, Report
from toolkit.assignment.grade import verdict
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.verdict import Check, grade_archive
from toolkit.assignment.judging import parent
from toolkit.assignment.sandbox.isolation import Isolation, Limits

from .. import stand_in, ways
from ..submissions import CHECK, FINE, pack

WRONG = Finding(verdict="wrong", id="wrong-equation", part="lstm", equation=3, file="lstm.py",
                line=5, message="m")  # fmt: skip
UNSEEN = Finding(verdict="not seen", part="gan", id="same-class-ends", message="the ends")
RIGHT = Finding(verdict="right", part="dataset", message="palindromes")


def grade(
    *findings: Finding, files: dict[str, str | bytes] | None = None, silent: str = ""
) -> Result:
    """Of a judge that says just this, nothing of one part, and that all others are right."""

    def judge(submission: Any, host: Any, root: str, packages: Collection[str]) -> Report:
        files = {part: at.file for part, at in submission.parts.items()}
        all_of = {part: tuple(chain(*QUESTIONS[part])) for part in files if part != silent}
        said = [RIGHT.model_copy(update={"part": p, "answers": ids}) for p, ids in all_of.items()]
        return Report.of([*findings, *said], files)

    data = pack(dict(FINE) if files is None else files)
    limits, none = Limits(), Isolation("limits")
    return grade_archive(
        "12345678_assignment3.zip", data, read_rubric(), limits, Check(judge), none
    )


def test_a_result() -> None:
    """Worked by hand: an equation costs 5 of Task 1; 4 points of Task 3 are open."""
    result = grade(WRONG, UNSEEN)
    assert (result.score, result.open, result.checked) == (84 - 5 - 4, 4, 84)
    assert [test.score for test in result.tests] == [15, 8, 8, 36, 4, 4]
    assert [test.status for test in result.tests].count("failed") == 2
    assert result.tests[0].output == "-5: lstm.py:5: m [wrong-equation, equation (3)]"
    assert result.tests[1].output == "Nothing wrong was found."
    assert result.tests[5].output.startswith("Not seen: the ends\n4 points are open")
    assert result.output.startswith("75 points are certain. 4 more points are open")
    extra = result.extra_data
    assert (extra.findings, extra.not_seen, len(extra.right)) == ([WRONG], [UNSEEN], 4)
    assert extra.files == {part: name for part, name in zip(
        ("dataset", "lstm", "train", "gan"), FINE, strict=True)}  # fmt: skip
    assert extra.needs_a_look == ["Not all was seen of Part II, the GAN.",
                                  "4 points are open."]  # fmt: skip


def test_silence_earns_nothing() -> None:
    """All points of the training, and of the task that it shares with the data set, are open."""
    result = grade(silent="train")
    assert (result.score, result.open) == (84 - 8 - 8, 16)
    assert "Not seen: This was not checked: wrong-loss." in result.tests[1].output


def test_a_report_is_limited() -> None:
    """In the number of findings and the length of texts; what steers a terminal goes."""
    long = "\x1b[31m" + "x" * (MAX_TEXT + 1)
    many = [
        one.model_copy(update={"message": f"{long[:5]}{k:04}{long}", "file": f"{long}{k}"})
        for one in (WRONG, UNSEEN, RIGHT)
        for k in range(300)
    ]
    extra = grade(*many).extra_data
    for findings in (extra.findings, extra.not_seen, extra.right):
        assert len(findings) == verdict.MAX_FINDINGS
        for text in (findings[-1].message, findings[-1].file):
            assert text is not None
            assert len(text) == MAX_TEXT
            assert text[:5] == " [31m"


def test_sources_that_are_too_long_to_be_read() -> None:
    """The judge's own process reads them; data of that size is in other files."""
    more: dict[str, str | bytes] = {"data.csv": b"0," * 2**19, ".venv/lib/big.py": b"#" * 2**22}
    assert grade(files=FINE | more).score == 84
    result = grade(files=FINE | {"helpers.py": b"1\n" * 2**20 + b"2"})
    assert (result.score, result.open) == (0, 84)
    assert "Its .py files have more than 300 KiB" in result.extra_data.problem


def test_nothing_that_can_be_checked() -> None:
    result = grade(files={"notes.txt": "nothing"})
    assert (result.score, result.open) == (0, 84)
    assert result.extra_data.problem.startswith("The archive contains none of dataset.py")
    assert result.extra_data.needs_a_look == [result.extra_data.problem]


@pytest.mark.needs("bwrap")
def test_a_fault_of_the_judge_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its part is not seen, and a person looks; the others keep their verdicts."""

    def broken(submission: Any, host: Any, root: str, packages: Collection[str]) -> Report:
        true = parent.judge_part

        def judge_part(host: Any, root: str, located: Any, verdicts: Any) -> None:
            if verdicts.part == "gan":
                verdicts.doing = lambda *said: 1 / 0
            true(host, root, located, verdicts)

        monkeypatch.setattr(parent, "judge_part", judge_part)
        return stand_in.judge(submission, host, root, packages)

    result = grade_archive("1_assignment3.zip", pack(dict(FINE)), read_rubric(), Limits(),
                           Check(broken, CHECK.child), ways.best())  # fmt: skip
    assert (result.score, result.open) == (36, 48)
    (unseen,) = result.extra_data.not_seen
    assert "The check itself failed" in unseen.message
    assert result.extra_data.findings == []
    assert result.extra_data.needs_a_look
