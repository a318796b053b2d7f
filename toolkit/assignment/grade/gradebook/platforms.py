"""What each platform calls its files and columns; docs/teachers.md says where that is written.

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
            for it. `who` is its mark of the student, `person` their name as far as it is written
            there, and `when` the time of the attempt; None if it gives none.
        columns: what it imports, in this order; `GRADE` is the place of the points.
        key: the column that says which student it is.
        grade: the name of the column with the points; None: that of the assignment.
        before: what stands in the column `key` before the mark.
        given: what stands in a column where neither roster nor archive say something.
    """

    file: re.Pattern[str] | None
    columns: tuple[str, ...]
    key: str
    grade: str | None
    before: str = ""
    given: Row = field(default_factory=dict)

    def mark_in(self, row: Row) -> str:
        """The mark of the student whose row this is; "" if it is not there."""
        return row.get(self.key, "").removeprefix(self.before).strip()


GRADE = "GRADE"
PLATFORMS: dict[PlatformName, Platform] = {
    "moodle": Platform(
        re.compile(r"(?P<person>[^_]+)_(?P<who>\d+)_assignsubmission_file_(?P<when>)"),
        ("Identifier", "Full name", "Email address", GRADE, "Last modified (grade)",
         "Feedback comments"),
        "Identifier",
        "Grade",
        "Participant ",
        {"Last modified (grade)": "-"},
    ),
    "canvas": Platform(
        re.compile(r"(?P<person>\w+?)_(?:late_)?(?P<who>\d+)_\d+_(?P<when>)", re.IGNORECASE),
        ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", GRADE),
        "ID",
        None,
    ),
    "blackboard": Platform(
        re.compile(r"(?P<person>).+_(?P<who>[^_]+)_attempt_(?P<when>\d{4}(?:-\d\d){5})_"),
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
