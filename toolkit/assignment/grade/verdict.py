"""One archive: unpacked and judged here, run in a sandbox, and given points."""

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from toolkit.assignment.check.findings import Report
from toolkit.assignment.check.submission import prepare
from toolkit.assignment.check.text import place_of, source_line
from toolkit.assignment.grade.archive import BrokenArchive, read_archive, student_number, unpack
from toolkit.assignment.grade.points import Counted, count, free, reasons
from toolkit.assignment.grade.result import Extra, Open, Result, TaskResult, describe
from toolkit.assignment.grade.rubric import Rubric
from toolkit.assignment.grade.sandbox.choice import find_isolation
from toolkit.assignment.grade.sandbox.isolation import Isolation, Limits, Sandbox
from toolkit.assignment.grade.versions import versions
from toolkit.assignment.viva.questions import Question
from toolkit.common.errors import UsageError
from toolkit.common.texts.language import Language

if TYPE_CHECKING:
    from toolkit.assignment.grade.sandbox.share import Share

MAX_FINDINGS = 200  # of each verdict that a result keeps
MAX_PRINTED = 4000  # characters of the error output that a result keeps
# What judging one archive may take, besides what its code may: see SECURITY.md.
JUDGE_SECONDS, JUDGE_MEMORY = 120, 256 * 2**20  # of the clock and the processor each; bytes


@dataclass(frozen=True)
class Check:
    """What judges a submission in this process, and what runs its code in the sandbox.

    With a language for the `viva`, it also finds questions for an oral examination.
    """

    judge: Callable[..., Report] | None = None  # as `check.parent.judge`, which it is by default
    child: tuple[str, ...] = ("-m", "toolkit.assignment.check.child")  # arguments of Python
    viva: Language | None = None


CHECK = Check()


def grade_archive(
    name: str,
    archive: bytes | Path,
    rubric: Rubric,
    limits: Limits,
    check: Check = CHECK,
    isolation: Isolation | None = None,
) -> Result:
    """Unpack one archive, judge it while its code runs in a sandbox, and give points.

    All of it happens in a process of its own, within limits of its own; this one only imports what
    judges, and reads no archive.

    Args:
        name: the archive's file name.
        archive: its content, or where it is.
        isolation: None for the best that works here.

    Returns:
        what `results.json` will hold; every archive gets a result, whatever is in it.

    Raises:
        ToolkitError: this user has no isolation; see `find_isolation`.
        Failed: the grader itself did.
    """
    from toolkit.assignment.grade.sandbox.apart import Exceeded  # needs Linux

    def work(sandbox: Sandbox, own: "Share") -> bytes:
        return _judged(name, archive, rubric, check, sandbox, own).model_dump_json().encode()

    try:
        answer = judged_apart(work, limits, isolation)
    except Exceeded as error:
        return ungraded(name, f"The archive could not be graded: {error}.", rubric)
    return Result.model_validate_json(answer)


def judged_apart(
    work: Callable[[Sandbox, "Share"], bytes], limits: Limits, isolation: Isolation | None = None
) -> bytes:
    """What `work` makes of a new sandbox, in a process of its own, within limits of its own.

    Args:
        work: reads what a stranger handed in, and runs it in the sandbox that it is given.
        limits: of the sandbox.
        isolation: None for the best that works here.

    Raises:
        ToolkitError: this user has no isolation; see `find_isolation`.
        Exceeded: it took more than judging may.
        Failed: it raised something.
    """
    from toolkit.assignment.check.parent import import_judges  # here: they have torch
    from toolkit.assignment.grade.sandbox.apart import Bounds, apart  # need Linux
    from toolkit.assignment.grade.sandbox.scratch import scratch_directory, uids_in_use
    from toolkit.assignment.grade.sandbox.share import share
    from toolkit.assignment.grade.sandbox.supervise import end_all

    import_judges()
    way = isolation or find_isolation()
    if way.drop_user:
        way = replace(way, taken=uids_in_use())
    bounds = Bounds(limits.longest + JUDGE_SECONDS, JUDGE_SECONDS, JUDGE_MEMORY)
    with scratch_directory() as scratch, share(limits.memory, scratch) as own:

        def in_sandbox() -> bytes:
            os.umask(0o022)  # the user that the sandbox runs under reads what is written
            sandbox = Sandbox(way, scratch / "submission", scratch / "sandbox", limits)
            return work(sandbox, own)

        return apart(in_sandbox, bounds, lambda judge: end_all(judge, way.uid_of(judge)))


