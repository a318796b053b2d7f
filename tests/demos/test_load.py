"""The benchmark's crowd in short: only answers or 'queue is full', and no file left behind."""

import re
import subprocess
import sys

import pytest

from .conftest import ROOT


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gan", "digit"])
def test_a_crowd(name: str) -> None:
    few = ["--starts", "1", "--calls", "2", "--visitors", "50", "--seconds", "6"]
    command = [sys.executable, ROOT / "benchmarks" / "demos.py", "--demo", name, *few]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (answers,) = re.findall(
        r"what they get \| answer, queue is full \|.* ([\d,]+) answer", done.stdout
    )
    assert int(answers.replace(",", "")) >= 10
    assert "files left behind | 0 | 0 |" in done.stdout
