"""From the check's report to points; reports that nobody should believe."""

import json
from typing import Any

import pytest

from toolkit.assignment.check.findings import Finding, Report
from toolkit.assignment.grade import verdict
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.sandbox.isolation import Isolation, Limits
from toolkit.assignment.grade.sandbox.supervise import Outcome
from toolkit.assignment.grade.verdict import BadReport, grade_archive, read_report

from ..submissions import FINE, pack

FINDING = {"verdict": "wrong", "id": "wrong-equation", "part": "lstm", "equation": 3,
           "file": "lstm.py", "line": 5, "message": "m"}  # fmt: skip
UNSEEN = {"verdict": "not seen", "part": "gan", "message": "the latent size"}


def outcome(stdout: str, exit_code: int) -> Outcome:
    return Outcome("finished", exit_code, stdout.encode(), b"", 1.0)


def written(passed: bool, *findings: dict[str, Any], **more: Any) -> str:
    return json.dumps({"passed": passed, "findings": findings} | more)


@pytest.mark.parametrize(
    ("stdout", "exit_code"),
    [
        (written(True), -9),
        (written(True), 1),
        (written(True), 2),
        (written(True) + written(False), 0),
        (written(False), 1),
        (written(True, FINDING), 0),
        (written(False, FINDING), 0),
        (written(True).replace("true", "1"), 0),
        (written(False, {}), 1),
        (written(False, FINDING | {"id": "<script>"}), 1),
        (written(False, FINDING | {"id": 5}), 1),
        (written(False, FINDING | {"id": None}), 1),
        (written(False, FINDING | {"part": "other"}), 1),
        (written(False, FINDING | {"line": "5"}), 1),
        (written(False, FINDING | {"equation": 1e9}), 1),
        (written(False, FINDING | {"message": "\ud800"}), 1),  # cannot be written
        (written(False, FINDING | {"verdict": "right"}), 1),
        (written(False, FINDING | {"points": 100}), 1),
        (written(True, not_seen=[FINDING]), 0),
        (written(False, unfinished=[UNSEEN]), 1),
        (written(True, score=84), 0),
        ('{"passed": false, "findings": 3}', 1),
        ('{"passed": true}', 0),
        ("[" * 100_000, 0),
        ("", 0),
    ],
)
def test_reports_that_are_not_believed(stdout: str, exit_code: int) -> None:
    with pytest.raises(BadReport):
        read_report(outcome(stdout, exit_code))


def test_bytes_that_are_not_text() -> None:
    with pytest.raises(BadReport, match="tampered"):
        read_report(Outcome("finished", 0, b"\xff" + written(True).encode(), b"", 1.0))


def test_a_report_that_is() -> None:
    report = read_report(outcome(written(False, FINDING, not_seen=[UNSEEN]), 1))
    (finding,) = report.findings
    assert (finding.id, finding.equation, finding.line) == ("wrong-equation", 3, 5)
    assert [one.message for one in report.not_seen] == ["the latent size"]


def test_a_report_is_limited() -> None:
    """In the number of findings and the length of texts; what steers a terminal goes."""
    long = "\x1b[31m" + "x" * (verdict.MAX_TEXT + 1)
    many = [FINDING | {"message": long, "file": long, "line": k} for k in range(1000)]
    many_unseen = [UNSEEN | {"message": long}] * 1000
    report = read_report(outcome(written(False, *many, not_seen=many_unseen), 1))
    for findings in (report.findings, report.not_seen):
        assert len(findings) == verdict.MAX_FINDINGS
        for text in (findings[-1].message, findings[-1].file):
            assert text is None or (len(text) == verdict.MAX_TEXT and text[:5] == " [31m")


def test_why_the_check_gave_up() -> None:
    said = b"a warning\nError: the folder has no files.\n"
    with pytest.raises(BadReport, match=r"\(exit code 2\)\. Error: the folder has no files"):
        read_report(Outcome("finished", 2, b"", said, 1.0))


def test_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worked by hand: an equation costs 5 of Task 1; what was not seen costs nothing."""
    wrong, unseen = Finding(**FINDING), Finding(**UNSEEN)
    said = Report.of([wrong, unseen]).model_dump_json()
    monkeypatch.setattr(verdict, "run", lambda *_: Outcome("finished", 1, said.encode(), b"w", 2.5))
    result = grade_archive(
        "12345678_assignment3.zip", pack(FINE), read_rubric(), Limits(), (), Isolation("limits")
    )
    assert result.score == 84 - 5
    assert [test.score for test in result.tests] == [15, 8, 8, 36, 4, 8]
    assert result.tests[0].status == "failed"
    assert result.tests[0].output == "-5: lstm.py, line 5: m [wrong-equation, equation (3)]"
    assert result.tests[1].output == "Nothing wrong was found."
    extra = result.extra_data
    assert (extra.findings, extra.not_seen) == ([wrong], [unseen])
    assert (extra.student_number, extra.printed, result.execution_time) == ("12345678", "w", 2.5)
