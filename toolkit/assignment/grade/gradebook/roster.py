"""The teacher's list of students: any CSV file whose first line names the columns."""

import codecs
import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.assignment.grade.gradebook.platforms import GRADE, Platform, Row
from toolkit.common.errors import UsageError
from toolkit.common.files import read_bytes

# The columns for a student's number, in lower case; the first column with a number counts.
NUMBERS = ("student number", "number", "student id", "sid", "sis user id", "id number",
           "sis login id", "username")  # fmt: skip
MARKS = {*NUMBERS, "identifier", "id"}  # a line with nothing in these columns is not a student
POINTS_POSSIBLE = "Points Possible"  # Canvas's second line


@dataclass(frozen=True)
class Roster:
    """The students of a class.

    Attributes:
        columns: the names of the columns, as written in the file.
        rows: a row for each student.
        points: in a roster exported from Canvas, the line with the maximum points for each
            assignment; empty in any other roster.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    points: Row = field(default_factory=dict)

    def by_number(self, number: str) -> Row | None:
        """Return the row with the given student number, or None; leading zeros are ignored, as are
        any letters before or after the number in the roster.
        """
        digits = number.lstrip("0")
        if not digits:
            return None
        for row in self.rows:
            if _number(row) == digits:
                return row
        return None

    def by_mark(self, platform: Platform, mark: str) -> Row | None:
        """Return the row whose identifier on the platform is `mark`, or None if no row matches."""
        for row in self.rows:
            if platform.mark_in(row) == mark:
                return row
        return None

    def grade_column(self, platform: Platform, title: str) -> str:
        """Return the name of the column that holds the points for the assignment called `title`.

        If the roster has no column for the assignment yet, the function returns `title` itself.

        Raises:
            UsageError: more than one column name begins with `title`.
        """
        if platform.grade is not None:
            return platform.grade
        begins = re.compile(rf"{re.escape(title)}(?!\w)", re.IGNORECASE)
        matching = [name for name in self.columns if begins.match(name)]
        if len(matching) > 1:
            raise UsageError(
                f"The roster has {len(matching)} columns that begin with {title!r}: give --title "
                f"as it is written there, more of it: {', '.join(map(repr, matching))}."
            )
        if not matching:
            return title
        return matching[0]


def read_roster(path: Path) -> Roster:
    """Read a roster in UTF-8 or UTF-16 (as exported by Blackboard), with commas, semicolons or tabs
    as separators.

    Raises:
        ToolkitError: the file cannot be read.
        UsageError: the file is encoded in neither UTF-8 nor UTF-16, or it has no column that
            identifies the students.
    """
    lines = _read_table(path)
    columns: tuple[str, ...] = ()
    if lines:
        columns = tuple(map(str.strip, lines[0]))
    if MARKS.isdisjoint(map(str.lower, columns)):
        raise UsageError(
            f"{path} has no column for a student's number: its first line must have one called "
            "student number, SID, Student ID, SIS User ID, ID number, Username or Identifier."
        )
    points: Row = {}
    rows = []
    for line in lines[1:]:
        row = dict(zip(columns, map(str.strip, line), strict=False))
        if line[0].strip() == POINTS_POSSIBLE:
            points = row
        elif _is_student(row):
            rows.append(row)
    return Roster(columns, tuple(rows), points)


def _read_table(path: Path) -> list[list[str]]:
    """Return the non-empty lines of a CSV file, each as a list of cells."""
    data = read_bytes(path)
    encoding = "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not UTF-8: save it as CSV UTF-8 in your spreadsheet."
        ) from error
    first_line, _, _ = text.partition("\n")
    separator = max(",;\t", key=first_line.count)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    return [line for line in table if any(line)]


def _is_student(row: Row) -> bool:
    return any(value for name, value in row.items() if name.lower() in MARKS)


def _number(row: Row) -> str:
    """Return a row's student number without leading zeros, or "" if the row has no number."""
    cells = {}
    for name, value in row.items():
        if name != GRADE:
            cells[name.lower()] = value
    for name in NUMBERS:
        match = re.search(r"(\d{4,12})\D*$", cells.get(name, ""))
        if match:
            return match[1].lstrip("0")
    return ""
