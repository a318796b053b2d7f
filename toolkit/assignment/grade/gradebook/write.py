"""The grade and feedback files for a platform, and the list of students who handed in nothing.

graded/
  moodle.csv              or canvas.csv, blackboard.csv, gradescope.csv
  moodle-feedback.zip
  missing.csv             the students of the roster who have handed in nothing
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.assignment.grade.gradebook.platforms import (
    GRADE,
    PLATFORMS,
    Platform,
    PlatformName,
    Row,
)
from toolkit.assignment.grade.gradebook.roster import POINTS_POSSIBLE, Roster
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import Rubric
from toolkit.assignment.grade.table import as_csv
from toolkit.assignment.handin.archive import student_number, zipped
from toolkit.common.errors import ToolkitError
from toolkit.common.files import write_changed


@dataclass(frozen=True)
class HandIn:
    """An archive, and the student who handed it in."""

    archive: str  # the file name
    number: str  # the student number, "" if the file name has none
    match: re.Match[str] | None  # the platform's part of the name
    row: Row | None  # of the roster

    @property
    def when(self) -> str:
        """The time at which the archive was handed in, or "" if the time is unknown."""
        if self.match is None:
            return ""
        return self.match["when"]

    @property
    def owner(self) -> object:
        """A key that identifies the student: it is the same for all of the student's archives."""
        if self.row is not None:
            return id(self.row)
        if self.match is not None:
            return self.match["mark"]
        return self.number


@dataclass
class Written:
    """The files that were written, and messages for the teacher about students who handed in
    nothing and about problems with archives, for example an unclear owner.

    Attributes:
        missing: a sentence for each student on the roster who handed in nothing.
        unclear: a sentence for each archive that is missing from the grade table or may be in the
            wrong row.
    """

    files: dict[Path, bytes] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)


def find_owners(
    archives: Sequence[str], name: PlatformName, roster: Roster | None
) -> tuple[list[HandIn], Written]:
    """Return each student's newest archive, and a `Written` object with messages about problems
    with archives, for example that an archive could not be matched to a student.

    Raises:
        ToolkitError: no archive has a clear owner, so there is nothing to write.
    """
    platform = PLATFORMS[name]
    written = Written()
    hand_ins = []
    for archive in archives:
        hand_in = _hand_in(archive, platform, roster, written)
        if hand_in is not None:
            hand_ins.append(hand_in)
    if not hand_ins:
        site = name.title()
        problem = "No archive says whose it is"
        if roster is not None:
            problem = f"No archive is of anybody whom {site} and the roster know"
        names = "numbers in their names"
        if platform.file is not None:
            names = f"the names that {site} gave them"
        raise ToolkitError(
            f"{problem}, so {name}.csv would be empty and was not written: give --roster "
            f"with {site}'s own list of this class, or archives with {names}."
        )
    return _newest(hand_ins, written), written


def write_gradebook(
    archives: Sequence[str],
    graded: Mapping[str, Result],
    out: Path,
    name: PlatformName,
    roster: Roster | None,
    rubric: Rubric,
    title: str,
) -> Written:
    """Write the grades and the feedback into the results folder, as files for a learning platform.

    Args:
        archives: the file names of all archives.
        graded: the result of each archive, keyed by the archive's file name.
        out: the results folder, which contains the feedback pages.
        roster: the teacher's roster; if None, the names of the archives identify the students.
        title: the assignment's name on the learning platform, such as Moodle.

    Raises:
        UsageError: the roster has several columns for the assignment.
        ToolkitError: no archive could be matched to a student, an archive has no result, or a file
            cannot be written.
    """
    ungraded = len(archives) - len(graded)
    if ungraded:
        raise ToolkitError(
            f"{name}.csv was not written, since {ungraded} of {len(archives)} archives have no "
            "result yet: give the command without --only."
        )
    known = roster or Roster()
    column = known.grade_column(PLATFORMS[name], title)
    hand_ins, written = find_owners(archives, name, roster)
    absent = _absent(known, hand_ins)
    for row in absent:
        person = " ".join(filter(None, list(row.values())[:4]))
        written.missing.append(f"Nothing from: {person}")

    lines = _lines(hand_ins, absent, graded, PLATFORMS[name], rubric)
    first_line = list(PLATFORMS[name].columns)
    first_line[first_line.index(GRADE)] = column
    table = [first_line, *lines]
    if name == "canvas":
        points = known.points.get(column) or f"{rubric.points:g}"
        table.insert(1, _points_line(PLATFORMS[name], points))
    written.files[out / f"{name}.csv"] = as_csv(table).encode()

    feedback = {}
    for hand_in in hand_ins:
        page = (out / hand_in.archive / "feedback.html").read_bytes()
        file_name, data = _feedback(hand_in, page, name)
        feedback[file_name] = data
    written.files[out / f"{name}-feedback.zip"] = zipped(feedback)

    if roster is not None:
        missing = [list(roster.columns)]
        for row in absent:
            missing.append([row.get(column_name, "") for column_name in roster.columns])
        written.files[out / "missing.csv"] = as_csv(missing).encode()
    write_changed(written.files)
    return written


def _absent(roster: Roster, hand_ins: list[HandIn]) -> list[Row]:
    """Return the roster's rows for students without an archive; two identical rows count as two
    students.
    """
    present = {id(hand_in.row) for hand_in in hand_ins}
    absent = []
    for row in roster.rows:
        if id(row) not in present:
            absent.append(row)
    return absent


