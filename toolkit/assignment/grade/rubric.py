"""The rubric, a TOML file that turns findings into points; the default is `rubric.toml`."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from toolkit.assignment.findings.findings import IDS, Finding
from toolkit.assignment.running.parts import Part
from toolkit.common.errors import UsageError, nearest
from toolkit.common.files import read_bytes, sha256

DEFAULT = Path(__file__).with_name("rubric.toml")
CHECKS: dict[str, tuple[Part, ...]] = {"I": ("dataset", "lstm", "train"), "II": ("gan",)}
MOST_POINTS = 1_000_000  # of one task
PLAIN_MESSAGES = {  # instead of pydantic's own, which are for programmers
    "missing": "this must be there",
    "extra_forbidden": "there is no such key; the first lines of the default rubric explain all",
    "tuple_type": "this must be a list",
    "string_pattern_mismatch": "this must be a name as it is imported, such as sklearn",
}
Points = Annotated[float, Field(strict=True, ge=0, le=MOST_POINTS, allow_inf_nan=False)]


class Task(BaseModel, frozen=True, extra="forbid"):
    """One task of the rubric."""

    name: str
    part: Literal["I", "II"]
    points: Points  # the points that the task is worth
    by_hand: bool = Field(False, strict=True)  # a person gives the points
    checks: tuple[Part, ...] = ()  # the parts whose findings count; () for all parts in `part`
    findings: dict[str, Points] = {}  # finding id -> points that it costs

    @field_validator("findings")
    @classmethod
    def _are_known(cls, findings: dict[str, float]) -> dict[str, float]:
        for name in findings.keys() - set(IDS):
            raise ValueError(f"has an unknown finding, {name!r:.99}. {nearest(name, IDS)}")
        return findings

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if not set(self.checks) <= set(CHECKS[self.part]):
            raise ValueError(f"has other checks than {', '.join(CHECKS[self.part])}")
        if self.by_hand == bool(self.findings):
            raise ValueError("needs either findings or by_hand = true")
        return self

    def of_its_parts(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return those of `findings` that concern the parts of the assignment covered by this
        task.
        """
        parts = self.checks or CHECKS[self.part]
        return [finding for finding in findings if finding.part in parts]


class Rubric(BaseModel, frozen=True, extra="forbid"):
    """The content of a rubric: its tasks, and a teacher's other decisions about grading."""

    tasks: tuple[Task, ...] = Field(alias="task", min_length=1)
    # When students see the results on Gradescope.
    visibility: Literal["visible", "hidden", "after_due_date", "after_published"] = "visible"
    # The names of packages that students may import besides the usual ones.
    packages: tuple[Annotated[str, Field(pattern=r"^[^\W\d]\w*$")], ...] = ()
    sha256: str = ""  # of the file

    @property
    def points(self) -> float:
        """The sum of the points of all tasks."""
        return sum(task.points for task in self.tasks)

    @property
    def checked(self) -> tuple[Task, ...]:
        """The tasks for which the check gives points."""
        return tuple(task for task in self.tasks if not task.by_hand)

    @property
    def by_hand(self) -> tuple[Task, ...]:
        """The tasks for which a person gives points."""
        return tuple(task for task in self.tasks if task.by_hand)


def read_rubric(path: Path = DEFAULT) -> Rubric:
    """Read a rubric from a file.

    Raises:
        ToolkitError: the file cannot be read.
        UsageError: the file is not a valid rubric; the message says where the error is.
    """
    data = read_bytes(path)
    try:
        content = tomllib.loads(data.decode())
        repr(content)  # fails for a number with thousands of digits, which no message could show
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a TOML file: {error}.") from error
    try:
        return Rubric.model_validate(content | {"sha256": sha256(data)})
    except ValidationError as error:
        raise UsageError(f"{path}, {_first_error(error)}.") from error


def _first_error(error: ValidationError) -> str:
    """Describe the first error in a rubric: its location, the problem and the invalid value."""
    first = error.errors()[0]
    place = []
    for key in first["loc"]:
        place.append(f"number {key + 1}" if isinstance(key, int) else f"{key!r:.99}")
    problem = PLAIN_MESSAGES.get(first["type"], first["msg"].removeprefix("Value error, "))
    sentence = f"{', '.join(place)}: {problem}"
    if isinstance(first["input"], dict):
        return sentence
    return f"{sentence} (given: {first['input']!r:.99})"
