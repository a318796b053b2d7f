"""A training's curves, from a list or from whatever file they were kept in."""

import csv
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from toolkit.common.errors import UsageError

COLUMNS = tomllib.loads(Path(__file__).with_name("columns.toml").read_text(encoding="utf-8"))
GAN, PART_I = ("loss_discriminator", "loss_generator"), ("loss", "accuracy")
EPOCHS = 10_000 // 128, 60_000 // 64  # steps of one, in Part I and of a GAN
WANTED = (
    "Wanted are columns called step, loss and accuracy, or step, loss_discriminator and "
    "loss_generator, as the skeleton's keep_record writes them"
)
Curve = list[tuple[float, float]]  # steps and values
Source = Path | str | Sequence[Any] | Mapping[str, Any]


def read_curves(source: Source, every: float | None, gan: bool) -> dict[str, Curve]:
    """The curves by name: `GAN` or `PART_I`, or some of them.

    Args:
        source: a file (CSV, JSON, JSON lines, TensorBoard's), or losses, or rows of a step and two
            values, or columns by name.
        every: how many steps lie between two values, whatever stands there as the step.
        gan: whether values without names are those of a GAN.

    Raises:
        UsageError: it cannot be read, has no loss, or its steps do not grow.
    """
    try:
        rows: Any = _read(Path(source)) if isinstance(source, Path | str) else source
        if isinstance(rows, Mapping):
            rows = [dict(zip(rows, row, strict=False)) for row in zip(*rows.values(), strict=True)]
        named = [dict(_named(row, gan)) for row in rows]
    except (OSError, TypeError, ValueError, csv.Error) as error:
        raise UsageError(f"This cannot be read: {error}. {WANTED}.") from error
    epoch = EPOCHS[any(name in row for row in named for name in GAN)]
    found: dict[str, Curve] = {}
    for number, row in enumerate(named, start=1):
        since = row.get("epoch", 0) - named[0].get("epoch", 0) + 1
        step = row.get("step", epoch * since if "epoch" in row else number)
        for name in row.keys() - {"step", "epoch"}:
            curve = found.setdefault(name, [])
            curve.append((every * (len(curve) + 1) if every else step, row[name]))
    if not found.keys() & {"loss", *GAN}:
        raise UsageError(f"There is no loss in it. {WANTED}.")
    if any(not a < b for curve in found.values() for (a, _), (b, _) in pairwise(curve)):
        raise UsageError(
            "The steps do not grow from value to value: count them through all epochs, or say how "
            "many lie between two values: --every 50, in a notebook every=50."
        )
    return found


def _named(row: Any, gan: bool) -> Iterator[tuple[str, float]]:
    """The values of a row by the names in `COLUMNS`, without those that are missing."""
    if not isinstance(row, Mapping):
        values = row if isinstance(row, list | tuple) else [row]
        two, three = (GAN, ("step", *GAN)) if gan else (("step", "loss"), ("step", *PART_I))
        row = dict(zip({1: PART_I[:1], 2: two}.get(len(values), three), values, strict=True))
    for word, value in row.items():
        letters = re.sub("[^a-z]", "", str(word).lower())
        fitting = (name for name, pattern in COLUMNS.items() if re.fullmatch(pattern, letters))
        if value not in (None, "") and (name := next(fitting, "")):
            yield name, float(value)


def _read(path: Path) -> Any:
    """Read a file: rows, or columns by name."""
    if path.is_dir() or "tfevents" in path.name:
        try:
            board = import_module("tensorboard.backend.event_processing.event_accumulator")
        except ImportError as error:
            raise UsageError(f"For {path}: pip install tensorboard. A CSV will do too.") from error
        events = board.EventAccumulator(str(path), size_guidance={"scalars": 0}).Reload()
        tags = events.Tags()["scalars"]
        return [{"step": e.step, tag: e.value} for tag in tags for e in events.Scalars(tag)]
    text = path.read_text(encoding="utf-8-sig").strip()
    if text[:1] == "[" or path.suffix == ".json":
        return json.loads(text)
    if text[:1] == "{":
        return [json.loads(line) for line in text.splitlines()]
    lines = [row for row in csv.reader(re.sub(r"[;\t]", ",", text).splitlines()) if row]
    has_names = lines and re.search("[a-z]", re.sub("nan|inf|e", "", "".join(lines[0]).lower()))
    return [dict(zip(lines[0], row, strict=False)) for row in lines[1:]] if has_names else lines
