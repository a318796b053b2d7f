"""Functions that read the curves of a training run from a list or a file."""

import csv
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from toolkit.common.errors import UsageError

COLUMNS = tomllib.loads(Path(__file__).with_name("columns.toml").read_text(encoding="utf-8"))
GAN = ("loss_discriminator", "loss_generator")
PART_I = ("loss", "accuracy")
STEPS_OF_EPOCH = (10_000 // 128, 60_000 // 64)  # in Part I, and for a GAN
WANTED = (
    "It needs columns called step, loss and accuracy, or step, loss_discriminator and "
    "loss_generator, as the skeleton's keep_record writes them"
)
Curve = list[tuple[float, float]]  # pairs of a step and a value
Source = Path | str | Sequence[Any] | Mapping[str, Any]


def read_rows(source: Source, gan: bool) -> list[dict[str, float]]:
    """Return the values in `source` as a list of rows; each row is a dictionary whose keys are
    names in `COLUMNS`.

    Args:
        source: a file (CSV, JSON, JSON lines or TensorBoard), a list of losses, a list of rows, or
            a mapping from column names to columns. A row is a dictionary, or a list of up to three
            values in the order of `_columns`.
        gan: True if the values come from a GAN; this matters only for values without column names.

    Raises:
        UsageError: the source cannot be read.
    """
    try:
        rows: Any = _read(Path(source)) if isinstance(source, Path | str) else source
        if isinstance(rows, Mapping):
            columns = zip(*rows.values(), strict=True)
            rows = [dict(zip(rows, row, strict=False)) for row in columns]
        return [_named(row, gan) for row in rows]
    except OSError as error:
        raise UsageError(f"Cannot read {source}: {error.strerror or error}.") from error
    except (TypeError, ValueError, csv.Error) as error:
        raise UsageError(f"This cannot be read: {error}. {WANTED}.") from error


def has_steps(rows: list[dict[str, float]]) -> bool:
    """Return True if at least one row contains a step number."""
    return any("step" in row for row in rows)


def curves_in(rows: list[dict[str, float]], every: float | None) -> dict[str, Curve]:
    """Return the curves in a dictionary; its keys are the names listed in `GAN` or in `PART_I`.

    Args:
        every: the number of steps between consecutive values; if it is given, any step numbers in
            the rows are ignored.

    Raises:
        UsageError: the rows contain no loss, or the step numbers of a curve do not increase.
    """
    curves = _curves(rows, every)
    if curves.keys().isdisjoint({"loss", *GAN}):
        raise UsageError(f"There is no loss in it. {WANTED}.")
    for curve in curves.values():
        if any(not step < following for (step, _), (following, _) in pairwise(curve)):
            raise UsageError(
                "The steps do not grow from value to value: count them through all epochs, or say "
                "how many lie between two values: --every 50, in a notebook every=50."
            )
    return curves


def _curves(rows: list[dict[str, float]], every: float | None) -> dict[str, Curve]:
    """Collect the values of each curve from all rows, and return the curves by name.

    If a row has no step, the step is computed from the epoch or, if the row has no epoch, from the
    row number.
    """
    names = set().union(*rows)
    steps_of_epoch = STEPS_OF_EPOCH[not names.isdisjoint(GAN)]
    curves: dict[str, Curve] = {}
    for number, row in enumerate(rows, start=1):
        if "epoch" in row:
            epochs = row["epoch"] - rows[0].get("epoch", 0) + 1
            step = row.get("step", steps_of_epoch * epochs)
        else:
            step = row.get("step", number)
        for name in row.keys() - {"step", "epoch"}:
            curve = curves.setdefault(name, [])
            if every:
                step = every * (len(curve) + 1)
            curve.append((step, row[name]))
    return curves


def _named(row: Any, gan: bool) -> dict[str, float]:
    """Return a row as a dictionary whose keys are names in `COLUMNS`; missing values are left
    out.
    """
    if not isinstance(row, Mapping):
        if not isinstance(row, list | tuple):
            row = [row]
        row = dict(zip(_columns(len(row), gan), row, strict=True))
    named = {}
    for word, value in row.items():
        name = _column_of(str(word))
        if name and value not in (None, ""):
            named[name] = float(value)
    return named


def _columns(number: int, gan: bool) -> tuple[str, ...]:
    """Return the column names for a row of `number` unnamed values."""
    if number == 1:
        return PART_I[:1]
    if number == 2:
        return GAN if gan else ("step", "loss")
    return ("step", *(GAN if gan else PART_I))


def _column_of(word: str) -> str:
    """Return the name in `COLUMNS` that matches a column's title, or "" if none matches."""
    letters = re.sub("[^a-z]", "", word.lower())
    for name, pattern in COLUMNS.items():
        if re.fullmatch(pattern, letters):
            return str(name)
    return ""


def _read(path: Path) -> Any:
    """Return the contents of a file, either as a list of rows or as a dictionary from column names
    to columns.
    """
    if path.is_dir() or "tfevents" in path.name:
        return _read_tensorboard(path)
    text = path.read_text(encoding="utf-8-sig").strip()
    if text[:1] == "[" or path.suffix == ".json":
        return json.loads(text)
    if text[:1] == "{":
        return [json.loads(line) for line in text.splitlines()]
    return _read_csv(text)


def _read_tensorboard(path: Path) -> list[dict[str, float]]:
    try:
        board = import_module("tensorboard.backend.event_processing.event_accumulator")
    except ImportError as error:
        raise UsageError(f"For {path}: pip install tensorboard. A CSV will do too.") from error
    events = board.EventAccumulator(str(path), size_guidance={"scalars": 0}).Reload()
    rows = []
    for tag in events.Tags()["scalars"]:
        for event in events.Scalars(tag):
            rows.append({"step": event.step, tag: event.value})
    return rows


def _read_csv(text: str) -> list[Any]:
    """Return the rows of a CSV table, whose first line may be a header with the column names."""
    with_commas = re.sub(r"[;\t]", ",", text)
    lines = list(filter(None, csv.reader(with_commas.splitlines())))
    if not lines:
        return []
    letters_of_numbers = "nan|inf|e"
    first = re.sub(letters_of_numbers, "", "".join(lines[0]).lower())
    if not re.search("[a-z]", first):
        return lines
    return [dict(zip(lines[0], row, strict=False)) for row in lines[1:]]
