"""From a report to points, as a teacher would give them.

A cause costs points once. What was not seen is neither wrong nor full: its points are open. So are
those of a question that has no answer. Code that stops before anything was judged costs what the
rubric says; after that it opens the questions that have no answer yet, and no others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain

from toolkit.assignment.check.findings import QUESTIONS, Finding, Id, Report, unanswered
from toolkit.assignment.grade.result import describe
from toolkit.assignment.grade.rubric import CHECKS, Rubric, Task
from toolkit.assignment.parts import FILES, PARTS, TITLES, Part

# These end the code of a part. What was judged before stays judged.
STOPS: tuple[Id, ...] = ("does-not-import", "does-not-run", "not-watched", "time-limit")
# What is not there costs every task of its part; a mistake costs once.
ABSENT: tuple[Id, ...] = ("missing-file", "not-written")
LOW = 0.5  # of the checked points: less needs a look
Cause = tuple[object, ...]


@dataclass
class Counted:
    """One task: what it lost, and what is open.

    Attributes:
        losses: what costs points here, each kind once.
        elsewhere: causes whose points another task has lost.
        unseen: what could not be seen and might have cost points here.
        open: points that nobody can give or take away before a person has looked.
        score: what is certain.
    """

    task: Task
    losses: list[tuple[Finding, float]] = field(default_factory=list)
    elsewhere: list[tuple[Finding, Task]] = field(default_factory=list)
    unseen: list[Finding] = field(default_factory=list)
    open: float = 0.0

    @property
    def score(self) -> float:
        """The certain points, at least 0."""
        return max(0.0, self.task.points - sum(points for _, points in self.losses)) - self.open

    def explain(self) -> str:
        """Why, a line each."""
        lines = [f"-{points:g}: {describe(finding)}" for finding, points in self.losses]
        lines += [
            f"Counted in {task.name!r}: {describe(finding)}" for finding, task in self.elsewhere
        ]
        lines += [f"Not seen: {finding.message}" for finding in self.unseen]
        if self.open:
            lines.append(
                f"{self.open:g} points are open: a person will look at what the check could not "
                "see, and may give them."
            )
        return "\n".join(lines) or "Nothing wrong was found."


def count(report: Report, rubric: Rubric) -> list[Counted]:
    """The points of every task that the check gives."""
    charged = _homes(report, rubric)
    counted = []
    for task in rubric.checked:
        result = Counted(task)
        kinds = set()
        for finding in task.of_its_parts(report.findings):
            points = _cost(finding, task, report)
            homes = charged.get(cause(finding), [])
            kind = (finding.id, finding.equation)
            if not points or kind in kinds:
                continue
            if any(home is task for home in homes):
                kinds.add(kind)
                result.losses.append((finding, points))
            elif homes:
                result.elsewhere.append((finding, homes[0]))
        silent = [_silence(task, part, report) for part in task.checks or CHECKS[task.part]]
        unseen = [part for part in task.checks or CHECKS[task.part] if _is_unseen(part, report)]
        _open(result, [*report.not_seen, *chain(*silent)], bool(unseen))
        counted.append(result)
    return counted


def _cost(finding: Finding, task: Task, report: Report) -> float:
    """What a fault costs in a task, where no other task has counted it."""
    stops_later = finding.id in STOPS and not _is_unseen(finding.part, report)
    return 0.0 if stops_later else task.findings.get(finding.id or "", 0.0)


def _is_unseen(part: Part, report: Report) -> bool:
    """Whether no question about a part has an answer."""
    said = [*report.findings, *report.not_seen, *report.right]
    return len(unanswered(part, said)) == len(QUESTIONS[part])


def _silence(task: Task, part: Part, report: Report) -> list[Finding]:
    """The questions about a part without an answer, each by its dearest fault in this task."""
    said = [*report.findings, *report.not_seen, *report.right]
    dearest = [
        max(ids, key=lambda id: task.findings.get(id, 0.0)) for ids in unanswered(part, said)
    ]
    return [
        Finding(verdict="not seen", part=part, id=id, message=f"This was not looked at: {id}.")
        for id in dearest
    ]


def cause(finding: Finding) -> Cause:
    """What two findings have in common if one mending removes both."""
    # Without a file, it is about this part alone.
    place = finding.part if finding.file is None else finding.file
    return (finding.id, finding.equation, place, finding.cell, finding.line)


def free(report: Report, rubric: Rubric) -> list[Finding]:
    """The findings that cost nothing anywhere."""
    charged = _homes(report, rubric)
    return [finding for finding in report.findings if cause(finding) not in charged]


def reasons(report: Report, counted: list[Counted]) -> list[str]:
    """Why a person should look at this archive, a sentence each; [] if nobody needs to."""
    why = []
    for finding in report.findings:
        name = finding.file or FILES[finding.part]
        if finding.id == "missing-file":
            why.append(f"{FILES[finding.part]} is missing.")
        elif finding.id == "does-not-import":
            why.append(f"{name} cannot be imported.")
        elif finding.id == "does-not-run":
            why.append(f"{name} stops with an error.")
        elif finding.id == "time-limit":
            why.append(f"{name} was stopped or ended in the middle.")
        elif finding.id == "doubtful-record":
            why.append(f"{name} says what cannot be true.")
    unseen = [part for part in PARTS if any(one.part == part for one in report.not_seen)]
    why += [f"Not all was seen of {TITLES[part]}." for part in unseen]
    given = sum(one.score for one in counted)
    still_open = sum(one.open for one in counted)
    total = sum(one.task.points for one in counted)
    if still_open:
        why.append(f"{still_open:g} points are open.")
    if given + still_open < LOW * total:
        why.append(f"The score is low, {given:g} of {total:g}.")
    return list(dict.fromkeys(why))


def _homes(report: Report, rubric: Rubric) -> Mapping[Cause, list[Task]]:
    """The tasks in which each cause costs its points: one, or all of its part if it is absent."""
    found: dict[Cause, list[tuple[Finding, Task]]] = {}
    for finding in report.findings:
        for task in rubric.checked:
            if _cost(finding, task, report) and task.of_its_parts([finding]):
                found.setdefault(cause(finding), []).append((finding, task))
    homes = {}
    for key, places in found.items():
        first, _ = min(places, key=lambda place: PARTS.index(place[0].part))
        if first.id in ABSENT:
            homes[key] = [task for finding, task in places if finding.part == first.part]
        else:
            costs = [_cost(finding, task, report) for finding, task in places]
            _, dearest = places[costs.index(max(costs))]
            homes[key] = [dearest]
    return homes


def _open(counted: Counted, not_seen: Iterable[Finding], unseen: bool) -> None:
    """Which points are open: those of faults that may be there, or all that are left.

    Args:
        unseen: nothing is known of a part that counts here.
    """
    task, left = counted.task, counted.score
    lost = {finding.id for finding, _ in counted.losses}
    points = left if unseen else 0.0
    for finding in task.of_its_parts(not_seen):
        possible = task.findings.get(finding.id or "", 0.0)
        if possible and finding.id not in lost:
            points += possible
        if (possible and finding.id not in lost) or (finding.id is None and left):
            counted.unseen.append(finding)
    counted.open = min(left, points)
