"""The course's own folders get the same verdict as the flat one, to the line."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from toolkit.assignment.check.findings import Report
from toolkit.assignment.check.text import source_line
from toolkit.assignment.parts import PARTS, Part

from ..layouts import LAYOUTS, write
from .conftest import Check
from .corpus import build, cases

# Those in which code runs in another way; `test_locate` has the others.
RUN = ("flat", "Part 1, Part 2", "nested twice", "a package", "relative imports", "two notebooks")
RIGHT = build.texts(cases.RIGHT["separate gates"])
WRONG = cases.WRONG["the label is the middle"].texts


def verdicts(report: Report, folder: Path, part: Part) -> set[tuple[object, ...]]:
    """What was found, and the line of code that it points to, wherever that is now."""
    found = (*report.right, *report.findings, *report.not_seen)
    return {
        (f.verdict, f.id, f.equation, f.file is not None and f.line is not None
         and (source_line(folder, f.file, f.line, f.cell) or "").strip())
        for f in found if f.part == part
    }  # fmt: skip


@pytest.mark.parametrize(
    ("part", "given"),
    [
        pytest.param("dataset", WRONG, id="wrong"),
        *(pytest.param(part, RIGHT, id=part, marks=pytest.mark.slow) for part in PARTS),
    ],
)
def test_every_layout(
    part: Part, given: Mapping[str, str], tmp_path: Path, warm_check: Check
) -> None:
    """The verdict on one part in each layout is that on the flat folder."""
    found = {}
    for name in RUN:
        files, places = LAYOUTS[name]({part: given[part] for part in PARTS})
        folder = write(tmp_path / name, files)
        report = warm_check(folder, parts=[part])
        assert report.files == places
        found[name] = verdicts(report, folder, part)
    assert ("wrong" in {verdict for verdict, *_ in found["flat"]}) == (given is WRONG)
    flat = found["flat"]
    different = {n: (one - flat, flat - one) for n, one in found.items() if one != flat}
    assert different == {}
