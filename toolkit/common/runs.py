"""A run directory: the config, a log of metrics, one checkpoint, the figures.

runs/default/gan/
  config.json     what was asked for
  metrics.jsonl   one JSON object a line, each with its "step"
  checkpoint.pt   everything that is needed to go on, replaced atomically
  figures/        pictures and GIFs
"""

import contextlib
import dataclasses
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.files import (
    append_line,
    atomic_write,
    make_directory,
    read_bytes,
    set_aside,
    sha256,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MAGIC = b"toolkit checkpoint, sha256 "


class Run:
    """One training run on disk.

    Args:
        directory: made if it is not there.
        config: a dataclass of numbers and strings; a checkpoint of another config is refused.

    Raises:
        ToolkitError: the directory cannot be made or written to.

    Attributes:
        step: training steps done, as of the last `load` or `save`.
        seconds: time spent on them.
    """

    def __init__(self, directory: Path, config: "DataclassInstance") -> None:
        self.directory = directory
        self.config: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
        self.figures = directory / "figures"
        self.checkpoint = directory / "checkpoint.pt"
        self.log_file = directory / "metrics.jsonl"
        self.step = 0
        self.seconds = 0.0
        make_directory(self.figures)

    def set_aside(self) -> Path | None:
        """Keep what is there under another name, and start with an empty directory."""
        old = set_aside(self.directory) if self.checkpoint.exists() else None
        make_directory(self.figures)
        return old

    def load(self) -> dict[str, Any] | None:
        """The state of the last `save`, or None for a new run; the log goes back to that step.

        Raises:
            ToolkitError: the checkpoint is damaged.
            UsageError: it was made with another config.
        """
        state = self._read_checkpoint() if self.checkpoint.exists() else None
        if state is not None:
            self.step, self.seconds = state["step"], state["seconds"]
        kept = [json.dumps(entry) for entry in self.metrics() if entry["step"] <= self.step]
        atomic_write(self.log_file, "".join(line + "\n" for line in kept).encode())
        atomic_write(
            self.directory / "config.json", (json.dumps(self.config, indent=2) + "\n").encode()
        )
        return state

    @contextlib.contextmanager
    def restoring(self) -> Iterator[None]:
        """Inside this block the state of `load` is put back into networks and optimisers.

        Raises:
            ToolkitError: it does not fit, since the code has changed in the meantime.
        """
        try:
            yield
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise ToolkitError(
                f"{self.checkpoint} does not fit the present code; was a network changed since? "
                "Start this run anew with --restart; the old one is kept aside."
            ) from error

    def save(self, step: int, seconds: float, **state: Any) -> None:
        """Replace the checkpoint by `state` (tensors, numbers, strings and containers of them).

        Args:
            step: training steps done.
            seconds: time spent on them.

        Raises:
            ToolkitError: it cannot be written; the previous checkpoint is unharmed.
        """
        buffer = io.BytesIO()
        torch.save({"config": self.config, "step": step, "seconds": seconds, **state}, buffer)
        payload = buffer.getvalue()
        atomic_write(self.checkpoint, MAGIC + sha256(payload).encode() + b"\n" + payload)
        self.step, self.seconds = step, seconds

    def log(self, step: int, **metrics: float | str) -> None:
        """Append one line to the metrics log.

        Raises:
            ToolkitError: a number is infinite or NaN, or the line cannot be written.
        """
        for name, value in metrics.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ToolkitError(
                    f"{name} became {value} at step {step}: the training has diverged. "
                    "Try a smaller --learning-rate."
                )
        append_line(self.log_file, json.dumps({"step": step, **metrics}))

    def metrics(self) -> list[dict[str, Any]]:
        """As `read_metrics`, of this run."""
        return read_metrics(self.log_file)

    def _read_checkpoint(self) -> dict[str, Any]:
        data = read_bytes(self.checkpoint)
        header, _, payload = data.partition(b"\n")
        if header != MAGIC + sha256(payload).encode():
            raise ToolkitError(
                f"{self.checkpoint} is damaged: its content does not match its SHA-256. "
                "Start this run anew with --restart; the damaged one is kept aside."
            )
        state: dict[str, Any] = torch.load(
            io.BytesIO(payload), map_location="cpu", weights_only=True
        )
        theirs = state["config"]
        differences = [
            f"{key} {theirs.get(key, 'absent')} there, {self.config.get(key, 'absent')} here"
            for key in sorted(theirs.keys() | self.config.keys())
            if theirs.get(key) != self.config.get(key)
        ]
        if differences:
            raise UsageError(
                f"{self.directory} holds a run with other settings ({'; '.join(differences)}). "
                "Repeat its settings to continue it, take another --runs-dir, or pass --restart "
                "to set it aside and begin anew."
            )
        return state


def read_metrics(log_file: Path) -> list[dict[str, Any]]:
    """All logged lines, oldest first, but for those that a kill cut short; none without a log."""
    if not log_file.exists():
        return []
    entries = []
    for line in read_bytes(log_file).decode(errors="replace").splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            entry = json.loads(line)
            if isinstance(entry, dict) and isinstance(entry.get("step"), int):
                entries.append(entry)
    return entries
