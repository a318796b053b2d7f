"""Runs one part of a check: python -m toolkit.assignment.probe PART ROOT FILE SECONDS.

A student's code runs in this process and never in that of the checker. Findings go to the standard
output as JSON lines; what the student's code prints goes nowhere.
"""

import importlib
import os
import random
import resource
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

from toolkit.assignment.findings import Part
from toolkit.assignment.sink import Sink

CHECKS = {  # imported when they are wanted: each process needs one
    "dataset": "toolkit.assignment.dataset_checks",
    "lstm": "toolkit.assignment.lstm_checks",
    "train": "toolkit.assignment.train_checks",
    "gan": "toolkit.assignment.gan_checks",
}


MAX_BYTES = 4 << 30  # of memory


def main(part: Part, root: Path, file: str, seconds: int) -> None:
    """Check one part of the submission in `root`, in so much CPU time, and tell the findings."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_BYTES, MAX_BYTES))
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the generator that students' code draws from
    torch.manual_seed(0)
    sink = Sink(stream, part, root, file)
    importlib.import_module(CHECKS[part]).check(root / file, sink)
    sink.finished()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))  # type: ignore[arg-type]
