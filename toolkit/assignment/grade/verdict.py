"""The grading of one archive: unpacking, judging the code in a sandbox, and giving points."""

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from toolkit.assignment.findings.findings import Report
from toolkit.assignment.findings.text import place_of, source_line
from toolkit.assignment.grade.points import Counted, count, free, reasons
from toolkit.assignment.grade.result import Extra, Open, Result, TaskResult, describe
from toolkit.assignment.grade.rubric import Rubric
from toolkit.assignment.grade.versions import versions
from toolkit.assignment.handin.archive import BrokenArchive, read_archive, student_number, unpack
from toolkit.assignment.handin.submission import prepare
from toolkit.assignment.sandbox.choice import find_isolation
from toolkit.assignment.sandbox.isolation import Isolation, Limits, Sandbox
from toolkit.assignment.viva.questions import Question
from toolkit.common.errors import UsageError
from toolkit.common.texts.language import Language

if TYPE_CHECKING:
    from toolkit.assignment.sandbox.share import Share

MAX_FINDINGS = 200  # findings of each verdict that a result keeps
MAX_PRINTED = 4000  # characters of the error output that a result keeps
# Limits of judging one archive, besides those of its code: see SECURITY.md.
JUDGE_SECONDS = 120  # of the clock, and of the processor
JUDGE_MEMORY = 256 * 2**20  # bytes
# Rules about code that took too long: two submissions on one core slow each other down.
TOO_LONG = frozenset({"not-seen.slow", "not-seen.too-slow", "not-seen.not-reached"})


