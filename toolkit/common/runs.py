"""A run directory, which contains a record, a metrics log, one checkpoint and figures.

runs/default/gan/
  run.json        the facts of the run, see `toolkit.common.record`
  metrics.jsonl   one JSON object per line, each with its "step", from which curves are drawn;
                  "crc32" is the checksum of the rest of the line
  checkpoint.pt   everything that the training needs to continue, replaced atomically
  figures/        pictures and GIFs
"""

import dataclasses
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.files import (
    append_entry,
    atomic_write,
    first_free,
    make_directory,
    read_bytes,
    read_log,
    set_aside,
    sha256,
    sweep,
    take_lock,
    write_log,
)
from toolkit.common.record import (
    Interpolation,
    RunRecord,
    Stopped,
    cannot_continue,
    read_record,
    write_record,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MAGIC = b"toolkit checkpoint, sha256 "


class Run:
    """The files of a training run, or of a grid of training runs.

    Until the run is finished, `load` (which starts or continues the run) and `save` (which replaces
    the checkpoint) write run.json with the status "running". The method `finish` is called last,
    and replaces run.json with the complete record, so a killed run never looks finished. A second
    process that opens the same run waits until the first process ends or leaves the run's `with`
    block.

    Args:
        directory: the run's directory, which is created if it does not exist.
        config: a dataclass of numbers and strings with the run's settings; `load` rejects a
            checkpoint with different settings, and `check_config` rejects a different config.
        model, command: the model's name and the run's command line, which are stored in the record;
            both can be omitted if the run will not appear in a report.

    Raises:
        ToolkitError: the directory cannot be created or written to.

    Attributes:
        step: the number of training steps completed as of the last `load` or `save`.
        seconds: the time spent on the training steps completed so far.
        entries: the entries of the log, oldest first, each with its "step".
        latest: the last logged value of each metric.
    """

    def __init__(
        self, directory: Path | str, config: "DataclassInstance", model: str = "", command: str = ""
    ) -> None:
        directory = Path(directory)
        self.directory = directory
        self.model = model
        self.command = command
        self.config = _as_json(config)
        self._defaults = _defaults_of(config)
        self.figures = directory / "figures"
        self.checkpoint = directory / "checkpoint.pt"
        self.log_file = directory / "metrics.jsonl"
        self.step = 0
        self.seconds = 0.0
        self.entries: list[dict[str, Any]] = []
        self.latest: dict[str, Any] = {}
        make_directory(self.figures)
        # The lock is beside the directory, so that the directory can be renamed.
        self._lock = take_lock(
            directory.with_name(f".{directory.name}.lock"),
            f"Another command is training in {directory}",
        )
        sweep(directory)
        sweep(self.figures)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._lock.lock.release()

    def check_config(self, config: "DataclassInstance") -> None:
        """Check, before training starts, that the config with which the run was opened equals
        `config`.

        Raises:
            UsageError: `config` differs from the config with which the run was opened.
        """
        if differences := _differences(self.config, _as_json(config)):
            raise UsageError(
                f"The run {self.directory} was opened for other settings than this training's "
                f"({differences}). Open a run with the config that you train, in a directory of "
                "its own."
            )

    def set_aside(self) -> Path | None:
        """If there is a checkpoint, rename the run directory and create a new one in its place."""
        old = set_aside(self.directory) if self.checkpoint.exists() else None
        make_directory(self.figures)
        return old

    def load(self) -> dict[str, Any] | None:
        """Return the state from the last `save` (None for a new run), and delete log entries added
        since.

        If log entries that were added before the last `save` are damaged or missing, a message says
        so. A copy of a damaged log is kept under another name. Training can continue without the
        damaged lines, but their values will be missing from the curves.

        Raises:
            ToolkitError: the checkpoint or the record is damaged.
            UsageError: the saved run used other settings, or was made by an early version of the
                toolkit, which did not write a `run.json`.
        """
        state = None
        finished = False
        if self.checkpoint.exists():
            finished = read_record(self.directory).finished
            state = self._read_checkpoint()
            self.step, self.seconds = state["step"], state["seconds"]
            self.latest = state["latest"]
        if not finished:
            write_record(self.directory, self.record())
        self._rewind_log(state)
        return state

    def _rewind_log(self, state: dict[str, Any] | None) -> None:
        """Delete the log entries that were added after the last `save`, and report any earlier
        entries that are damaged or missing.
        """
        entries, damaged = read_log(self.log_file)
        self.entries = [entry for entry in entries if entry["step"] <= self.step]
        num_logged = 0 if state is None else state["num_logged"]
        missing = num_logged - len(self.entries)
        if missing > 0:
            place, backup = "", ""
            if damaged:
                copy = first_free(self.log_file, ".damaged-")
                atomic_write(copy, read_bytes(self.log_file))
                place = f" in line {', '.join(map(str, damaged))}"
                backup = f" The damaged file is now {copy}."
            print(
                f"Note: {self.log_file} is damaged{place}: {missing} of {num_logged} "
                "entries are lost. Curves lack them and the networks are unharmed; trials of a "
                f"study run again.{backup}"
            )
        write_log(self.log_file, self.entries)

    def restore(self, state: object, saved: dict[str, Any]) -> None:
        """Restore the attributes of the object `state`, such as networks and optimisers, from
        `saved`, the dictionary that `load` returned.

        Raises:
            ToolkitError: the saved values do not fit the attributes of `state`, for example because
                the code has changed since `save`.
        """
        try:
            for name, value in vars(state).items():
                if isinstance(value, torch.Generator):
                    value.set_state(saved[name])
                elif isinstance(value, tuple):
                    for network, weights in zip(value, saved[name], strict=True):
                        network.load_state_dict(weights)
                elif hasattr(value, "load_state_dict"):
                    value.load_state_dict(saved[name])
                else:
                    setattr(state, name, saved[name])
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            problem = (
                f"{self.checkpoint} does not fit the current code. Was a network changed since?"
            )
            raise cannot_continue(ToolkitError, problem, self.directory) from error

    def save(self, step: int, seconds: float, **state: Any) -> None:
        """Replace the checkpoint.

        Args:
            step: the number of training steps done.
            seconds: the time spent on the training steps completed so far.
            state: networks, tuples of networks, optimisers and random number generators; also
                tensors, numbers and strings, alone or in lists or dictionaries.

        Raises:
            ToolkitError: the checkpoint cannot be written; the previous checkpoint is unharmed.
        """
        buffer = io.BytesIO()
        facts = {"config": self.config, "step": step, "seconds": seconds}
        logged = {"num_logged": len(self.entries), "latest": self.latest}
        kept = {name: _state_of(value) for name, value in state.items()}
        torch.save({**facts, **logged, **kept}, buffer)
        payload = buffer.getvalue()
        atomic_write(self.checkpoint, MAGIC + sha256(payload).encode() + b"\n" + payload)
        self.step, self.seconds = step, seconds
        write_record(self.directory, self.record())

    def record(
        self,
        stopped: Stopped | None = None,
        metrics: dict[str, Any] | None = None,
        interpolation: Interpolation | None = None,
    ) -> RunRecord:
        """Return the run's record; `stopped` is the reason why training ended, or None if it has
        not ended.
        """
        return RunRecord(
            model=self.model,
            command=self.command,
            settings=self.config,
            status="finished" if stopped else "running",
            stopped=stopped,
            steps=self.step,
            seconds=round(self.seconds, 2),
            metrics=metrics,
            interpolation=interpolation,
        )

    def finish(self, record: RunRecord) -> None:
        """Write the complete record, as the last step of a run.

        Raises:
            ToolkitError: the record cannot be written.
        """
        write_record(self.directory, record)

    def say_finished(self, title: str) -> None:
        """Print that the run finished earlier and, if its command line is known, that --restart
        trains from scratch.
        """
        again = "; pass --restart to train from scratch" if self.command else ""
        print(f"{title}: finished earlier, after step {self.step}{again}")

    def log(self, step: int, **metrics: float | str) -> None:
        """Append one line to the metrics log.

        Raises:
            ToolkitError: a number is infinite or NaN, or the line cannot be written.
        """
        for name, value in metrics.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ToolkitError(
                    f"{name} became {value} at step {step}: the training has diverged. "
                    "Try a smaller learning rate."
                )
        append_entry(self.log_file, {"step": step, **metrics})
        self.entries.append({"step": step, **metrics})
        self.latest |= metrics

    def _read_checkpoint(self) -> dict[str, Any]:
        data = read_bytes(self.checkpoint)
        header, _, payload = data.partition(b"\n")
        if header != MAGIC + sha256(payload).encode():
            problem = f"{self.checkpoint} is damaged: its content does not match its SHA-256."
            raise cannot_continue(ToolkitError, problem, self.directory)
        state: dict[str, Any] = torch.load(
            io.BytesIO(payload), map_location="cpu", weights_only=True
        )
        # If a setting is newer than the run, the run used what is now the default.
        if differences := _differences(self._defaults | state["config"], self.config):
            problem = (
                f"{self.directory} holds a run with other settings ({differences}). "
                "Give the same settings again to continue it."
            )
            raise cannot_continue(UsageError, problem, self.directory)
        return state


def _as_json(config: "DataclassInstance") -> dict[str, Any]:
    """Return a config as a dictionary of JSON values; tuples, for example, become lists."""
    settings: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return settings


def _defaults_of(config: "DataclassInstance") -> dict[str, Any]:
    """Return the default values of the settings that have a default."""
    defaults = {}
    for field in dataclasses.fields(config):
        if field.default is not dataclasses.MISSING:
            defaults[field.name] = field.default
    return defaults


def _differences(there: dict[str, Any], here: dict[str, Any]) -> str:
    """Return a string that lists the settings in which two configs differ; "" if they are equal."""
    return "; ".join(
        f"{name} {there.get(name, 'absent')} there, {here.get(name, 'absent')} here"
        for name in sorted(there.keys() | here.keys())
        if there.get(name) != here.get(name)
    )


def _state_of(value: Any) -> Any:
    """Return an object's state, such as a network's weights, in a form that can be saved."""
    if isinstance(value, torch.Generator):
        return value.get_state()
    if isinstance(value, tuple):
        return [network.state_dict() for network in value]
    return value.state_dict() if hasattr(value, "state_dict") else value
