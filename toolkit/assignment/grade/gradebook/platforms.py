"""The names of files and columns on each platform; docs/teachers.md says where they come from.

Moodle, Canvas: their own programs, mod/assign/feedback/ and lib/gradebook_importer.rb,
lib/content_zipper.rb. Blackboard: Anthology's help on working offline with grade data. Gradescope
has no import of grades, so its file has the columns of its export.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PlatformName = Literal["moodle", "canvas", "blackboard", "gradescope"]
Row = Mapping[str, str]  # of a roster, by column


@dataclass(frozen=True)
class Platform:
    """One platform.

    Attributes:
        file: the beginning of the name that it gives to an archive, up to the student's own name
            for it; None if it gives no name. `mark` is its mark of the student, `person` their
            name as far as it is written there, and `when` the time of the attempt.
        columns: those that it imports, in this order; `GRADE` is the place of the points.
        key: the column that has the student's mark.
        grade: the name of the column with the points; None if it is that of the assignment.
        before: the text before the mark in the column `key`.
        defaults: the content of a column if neither roster nor archive has any.
    """

    file: re.Pattern[str] | None
    columns: tuple[str, ...]
    key: str
    grade: str | None
    before: str = ""
    defaults: Row = field(default_factory=dict)

    def mark_in(self, row: Row) -> str:
        """Return the mark of the student whose row this is; "" if the row has no mark."""
        return row.get(self.key, "").removeprefix(self.before).strip()


GRADE = "GRADE"
PLATFORMS: dict[PlatformName, Platform] = {
    "moodle": Platform(
        re.compile(r"(?P<person>[^_]+)_(?P<mark>\d+)_assignsubmission_file_(?P<when>)"),
        ("Identifier", "Full name", "Email address", GRADE, "Last modified (grade)",
         "Feedback comments"),
        "Identifier",
        "Grade",
        "Participant ",
        {"Last modified (grade)": "-"},
    ),
    "canvas": Platform(
        re.compile(r"(?P<person>\w+?)_(?:late_)?(?P<mark>\d+)_\d+_(?P<when>)", re.IGNORECASE),
        ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", GRADE),
        "ID",
        None,
    ),
    "blackboard": Platform(
        re.compile(r"(?P<person>).+_(?P<mark>[^_]+)_attempt_(?P<when>\d{4}(?:-\d\d){5})_"),
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
