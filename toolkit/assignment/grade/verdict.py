"""From what the check said of one archive to points, as Gradescope's results.json has them.

The schema: https://gradescope-autograders.readthedocs.io/en/latest/specs/
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from toolkit.assignment.grade.archive import BrokenArchive, code_folder, student_number, unpack
from toolkit.assignment.grade.rubric import Finding, Rubric, Task
from toolkit.assignment.grade.sandbox.isolation import Isolation, Limits, find_isolation
from toolkit.assignment.grade.sandbox.scratch import scratch_directory
from toolkit.assignment.grade.sandbox.supervise import Outcome, run

# The check, as arguments of Python; PATH becomes the place of the submission.
CHECK = ("-m", "toolkit.assignment", "check", "PATH", "--json")
MAX_FINDINGS, MAX_TEXT = 200, 2000  # of a report, and characters of one text in it
MAX_PRINTED = 4000  # characters of its printed output that a result keeps
TEXTS, NUMBERS = ("id", "part", "file", "message"), ("equation", "line")  # of a finding

Result = dict[str, Any]  # results.json of one submission


class BadReport(ValueError):
    """What came from the sandbox is not a report of the check."""


def grade_archive(
    name: str,
    data: bytes,
    rubric: Rubric,
    limits: Limits,
    check: Sequence[str] = CHECK,
    isolation: Isolation | None = None,
) -> Result:
    """Unpack one archive, check it in a sandbox, and give points.

    Args:
        name: the archive's file name.
        data: its content.
        isolation: the best that works here, if None.

    Returns:
        what `results.json` will hold; whatever the archive is, there is a result.

    Raises:
        ToolkitError: there is no isolation for this user; see `find_isolation`.
    """
    isolation = isolation or find_isolation()
    with scratch_directory() as scratch:
        try:
            paths = unpack(data, scratch / "submission")
        except BrokenArchive as error:
            return ungraded(name, f"The archive was not unpacked. {error}", rubric)
        folder = code_folder(paths)
        arguments = [f"PATH/{folder}" if word == "PATH" else word for word in check]
        outcome = run(arguments, scratch, limits, isolation)
    try:
        if outcome.status != "finished":
            raise BadReport(_stopped(outcome, limits))
        findings = read_report(outcome)
    except BadReport as error:
        result = ungraded(name, str(error), rubric)
    else:
        result = _with_points(name, findings, rubric)
    result["execution_time"] = round(outcome.seconds, 1)
    result["extra_data"] |= {
        "isolation": isolation.describe(),
        "printed": outcome.stderr.decode(errors="replace")[-MAX_PRINTED:],
    }
    return result


def read_report(outcome: Outcome) -> list[Finding]:
    """The findings that the check printed.

    Raises:
        BadReport: its output is not one report and nothing else, or does not fit its exit code.
    """
    if outcome.exit_code not in (0, 1):
        words = outcome.stderr.decode(errors="replace").strip().splitlines()
        # 2 is the check's own refusal, whose sentence is its last.
        why = f" {words[-1][:300]}" if words and outcome.exit_code == 2 else ""
        raise BadReport(f"The check could not be done (exit code {outcome.exit_code}).{why}")
    try:
        report = json.loads(outcome.stdout)
    except (ValueError, RecursionError) as error:
        raise BadReport("The check's report cannot be read: was it tampered with?") from error
    if not isinstance(report, dict) or not isinstance(report.get("findings"), list):
        raise BadReport("The check's report has no findings: was it tampered with?")
    findings = [_finding(one) for one in report["findings"][:MAX_FINDINGS]]
    if report.get("passed") is not (outcome.exit_code == 0) or report["passed"] == bool(findings):
        raise BadReport("The check's report contradicts itself: was it tampered with?")
    return findings


def _finding(one: Any) -> Finding:
    id = one.get("id") if isinstance(one, dict) else None
    if not isinstance(id, str) or not re.fullmatch(r"[a-z0-9-]{1,60}", id):
        raise BadReport("The check's report has a finding without an id: was it tampered with?")
    finding: Finding = {}
    for key in TEXTS:
        finding[key] = None if one.get(key) is None else _printable(str(one[key]))[:MAX_TEXT]
    for key in NUMBERS:
        finding[key] = one.get(key) if type(one.get(key)) is int else None
    return finding


def _printable(text: str) -> str:
    """Without what steers a terminal or is no character at all."""
    return "".join(c if c.isprintable() else " " for c in text)


def _stopped(outcome: Outcome, limits: Limits) -> str:
    reason = {
        "time": f"was not done after {limits.seconds:g} s",
        "memory": f"took more than {limits.memory / 2**30:g} GiB of memory",
        "processes": f"ran more than {limits.processes} processes",
        "disk": f"wrote more than {limits.disk / 2**30:g} GiB",
    }[outcome.status]
    return f"The check was stopped: it {reason}."


def _with_points(name: str, findings: list[Finding], rubric: Rubric) -> Result:
    result = _result(name, "", rubric, findings)
    for task in rubric.checked:
        losses = task.losses(findings)
        score = max(0.0, task.points - sum(points for _, points in losses))
        lines = [f"-{points:g}: {describe(finding)}" for finding, points in losses]
        said = "\n".join(lines) or "Nothing was found wrong."
        result["tests"].append(_test(task, score, not losses, said, rubric))
    result["score"] = sum(test["score"] for test in result["tests"])
    others = [f"Found, at no cost: {describe(one)}" for one in rubric.without_points(findings)]
    result["output"] = "\n".join([_by_hand(rubric), *others])
    return result


def ungraded(name: str, problem: str, rubric: Rubric) -> Result:
    """No points yet, and a person must look."""
    problem = _printable(problem)
    result = _result(name, problem, rubric, [])
    said = "This could not be checked."
    result["tests"] = [_test(task, 0.0, False, said, rubric) for task in rubric.checked]
    result["output"] = f"{problem}\nA person will have to look at it.\n{_by_hand(rubric)}"
    return result


def _test(task: Task, score: float, passed: bool, said: str, rubric: Rubric) -> Result:
    return {
        "name": f"Part {task.part}, {task.name}",
        "score": score,
        "max_score": task.points,
        "status": "passed" if passed else "failed",
        "output": said,
        "output_format": "text",
        "visibility": rubric.visibility,
    }


def _result(name: str, problem: str, rubric: Rubric, findings: list[Finding]) -> Result:
    return {
        "score": 0.0,
        "output": "",
        "output_format": "text",
        "visibility": rubric.visibility,
        "stdout_visibility": "hidden",
        "tests": [],
        "extra_data": {
            "archive": name,
            "student_number": student_number(name),
            "problem": problem,  # "" where all went well
            "findings": findings,
            "isolation": "none was needed: nothing was run",
            "printed": "",
        },
    }


def _by_hand(rubric: Rubric) -> str:
    given = sum(task.points for task in rubric.checked)
    by_hand = "; ".join(
        f"{task.name} (Part {task.part}, {task.points:g})" for task in rubric.by_hand
    )
    rest = f" To be given by a person: {by_hand}." if by_hand else ""
    return f"The check gives up to {given:g} of {rubric.points:g} points.{rest}"


def describe(finding: Finding) -> str:
    """A finding as a line: where, what, and its id."""
    place = finding["file"] or ""
    if place and finding["line"] is not None:
        place += f", line {finding['line']}"
    equation = f", equation ({finding['equation']})" if finding["equation"] is not None else ""
    return f"{place + ': ' if place else ''}{finding['message'] or ''} [{finding['id']}{equation}]"
