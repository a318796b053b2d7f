"""The grader for Gradescope: python -m toolkit.assignment.package.on_gradescope ROOT

ROOT is /autograder, which contains source/, submission/ and results/, as described at
https://gradescope-autograders.readthedocs.io/en/latest/specs/ (read in November 2026).
"""

import sys
from pathlib import Path

from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.verdict import ungraded
from toolkit.assignment.package.graded import closed, grade_handed_in
from toolkit.assignment.sandbox.isolation import Limits
from toolkit.common.files import atomic_write

# A container gets 10 minutes, 768 MiB and half a core; the judge needs some of each.
LIMITS = Limits(
    seconds=420,
    longest=420,
    memory=400 * 2**20,
    processes=64,
    disk=2**28,
    file_size=2**26,
    output=2**16,
)
UNFINISHED = "The check did not finish: it was stopped for its time or its memory, or it failed."


def main(root: Path) -> None:
    """Write results/results.json, even if grading fails, and print any reasons why the submission
    needs a manual review.
    """
    rubric = read_rubric(root / "source" / "rubric.toml")
    submission = root / "submission"
    results = root / "results"
    with closed(root / "source", submission, results):
        _write(ungraded("submission", UNFINISHED, rubric), results)
        result = grade_handed_in(submission, rubric, LIMITS)
        _write(result, results)
    print("\n".join(result.extra_data.needs_a_look) or "Nothing needs a look.")


def _write(result: Result, results: Path) -> None:
    atomic_write(results / "results.json", f"{result.model_dump_json(indent=2)}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
