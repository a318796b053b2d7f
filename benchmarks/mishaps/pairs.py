"""Two processes at once: they save into one folder of exports, or train in one run directory."""

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
    """Yield the outcomes of `count` pairs of each kind."""
    with tempfile.TemporaryDirectory() as directory:
        yield from _saves(count, seed, Path(directory))
        yield from _runs(count, seed, Path(directory))


def save(name: str, seed: int, exports_dir: Path, barrier: Any) -> None:
    """Export an untrained network at the same moment as another process."""
    torch.manual_seed(seed)
    model = {"lstm": LSTM, "rnn": RNN}[name](4)
    barrier.wait(60)
    metrics = {"test_accuracy": 0.5, "length": 5}
    with contextlib.redirect_stdout(io.StringIO()):  # a process prints when it waits
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
        exports = directory / f"saves-{k // 10}"  # ten pairs in a row share a folder
        names = ("lstm", "rnn") if rng.random() < 0.5 else ("rnn", "rnn")
        seeds = (1000 * k, 1000 * k + 1)
        exit_codes = _save_both(names, seeds, exports)
        try:
            outcome = _judge(names, seeds, exports)
        except ToolkitError as error:
            outcome = f"refused afterwards: {error}"
        if outcome == "clean" and exit_codes != [0, 0]:
            outcome = "failed"
        mishap = f"two save {' and '.join(sorted(set(names)))} at the same moment"
        yield Outcome(mishap, outcome, f"pair {k} of seed {seed}")


def _save_both(names: tuple[str, str], seeds: tuple[int, int], exports: Path) -> list[int | None]:
    """Save two networks at the same moment, and return the exit codes."""
    barrier = FORKS.Barrier(2)
    processes = []
    for name, seed in zip(names, seeds, strict=True):
        processes.append(FORKS.Process(target=save, args=(name, seed, exports, barrier)))
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    return [process.exitcode for process in processes]


def _judge(names: tuple[str, str], seeds: tuple[int, int], exports: Path) -> str:
    """Judge the exports after two networks were saved.

    Raises:
        ToolkitError: an export cannot be read.
    """
    outcome = "clean"
    current = {read_export(name, exports).entry["seed"] for name in names}
    previous = exports / "previous"
    if not current <= set(seeds):
        outcome = "an older one stayed"
    for file in read_manifest(previous):
        if not read_listed(previous / file).intact:
            outcome = "what was replaced is damaged"
    if names == ("rnn", "rnn"):
        first = read_export("rnn", previous).entry["seed"]
        if {first, *current} != set(seeds):
            outcome = "the first one is lost"
    return outcome


def _runs(count: int, seed: int, directory: Path) -> Iterator[Outcome]:
    whole = directory / "whole"
    whole.mkdir()
    code, output, _ = finish(start(COMMAND, whole, formats=False))
    assert code == 0, output
    expected = contents(whole)
    for k in range(count):
        run = directory / f"run-{k}"
        run.mkdir()
        processes = [start(COMMAND, run, formats=False) for _ in range(2)]
        attempts = [finish(process, kill_after=300) for process in processes]
        outcome = "clean"
        if [attempt.code for attempt in attempts] != [0, 0]:
            outcome = "failed"
        elif contents(run) != expected:
            outcome = "other bytes"
        yield Outcome(
            f"two give `{' '.join(COMMAND)}` in one directory",
            outcome,
            f"pair {k} of seed {seed}: {attempts}",
        )
