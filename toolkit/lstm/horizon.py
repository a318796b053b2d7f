"""The memory-horizon study, which measures how long networks remember; it runs a grid of
independent trials in parallel.

A trial trains one network and tests it at several palindrome lengths T. The joblib library runs the
trials on this machine's cores or on a Dask cluster; the results are the same either way. Each grid
has its own run directory, whose log gets one entry for each successful trial. An interrupted study
therefore continues where it stopped.
"""

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import joblib
import torch

from toolkit.common.device import threads
from toolkit.common.errors import UsageError
from toolkit.common.files import sha256
from toolkit.common.runs import Run
from toolkit.common.workers import workers
from toolkit.lstm.config import Config
from toolkit.lstm.training import accuracy_by_length, train

Row = dict[str, Any]  # the settings of a trial, and its measurements or "error"

NEWER: Row = {"fast": True}  # settings that trials before version 0.3 lack, and their values then


@dataclass(frozen=True)
class Trial:
    """One training run of the study, and the palindrome lengths at which the trained network is
    tested.
    """

    family: str  # shared by trials that differ only in T and seed, e.g. "LSTM with curriculum"
    config: Config
    lengths: tuple[int, ...]  # T at which the trained model is tested
    num_test: int = 10_000  # palindromes at each T; fewer beyond T = 1000


@dataclass(frozen=True)
class Grid:
    """An identifier for a grid of training runs. The identifier is a SHA-256 hash of the runs'
    settings. It is stored in the grid's run directory, so that the results of two different grids
    cannot be mixed.
    """

    sha256: str


@threads(1)
def run_trial(trial: Trial) -> Row:
    """Train a network on one thread, and test it on unseen palindromes.

    Returns:
        the settings, `steps`, `seconds`, `longest` (T of the longest training palindrome) and
        `accuracy_<T>` for each T; if anything fails, `error` stands in for the missing results.
    """
    config = trial.config
    row = _settings(trial)
    try:
        with tempfile.TemporaryDirectory() as directory:
            run = Run(Path(directory) / "run", config)
            model = train(config, run, torch.device("cpu"), quiet=True)
            longest = max(entry["longest"] for entry in run.entries)
        row |= {"steps": run.step, "seconds": round(run.seconds, 2), "longest": longest}
        tested = accuracy_by_length(model, trial.lengths, config.seed, trial.num_test)
        row |= {f"accuracy_{length}": share.value for length, share in tested.items()}
    except Exception as error:  # a trial that fails must not stop the others
        row["error"] = f"{type(error).__name__}: {error}"
    return row


def _report_nothing(done: int, row: Row) -> None:
    """Do nothing; `run_grid` calls this function after each trial if no `report` is passed."""


def run_grid(
    trials: list[Trial],
    directory: Path,
    *,
    cluster: str | None = None,
    num_workers: int = -1,
    report: Callable[[int, Row], None] = _report_nothing,
) -> list[Row]:
    """Run all trials of a grid that have no result yet.

    Args:
        trials: the grid.
        directory: the run directory, in which the results of the trials are logged; it may already
            contain results of the same trials.
        cluster: the address of a Dask scheduler; by default, this machine's cores are used.
        num_workers: the number of worker processes to use on this machine; -1 for one per core.
        report: a function that is called after each trial; its arguments are the number of finished
            trials, and a row with this trial's settings and results.

    Returns:
        a row for each trial, in the order of `trials`; the row of a failed trial contains the key
        "error".

    Raises:
        UsageError: there are no trials, `directory` contains the results of another grid, or there
            is no scheduler at `cluster`.
        ToolkitError: Dask is not installed, or the run directory is damaged or cannot be written to
            (see `Run`).
    """
    if not trials:
        raise UsageError("The grid is empty: name at least one length, model and seed.")
    identity = sha256(json.dumps([_identity(trial) for trial in trials]).encode())
    by_key = {_key(_settings(trial)): trial for trial in trials}
    with Run(directory, Grid(identity)) as run:
        run.load()
        rows = {_key(entry): entry for entry in run.entries}
        missing = [trial for key, trial in by_key.items() if key not in rows]
        jobs = list(map(joblib.delayed(run_trial), missing))
        with workers(cluster, num_workers):
            for row in joblib.Parallel(return_as="generator_unordered")(jobs):
                rows[_key(row)] = row
                _log_result(run, row)
                report(len(rows), row)
        if run.step == len(by_key):
            run.finish(run.record("all steps done"))
    return [_without_step(rows[key]) for key in by_key]


def _log_result(run: Run, row: Row) -> None:
    """Log the result of a trial, unless the trial failed."""
    if "error" not in row:
        run.log(run.step + 1, **row)
        run.save(run.step + 1, run.seconds + row["seconds"])


def _without_step(row: Row) -> Row:
    """Return a log entry without its step number."""
    return {name: value for name, value in row.items() if name != "step"}


def _identity(trial: Trial) -> dict[str, Any]:
    """Return the settings that identify a trial, in the form that versions before 0.3 used. Because
    of this form, a set of trials started with an older version still has the same hash.
    """
    return asdict(trial) | {"config": _without_newer(asdict(trial.config))}


def _without_newer(settings: Row) -> Row:
    """Return the settings without those whose name and value are listed in `NEWER`. The settings in
    `NEWER` did not exist before version 0.3, so the result looks like that of a trial from before
    this version.
    """
    return {name: x for name, x in settings.items() if name not in NEWER or x != NEWER[name]}


def _settings(trial: Trial) -> Row:
    return {"family": trial.family, **asdict(trial.config)}


def _key(row: Row) -> str:
    """Return a key that identifies a trial by its settings."""
    row = NEWER | row
    return json.dumps({name: row[name] for name in ("family", *asdict(Config()))})


def accuracies(rows: list[Row]) -> dict[str, dict[int, list[float]]]:
    """Return, for each family (trials that differ only in T and seed) and each T, a list of the
    accuracies for all seeds.
    """
    result: dict[str, dict[int, list[float]]] = {}
    for row in rows:
        family = result.setdefault(row["family"], {})
        for key, value in row.items():
            if key.startswith("accuracy_"):
                family.setdefault(int(key.removeprefix("accuracy_")), []).append(value)
    return result
