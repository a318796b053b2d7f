"""The course's own folders get the same verdict as the flat one, to the line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.assignment.check.findings import Report
from toolkit.assignment.check.text import source_line
from toolkit.assignment.parts import FILES, PARTS, Part

from ..layouts import LAYOUTS, Layout, Texts, write
from .conftest import Check
from .corpus import cases

RIGHT = "separate gates"
# Those in which code runs in another way; `test_locate` has the others.
RUN = ("flat", "Part 1, Part 2", "nested twice", "a package", "relative imports", "two notebooks")
WRONG: dict[Part, str] = {"dataset": "the label is the middle"}


def texts_in(folder: Path) -> Texts:
    """A submission that was written flat, which is taken away."""
    found = {part: (folder / name).read_text() for part, name in FILES.items()}
    for name in FILES.values():
        (folder / name).unlink()
    return found


def verdicts(report: Report, folder: Path, part: Part) -> set[tuple[object, ...]]:
    """What was found, and the line of code that it points to, wherever that is now."""
    found = (*report.right, *report.findings, *report.not_seen)
    return {
        (f.verdict, f.id, f.equation, f.file is not None and f.line is not None
         and (source_line(folder, f.file, f.line, f.cell) or "").strip())
        for f in found if f.part == part
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_right_in_every_layout(part: Part, tmp_path: Path, warm_check: Check) -> None:
    cases.write_right(RIGHT, tmp_path)
    compare(texts_in(tmp_path), part, tmp_path, warm_check)


@pytest.mark.parametrize("part", WRONG)
def test_wrong_in_every_layout(part: Part, tmp_path: Path, warm_check: Check) -> None:
    cases.write_planted(WRONG[part], tmp_path)
    found = compare(texts_in(tmp_path), part, tmp_path, warm_check)
    assert any(verdict == "wrong" for verdict, *_ in found)


def compare(texts: Texts, part: Part, folder: Path, warm_check: Check) -> set[tuple[object, ...]]:
    """The verdict on one part in each layout is that on the flat folder, which is returned."""
    flat = None
    different = {}
    for name in RUN:
        found = verdict_in(LAYOUTS[name], texts, part, folder / name, warm_check)
        flat = found if flat is None else flat
        if found != flat:
            different[name] = (found - flat, flat - found)
    assert different == {}
    assert flat
    return flat


def verdict_in(
    layout: Callable[[Texts], Layout], texts: Texts, part: Part, folder: Path, warm_check: Check
) -> set[tuple[object, ...]]:
    files, places = layout(texts)
    report = warm_check(write(folder, files), parts=[part])
    assert report.files == places
    return verdicts(report, folder, part)
