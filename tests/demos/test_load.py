"""A crowd of 50 visitors gets only answers or 'queue is full', and leaves no file behind."""

import asyncio
import runpy
from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import ROOT

BENCHMARK = ROOT / "benchmarks" / "demos.py"


@pytest.mark.xdist_group("digit_demo")
def test_a_crowd_at_the_gate_microscope(digit_page: str) -> None:
    crowd = runpy.run_path(str(BENCHMARK))["crowd"](digit_page, visitors=50, seconds=0)
    with ThreadPoolExecutor() as threads:  # Playwright has an event loop in this one
        outcomes = threads.submit(asyncio.run, crowd).result()
    assert set(outcomes) <= {"answer", "queue is full"}
    assert outcomes["answer"] >= 10
