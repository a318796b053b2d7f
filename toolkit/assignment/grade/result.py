"""The result of one archive: what Gradescope reads, and what a command goes on from.

The schema: https://gradescope-autograders.readthedocs.io/en/latest/specs/
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator

from toolkit.assignment.check.findings import Finding, Report, Text
from toolkit.assignment.check.text import place_of
from toolkit.assignment.parts import Part
from toolkit.assignment.viva.questions import Question


def _encodable(name: str) -> str:
    """A file name whose bytes are not UTF-8, with codes in place of those bytes."""
    return name.encode(errors="backslashreplace").decode()


class Open(BaseModel):
    """What Gradescope keeps about a task but does not show."""

    open: float = 0.0  # points that a person may give, because not all could be seen


class TaskResult(BaseModel):
    """The points of one task of the rubric."""

    name: str
    score: float  # what is certain, without the open points
    max_score: float
    status: Literal["passed", "failed"]  # passed: all its points are certain
    output: str  # why
    output_format: Literal["text"] = "text"
    visibility: str
    extra_data: Open = Open()


class Extra(BaseModel):
    """What was judged, to which any rubric gives points; Gradescope does not show it."""

    archive: Annotated[str, BeforeValidator(_encodable)]  # its file name
    student_number: str  # "" if the file name has none
    problem: Text = ""  # why it could not be graded at all; "" if it was
    needs_a_look: list[str] = []  # why a person should look at it, a sentence each
    hints: list[Text] = []  # those of them that no rubric decides
    files: dict[Part, str] = {}  # which file was taken for which part
    findings: list[Finding] = []
    not_seen: list[Finding] = []  # neither right nor wrong
    right: list[Finding] = []
    lines: dict[str, str] = {}  # the source line of each place where something is wrong
    viva: list[Question] = []  # for an oral examination, if they were asked for
    isolation: str = "none was needed: nothing was run"
    versions: str = ""  # of the packages it ran with, and which are not the released ones
    printed: str = ""  # the end of what was written to the error output
    disturbed: bool = False  # by others, so that it is to be graded once more with none beside it
    archive_sha256: str = ""  # "" as the next if the grader failed: the next command tries again
    settings_sha256: str = ""  # of what the verdict depends on besides
    rubric_sha256: str = ""  # of what the points depend on besides

    @property
    def report(self) -> Report:
        """What the check said."""
        seen = not self.findings and not self.not_seen
        return Report(passed=seen, findings=self.findings, not_seen=self.not_seen,
                      right=self.right)  # fmt: skip


class Result(BaseModel):
    """`results.json` of one archive."""

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
        """Points that a person may give, because not all could be seen."""
        return sum(test.extra_data.open for test in self.tests)

    @property
    def checked(self) -> float:
        """Points that the check could give at most."""
        return sum(test.max_score for test in self.tests)


def describe(finding: Finding) -> str:
    """A finding as a line: where, what, and its id."""
    place = place_of(finding)
    equation = None if finding.equation is None else f"equation ({finding.equation})"
    name = ", ".join(word for word in (finding.id, equation) if word)
    return (f"{place}: " if place else "") + finding.message + (f" [{name}]" if name else "")
