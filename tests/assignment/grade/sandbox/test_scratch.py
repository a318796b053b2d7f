"""Scratch directories do not stay for long, even when the grader is killed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from toolkit.assignment.grade.sandbox.scratch import clear_left_over, scratch_directory

ROOT = Path(__file__).parents[4]


def test_a_killed_grader_leaves_nothing_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one deletes its scratch directory, and none that is in use."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = (
        "import time\nfrom toolkit.assignment.grade.sandbox.scratch import scratch_directory\n"
        "with scratch_directory() as scratch:\n    (scratch / 'submission').mkdir()\n"
        "    print(scratch, flush=True)\n    time.sleep(60)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    theirs = Path(running.stdout.readline().strip())
    with scratch_directory() as mine:
        clear_left_over()
        assert (theirs / "submission").exists()
        running.kill()
        running.communicate()
        clear_left_over()
        assert list(tmp_path.iterdir()) == [mine]
    assert list(tmp_path.iterdir()) == []