def _hand_in(
    archive: str, platform: Platform, roster: Roster | None, written: Written
) -> HandIn | None:
    """Return an archive with its owner, or None if the owner is unclear.

    If it is unclear which student an archive belongs to, the function adds a message for the
    teacher to `written`. If the platform's identifier for the student and the student number in the
    file name belong to different students, the identifier decides.
    """
    match = None
    if platform.file is not None:
        match = platform.file.match(archive)
    number = student_number(archive)
    if roster is None:
        if match is None and (platform.file is not None or not number):
            written.unclear.append(f"{archive!r} is in no line: its name says not whose it is.")
            return None
        return HandIn(archive, number, match, None)
    row = _row_of(archive, match, number, platform, roster, written)
    if row is None:
        written.unclear.append(f"{archive!r} is in no line: nobody in the roster is like that.")
        return None
    has_number_column = not {"SID", "SIS User ID"}.isdisjoint(platform.columns)
    if match is None and not row.get(platform.key) and not has_number_column:
        written.unclear.append(
            f"{archive!r} is in no line: the roster has no {platform.key} of it."
        )
        return None
    return HandIn(archive, number, match, row)


def _row_of(
    archive: str,
    match: re.Match[str] | None,
    number: str,
    platform: Platform,
    roster: Roster,
    written: Written,
) -> Row | None:
    """Return the roster's row for an archive's owner, or None if there is no such row.

    The owner is the student whose identifier on the platform appears in the archive's file name. If
    there is no such student, the owner is the student whose student number appears in the file
    name.
    """
    numbered = roster.by_number(number)
    if match is None:
        return numbered
    marked = roster.by_mark(platform, match["mark"])
    if marked is None:
        return numbered
    if numbered is not None and numbered is not marked:
        written.unclear.append(
            f"{archive!r} has the number of another student, {number}: it counts for the one who "
            "handed it in."
        )
    return marked


def _newest(hand_ins: list[HandIn], written: Written) -> list[HandIn]:
    """Return each student's newest archive.

    Sometimes the file names do not show which of a student's archives is the newest. The function
    then considers the archives that may be the newest, and chooses the one that comes last in
    `hand_ins`. It also adds a message for the teacher to `written`.
    """
    by_owner: dict[object, list[HandIn]] = {}
    for hand_in in hand_ins:
        by_owner.setdefault(hand_in.owner, []).append(hand_in)
    newest = []
    for attempts in by_owner.values():
        attempts.sort(key=lambda hand_in: hand_in.when)
        newest.append(attempts[-1])
        if len(attempts) > 1 and attempts[-1].when in ("", attempts[-2].when):
            names = " and ".join(repr(hand_in.archive) for hand_in in attempts)
            written.unclear.append(f"{names} are of the same student: the line has the last one.")
    return newest


def _points_line(platform: Platform, points: str) -> list[str]:
    """Return the second line of the file for Canvas, which gives the points that the assignment is
    worth.
    """
    empty = [""] * (len(platform.columns) - 2)
    return [f"    {POINTS_POSSIBLE}", *empty, points]


def _lines(
    hand_ins: list[HandIn],
    absent: list[Row],
    graded: Mapping[str, Result],
    platform: Platform,
    rubric: Rubric,
) -> list[list[str]]:
    """Return the table's rows, one for each student; students without an archive come last."""
    lines = []
    for hand_in in hand_ins:
        cells = {**platform.defaults, **_cells(hand_in, graded[hand_in.archive], platform, rubric)}
        lines.append(_line(hand_in.row or {}, cells, platform))
    for row in absent:
        lines.append(_line(row, platform.defaults, platform))
    return lines


def _line(row: Row, cells: Row, platform: Platform) -> list[str]:
    """Return a student's row of the table; `cells` supplies the values that `row` lacks."""
    if "LastName" in row:  # Canvas, if the teacher has chosen so
        row = {**row, "Student": f"{row['LastName']}, {row.get('FirstName', '')}"}
    return [row.get(name) or cells.get(name, "") for name in platform.columns]


def _cells(hand_in: HandIn, result: Result, platform: Platform, rubric: Rubric) -> dict[str, str]:
    """Return an archive's table cells, keyed by column name; the points are left out if the archive
    was not graded.
    """
    cells = {"Max Points": f"{rubric.points:g}", "Feedback comments": _comment(result)}
    if not result.extra_data.problem:
        cells[GRADE] = f"{result.score:g}"
    if hand_in.match is not None:
        cells[platform.key] = platform.before + hand_in.match["mark"]
        cells["Full name"] = hand_in.match["person"]
        cells["Student"] = hand_in.match["person"]
    for name in ("SID", "Student ID", "SIS User ID"):
        cells[name] = hand_in.number
    return cells


def _comment(result: Result) -> str:
    """Return a comment about the student's points, without any text from the untrusted
    submission.
    """
    if result.extra_data.problem:
        return "This could not be graded; a person will look at it. See the feedback file."
    points = f"{result.score:g} of {result.checked:g} points are certain"
    if result.open:
        points += f", {result.open:g} more are open"
    return f"{points}. See the feedback file."


def _feedback(hand_in: HandIn, page: bytes, name: PlatformName) -> tuple[str, bytes]:
    """Return the name and the contents of one student's feedback file.

    The platform uses the file's name to find the student to whom the feedback belongs.
    """
    match = hand_in.match
    if match is None:
        row = hand_in.row or {}
        mark = PLATFORMS[name].mark_in(row)
        if name == "moodle" and mark:
            person = row.get("Full name", "").replace("_", " ").replace("/", " ")
            return f"{person}_{mark}_assignsubmission_file_feedback.html", page
        return f"{hand_in.number}_feedback.html", page
    if name == "canvas":
        # Canvas shows the file under the name of the archive, so it must be an archive.
        return hand_in.archive, zipped({"feedback.html": page})
    return f"{match[0]}feedback.html", page
