"""From what the check said about one archive to points."""

from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from toolkit.assignment.check.findings import Finding, Report
from toolkit.assignment.grade.archive import BrokenArchive, student_number, unpack
from toolkit.assignment.grade.result import Extra, Result, TaskResult, describe
from toolkit.assignment.grade.rubric import Rubric, Task
from toolkit.assignment.grade.sandbox.isolation import Isolation, Limits, find_isolation
from toolkit.assignment.grade.sandbox.scratch import scratch_directory
from toolkit.assignment.grade.sandbox.supervise import Outcome, run

# The check, as arguments of Python; PATH stands for the unpacked archive.
CHECK = ("-m", "toolkit.assignment", "check", "PATH", "--json")
MAX_FINDINGS, MAX_TEXT = 200, 2000  # kept of a report, and characters kept of a text in it
MAX_PRINTED = 4000  # characters of the error output that a result keeps


class BadReport(ValueError):
    """What came out of the sandbox is not a report of the check; the message is for the student."""


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
        isolation: None for the best that works here.

    Returns:
        what `results.json` will hold; every archive gets a result, whatever is in it.

    Raises:
        ToolkitError: this user has no isolation; see `find_isolation`.
    """
    isolation = isolation or find_isolation()
    with scratch_directory() as scratch:
        try:
            unpack(data, scratch / "submission")
        except BrokenArchive as error:
            return ungraded(name, f"The archive was not unpacked. {error}", rubric)
        outcome = run(list(check), scratch, limits, isolation)
    try:
        if outcome.status != "finished":
            raise BadReport(_stopped(outcome, limits))
        result = _with_points(name, read_report(outcome), rubric)
    except BadReport as error:
        result = ungraded(name, str(error), rubric)
    result.execution_time = round(outcome.seconds, 1)
    result.extra_data.isolation = isolation.describe()
    result.extra_data.printed = outcome.stderr.decode(errors="replace")[-MAX_PRINTED:]
    return result


def read_report(outcome: Outcome) -> Report:
    """The report that the check printed, with the first findings only, and their texts cut.

    Raises:
        BadReport: the output is not exactly one report, or does not fit the exit code.
    """
    if outcome.exit_code not in (0, 1):
        words = outcome.stderr.decode(errors="replace").strip().splitlines()
        # With 2 the check itself gave up, and said why in its last line.
        why = f" {words[-1][:300]}" if words and outcome.exit_code == 2 else ""
        raise BadReport(f"The check could not be done (exit code {outcome.exit_code}).{why}")
    try:
        report = Report.model_validate_json(outcome.stdout)
    except ValidationError as error:
        raise BadReport("The check's report cannot be read: was it tampered with?") from error
    if report.unfinished or report.passed != (outcome.exit_code == 0):
        raise BadReport("The check's report contradicts its exit code: was it tampered with?")
    limited = {"findings": _limited(report.findings), "not_seen": _limited(report.not_seen)}
    return report.model_copy(update=limited)


def _limited(findings: Iterable[Finding]) -> list[Finding]:
    def cut(text: str | None) -> str | None:
        return None if text is None else _printable(text)[:MAX_TEXT]

    return [
        finding.model_copy(update={"file": cut(finding.file), "message": cut(finding.message)})
        for finding, _ in zip(findings, range(MAX_FINDINGS), strict=False)
    ]


def _printable(text: str) -> str:
    """Without control characters, which could steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def _stopped(outcome: Outcome, limits: Limits) -> str:
    reason = {
        "time": f"had not finished after {limits.seconds:g} s",
        "memory": f"took more than {limits.memory / 2**30:g} GiB of memory",
        "processes": f"ran more than {limits.processes} processes",
        "disk": f"wrote more than {limits.disk / 2**30:g} GiB",
    }[outcome.status]
    return f"The check was stopped: it {reason}."


def _with_points(name: str, report: Report, rubric: Rubric) -> Result:
    tests = []
    for task in rubric.checked:
        losses = task.losses(report.findings)
        score = max(0.0, task.points - sum(points for _, points in losses))
        lines = [f"-{points:g}: {describe(finding)}" for finding, points in losses]
        why = "\n".join(lines) or "Nothing wrong was found."
        tests.append(_task_result(task, score, not losses, why, rubric))
    others = rubric.without_points(report.findings)
    result = _result(name, "", tests, rubric)
    result.score = sum(test.score for test in tests)
    result.output = "\n".join(
        [_by_hand(rubric), *(f"This costs no points: {describe(finding)}" for finding in others)]
    )
    result.extra_data.findings = report.findings
    result.extra_data.not_seen = report.not_seen
    return result


def ungraded(name: str, problem: str, rubric: Rubric) -> Result:
    """A result without points yet: a person must look at the archive."""
    problem = _printable(problem)
    why = "This could not be checked."
    tests = [_task_result(task, 0.0, False, why, rubric) for task in rubric.checked]
    result = _result(name, problem, tests, rubric)
    result.output = f"{problem}\nA person will have to look at it.\n{_by_hand(rubric)}"
    return result


def _task_result(task: Task, score: float, passed: bool, why: str, rubric: Rubric) -> TaskResult:
    return TaskResult(
        name=f"Part {task.part}, {task.name}",
        score=score,
        max_score=task.points,
        status="passed" if passed else "failed",
        output=why,
        visibility=rubric.visibility,
    )


def _result(name: str, problem: str, tests: list[TaskResult], rubric: Rubric) -> Result:
    extra = Extra(archive=name, student_number=student_number(name), problem=problem)
    return Result(visibility=rubric.visibility, tests=tests, extra_data=extra)


def _by_hand(rubric: Rubric) -> str:
    given = sum(task.points for task in rubric.checked)
    by_hand = "; ".join(
        f"{task.name} (Part {task.part}, {task.points:g})" for task in rubric.by_hand
    )
    rest = f" A person gives the points for: {by_hand}." if by_hand else ""
    return f"The check gives up to {given:g} of {rubric.points:g} points.{rest}"
