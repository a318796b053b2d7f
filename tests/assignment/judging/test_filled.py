"""The solution, which is the skeleton filled in, with the records of its own trainings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.assignment.handin.records import read_folder
from toolkit.assignment.skeleton import write_solution

from ..conftest import Check


@pytest.mark.slow
def test_it_is_right_and_records_itself(tmp_path: Path, warm_check: Check) -> None:
    """Its records are read; the check's run of the same `train.py` does not change that."""
    write_solution(tmp_path)
    words = ("--network", "rnn", "--length", "9", "--train-steps", "20")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "train.py", *words], cwd=tmp_path, env=environment, check=True)
    records = read_folder(tmp_path)
    (made,) = records.trainings
    assert (made.network, made.length, made.rows[-1][0]) == ("RNN", 9, 20)
    assert made.command == "python train.py --network rnn --length 9 --train-steps 20"
    assert not records.problems
    report = warm_check(tmp_path, parts=["train", "gan"])
    assert report.findings == []
    messages = [finding.message for finding in report.right]
    (message,) = [text for text in messages if "records of these training runs" in text]
    assert "rnn-T9-rate0.001" in message
    assert "after 20 steps" in message  # the check itself stops after 8
