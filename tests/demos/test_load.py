"""A crowd of 50 visitors gets only answers or 'queue is full', and leaves no file behind."""

import runpy

import pytest

from .conftest import ROOT, run_coroutine

BENCHMARK = ROOT / "benchmarks" / "demos.py"


@pytest.mark.xdist_group("digit_demo")
def test_a_crowd_at_the_gate_microscope(digit_page: str) -> None:
    crowd = runpy.run_path(str(BENCHMARK))["crowd"](digit_page, visitors=50, seconds=0)
    outcomes = run_coroutine(crowd)
    assert set(outcomes) <= {"answer", "queue is full"}
    assert outcomes["answer"] >= 10
