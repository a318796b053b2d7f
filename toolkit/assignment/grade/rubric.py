"""How findings become points: a TOML file, `rubric.toml` beside this module by default."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolkit.assignment.check.findings import IDS, Finding
from toolkit.assignment.parts import Part
from toolkit.common.errors import UsageError, nearest
from toolkit.common.files import read_bytes, sha256

DEFAULT = Path(__file__).with_name("rubric.toml")
CHECKS: dict[str, tuple[Part, ...]] = {"I": ("dataset", "lstm", "train"), "II": ("gan",)}
MOST_POINTS = 1_000_000  # of one task
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

    def of_its_parts(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings about the parts that count here."""
        return [one for one in findings if one.part in (self.checks or CHECKS[self.part])]


@dataclass(frozen=True)
class Rubric:
    """All tasks, and what else a teacher decides."""

    tasks: tuple[Task, ...]
    visibility: str  # who sees the results on Gradescope
    sha256: str  # of the file
    packages: tuple[str, ...] = ()  # what students may import besides the usual

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


def read_rubric(path: Path = DEFAULT) -> Rubric:
    """Read a rubric.

    Raises:
        ToolkitError: the file cannot be read.
        UsageError: it is not a rubric; the sentence names the place.
    """
    data = read_bytes(path)
    try:
        content = tomllib.loads(data.decode())
        repr(content)  # fails for a number with thousands of digits, which no message could show
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a TOML file: {error}.") from error
    unknown = sorted(content.keys() - {"visibility", "packages", "task"})
    if unknown:
        raise UsageError(
            f"{path} has an unknown key, {unknown[0]!r:.99}; a rubric has visibility, packages and "
            "[[task]]."
        )
    visibility = content.get("visibility", "visible")
    if visibility not in VISIBILITIES:
        raise UsageError(
            f"{path} has visibility = {visibility!r:.99}; choose one of {', '.join(VISIBILITIES)}."
        )
    packages = content.get("packages", [])
    if not isinstance(packages, list) or not all(map(_is_module, packages)):
        raise UsageError(
            f"{path} has packages = {packages!r:.99}; list the names that are imported, such as "
            '["sklearn"].'
        )
    tables = content.get("task")
    if not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        raise UsageError(f"{path} has no tasks: begin each task with a line [[task]].")
    tasks = tuple(_task(table, f"{path}, task {k}") for k, table in enumerate(tables, start=1))
    return Rubric(tasks, visibility, sha256(data), tuple(packages))


def _is_module(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier()


def _task(table: dict[str, Any], where: str) -> Task:
    for key, value in table.items():
        if key not in KINDS:
            raise UsageError(f"{where} has an unknown key, {key!r:.99}; use {', '.join(KINDS)}.")
        if not isinstance(value, KINDS[key]) or (key == "points" and isinstance(value, bool)):
            raise UsageError(f"{where} has {key} = {value!r:.99}, which has the wrong type.")
    missing = [key for key in ("name", "part", "points") if key not in table]
    if missing:
        raise UsageError(f"{where} has no {missing[0]}.")
    if table["part"] not in CHECKS:
        raise UsageError(f'{where} has part = {table["part"]!r:.99}; it must be "I" or "II".')
    checks = table.get("checks", [])
    for word in checks:
        if word not in CHECKS[table["part"]]:
            names = ", ".join(CHECKS[table["part"]])
            raise UsageError(f"{where} has checks = {checks!r:.99}; choose from {names}.")
    findings = table.get("findings", {})
    for name in findings:
        if name not in IDS:
            raise UsageError(f"{where} has an unknown finding, {name!r:.99}. {nearest(name, IDS)}.")
    for name, points in {"points": table["points"], **findings}.items():
        number = isinstance(points, int | float) and not isinstance(points, bool)
        if not number or not 0 <= points <= MOST_POINTS:
            raise UsageError(
                f"{where} has {name} = {points!r:.99}; points are numbers from 0 to "
                f"{MOST_POINTS:,}."
            )
    if table.get("by_hand", False) == bool(findings):
        raise UsageError(f"{where} needs either findings or by_hand = true.")
    return Task(**table | {"checks": tuple(checks)})
