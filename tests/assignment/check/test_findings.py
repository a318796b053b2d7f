"""The record of what a check finds."""

import pytest
from pydantic import ValidationError

from toolkit.assignment.check.findings import CheckFailed, Finding, Report

WRONG = Finding(verdict="wrong", part="lstm", id="wrong-equation", equation=5, message="Look.")
RIGHT = Finding(verdict="right", part="gan", message="The noise is standard normal.")
UNSEEN = Finding(verdict="not seen", part="dataset", message="This machine was too busy.")


def test_a_finding_comes_back_from_json() -> None:
    """With lone surrogates replaced, which a message from a student's code may have."""
    finding = Finding.model_validate(
        WRONG.model_dump() | {"file": "a\udc80.py", "line": 3, "message": "\ud800!"}
    )
    assert (finding.file, finding.message) == ("a?.py", "?!")
    assert Finding.model_validate_json(finding.model_dump_json()) == finding


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},  # what is wrong has a name
        {"id": "no-such-id"},
        {"verdict": "maybe"},
        {"part": "my_gan"},
        {"equation": 11},
        {"line": "3"},
        {"points": 5},
    ],
    ids=str,
)
def test_what_is_not_a_finding(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Finding.model_validate(WRONG.model_dump() | change)


def test_report_sorts_by_verdict_and_place() -> None:
    later = WRONG.model_copy(update={"file": "lstm.py", "line": 30})
    earlier = WRONG.model_copy(update={"file": "lstm.py", "line": 4})
    first = WRONG.model_copy(update={"part": "dataset", "id": "wrong-label", "equation": None})
    report = Report.of([RIGHT, later, earlier, first, UNSEEN, later])
    assert report.findings == [first, earlier, later]
    assert report.right == [RIGHT]
    assert report.not_seen == [UNSEEN]
    assert not report.passed


def test_what_was_not_seen_is_not_wrong() -> None:
    report = Report.of([RIGHT, UNSEEN])
    assert report.passed
    report.raise_unfinished()


def test_a_check_that_fails_is_not_a_verdict() -> None:
    report = Report.of([RIGHT], [UNSEEN])
    assert not report.passed
    assert report.not_seen == [UNSEEN]
    with pytest.raises(CheckFailed, match=r"too busy\. This is not a verdict") as caught:
        report.raise_unfinished()
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "change",
    [{"passed": True}, {"findings": []}, {"right": [WRONG]}, {"not_seen": [RIGHT]}],
    ids=lambda change: "".join(change),
)
def test_report_that_contradicts_itself(change: dict[str, object]) -> None:
    content = {"passed": False, "findings": [WRONG], "right": [RIGHT]}
    assert Report.model_validate(content).findings == [WRONG]
    with pytest.raises(ValidationError):
        Report.model_validate(content | change)
