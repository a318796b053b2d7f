"""The grades as a platform imports them, the feedback with the names that it wants, who is missing.

graded/
  moodle.csv              or canvas.csv, blackboard.csv, gradescope.csv
  moodle-feedback.zip
  missing.csv             of the roster's students those who have handed in nothing
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.assignment.grade.archive import student_number, zipped
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
from toolkit.common.errors import ToolkitError
from toolkit.common.files import write_changed


@dataclass(frozen=True)
class Handed:
    """One archive: its file name, what the platform says in that, and whose it is."""

    archive: str
    number: str  # the student's, "" if it is not in the name
    said: re.Match[str] | None
    row: Row | None

    @property
    def when(self) -> str:
        """The time of the attempt, "" if that is not known."""
        return self.said["when"] if self.said else ""


@dataclass
class Written:
    """What was written, and what a teacher should know about it.

    Attributes:
        missing: a sentence for each of the roster who has handed in nothing.
        unclear: a sentence for each archive that is in no line, or perhaps in the wrong one.
    """

    files: dict[Path, bytes] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)


def find_owners(
    archives: Sequence[str], name: PlatformName, roster: Roster | None
) -> tuple[list[Handed], Written]:
    """Whose each archive is, and what is unclear about that; one for each student.

    Raises:
        ToolkitError: that is clear of none, so there is nothing to write.
    """
    platform, written = PLATFORMS[name], Written()
    every = [_handed(archive, platform, roster, written) for archive in archives]
    found = [handed for handed in every if handed is not None]
    if not found:
        site = name.title()
        says = f"is of anybody whom {site} and the roster know" if roster else "says whose it is"
        names = f"the names that {site} gave them" if platform.file else "numbers in their names"
        raise ToolkitError(
            f"No archive {says}, so {name}.csv would be empty and was not written: give --roster "
            f"with {site}'s own list of this class, or archives with {names}."
        )
    return _newest(found, written), written


def write_gradebook(
    archives: Sequence[str],
    graded: Mapping[str, Result],
    out: Path,
    name: PlatformName,
    roster: Roster | None,
    rubric: Rubric,
    title: str,
) -> Written:
    """Write what a platform imports beside the results.

    Args:
        archives: the file names of all.
        graded: the result of each, by its file name.
        out: the folder with the results; the feedback pages are in it.
        roster: None if the teacher gave none; then each archive's name says whose it is.
        title: how the platform calls the assignment.

    Raises:
        UsageError: the roster has several columns for the assignment.
        ToolkitError: no archive could be in a line, one has no result, or a file cannot be written.
    """
    if missing := len(archives) - len(graded):
        raise ToolkitError(
            f"{name}.csv was not written, since {missing} of {len(archives)} archives have no "
            "result yet: give the command without --only."
        )
    platform = PLATFORMS[name]
    known = roster or Roster()
    column = known.grade_column(platform, title)
    newest, written = find_owners(archives, name, roster)
    lines = [_line(one.row or {}, one, graded[one.archive], platform, rubric) for one in newest]
    absent = [row for row in known.rows if all(handed.row is not row for handed in newest)]
    lines += [_line(row, None, None, platform, rubric) for row in absent]
    who = (" ".join(filter(None, list(row.values())[:4])) for row in absent)
    written.missing = [f"Nothing from: {person}" for person in who]
    table = [[column if name == GRADE else name for name in platform.columns], *lines]
    if name == "canvas":  # its second line: what the assignment is worth, there or for a new one
        points = known.points.get(column) or f"{rubric.points:g}"
        table.insert(1, [f"    {POINTS_POSSIBLE}", *[""] * (len(platform.columns) - 2), points])
    written.files[out / f"{name}.csv"] = as_csv(table).encode()
    written.files[out / f"{name}-feedback.zip"] = zipped(
        dict(
            _named(one, (out / one.archive / "feedback.html").read_bytes(), name) for one in newest
        )
    )
    if roster is not None:
        rows = [[row.get(name, "") for name in roster.columns] for row in absent]
        written.files[out / "missing.csv"] = as_csv([roster.columns, *rows]).encode()
    write_changed(written.files)
    return written


def _handed(
    archive: str, platform: Platform, roster: Roster | None, written: Written
) -> Handed | None:
    """Whose an archive is: the platform's own mark counts more than what the student wrote."""
    said = platform.file.match(archive) if platform.file else None
    number = student_number(archive)
    if roster is None:
        if said is None and (platform.file is not None or not number):
            written.unclear.append(f"{archive!r} is in no line: its name says not whose it is.")
            return None
        return Handed(archive, number, said, None)
    marked = roster.by_key(platform, said["who"]) if said else None
    numbered = roster.by_number(number)
    if marked is None and numbered is None:
        written.unclear.append(f"{archive!r} is in no line: nobody in the roster is like that.")
        return None
    if marked and numbered and marked is not numbered:
        written.unclear.append(
            f"{archive!r} has the number of another student, {number}: it counts for the one who "
            "handed it in."
        )
    row = marked or numbered or {}
    if not (said or row.get(platform.key) or {"SID", "SIS User ID"} & {*platform.columns}):
        written.unclear.append(
            f"{archive!r} is in no line: the roster has no {platform.key} of it."
        )
        return None
    return Handed(archive, number, said, row)


