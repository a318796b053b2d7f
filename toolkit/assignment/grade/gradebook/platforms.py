"""The file and column names that each platform uses; docs/teachers.md cites the sources.

For Moodle and Canvas, the file and column names come from the source code of the platforms:
mod/assign/feedback/ for Moodle, and lib/gradebook_importer.rb and lib/content_zipper.rb for Canvas.
The names for Blackboard come from Anthology's help page on working offline with grade data.
Gradescope cannot import grades, so the file for Gradescope cannot be uploaded; it has the same
columns as the file that Gradescope itself exports.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PlatformName = Literal["moodle", "canvas", "blackboard", "gradescope"]
Row = Mapping[str, str]  # of a roster, by column


@dataclass(frozen=True)
class Platform:
    """A platform for submissions and grades, such as Moodle.

    Attributes:
        file: a pattern for the prefix that the platform adds to the student's own file name; None
            if the platform adds no prefix. In this pattern, the group `mark` captures the
            identifier by which the platform knows the student. The group `person` captures the
            student's name, and the group `when` captures the time of the attempt. Both `person` and
            `when` may be empty.
        columns: the columns of the platform's file, in order; `GRADE` stands for the column with
            the points.
        key: the column with the student's identifier.
        grade: the name of the column with the points; None if the column is named after the
            assignment.
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
        """Return the platform's identifier for a student, read from the student's row of the
        roster, or "" if the row has none.
        """
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