def _judged(
    name: str, archive: bytes | Path, rubric: Rubric, check: Check, sandbox: Sandbox, own: "Share"
) -> Result:
    from toolkit.assignment.check import parent
    from toolkit.assignment.check.host import MALFORMED
    from toolkit.assignment.grade.sandbox.host import SandboxedHost
    from toolkit.assignment.grade.unusual import unusual
    from toolkit.assignment.viva.session import questions_of

    archived, judge = sandbox.scratch.with_name("archive"), check.judge or parent.judge
    sandbox.submission.mkdir()
    try:
        unpack(read_archive(archive), archived)
        submission = prepare(archived, sandbox.submission)
    except BrokenArchive as error:
        return ungraded(name, f"The archive was not unpacked. {error}", rubric)
    except UsageError as error:
        problem = f"{error}".replace(str(archived), "The archive")
        return ungraded(name, problem, rubric)
    host = SandboxedHost(check.child, sandbox, own)
    began = time.monotonic()
    with host:
        given = submission, host, host.root
        report = judge(*given, packages=rubric.packages)
        questions: list[Question] = []
        with contextlib.suppress(*MALFORMED):  # what their process tells
            questions += (
                questions_of(*given, check.viva, crc32(name.encode())) if check.viva else []
            )
    extra = Extra(
        archive=name,
        student_number=student_number(name),
        files=report.files,
        findings=report.findings[:MAX_FINDINGS],
        not_seen=report.not_seen[:MAX_FINDINGS],
        right=report.right[:MAX_FINDINGS],
        hints=unusual(submission),
        lines=_source_lines(report, archived),
        viva=questions,
        isolation=sandbox.isolation.describe(),
        versions=versions(),
        printed=host.printed.decode(errors="replace")[-MAX_PRINTED:],
        disturbed=host.disturbed and report.not_seen != [],
    )
    return give_points(extra, rubric, round(time.monotonic() - began, 1))


def _source_lines(report: Report, root: Path) -> dict[str, str]:
    """The line of each finding, as it was handed in."""
    return {
        place_of(finding): line
        for finding in report.findings
        if finding.file is not None and finding.line is not None
        if (line := source_line(root, finding.file, finding.line, finding.cell)) is not None
    }


def give_points(extra: Extra, rubric: Rubric, seconds: float = 0.0) -> Result:
    """The result of what was judged, by this rubric: arithmetic, which runs nothing.

    Args:
        extra: with or without points by another rubric.
        seconds: that judging took.
    """
    report = extra.report
    unseen = [Counted(task, open=task.points) for task in rubric.checked]
    counted = unseen if extra.problem else count(report, rubric)
    tests = [
        TaskResult(
            name=f"Part {one.task.part}, {one.task.name}",
            score=one.score,
            max_score=one.task.points,
            status="passed" if one.score == one.task.points else "failed",
            output="This could not be checked." if extra.problem else one.explain(),
            visibility=rubric.visibility,
            extra_data=Open(open=one.open),
        )
        for one in counted
    ]
    result = Result(
        score=sum(test.score for test in tests),
        execution_time=seconds,
        visibility=rubric.visibility,
        tests=tests,
        extra_data=extra.model_copy(update={"rubric_sha256": rubric.sha256}),
    )
    if extra.problem:
        said = [extra.problem, "A person will have to look at it.", _by_hand(rubric)]
        result.extra_data.needs_a_look = [extra.problem]
    else:
        unsure = (
            f"{result.score:g} points are certain. {result.open:g} more are open, because the "
            "check could not see everything; a person will look, and may give them."
        )
        others = [f"This costs no points: {describe(one)}" for one in free(report, rubric)]
        said = [*([unsure] if result.open else []), _by_hand(rubric), *others]
        result.extra_data.needs_a_look = [*reasons(report, counted), *extra.hints]
    result.output = "\n".join(said)
    return result


def ungraded(name: str, problem: str, rubric: Rubric) -> Result:
    """A result without points yet: a person must look at the archive."""
    extra = Extra(archive=name, student_number=student_number(name), problem=problem)
    return give_points(extra, rubric)


def _by_hand(rubric: Rubric) -> str:
    given = sum(task.points for task in rubric.checked)
    by_hand = "; ".join(
        f"{task.name} (Part {task.part}, {task.points:g})" for task in rubric.by_hand
    )
    rest = f" A person gives the points for: {by_hand}." if by_hand else ""
    return f"The check gives up to {given:g} of {rubric.points:g} points.{rest}"
