"""The check against submissions with a known fault each, and against right ones."""

from pathlib import Path

import pytest

from toolkit.assignment.check.findings import IDS
from toolkit.assignment.check.lstm import checks

from .conftest import Check
from .corpus import cases

PROMISED = {
    *("forbidden-module", "wrong-equation", "nonzero-initial-state", "state-not-carried"),
    *("fixed-batch-size", "fixed-sequence-length", "parameter-not-learnable", "dead-parameter"),
    *("loss-not-last-step", "softmax-before-loss", "wrong-optimiser", "does-not-learn"),
    *("fixed-device", "not-a-palindrome", "wrong-label", "length-overflow", "split-leak"),
    *("wrong-noise", "missing-detach", "gradients-not-cleared", "batchnorm-mode", "output-range"),
    *("interpolation-repeats-ends", "same-class-ends", "missing-file", "does-not-import"),
}


def test_the_corpus_has_every_id_and_every_equation() -> None:
    planted = {wrong.id for wrong in cases.WRONG.values()}
    assert planted | {"missing-file", "time-limit"} == set(IDS)  # those two have their own tests
    assert set(IDS) >= PROMISED
    assert {w.equation for w in cases.WRONG.values() if w.id == "wrong-equation"} == {*range(1, 8)}


@pytest.mark.parametrize("name", cases.WRONG)
def test_planted_fault_is_named(name: str, tmp_path: Path, warm_check: Check) -> None:
    """By its id and its equation, in the check of the part that should find it."""
    wrong = cases.WRONG[name]
    cases.write_wrong(name, tmp_path)
    report = warm_check(tmp_path, parts=[wrong.found_in or wrong.part])
    assert (wrong.id, wrong.equation) in [(f.id, f.equation) for f in report.findings]
    assert not report.passed


@pytest.mark.slow
@pytest.mark.parametrize("name", cases.RIGHT)
def test_no_false_alarm(name: str, tmp_path: Path, warm_check: Check) -> None:
    cases.write_right(name, tmp_path)
    report = warm_check(tmp_path)
    assert report.findings == []
    assert report.unfinished == []
    assert report.passed
    assert len(report.right) >= 10


def test_no_axis_passes_for_another() -> None:
    """Sizes of the LSTM under test, and those that the assignment fixes, differ from each other."""
    one_hot, bare, classes = 10, 1, 10
    sizes = {checks.HIDDEN, checks.BATCH, checks.STEPS, one_hot, bare}
    assert len(sizes) == 5
    assert classes == one_hot
