"""What each platform calls its files and columns; docs/teachers.md says where that is written.

Moodle, Canvas: their own programs, mod/assign/feedback/ and lib/gradebook_importer.rb,
lib/content_zipper.rb. Blackboard: Anthology's help on working offline with grade data. Gradescope
has no import of grades, so its file has the columns of its export.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

PlatformName = Literal["moodle", "canvas", "blackboard", "gradescope"]
Row = Mapping[str, str]  # of a roster, by column


@dataclass(frozen=True)
class FileName:
    """What the name that a platform gave to an archive says.

    Attributes:
        who: the platform's own mark of the student.
        person: their name, as far as it is written there.
        before: all of the name before the student's own file name.
        when: the time of the attempt, where it is written there.
    """

    who: str
    person: str
    before: str
    when: str = ""


@dataclass(frozen=True)
class Platform:
    """One platform.

    Attributes:
        file: the name of an archive, with groups `who`, `person` and perhaps `when`.
        columns: what it imports, in this order; `GRADE` is the place of the points.
        key: the column that says which student it is.
        grade: the name of the column with the points; None: that of the assignment.
        who: from the value in `key` to the mark in file names.
        key_of: from that mark to the value in `key`.
        given: what stands in a column where neither roster nor archive say something.
    """

    file: re.Pattern[str] | None
    columns: tuple[str, ...]
    key: str
    grade: str | None
    who: Callable[[str], str] = str.strip
    key_of: Callable[[str], str] = str
    given: Row = field(default_factory=dict)

    def read(self, archive: str) -> FileName | None:
        """What an archive's name says; None if this platform did not make it."""
        found = self.file.match(archive) if self.file else None
        if found is None:
            return None
        said = found.groupdict()
        before = archive[: found.end()]
        return FileName(said["who"], said.get("person") or "", before, said.get("when") or "")


GRADE = "GRADE"
PLATFORMS: dict[PlatformName, Platform] = {
    "moodle": Platform(
        re.compile(r"(?P<person>[^_]+)_(?P<who>\d+)_assignsubmission_file_"),
        ("Identifier", "Full name", "Email address", GRADE, "Last modified (grade)",
         "Feedback comments"),
        "Identifier",
        "Grade",
        lambda identifier: identifier.rpartition(" ")[2],
        lambda who: f"Participant {who}",
        {"Last modified (grade)": "-"},
    ),
    "canvas": Platform(
        re.compile(r"(?P<person>\w+?)_(?:late_)?(?P<who>\d+)_\d+_", re.IGNORECASE),
        ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", GRADE),
        "ID",
        None,
    ),
    "blackboard": Platform(
        re.compile(r".+_(?P<who>[^_]+)_attempt_(?P<when>\d{4}(?:-\d\d){5})_"),
        ("Last Name", "First Name", "Username", "Student ID", GRADE),
        "Username",
        None,
    ),
    "gradescope": Platform(
        None,
        ("First Name", "Last Name", "SID", "Email", GRADE, "Max Points"),
        "SID",
        "Total Score",
    ),
}  # fmt: skip
