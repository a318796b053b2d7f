"""The names of files and columns on each platform; docs/teachers.md cites the sources.

The names for Moodle and Canvas come from their source code: mod/assign/feedback/ for Moodle, and
lib/gradebook_importer.rb and lib/content_zipper.rb for Canvas. The names for Blackboard come from
Anthology's help on working offline with grade data. Gradescope cannot import grades, so the file
for Gradescope has the columns of Gradescope's export.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PlatformName = Literal["moodle", "canvas", "blackboard", "gradescope"]
Row = Mapping[str, str]  # of a roster, by column


@dataclass(frozen=True)
class Platform:
    """A platform for hand-ins and grades, such as Moodle.

    Attributes:
        file: a pattern for the beginning of an archive's name, which the platform puts before the
            student's own file name; None if the platform puts nothing there. The group `mark` is
            the platform's identifier of the student, `person` is the student's name if the file
            name has it, and `when` is the time of the attempt.
        columns: the columns that the platform imports, in this order; `GRADE` stands for the column
            with the points.
        key: the column with the student's identifier.
        grade: the name of the column with the points; None if the column has the assignment's name.
        before: the text before the identifier in the column `key`.
        defaults: the contents of columns for which neither the roster nor the archive has a value.
    """

    file: re.Pattern[str] | None
    columns: tuple[str, ...]
    key: str
    grade: str | None
    before: str = ""
    defaults: Row = field(default_factory=dict)

    def mark_in(self, row: Row) -> str:
        """Return the student's identifier on the platform from a row, or "" if it is missing."""
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
