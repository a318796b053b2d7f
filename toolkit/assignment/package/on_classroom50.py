"""The grader for Classroom 50: python -m toolkit.assignment.package.on_classroom50 FOLDER

The grader writes release-body.md and result.json into the working directory. The format of
result.json is described at https://github.com/foundation50/classroom50/wiki/Advanced-Autograding
(version of 16 August 2026, read in November 2026). On a GitHub Actions runner, the grader is
started with sudo, because only root can run the submission as another user.
"""

import json
import math
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from toolkit.assignment.grade.result import Result, TaskResult
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.package.graded import grade_handed_in
from toolkit.assignment.sandbox.isolation import Limits
from toolkit.common.files import atomic_write

SCHEMA = "classroom50/result/v1"
LIMITS = Limits(seconds=300, longest=300, memory=2 * 2**30, output=2**16)
# The fields that Classroom 50 requires, and the runner's variables that contain their values.
FIELDS = {
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
    "review": "REVIEW_URL",
}


def main(folder: Path) -> None:
    """Grade `folder` with the rubric.toml beside `toolkit/`, and write the two result files."""
    rubric = read_rubric(Path(__file__).parents[3] / "rubric.toml")
    result = grade_handed_in(folder, rubric, LIMITS)
    content = as_classroom50(result, os.environ, datetime.now(UTC))
    atomic_write(Path("result.json"), f"{json.dumps(content, indent=2)}\n".encode())
    atomic_write(Path("release-body.md"), as_markdown(result).encode())


def as_classroom50(result: Result, variables: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """Return the contents of result.json.

    If the grading runs outside Classroom 50, the fields that need its environment variables, such
    as the URL of the commit, are empty.

    Args:
        variables: the runner's environment variables.
        now: the current time in UTC.
    """
    tests = []
    for test in result.tests:
        tests.append(
            {
                "test-name": test.name,
                "passed": test.status == "passed",
                "score": whole(test),
                "max-score": round(test.max_score),
                "output": test.output,
            }
        )
    fields = {}
    for name, variable in FIELDS.items():
        fields[name] = variables.get(variable, "")
    if not fields["review"]:
        fields["review"] = fields["commit"]
    return {
        "schema": SCHEMA,
        **fields,
        "datetime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "score": sum(test["score"] for test in tests),
        "max-score": sum(test["max-score"] for test in tests),
        "tests": tests,
    }


def whole(test: TaskResult) -> int:
    """Return a task's points as an integer: a full score is rounded to the nearest integer, as the
    maximum is; any other score is rounded down.
    """
    maximum = round(test.max_score)
    if test.score == test.max_score:
        return maximum
    return min(maximum, math.floor(test.score))


def as_markdown(result: Result) -> str:
    """Return a feedback page in Markdown: the total points as a heading, and the details of the
    grading as a block of plain text.

    Everybody who can see the student's repository can also see the feedback page.
    """
    lines = [result.output, ""]
    for test in result.tests:
        lines += [f"{test.name}: {test.score:g} of {test.max_score:g}", test.output, ""]
    text = "\n".join(lines).replace("```", "'''")
    return f"# {result.score:g} of {result.checked:g} points\n\n```text\n{text}```\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
