"""SIGKILL at random moments: the command that is repeated ends with the same bytes."""

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
    """A command that nobody kills."""

    words: list[str]
    formats: bool  # whether .onnx and .pt2 files are made as well
    contents: dict[str, bytes]
    seconds: float


def kills(count: int, seed: int, commands: tuple[list[str], ...] = COMMANDS) -> Iterator[Outcome]:
    """At least `count` kills, `KILLS` at a time, of each command in turn.

    Most leave out the conversions to other formats, which take ten times as long as the rest.
    """
    kinds = [*((words, False) for words in commands), *((words, True) for words in commands[:2])]
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(2) as pool:
        trials = min(len(kinds), -(-count // KILLS))
        jobs = [pool.submit(_whole, *kind, Path(directory)) for kind in kinds[:trials]]
        wholes = cycle(job.result() for job in jobs)
        struck = 0
        for k in itertools.count():
            pair = [
                pool.submit(_trial, next(wholes), f"{seed} {k} {i}", Path(directory))
                for i in (0, 1)
            ]
            for job in pair:
                outcomes = job.result()
                struck += len(outcomes)
                yield from outcomes
            if struck >= count:
                return


def _whole(words: list[str], formats: bool, directory: Path) -> Whole:
    here = Path(tempfile.mkdtemp(dir=directory))
    began = time.monotonic()
    code, said, _ = attempt([*words, "--preset", "smoke"], here, formats=formats)
    assert code == 0, said
    return Whole(words, formats, contents(here), time.monotonic() - began)


def _trial(whole: Whole, seed: str, directory: Path) -> list[Outcome]:
    rng = random.Random(seed)
    here = Path(tempfile.mkdtemp(dir=directory))
    command = [*whole.words, "--preset", "smoke"]
    struck, said = 0, ""
    for _ in range(KILLS):
        limit = rng.uniform(0, whole.seconds)
        code, more, _ = attempt(command, here, kill_after=limit, formats=whole.formats)
        struck += code is None
        said += more
    code, more, _ = attempt(command, here, formats=whole.formats)
    said, made = said + more, contents(here)
    if "Traceback" in said:
        outcome = "traceback"
    elif code != 0:
        outcome = "failed"
    else:
        outcome = "equal after resuming" if made == whole.contents else "other bytes"
    names = whole.contents.keys() | made.keys()
    differing = [name for name in names if whole.contents.get(name) != made.get(name)]
    what = f"SIGKILL at random moments of `{' '.join(whole.words)}`"
    return [Outcome(what, outcome, f"trial {seed}: {differing} {said[-2000:]}")] * struck
