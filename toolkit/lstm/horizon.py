"""How far can it remember? A grid of trainings, each a cell, side by side.

Cells run in parallel through joblib on this machine or, unchanged, on a Dask cluster; finished ones
are kept in `results.jsonl`, so that an interrupted study goes on.
"""

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import joblib
import torch

from toolkit.common.device import one_thread
from toolkit.common.errors import UsageError
from toolkit.common.files import append_line, atomic_write, make_directory, read_bytes, sha256
from toolkit.common.runs import Run
from toolkit.common.workers import workers
from toolkit.lstm.config import Config
from toolkit.lstm.training import accuracy_by_length, train

Row = dict[str, Any]  # the settings of a cell, and what was measured or "error"


@dataclass(frozen=True)
class Cell:
    """One training of the grid."""

    family: str  # cells that differ in T and seed alone, e.g. "LSTM with curriculum"
    config: Config
    lengths: tuple[int, ...]  # T at which the trained model is tested
    num_test: int = 10_000  # palindromes at each length; fewer beyond T = 1000


@one_thread()
def run_cell(cell: Cell) -> Row:
    """Train one cell on one thread, and test it on unseen palindromes.

    Returns:
        the settings, `steps`, `seconds`, `longest` (the longest palindrome trained on), and
        `accuracy_<T>` for each T; or the settings and `error`, if anything went wrong.
    """
    config = cell.config
    row = _settings(cell)
    try:
        with tempfile.TemporaryDirectory() as directory:
            run = Run(Path(directory), config)
            model = train(config, run, torch.device("cpu"), quiet=True)
            longest = max(entry["longest"] for entry in run.metrics())
        row |= {"steps": run.step, "seconds": round(run.seconds, 2), "longest": longest}
        tested = accuracy_by_length(model, cell.lengths, config.seed, cell.num_test)
        row |= {f"accuracy_{length}": share.value for length, share in tested.items()}
    except Exception as error:  # one cell that fails must not take the others along
        row["error"] = f"{type(error).__name__}: {error}"
    return row


def run_grid(
    cells: list[Cell],
    directory: Path,
    *,
    cluster: str | None = None,
    num_workers: int = -1,
    report: Callable[[int, Row], None] = lambda done, row: None,
) -> list[Row]:
    """Run all cells that have no result yet.

    Args:
        cells: what to train.
        directory: keeps `results.jsonl`, a line for each finished cell.
        cluster: address of a Dask scheduler; by default the cores of this machine.
        num_workers: processes on this machine; -1 for one a core.
        report: called with the number of finished cells and the newest row.

    Returns:
        a row for each cell, in the order of `cells`; failed ones have an "error".

    Raises:
        UsageError: there are no cells, or `directory` has the results of another grid.
        ToolkitError: the cluster cannot be reached.
    """
    if not cells:
        raise UsageError("The grid has no cells: name at least one length, model and seed.")
    make_directory(directory)
    identity = sha256(json.dumps([asdict(cell) for cell in cells]).encode())
    rows = _read_results(directory, identity)
    pending = [cell for cell in cells if _key(_settings(cell)) not in rows]
    with workers(cluster, num_workers):
        results = joblib.Parallel(return_as="generator_unordered")(
            joblib.delayed(run_cell)(cell) for cell in pending
        )
        for row in results:
            rows[_key(row)] = row
            if "error" not in row:
                append_line(directory / "results.jsonl", json.dumps(row))
            report(len(rows), row)
    return [rows[_key(_settings(cell))] for cell in cells]


def accuracies(rows: list[Row]) -> dict[str, dict[int, list[float]]]:
    """family -> T -> the accuracies of all seeds."""
    result: dict[str, dict[int, list[float]]] = {}
    for row in rows:
        family = result.setdefault(row["family"], {})
        for key, value in row.items():
            if key.startswith("accuracy_"):
                family.setdefault(int(key.removeprefix("accuracy_")), []).append(value)
    return result


def _settings(cell: Cell) -> Row:
    return {"family": cell.family, **asdict(cell.config)}


def _key(row: Row) -> str:
    """What tells a cell from the others: its settings."""
    return json.dumps({name: row[name] for name in ("family", *asdict(Config()))})


def _read_results(directory: Path, identity: str) -> dict[str, Row]:
    path, grid_file = directory / "results.jsonl", directory / "grid.sha256"
    if not path.exists():
        atomic_write(grid_file, identity.encode())
        return {}
    if not grid_file.exists() or read_bytes(grid_file).decode() != identity:
        raise UsageError(
            f"{path} has the results of another grid. Take another --runs-dir, or pass --restart "
            "to set them aside."
        )
    rows = {}
    for line in read_bytes(path).decode().splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue  # cut short by a kill: the cell runs again
        rows[_key(row)] = row
    atomic_write(path, "".join(json.dumps(row) + "\n" for row in rows.values()).encode())
    return rows