@dataclass(frozen=True)
class Check:
    """The settings of the check: the function that judges a submission, the program that runs its
    code in the sandbox, and the language of the questions for an oral examination. The language is
    None if no questions are wanted.
    """

    judge: Callable[..., Report] | None = None  # None for `judging.parent.judge`
    child: tuple[str, ...] = ("-m", "toolkit.assignment.running")  # arguments of Python
    viva: Language | None = None  # the language of questions; None for no questions


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

    The archive is read in a separate process with its own limits, not in the calling process.

    Args:
        name: the archive's file name.
        archive: the archive's content or path.
        isolation: how to isolate the submission's code; None to use the best method that works on
            this machine.

    Returns:
        the content of `results.json`; every archive gets a result, even a broken archive.

    Raises:
        ToolkitError: no acceptable isolation method is available to this user on this machine; see
            `find_isolation`.
        Failed: the grader itself failed.
    """
    from toolkit.assignment.sandbox.apart import Exceeded  # needs Linux

    def work(sandbox: Sandbox, share: "Share") -> bytes:
        result = _judge_archive(name, archive, rubric, check, sandbox, share)
        return result.model_dump_json().encode()

    try:
        data = judged_apart(work, limits, isolation)
    except Exceeded as error:
        return ungraded(name, f"The archive could not be graded: {error}.", rubric)
    return Result.model_validate_json(data)


def judged_apart(
    work: Callable[[Sandbox, "Share"], bytes], limits: Limits, isolation: Isolation | None = None
) -> bytes:
    """Call `work` with a new sandbox, in a separate process with its own limits.

    Args:
        work: a function that reads an untrusted submission and runs it in the given sandbox.
        limits: the limits of the sandbox.
        isolation: how to isolate the submission's code; None to use the best method that works on
            this machine.

    Returns:
        the bytes that `work` returns.

    Raises:
        ToolkitError: no acceptable isolation method is available to this user on this machine; see
            `find_isolation`.
        Exceeded: `work` exceeded the limits on time, memory or the size of its result.
        Failed: `work` raised an exception.
    """
    from toolkit.assignment.judging.parent import import_judges  # here: the judges import torch
    from toolkit.assignment.sandbox.apart import Bounds, apart  # need Linux
    from toolkit.assignment.sandbox.scratch import scratch_directory, uids_in_use
    from toolkit.assignment.sandbox.share import share
    from toolkit.assignment.sandbox.supervise import end_all

    import_judges()
    if isolation is None:
        isolation = find_isolation()
    if isolation.drop_user:
        isolation = replace(isolation, taken=uids_in_use())
    bounds = Bounds(limits.longest + JUDGE_SECONDS, JUDGE_SECONDS, JUDGE_MEMORY)
    with scratch_directory() as scratch, share(limits.memory, scratch) as memory_share:

        def in_sandbox() -> bytes:
            os.umask(0o022)  # the sandbox's user must be able to read the written files
            sandbox = Sandbox(isolation, scratch / "submission", scratch / "sandbox", limits)
            return work(sandbox, memory_share)

        def end(judge: int) -> None:
            end_all(judge, isolation.uid_of(judge))

        return apart(in_sandbox, bounds, end)


def _judge_archive(
    name: str, archive: bytes | Path, rubric: Rubric, check: Check, sandbox: Sandbox, share: "Share"
) -> Result:
    from toolkit.assignment.asking.host import MALFORMED
    from toolkit.assignment.grade.unusual import unusual
    from toolkit.assignment.judging import parent
    from toolkit.assignment.sandbox.host import SandboxedHost
    from toolkit.assignment.viva.session import questions_of

    judge = check.judge or parent.judge
    unpacked = sandbox.scratch.with_name("archive")
    sandbox.submission.mkdir()
    try:
        unpack(read_archive(archive), unpacked)
        submission = prepare(unpacked, sandbox.submission)
    except BrokenArchive as error:
        return ungraded(name, f"The archive was not unpacked. {error}", rubric)
    except UsageError as error:
        problem = f"{error}".replace(str(unpacked), "The archive")
        return ungraded(name, problem, rubric)
    host = SandboxedHost(check.child, sandbox, share)
    began = time.monotonic()
    questions: list[Question] = []
    with host:
        report = judge(submission, host, host.root, packages=rubric.packages)
        if check.viva is not None:
            seed = crc32(name.encode())
            with contextlib.suppress(*MALFORMED):  # the student's process may answer nonsense
                questions = questions_of(submission, host, host.root, check.viva, seed)
    extra = Extra(
        archive=name,
        student_number=student_number(name),
        files=report.files,
        findings=report.findings[:MAX_FINDINGS],
        not_seen=report.not_seen[:MAX_FINDINGS],
        right=report.right[:MAX_FINDINGS],
        hints=unusual(submission),
        lines=_source_lines(report, unpacked),
        viva=questions,
        isolated_by=sandbox.isolation.name,
        isolation=sandbox.isolation.describe(),
        versions=versions(),
        printed=host.printed.decode(errors="replace")[-MAX_PRINTED:],
        disturbed=_is_disturbed(report, host.disturbed),
    )
    return give_points(extra, rubric, round(time.monotonic() - began, 1))


def _is_disturbed(report: Report, starved: bool) -> bool:
    """Return True if the check could not inspect all of the code, and the reason may be that other
    programs were using the processor or the memory.

    Args:
        starved: True if other programs occupied the sandbox's processor core or used up the
            machine's memory.
    """
    rules = {finding.rule for finding in report.not_seen}
    return not TOO_LONG.isdisjoint(rules) or (starved and rules != set())


def _source_lines(report: Report, root: Path) -> dict[str, str]:
    """Return the student's source lines that the findings are about, keyed by the findings'
    locations; findings without a line are left out.
    """
    lines = {}
    for finding in report.findings:
        if finding.file is None or finding.line is None:
            continue
        line = source_line(root, finding.file, finding.line, finding.cell)
        if line is not None:
            lines[place_of(finding)] = line
    return lines


def give_points(extra: Extra, rubric: Rubric, seconds: float = 0.0) -> Result:
    """Compute an archive's points from its findings and a rubric, without running any code.

    Args:
        extra: the findings and other data about the archive, none of which depend on the rubric.
        seconds: how long it took to run and judge the code.
    """
    report = extra.report
    if extra.problem:
        counted = [Counted(task, open=task.points) for task in rubric.checked]
    else:
        counted = count(report, rubric)
    tests = [_task_result(task, extra, rubric) for task in counted]
    result = Result(
        score=sum(test.score for test in tests),
        execution_time=seconds,
        visibility=rubric.visibility,
        tests=tests,
        extra_data=extra.model_copy(update={"rubric_sha256": rubric.sha256}),
    )
    if extra.problem:
        lines = [extra.problem, "A person will have to look at it.", _by_hand(rubric)]
        result.extra_data.needs_a_look = [extra.problem, *extra.hints]
    else:
        lines = []
        if result.open:
            lines.append(
                f"{result.score:g} points are certain. {result.open:g} more points are open, "
                "because the check could not see everything. A person will look, and may award "
                "these points."
            )
        lines.append(_by_hand(rubric))
        for finding in free(report, rubric):
            lines.append(f"This costs no points: {describe(finding)}")
        result.extra_data.needs_a_look = [*reasons(report, counted), *extra.hints]
    result.output = "\n".join(lines)
    return result


def _task_result(counted: Counted, extra: Extra, rubric: Rubric) -> TaskResult:
    task = counted.task
    return TaskResult(
        name=f"Part {task.part}, {task.name}",
        score=counted.score,
        max_score=task.points,
        status="passed" if counted.score == task.points else "failed",
        output="This part could not be checked." if extra.problem else counted.explain(),
        visibility=rubric.visibility,
        extra_data=Open(open=counted.open),
    )


def ungraded(name: str, problem: str, rubric: Rubric) -> Result:
    """Return the result for an archive that could not be graded automatically; a person must decide
    on all of the archive's points.
    """
    extra = Extra(archive=name, student_number=student_number(name), problem=problem)
    return give_points(extra, rubric)


def _by_hand(rubric: Rubric) -> str:
    """Return sentences that say how many points the check can give and which tasks a person
    grades.
    """
    checked = sum(task.points for task in rubric.checked)
    sentence = f"The check gives up to {checked:g} of {rubric.points:g} points."
    tasks = [f"{task.name} (Part {task.part}, {task.points:g})" for task in rubric.by_hand]
    if tasks:
        sentence += f" A person gives the points for: {'; '.join(tasks)}."
    return sentence
