"""The course's own folders get the same verdict as the flat one, to the line."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from toolkit.assignment.findings.findings import Report
from toolkit.assignment.findings.text import source_line
from toolkit.assignment.running.parts import PARTS, Part

from ..conftest import Check
from ..layouts import LAYOUTS, write
from .corpus import build, cases

# Those in which code runs in another way; `test_locate` has the others.
RUN = ("flat", "Part 1, Part 2", "nested twice", "a package", "relative imports", "two notebooks")
RIGHT = build.texts(cases.RIGHT["separate gates"])
WRONG = cases.WRONG["the label is the middle"].texts


def verdicts(report: Report, folder: Path, part: Part) -> set[tuple[object, ...]]:
    """The findings, each with the line of code that it points to, wherever that is now."""
    entries = set()
    for finding in (*report.right, *report.findings, *report.not_seen):
        if finding.part != part:
            continue
        code = None
        if finding.file is not None and finding.line is not None:
            code = source_line(folder, finding.file, finding.line, finding.cell) or ""
            code = code.strip()
        entries.add((finding.verdict, finding.id, finding.equation, code))
    return entries


@pytest.mark.parametrize(
    ("part", "texts"),
    [
        pytest.param("dataset", WRONG, id="wrong"),
        *(pytest.param(part, RIGHT, id=part, marks=pytest.mark.slow) for part in PARTS),
    ],
)
def test_every_layout(
    part: Part, texts: Mapping[str, str], tmp_path: Path, warm_check: Check
) -> None:
    """The verdict on one part in each layout is that on the flat folder."""
    found_in = {}
    for name in RUN:
        files, places = LAYOUTS[name]({part: texts[part] for part in PARTS})
        folder = write(tmp_path / name, files)
        report = warm_check(folder, parts=[part])
        assert report.files == places
        found_in[name] = verdicts(report, folder, part)
    flat = found_in["flat"]
    assert ("wrong" in {verdict for verdict, *_ in flat}) == (texts is WRONG)
    for name, entries in found_in.items():
        assert entries == flat, name