def _newest(every: list[Handed], written: Written) -> list[Handed]:
    """One archive for each student: the newest attempt, where their names tell which it is."""
    mine: dict[object, list[Handed]] = {}
    for handed in every:
        mark = handed.said["who"] if handed.said else handed.number
        mine.setdefault(id(handed.row) if handed.row is not None else mark, []).append(handed)
    chosen = []
    for several in mine.values():
        several.sort(key=lambda handed: handed.when)
        chosen.append(several[-1])
        if len(several) > 1 and several[-1].when in ("", several[-2].when):
            names = " and ".join(repr(handed.archive) for handed in several)
            written.unclear.append(f"{names} are of the same student: the line has the last one.")
    return chosen


def _line(
    row: Row, handed: Handed | None, result: Result | None, platform: Platform, rubric: Rubric
) -> list[str]:
    """The cells of one student; no points where nothing could be graded."""
    own = dict(platform.given)
    if handed is not None and result is not None:
        own |= {"Max Points": f"{rubric.points:g}", "Feedback comments": _comment(result)}
        own[GRADE] = "" if result.extra_data.problem else f"{result.score:g}"
        if handed.said is not None:
            own |= {platform.key: platform.before + handed.said["who"]}
            own |= dict.fromkeys(("Full name", "Student"), handed.said["person"])
        own |= dict.fromkeys(("SID", "Student ID", "SIS User ID"), handed.number)
    if "LastName" in row:  # Canvas, if the teacher has chosen so
        row = {**row, "Student": f"{row['LastName']}, {row.get('FirstName', '')}"}
    return [row.get(name) or own.get(name, "") for name in platform.columns]


def _comment(result: Result) -> str:
    """Nothing in it is a student's own text."""
    if result.extra_data.problem:
        return "This could not be graded; a person will look at it. See the feedback file."
    still_open = f", {result.open:g} more are open" if result.open else ""
    points = f"{result.score:g} of {result.checked:g} points are certain{still_open}."
    return f"{points} See the feedback file."


def _named(handed: Handed, page: bytes, name: PlatformName) -> tuple[str, bytes]:
    """The name under which a platform knows whose feedback it is, and the content."""
    said, row = handed.said, handed.row or {}
    if name == "canvas" and said is not None:
        # It shows the file under the name of the archive, so it must be one.
        return handed.archive, zipped({"feedback.html": page})
    if name == "moodle" and said is None and (who := PLATFORMS[name].mark_in(row)):
        person = row.get("Full name", "").replace("_", " ").replace("/", " ")
        return f"{person}_{who}_assignsubmission_file_feedback.html", page
    return f"{said[0] if said else handed.number + '_'}feedback.html", page
