"""Two at once: savings into one folder of exports, and trainings in one run directory."""

import contextlib
import io
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from mishaps import Outcome
from mishaps.child import FORKS, contents, finish, start
from toolkit.common.errors import ToolkitError
from toolkit.export import saving
from toolkit.export.manifest import read_export, read_listed, read_manifest
from toolkit.lstm.model import LSTM, RNN

COMMAND = ["rnn", "--preset", "smoke", "--num-steps", "20"]


def pairs(count: int, seed: int) -> Iterator[Outcome]:
    """`count` pairs of each kind."""
    with tempfile.TemporaryDirectory() as directory:
        yield from _saves(count, seed, Path(directory))
        yield from _runs(count, seed, Path(directory))


def save(name: str, seed: int, exports_dir: Path, barrier: Any) -> None:
    """Export an untrained network at the same moment as another process."""
    torch.manual_seed(seed)
    model = {"lstm": LSTM, "rnn": RNN}[name](4)
    barrier.wait(60)
    metrics = {"test_accuracy": 0.5, "length": 5}
    with contextlib.redirect_stdout(io.StringIO()):  # it says when it waits
        saving.save(
            {name: model},
            {name: metrics},
            exports_dir=exports_dir,
            seed=seed,
            config={},
            formats=(),
        )


def _saves(count: int, seed: int, directory: Path) -> Iterator[Outcome]:
    rng = random.Random(f"{seed} saves")
    for k in range(count):
        here = directory / f"saves-{k // 10}"  # ten pairs find the exports of those before
        names = ("lstm", "rnn") if rng.random() < 0.5 else ("rnn", "rnn")
        barrier = FORKS.Barrier(2)
        processes = [
            FORKS.Process(target=save, args=(name, 1000 * k + i, here, barrier))
            for i, name in enumerate(names)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(120)
        what = f"two save {' and '.join(sorted(set(names)))} at the same moment"
        outcome = "clean"
        if [process.exitcode for process in processes] != [0, 0]:
            outcome = "failed"
        try:
            seeds = {read_export(name, here).entry["seed"] for name in names}
            kept = here / "previous"
            if not seeds <= {1000 * k, 1000 * k + 1}:
                outcome = "an older one stayed"
            if not all(read_listed(kept / file).intact for file in read_manifest(kept)):
                outcome = "what was replaced is damaged"
            if names == ("rnn", "rnn"):
                first = read_export("rnn", kept).entry["seed"]
                if {first, *seeds} != {1000 * k, 1000 * k + 1}:
                    outcome = "the first one is lost"
        except ToolkitError as error:
            outcome = f"refused afterwards: {error}"
        yield Outcome(what, outcome, f"pair {k} of seed {seed}")


def _runs(count: int, seed: int, directory: Path) -> Iterator[Outcome]:
    whole = directory / "whole"
    whole.mkdir()
    code, said, _ = finish(start(COMMAND, whole, formats=False))
    assert code == 0, said
    expected = contents(whole)
    for k in range(count):
        here = directory / f"run-{k}"
        here.mkdir()
        both = [start(COMMAND, here, formats=False) for _ in range(2)]
        attempts = [finish(one, kill_after=300) for one in both]
        outcome = "clean"
        if [one.code for one in attempts] != [0, 0]:
            outcome = "failed"
        elif contents(here) != expected:
            outcome = "other bytes"
        yield Outcome(
            f"two give `{' '.join(COMMAND)}` in one directory",
            outcome,
            f"pair {k} of seed {seed}: {attempts}",
        )
