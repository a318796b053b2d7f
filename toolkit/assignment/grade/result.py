"""The result for one archive, in Gradescope's format; `grade` reuses this result when it is
restarted.

The schema: https://gradescope-autograders.readthedocs.io/en/latest/specs/
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator

from toolkit.assignment.findings.findings import Finding, Report, Text
from toolkit.assignment.findings.text import place_of
from toolkit.assignment.running.parts import Part
from toolkit.assignment.viva.questions import Question


def _encodable(name: str) -> str:
    """Return a file name in which escape sequences replace any bytes that are not UTF-8."""
    return name.encode(errors="backslashreplace").decode()


class Open(BaseModel):
    """The part of a task's result that Gradescope stores but does not show."""

    open: float = 0.0  # points that a person may give, because the check did not see everything


class TaskResult(BaseModel):
    """The points of one task of the rubric."""

    name: str
    score: float  # the certain points, without the open ones
    max_score: float
    status: Literal["passed", "failed"]  # passed: all its points are certain
    output: str  # the reasons
    output_format: Literal["text"] = "text"
    visibility: str
    extra_data: Open = Open()


class Extra(BaseModel):
    """The findings and other data about one archive, from which its points are computed; Gradescope
    stores these data but does not show them.
    """

    archive: Annotated[str, BeforeValidator(_encodable)]  # its file name
    student_number: str  # "" if the file name has none
    problem: Text = ""  # why the archive could not be graded; "" if it was graded
    needs_a_look: list[str] = []  # why a person should look at the archive, one sentence each
    hints: list[Text] = []  # the part of `needs_a_look` that no rubric decides
    files: dict[Part, str] = {}  # the file that was checked for each part
    findings: list[Finding] = []
    not_seen: list[Finding] = []  # neither right nor wrong
    right: list[Finding] = []
    lines: dict[str, str] = {}  # the source line of each place where something is wrong
    viva: list[Question] = []  # for an oral examination, if requested
    isolated_by: str = "none was needed"  # the name of the isolation
    isolation: str = "none was needed: nothing was run"
    versions: str = ""  # of the packages, and the differences from the released set
    printed: str = ""  # the end of the code's error output
    disturbed: bool = False  # other programs took time or memory: it is graded again, alone
    # SHA-256 of the archive, of all else that decides the verdict, and of the rubric. The first two
    # are "" if the grader failed; the next command tries again.
    archive_sha256: str = ""
    settings_sha256: str = ""
    rubric_sha256: str = ""

    @property
    def report(self) -> Report:
        """The report of the check."""
        return Report(
            passed=not self.findings and not self.not_seen,
            findings=self.findings,
            not_seen=self.not_seen,
            right=self.right,
        )


class Result(BaseModel):
    """The contents of `results.json` for one archive."""

    score: float = 0.0
    execution_time: float = 0.0  # seconds
    output: str = ""
    output_format: Literal["text"] = "text"
    visibility: str
    stdout_visibility: Literal["hidden"] = "hidden"
    tests: list[TaskResult] = []
    extra_data: Extra

    @property
    def open(self) -> float:
        """The number of points that the check leaves open, so that a person must decide whether to
        award them.
        """
        return sum(test.extra_data.open for test in self.tests)

    @property
    def checked(self) -> float:
        """The highest number of points that the check can give."""
        return sum(test.max_score for test in self.tests)


def describe(finding: Finding) -> str:
    """Return a finding as one line of text: its location, message and labels."""
    line = finding.message
    place = place_of(finding)
    if place:
        line = f"{place}: {line}"
    labels: list[str] = []
    if finding.id:
        labels.append(finding.id)
    if finding.equation is not None:
        labels.append(f"equation ({finding.equation})")
    if labels:
        line += f" [{', '.join(labels)}]"
    return line
