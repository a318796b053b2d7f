"""The benchmark's crowd in short: only answers or 'queue is full', and no file left behind."""

import re
import subprocess
import sys

import pytest

from .conftest import ROOT


@pytest.mark.slow
def test_a_crowd() -> None:
    options = ["--starts", "1", "--calls", "2", "--visitors", "50", "--seconds", "6"]
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "demos.py", *options], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (answers,) = re.findall(
        r"what they get \| answer, queue is full \|.* ([\d,]+) answer", done.stdout
    )
    assert int(answers.replace(",", "")) >= 10
    assert "files left behind | 0 | 0 |" in done.stdout
