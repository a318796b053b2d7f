"""How findings become points: a TOML file, `rubric.toml` beside this module by default."""

import math
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolkit.assignment.check.findings import Finding
from toolkit.assignment.parts import Part
from toolkit.common.errors import UsageError
from toolkit.common.files import read_bytes, sha256

DEFAULT = Path(__file__).with_name("rubric.toml")
CHECKS: dict[str, tuple[Part, ...]] = {"I": ("dataset", "lstm", "train"), "II": ("gan",)}
VISIBILITIES = ("visible", "hidden", "after_due_date", "after_published")
KINDS: dict[str, type | tuple[type, ...]] = {  # what a task may have
    "name": str,
    "part": str,
    "points": (int, float),
    "by_hand": bool,
    "checks": list,
    "findings": dict,
}


@dataclass(frozen=True)
class Task:
    """One task of the rubric."""

    name: str
    part: str  # "I" or "II"
    points: float  # what it is worth
    by_hand: bool = False  # a person gives the points
    checks: tuple[Part, ...] = ()  # the parts whose findings count; () for all of this `part`
    findings: dict[str, float] = field(default_factory=dict)  # finding id -> points that it costs

    def losses(self, findings: Iterable[Finding]) -> list[tuple[Finding, float]]:
        """The findings that cost points here, each kind once, and what they cost."""
        counted: dict[tuple[str, int | None], tuple[Finding, float]] = {}
        for finding in findings:
            points = self.findings.get(finding.id or "")
            if points is not None and finding.part in (self.checks or CHECKS[self.part]):
                counted.setdefault((finding.id or "", finding.equation), (finding, points))
        return list(counted.values())


@dataclass(frozen=True)
class Rubric:
    """All tasks, who sees their results on Gradescope, and the SHA-256 of the file."""

    tasks: tuple[Task, ...]
    visibility: str
    sha256: str

    @property
    def points(self) -> float:
        """The points of all tasks together."""
        return sum(task.points for task in self.tasks)

    @property
    def checked(self) -> tuple[Task, ...]:
        """The tasks whose points the check gives."""
        return tuple(task for task in self.tasks if not task.by_hand)

    @property
    def by_hand(self) -> tuple[Task, ...]:
        """The tasks whose points a person gives."""
        return tuple(task for task in self.tasks if task.by_hand)

    def without_points(self, findings: Sequence[Finding]) -> list[Finding]:
        """The findings that no task counts."""
        counted = [loss[0] for task in self.tasks for loss in task.losses(findings)]
        kinds = {(finding.id, finding.part) for finding in counted}
        return [finding for finding in findings if (finding.id, finding.part) not in kinds]


def read_rubric(path: Path = DEFAULT) -> Rubric:
    """Read a rubric.

    Raises:
        ToolkitError: the file cannot be read.
        UsageError: it is not a rubric; the sentence names the place.
    """
    data = read_bytes(path)
    try:
        content = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} is not a TOML file: {error}.") from error
    unknown = sorted(content.keys() - {"visibility", "task"})
    if unknown:
        raise UsageError(
            f"{path} has an unknown key, {unknown[0]!r}; a rubric has visibility and [[task]]."
        )
    visibility = content.get("visibility", "visible")
    if visibility not in VISIBILITIES:
        raise UsageError(
            f"{path} has visibility = {visibility!r}; choose one of {', '.join(VISIBILITIES)}."
        )
    tables = content.get("task")
    if not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        raise UsageError(f"{path} has no tasks: begin each task with a line [[task]].")
    tasks = tuple(_task(table, f"{path}, task {k}") for k, table in enumerate(tables, start=1))
    return Rubric(tasks, visibility, sha256(data))


def _task(table: dict[str, Any], where: str) -> Task:
    for key, value in table.items():
        if key not in KINDS:
            raise UsageError(f"{where} has an unknown key, {key!r}; use {', '.join(KINDS)}.")
        if not isinstance(value, KINDS[key]) or (key == "points" and isinstance(value, bool)):
            raise UsageError(f"{where} has {key} = {value!r}, which has the wrong type.")
    missing = [key for key in ("name", "part", "points") if key not in table]
    if missing:
        raise UsageError(f"{where} has no {missing[0]}.")
    if table["part"] not in CHECKS:
        raise UsageError(f'{where} has part = {table["part"]!r}; it must be "I" or "II".')
    checks = table.get("checks", [])
    for word in checks:
        if word not in CHECKS[table["part"]]:
            names = ", ".join(CHECKS[table["part"]])
            raise UsageError(f"{where} has checks = {checks!r}; choose from {names}.")
    findings = table.get("findings", {})
    for name, points in {"points": table["points"], **findings}.items():
        number = isinstance(points, int | float) and not isinstance(points, bool)
        if not number or not math.isfinite(points) or points < 0:
            raise UsageError(f"{where} has {name} = {points!r}; points must be numbers, 0 or more.")
    if table.get("by_hand", False) == bool(findings):
        raise UsageError(f"{where} needs either findings or by_hand = true.")
    return Task(**table | {"checks": tuple(checks)})
