"""The check against submissions with known faults, against right ones, and against itself."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from toolkit.assignment.check.findings import IDS, Report

from .conftest import Check
from .corpus import build, cases
from .corpus.misconceptions import Fault
from .dataset import test_styles
from .gan import styles
from .train import scripts

ELSEWHERE = {"missing-file", "time-limit", "doubtful-record"}  # they have tests of their own
# Each part of the right ones, and all of one: with modules of its own, in the course's folders.
WHOLE = "Part 1 and Part 2"
RIGHT = [one for one in cases.right_parts().values() if one[0] != WHOLE]
RIGHT += [(WHOLE, list(cases.FILES))]
# What is planted in other code as well, each time: (id, part).
TWICE = {
    *((id, "gan") for id, _ in styles.WRONG.values()),
    *((id, "train") for case in scripts.CASES.values() for id, _ in case.wrong),
    *((id, "dataset") for _, id in test_styles.WRONG.values()),
}


def test_the_corpus_has_every_id_and_every_equation() -> None:
    faults = [fault for row in cases.TABLE.values() for fault in row.faults]
    assert {fault.id for fault in faults} | ELSEWHERE == set(IDS)
    assert {f.equation for f in faults if f.id == "wrong-equation"} == {*range(1, 9)}


def test_every_edit_fits_and_every_place_is_somewhere() -> None:
    """Else they would test nothing."""
    solutions = [build.texts(right) for right in cases.RIGHT.values()]
    for row in cases.TABLE.values():
        done = [[row.applied(edit, texts) for texts in solutions] for edit in row.edits]
        assert all(any(there) for there in done), row.name
        written = "".join(t for there in done for one in there if one for t in one[0].values())
        assert [t for fault in row.faults for t in fault.at if t not in written] == [], row.name


def _planted() -> Iterator[ParameterSet]:
    """All faulty submissions; beyond the second with the same faults, they are tried at night.

    Of those that another test plants in other code, beyond the first. Quick are those with a fault
    that no other has, here or there.
    """
    seen: Counter[object] = Counter()
    quick: set[object] = set()
    for name, wrong in cases.WRONG.items():
        kind = (tuple((fault.id, fault.equation) for fault in wrong.faults), wrong.parts)
        seen[kind] += wrong.first
        alone = len(wrong.faults) == 1 and (wrong.faults[0].id, wrong.parts[0]) in TWICE
        often = seen[kind] > (1 if alone else 2)
        faults = {(fault.id, fault.equation) for fault in wrong.faults}
        if often or not wrong.first:
            yield pytest.param(name, marks=pytest.mark.nightly)
        elif alone or faults <= quick:
            yield pytest.param(name, marks=pytest.mark.slow)
        else:
            quick |= faults
            yield pytest.param(name)


@pytest.mark.rows(14)
@pytest.mark.parametrize("name", list(_planted()))
def test_planted_fault_is_named(name: str, tmp_path: Path, warm_check: Check) -> None:
    """By its id and its equation, at a line where it would be mended; and nothing else is.

    In a further solution the same edit may have another equation and line, or not be seen.
    """
    wrong = cases.WRONG[name]
    cases.write_planted(name, tmp_path)
    report = warm_check(tmp_path, parts=list(wrong.parts))
    known = {*wrong.also, *wrong.instead, *(fault.id for fault in wrong.faults)}
    assert [f for f in report.findings if f.id not in known] == [], "these are false alarms"
    assert report.findings or report.not_seen
    for fault in wrong.faults if wrong.first else ():
        _assert_named(fault, wrong, report, tmp_path)


def _assert_named(fault: Fault, wrong: cases.Planted, report: Report, folder: Path) -> None:
    named = [f for f in report.findings if (f.id, f.equation) == (fault.id, fault.equation)]
    named += [f for f in report.findings if f.id in wrong.instead]
    assert named, f"{fault.id} ({fault.equation}) is not among {report.findings}, {report.not_seen}"
    allowed = build.places(folder, fault.at)
    found = {(f.file, f.cell, f.line) for f in named}
    assert found & allowed, f"{fault.id} is named at {found}, and should be at one of {allowed}"


@pytest.mark.rows(4)
@pytest.mark.parametrize(("name", "parts"), RIGHT, ids=[f"{'-'.join(p)} of {n}" for n, p in RIGHT])
def test_no_false_alarm(name: str, parts: list[str], tmp_path: Path, warm_check: Check) -> None:
    """It is seen whole, and is right; but for two images that someone has chosen by looking at
    them: nobody else sees whether these show different digits.
    """
    cases.write_right(name, tmp_path)
    report = warm_check(tmp_path, parts=parts)
    assert report.findings == []
    by_eye = "gan" in parts and cases.RIGHT[name].gan not in cases.CHOSEN_BY_CODE
    assert {f.id for f in report.not_seen} <= ({"same-class-ends"} if by_eye else set())
    assert report.passed == (report.not_seen == [])
    assert set(report.files) == set(cases.FILES)
    said = Counter(f.part for f in report.right)
    assert all(said[part] >= 3 for part in parts)


@pytest.mark.rows(2)
@pytest.mark.parametrize("name", cases.UNSEEN)
def test_what_cannot_be_seen_is_no_fault(name: str, tmp_path: Path, warm_check: Check) -> None:
    cases.write_planted(name, tmp_path)
    report = warm_check(tmp_path, parts=list(cases.UNSEEN[name].parts))
    assert report.findings == []
    assert report.not_seen != []
    assert not report.passed


def test_no_axis_passes_for_another() -> None:
    """Sizes of the LSTM under test, and those that the assignment fixes, differ from each other."""
    from toolkit.assignment.check.lstm import network  # a case needs no judge but its own

    one_hot, bare = 10, 1
    assert len({network.HIDDEN, network.BATCH, network.STEPS, one_hot, bare}) == 5
