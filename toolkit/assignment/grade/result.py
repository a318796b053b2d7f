"""The result of one archive: what Gradescope reads, and what a command goes on from.

The schema: https://gradescope-autograders.readthedocs.io/en/latest/specs/
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator

from toolkit.assignment.check.findings import Finding


def _encodable(name: str) -> str:
    """A file name whose bytes are not UTF-8, with codes in place of those bytes."""
    return name.encode(errors="backslashreplace").decode()


class TaskResult(BaseModel):
    """The points of one task of the rubric."""

    name: str
    score: float
    max_score: float
    status: Literal["passed", "failed"]
    output: str  # why
    output_format: Literal["text"] = "text"
    visibility: str


class Extra(BaseModel):
    """What Gradescope keeps but does not show."""

    archive: Annotated[str, BeforeValidator(_encodable)]  # its file name
    student_number: str  # "" if the file name has none
    problem: str = ""  # why a person must look at it; "" if all went well
    findings: list[Finding] = []
    not_seen: list[Finding] = []  # costs no points
    isolation: str = "none was needed: nothing was run"
    printed: str = ""  # the end of what was written to the error output
    archive_sha256: str = ""  # "" if the grader failed, so that the next command tries again
    settings_sha256: str = ""


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


def describe(finding: Finding) -> str:
    """A finding as a line: where, what, and its id."""
    place = finding.file or ""
    if place and finding.cell is not None:
        place += f", code cell {finding.cell}"
    if place and finding.line is not None:
        place += f", line {finding.line}"
    equation = None if finding.equation is None else f"equation ({finding.equation})"
    name = ", ".join(word for word in (finding.id, equation) if word)
    return (f"{place}: " if place else "") + finding.message + (f" [{name}]" if name else "")
