"""An archive's points, computed from the check's report.

If one cause leads to the same fault in several tasks, the fault costs points only once. Missing or
unwritten code, however, costs points in every task to which it belongs. The check looks for faults
by trying to answer a fixed list of questions about each part of the code. Sometimes the check
cannot examine part of the code, or cannot answer one of its questions. The points that depend on
that code or that question are then open, that is, neither given nor lost. The code for a part may
stop, for example with an error, before the check has answered any question about that part. In this
case, the student loses the points that the rubric subtracts for such a stop. If code stops after
the check has answered a question, the stop itself costs nothing, and the points for the unanswered
questions are open.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from toolkit.assignment.findings.findings import QUESTIONS, Finding, Id, Report, unanswered
from toolkit.assignment.grade.result import describe
from toolkit.assignment.grade.rubric import CHECKS, Rubric, Task
from toolkit.assignment.running.parts import FILES, PARTS, TITLES, Part

# These findings end the code of a part. Earlier verdicts stay.
STOPS: tuple[Id, ...] = ("does-not-import", "does-not-run", "not-watched", "time-limit")
# A part that is absent costs points in every task; a mistake costs points once.
ABSENT: tuple[Id, ...] = ("missing-file", "not-written")
UNANSWERED = ("not-seen.unanswered", "not-seen.after-stop")  # rules that only name the question
LOW = 0.5  # of the checked points: a lower score needs a look
Cause = tuple[object, ...]


@dataclass
class Counted:
    """The points of one task, divided into points that are lost, points that are still open, and
    points that the student is certain to receive.

    Attributes:
        losses: the findings that cost points in this task, each with the points that it costs; of
            several findings of the same kind, only the first is listed.
        elsewhere: the findings that cost nothing in this task because the same mistake costs points
            in another task; each is listed with that task.
        unseen: findings that say what the check could not examine; a finding is listed only if a
            fault in the unexamined code could cost points in this task.
        open: points that only a person can award or withhold.
        score: the certain points.
    """

    task: Task
    losses: list[tuple[Finding, float]] = field(default_factory=list)
    elsewhere: list[tuple[Finding, Task]] = field(default_factory=list)
    unseen: list[Finding] = field(default_factory=list)
    open: float = 0.0

    @property
    def score(self) -> float:
        """The points that the student is certain to receive for this task, never less than 0."""
        return max(0.0, self.task.points - sum(points for _, points in self.losses)) - self.open

    def explain(self) -> str:
        """Return an explanation of the points awarded for a task, with one reason per line."""
        lines = []
        for finding, points in self.losses:
            lines.append(f"-{points:g}: {describe(finding)}")
        for finding, task in self.elsewhere:
            lines.append(f"Counted in {task.name!r}: {describe(finding)}")
        for finding in self.unseen:
            lines.append(f"Not seen: {finding.message}")
        if self.open:
            lines.append(
                f"{self.open:g} points are open. A person will look at what the check could not "
                "see, and may award these points."
            )
        return "\n".join(lines) or "Nothing wrong was found."


def count(report: Report, rubric: Rubric) -> list[Counted]:
    """Return the points for each task that is graded automatically."""
    homes = _homes(report, rubric)
    return [_count_task(task, report, homes) for task in rubric.checked]


def _count_task(task: Task, report: Report, homes: Mapping[Cause, list[Task]]) -> Counted:
    counted = Counted(task)
    findings = task.of_its_parts(report.findings)
    kinds = set()
    for finding in findings:
        points = _cost(task, finding, report)
        kind = (finding.id, finding.equation)
        finding_homes = homes.get(cause(finding), [])
        if points == 0 or kind in kinds or not finding_homes:
            continue
        if _is_in(task, finding_homes):
            kinds.add(kind)
            counted.losses.append((finding, points))
        else:
            counted.elsewhere.append((finding, finding_homes[0]))

    not_seen = list(report.not_seen)
    is_unseen = False
    for part in task.checks or CHECKS[task.part]:
        not_seen += _silent(task, part, report)
        is_unseen = is_unseen or _is_unseen(part, report)
    _open(counted, not_seen, is_unseen)
    return counted


def _price(task: Task, finding: Finding) -> float:
    """Return the points that a task subtracts for a finding, or 0 if the task does not list the
    finding.
    """
    if finding.id is None:
        return 0.0
    return task.findings.get(finding.id, 0.0)


def _cost(task: Task, finding: Finding, report: Report) -> float:
    """Return the points that a finding costs in a task.

    The code for a part of the assignment may have stopped, for example with an error. The finding
    that says so costs no points if the check was able to answer at least one of its questions about
    this part.
    """
    if finding.id in STOPS and not _is_unseen(finding.part, report):
        return 0.0
    return _price(task, finding)


def _is_unseen(part: Part, report: Report) -> bool:
    """Return True if the check could not answer any of the questions about a part of the
    assignment.
    """
    findings = [*report.findings, *report.not_seen, *report.right]
    return len(unanswered(part, findings)) == len(QUESTIONS[part])


def _is_in(task: Task, tasks: Iterable[Task]) -> bool:
    """Return True if `tasks` contains the task object itself, and not just an equal task."""
    return any(task is home for home in tasks)


def _silent(task: Task, part: Part, report: Report) -> list[Finding]:
    """Return a finding for each question about `part` that the check did not answer; the finding
    names the costliest fault that an answer could have revealed.
    """
    findings = [*report.findings, *report.not_seen, *report.right]
    silent = []
    for answers in unanswered(part, findings):
        dearest = max(answers, key=lambda id: task.findings.get(id, 0.0))
        silent.append(
            Finding(
                verdict="not seen",
                part=part,
                id=dearest,
                message=f"This was not checked: {dearest}.",
                rule=UNANSWERED[0],
            )
        )
    return silent


def cause(finding: Finding) -> Cause:
    """Return a key for the cause of a finding: two findings have equal keys if the same correction
    removes both findings.
    """
    # Without a file, the finding is about this part alone.
    place = finding.part if finding.file is None else finding.file
    return (finding.id, finding.equation, place, finding.cell, finding.line)


def free(report: Report, rubric: Rubric) -> list[Finding]:
    """Return the findings that cost no points in any task."""
    homes = _homes(report, rubric)
    return [finding for finding in report.findings if cause(finding) not in homes]


NEEDS_A_LOOK: dict[str, str] = {  # the sentence about a finding: the assignment's file, its name
    "missing-file": "{file} is missing.",
    "does-not-import": "{name} cannot be imported.",
    "does-not-run": "{name} stops with an error.",
    "time-limit": "{name} was stopped or ended in the middle.",
    "doubtful-record": "{name} says what cannot be true.",
}


def reasons(report: Report, counted: list[Counted]) -> list[str]:
    """Return the reasons why a person should look at an archive, one sentence each.

    Parts that were not seen completely are a reason only if points are open: otherwise, there is
    nothing to decide.
    """
    sentences = []
    for finding in report.findings:
        if finding.id in NEEDS_A_LOOK:
            file = FILES[finding.part]
            sentence = NEEDS_A_LOOK[finding.id]
            sentences.append(sentence.format(file=file, name=finding.file or file))
    unseen_parts = {finding.part for finding in report.not_seen}
    for part in PARTS:
        if part in unseen_parts and any(task.open for task in counted):
            sentences.append(f"Not all was seen of {TITLES[part]}.")
    sentences += _reasons_of_points(counted)
    return list(dict.fromkeys(sentences))


def _reasons_of_points(counted: list[Counted]) -> list[str]:
    """Return the reasons why a person should review the points, one sentence each."""
    score = still_open = total = 0.0
    for task in counted:
        score += task.score
        still_open += task.open
        total += task.task.points
    sentences = []
    if still_open:
        sentences.append(f"{still_open:g} points are open.")
    if score + still_open < LOW * total:
        sentences.append(f"The score is low, {score:g} of {total:g}.")
    return sentences


def _homes(report: Report, rubric: Rubric) -> Mapping[Cause, list[Task]]:
    """For each finding that costs points, map the key of its cause (as returned by `cause`) to the
    tasks in which findings with this cause cost points.

    Findings with the same cause cost points in only one task, the one in which the cost is highest.
    However, a part of the submission that is missing or unwritten costs points in every task that
    this part belongs to.
    """
    places: dict[Cause, list[tuple[Finding, Task]]] = {}
    for finding in report.findings:
        for task in rubric.checked:
            if _cost(task, finding, report) and task.of_its_parts([finding]):
                places.setdefault(cause(finding), []).append((finding, task))
    homes = {}
    for key, priced in places.items():
        first, _ = min(priced, key=lambda place: PARTS.index(place[0].part))
        if first.id in ABSENT:
            homes[key] = [task for finding, task in priced if finding.part == first.part]
        else:
            _, dearest = max(priced, key=lambda place: _cost(place[1], place[0], report))
            homes[key] = [dearest]
    return homes


def _open(counted: Counted, not_seen: Iterable[Finding], is_unseen: bool) -> None:
    """Set the number of a task's points that only a person can award or withhold. This number is
    the total cost of all faults that the check could not rule out, but at most the points that the
    task has left.

    Args:
        is_unseen: True if the check found out nothing about at least one of this task's parts. A
            person then has to award or withhold all the points that have not already been deducted.
    """
    remaining = counted.score
    open_points = remaining if is_unseen else 0.0
    lost = {finding.id for finding, _ in counted.losses}
    for finding in counted.task.of_its_parts(not_seen):
        if finding.id is None:  # a reason why something was not seen, without a fault
            if remaining:
                counted.unseen.append(finding)
            continue
        possible = _price(counted.task, finding)
        if possible and finding.id not in lost:
            counted.unseen.append(finding)
            open_points += possible
    counted.open = min(remaining, open_points)
