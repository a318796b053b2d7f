"""The record of what a check finds."""

import pytest
from pydantic import ValidationError

from toolkit.assignment.findings.findings import Finding, Report
from toolkit.assignment.findings.verdicts import listed

WRONG = Finding(verdict="wrong", part="lstm", id="wrong-equation", equation=5, message="Look.")
RIGHT = Finding(verdict="right", part="gan", message="The noise is standard normal.")
UNSEEN = Finding(verdict="not seen", part="dataset", message="This machine was too busy.")


def test_a_finding_comes_back_from_json() -> None:
    """Without lone surrogates and what steers a terminal, which a student's texts may have."""
    finding = Finding.model_validate(
        WRONG.model_dump() | {"file": "a\udc80.py", "line": 3, "message": "\x1b[2J!"}
    )
    assert (finding.file, finding.message) == ("a .py", " [2J!")
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
    cells = [WRONG.model_copy(update={"file": "a.ipynb", "cell": k, "line": 4}) for k in (1, 2)]
    first = WRONG.model_copy(update={"part": "dataset", "id": "wrong-label", "equation": None})
    report = Report.of([RIGHT, later, *reversed(cells), earlier, first, UNSEEN, later, *cells])
    assert report.findings == [first, *cells, earlier, later]
    assert report.right == [RIGHT]
    assert report.not_seen == [UNSEEN]
    assert not report.passed


def test_what_says_the_same_is_listed_once() -> None:
    """The sentence and what it mentions tell, and not how the sentence puts it."""
    first = UNSEEN.model_copy(update={"rule": "not-seen.lacking", "fields": {"package": "a"}})
    reworded = first.model_copy(update={"message": "This machine lacks a."})
    other = first.model_copy(update={"fields": {"package": "b"}})
    report = Report.of([first, reworded, other, other])
    assert report.not_seen == [first, other]


@pytest.mark.parametrize(
    ("findings", "passed", "exit_code"),
    [
        ([RIGHT], True, 0),
        ([], True, 0),
        ([RIGHT, WRONG], False, 1),
        ([RIGHT, UNSEEN], False, 3),
        ([WRONG, UNSEEN], False, 1),
    ],
    ids=["right", "nothing", "wrong", "not seen", "both"],
)
def test_what_was_not_seen_is_neither(
    findings: list[Finding], passed: bool, exit_code: int
) -> None:
    """No pass, and no fault either."""
    report = Report.of(findings)
    assert (report.passed, report.exit_code) == (passed, exit_code)


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


@pytest.mark.parametrize(
    ("names", "text"), [("a", "a"), ("abc", "a, b, c"), ("abcde", "a, b, c and 2 more")]
)
def test_a_long_list_of_names_is_cut(names: str, text: str) -> None:
    assert listed(list(names)) == text
