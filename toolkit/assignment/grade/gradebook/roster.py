"""The teacher's list of students: any CSV with a first line that names its columns."""

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.assignment.grade.gradebook.platforms import GRADE, Platform, Row
from toolkit.common.errors import UsageError
from toolkit.common.files import read_bytes

# Where a student's number stands, in small letters; the first that a row has counts.
NUMBERS = ("student number", "number", "student id", "sid", "sis user id", "id number",
           "sis login id", "username")  # fmt: skip
MARKS = {*NUMBERS, "identifier", "id"}  # without one of these, a line is no student
POINTS_POSSIBLE = "Points Possible"  # Canvas's second line


@dataclass(frozen=True)
class Roster:
    """Who could have handed something in.

    Attributes:
        columns: their names, as they are written.
        rows: a student each.
        points: of Canvas's line with the points that are possible.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    points: Row = field(default_factory=dict)

    def by_number(self, number: str) -> Row | None:
        """The row with this student number, whatever stands before its digits."""
        digits = number.lstrip("0")
        return next((row for row in self.rows if digits and _number(row) == digits), None)

    def by_key(self, platform: Platform, who: str) -> Row | None:
        """The row with the mark that a platform writes into file names."""
        return next((r for r in self.rows if platform.mark_in(r) == who), None)

    def grade_column(self, platform: Platform, title: str) -> str:
        """The column with the points of the assignment called `title`, or `title` for a new one.

        Raises:
            UsageError: more than one column begins like that.
        """
        if platform.grade is not None:
            return platform.grade
        found = [
            name for name in self.columns if re.match(rf"{re.escape(title)}(?!\w)", name, re.I)
        ]
        if len(found) > 1:
            raise UsageError(
                f"The roster has {len(found)} columns that begin with {title!r}: give --title as "
                f"it is written there, more of it: {', '.join(map(repr, found))}."
            )
        return found[0] if found else title


def read_roster(path: Path) -> Roster:
    """Read a roster: UTF-8, or the UTF-16 that Blackboard writes; commas, semicolons or tabs.

    Raises:
        ToolkitError: the file cannot be read.
        UsageError: it is no table, or has no column that says who is who.
    """
    data = read_bytes(path)
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not UTF-8: save it as CSV UTF-8 in your spreadsheet."
        ) from error
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    lines = [line for line in table if any(line)]
    columns = tuple(name.strip() for name in lines[0]) if lines else ()
    if MARKS.isdisjoint(name.lower() for name in columns):
        raise UsageError(
            f"{path} has no column for a student's number: its first line must have one called "
            "student number, SID, Student ID, SIS User ID, ID number, Username or Identifier."
        )
    points: Row = {}
    rows = []
    for line in lines[1:]:
        row = {name: value.strip() for name, value in zip(columns, line, strict=False)}
        if line[0].strip() == POINTS_POSSIBLE:
            points = row
        elif any(row[name] for name in row if name.lower() in MARKS):
            rows.append(row)
    return Roster(columns, tuple(rows), points)


def _number(row: Row) -> str:
    """The digits of a student's number, without zeros before them; "" if there is none."""
    named = {name.lower(): value for name, value in row.items() if name != GRADE}
    values = (named.get(name, "") for name in NUMBERS)
    found = (re.search(r"(\d{4,12})\D*$", value) for value in values)
    return next((match[1].lstrip("0") for match in found if match), "")
