"""The check against submissions with known faults, against right ones, and against itself."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from toolkit.assignment.findings.findings import IDS, Report

from ..conftest import Check
from .corpus import build, cases
from .corpus.misconceptions import Fault
from .dataset import test_styles
from .gan import styles
from .train import scripts

ELSEWHERE = {"missing-file", "time-limit", "doubtful-record"}  # they have tests of their own
# Each part of the right ones, and all of one: with modules of its own, in the course's folders.
WHOLE = "Part 1 and Part 2"
RIGHT = [entry for entry in cases.right_parts().values() if entry[0] != WHOLE]
RIGHT += [(WHOLE, list(cases.FILES))]
RIGHT_IDS = [f"{'-'.join(parts)} of {name}" for name, parts in RIGHT]


def _planted_elsewhere() -> set[tuple[str, str]]:
    """The (id, part) of each fault that other tests plant in other code."""
    planted = set()
    for id, _ in styles.WRONG.values():
        planted.add((id, "gan"))
    for case in scripts.CASES.values():
        for id, _ in case.wrong:
            planted.add((id, "train"))
    for _, id in test_styles.WRONG.values():
        planted.add((id, "dataset"))
    return planted


TWICE = _planted_elsewhere()


def test_the_corpus_has_every_id_and_every_equation() -> None:
    ids = set()
    equations = set()
    for misconception in cases.TABLE.values():
        for fault in misconception.faults:
            ids.add(fault.id)
            if fault.id == "wrong-equation":
                equations.add(fault.equation)
    assert ids | ELSEWHERE == set(IDS)
    assert equations == set(range(1, 9))


def test_every_edit_fits_and_every_place_is_somewhere() -> None:
    """Else they would test nothing."""
    solutions = [build.texts(right) for right in cases.RIGHT.values()]
    for misconception in cases.TABLE.values():
        written = ""
        for edit in misconception.edits:
            edited = ""
            for texts in solutions:
                applied = misconception.applied(edit, texts)
                if applied is not None:
                    edited += "".join(applied[0].values())
            assert edited, misconception.name
            written += edited
        for fault in misconception.faults:
            for text in fault.at:
                assert text in written, misconception.name


def _planted() -> Iterator[ParameterSet]:
    """The faulty submissions; beyond the second with the same faults, they are tried at night.

    Of those that another test plants in other code, beyond the first. Quick are those with a fault
    that no other has, here or there.
    """
    counts: Counter[object] = Counter()
    quick: set[object] = set()
    for name, wrong in cases.WRONG.items():
        faults = tuple((fault.id, fault.equation) for fault in wrong.faults)
        kind = (faults, wrong.parts)
        counts[kind] += wrong.first
        is_planted_elsewhere = len(faults) == 1 and (wrong.faults[0].id, wrong.parts[0]) in TWICE
        wanted = 2
        if is_planted_elsewhere:
            wanted = 1
        if counts[kind] > wanted or not wrong.first:
            yield pytest.param(name, marks=pytest.mark.nightly)
        elif is_planted_elsewhere or quick.issuperset(faults):
            yield pytest.param(name, marks=pytest.mark.slow)
        else:
            quick.update(faults)
            yield pytest.param(name)


@pytest.mark.rows(6)
@pytest.mark.parametrize("name", list(_planted()))
def test_planted_fault_is_named(name: str, tmp_path: Path, warm_check: Check) -> None:
    """By its id and its equation, at a line where it would be mended; and nothing else is.

    In a further solution the same edit may have another equation and line, or not be seen.
    """
    wrong = cases.WRONG[name]
    cases.write_planted(name, tmp_path)
    report = warm_check(tmp_path, parts=list(wrong.parts))
    known = {*wrong.also, *wrong.instead, *(fault.id for fault in wrong.faults)}
    false_alarms = [finding for finding in report.findings if finding.id not in known]
    assert false_alarms == []
    assert report.findings or report.not_seen
    if wrong.first:
        for fault in wrong.faults:
            _assert_named(fault, wrong, report, tmp_path)


def _assert_named(fault: Fault, wrong: cases.Planted, report: Report, folder: Path) -> None:
    """By its id and equation, or by an id that does as well, at one of its lines."""
    named = set()
    for finding in report.findings:
        is_exact = (finding.id, finding.equation) == (fault.id, fault.equation)
        if is_exact or finding.id in wrong.instead:
            named.add((finding.file, finding.cell, finding.line))
    assert named, f"{fault.id} ({fault.equation}) is not among {report.findings}, {report.not_seen}"
    allowed = build.places(folder, fault.at)
    assert named & allowed, f"{fault.id} is named at {named}, and should be at one of {allowed}"


@pytest.mark.rows(4)
@pytest.mark.parametrize(("name", "parts"), RIGHT, ids=RIGHT_IDS)
def test_no_false_alarm(name: str, parts: list[str], tmp_path: Path, warm_check: Check) -> None:
    """It is seen whole, and is right; but for two images that someone has chosen by looking at
    them: nobody else sees whether these show different digits.
    """
    cases.write_right(name, tmp_path)
    report = warm_check(tmp_path, parts=parts)
    assert report.findings == []
    for finding in report.not_seen:
        assert finding.id == "same-class-ends"
        assert "gan" in parts
        assert cases.RIGHT[name].gan not in cases.CHOSEN_BY_CODE
    assert report.passed == (report.not_seen == [])
    assert set(report.files) == set(cases.FILES)
    counts = Counter(finding.part for finding in report.right)
    for part in parts:
        assert counts[part] >= 3


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
    from toolkit.assignment.judging.lstm import network  # a case needs no judge but its own

    one_hot, bare = 10, 1
    assert len({network.HIDDEN, network.BATCH, network.STEPS, one_hot, bare}) == 5


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        ("no nine", ["The input of each item is", "Palindromes of more than 36", "Each digit is"]),
        ("a bias that is a tensor", ["Apart from ", "The model follows equations (1) to (7)."]),
        ("a bias that is a buffer", ["The model creates all its tensors on the same device"]),
    ],
)
def test_what_is_right_beside_a_fault_is_said(
    name: str, sentences: list[str], warm_check: Check, tmp_path: Path
) -> None:
    cases.write_planted(name, tmp_path)
    report = warm_check(tmp_path, parts=list(cases.WRONG[name].parts))
    right = [finding.message for finding in report.right]
    for sentence in sentences:
        assert any(message.startswith(sentence) for message in right), right
