"""SIGKILL at random moments: a command that is repeated must end with the same bytes."""

import itertools
import random
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from mishaps import Outcome
from mishaps.child import attempt, contents

COMMANDS = (
    ["lstm"],
    ["rnn"],
    ["lstm", "--curriculum", "--num-steps", "60"],
    ["rnn", "--num-steps", "50", "--seeds", "3"],
    ["classifier"],
    ["gan", "--batch-size", "4"],
    ["gan", "--architecture", "mlp", "--batch-size", "4"],
    ["all"],
)
KILLS = 8  # in one directory, before the command may end


class Whole(NamedTuple):
    """A command that ran without being killed, and its results."""

    words: list[str]
    formats: bool  # True if it makes .onnx and .pt2 files as well
    contents: dict[str, bytes]
    seconds: float


def kills(count: int, seed: int, commands: tuple[list[str], ...] = COMMANDS) -> Iterator[Outcome]:
    """Kill each command in turn, up to `KILLS` times in a directory, and yield the outcomes of at
    least `count` kills.

    Most commands leave out the conversions to other formats, which take ten times as long as the
    training.
    """
    kinds = [(words, False) for words in commands]
    kinds += [(words, True) for words in commands[:2]]
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(2) as pool:
        num_trials = min(len(kinds), -(-count // KILLS))
        jobs = [pool.submit(_whole, *kind, Path(directory)) for kind in kinds[:num_trials]]
        wholes = cycle(job.result() for job in jobs)
        num_kills = 0
        for k in itertools.count():
            first = pool.submit(_trial, next(wholes), f"{seed} {k} 0", Path(directory))
            second = pool.submit(_trial, next(wholes), f"{seed} {k} 1", Path(directory))
            for job in (first, second):
                outcomes = job.result()
                num_kills += len(outcomes)
                yield from outcomes
            if num_kills >= count:
                return


def _whole(words: list[str], formats: bool, directory: Path) -> Whole:
    folder = Path(tempfile.mkdtemp(dir=directory))
    began = time.monotonic()
    code, output, _ = attempt([*words, "--preset", "smoke"], folder, formats=formats)
    assert code == 0, output
    return Whole(words, formats, contents(folder), time.monotonic() - began)


def _trial(whole: Whole, seed: str, directory: Path) -> list[Outcome]:
    """Kill a command again and again, let it end, and return an outcome for each kill."""
    rng = random.Random(seed)
    folder = Path(tempfile.mkdtemp(dir=directory))
    command = [*whole.words, "--preset", "smoke"]
    num_kills = 0
    outputs = ""
    for _ in range(KILLS):
        limit = rng.uniform(0, whole.seconds)
        code, output, _ = attempt(command, folder, kill_after=limit, formats=whole.formats)
        outputs += output
        if code is None:
            num_kills += 1
    code, output, _ = attempt(command, folder, formats=whole.formats)
    outputs += output
    files = contents(folder)
    differing = []
    for name in whole.contents.keys() | files.keys():
        if whole.contents.get(name) != files.get(name):
            differing.append(name)
    if "Traceback" in outputs:
        outcome = "traceback"
    elif code != 0:
        outcome = "failed"
    elif differing:
        outcome = "other bytes"
    else:
        outcome = "equal after resuming"
    mishap = f"SIGKILL at random moments of `{' '.join(whole.words)}`"
    detail = f"trial {seed}: {differing} {outputs[-2000:]}"
    return [Outcome(mishap, outcome, detail)] * num_kills
