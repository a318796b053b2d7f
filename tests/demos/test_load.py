"""A crowd of 50 visitors gets only answers or 'queue is full', and leaves no file behind."""

import asyncio
import re
import runpy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import ROOT

BENCHMARK = ROOT / "benchmarks" / "demos.py"


@pytest.mark.slow
@pytest.mark.xdist_group("gan_demo")
def test_the_benchmark() -> None:
    """It starts the latent studio as its users do."""
    few = ["--starts", "1", "--calls", "2", "--visitors", "50", "--seconds", "1"]
    command = [sys.executable, BENCHMARK, "--demo", "gan", *few]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (answers,) = re.findall(
        r"what they get \| answer, queue is full \|.* ([\d,]+) answer", done.stdout
    )
    assert int(answers.replace(",", "")) >= 10
    assert "files left behind | 0 | 0 |" in done.stdout


@pytest.mark.xdist_group("digit_demo")
def test_a_crowd_at_the_gate_microscope(digit_page: str) -> None:
    crowd = runpy.run_path(str(BENCHMARK))["crowd"](digit_page, visitors=50, seconds=1)
    with ThreadPoolExecutor() as threads:  # Playwright has an event loop in this one
        outcomes = threads.submit(asyncio.run, crowd).result()
    assert set(outcomes) <= {"answer", "queue is full"}
    assert outcomes["answer"] >= 10
