"""Checks one part: python -m toolkit.assignment.check.child PART ROOT FILE SECONDS BYTES.

A student's code runs in this process and never in that of the parent. Findings go to the standard
output as JSON lines, each behind a nonce that is read from the standard input; what the student's
code prints goes nowhere.
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

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.student.lines import place_of
from toolkit.assignment.parts import Part

CHECKS = {  # imported when needed: each process runs one
    "dataset": "toolkit.assignment.check.dataset",
    "lstm": "toolkit.assignment.check.lstm.checks",
    "train": "toolkit.assignment.check.train",
    "gan": "toolkit.assignment.check.gan.checks",
}


def main(part: Part, root: Path, file: str, seconds: int, memory: int) -> None:
    """Check one part of the submission in `root`, in so much CPU time and bytes of memory."""
    _limit(resource.RLIMIT_CPU, seconds)
    _limit(resource.RLIMIT_DATA, memory)
    nonce = sys.stdin.readline().strip()
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the generator that students' code uses
    torch.manual_seed(0)
    channel = Channel(stream, nonce, part, root, file)
    try:
        importlib.import_module(CHECKS[part]).check(root / file, channel)
    except Exception as error:
        if place_of(error, root)[0] is None:  # raised by the check's own code
            channel.unfinished(
                f"The check of {file} itself failed with {type(error).__name__}: {error}."
            )
        else:
            channel.error(error)
    channel.finished()


def _limit(what: int, value: int) -> None:
    """Set a limit of this process, or keep the one that is set if it is lower."""
    _, hard = resource.getrlimit(what)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (value, value))


if __name__ == "__main__":
    part, root, file, *limits = sys.argv[1:]
    main(part, Path(root), file, *map(int, limits))  # type: ignore[arg-type]
