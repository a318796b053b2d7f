"""The record of a run: the file `run.json` in the run directory.

If the run exports networks, the record includes their metrics and, unless the run trained the
classifier, the final losses. The file contains no timestamps, so the same command on the same CPU
writes the same file, except for the field `seconds` and the checksum `crc32`. Nothing in this
module needs torch.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.files import atomic_write, checksum, read_bytes

Digit = Annotated[int, Field(ge=0, le=9)]
Count = Annotated[int, Field(ge=0)]
Stopped = Literal["all steps done", "target accuracy reached"]

MADE_BY = "assignment3-toolkit"  # the field "Software" of the toolkit's PNG files


class RecordPart(BaseModel):
    """The base class of all parts of a run's record: its instances are immutable, and reject
    unknown fields, infinity and NaN.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Spread:
    """The mean and the standard deviation of a quantity measured on one or more random draws.

    A format specification applies to both the mean and the standard deviation. For example,
    f"{spread:.2f}" is "3.93 ± 0.53".
    """

    mean: float
    sd: float | None = None  # standard deviation of the draws, over n - 1; unknown after one
    num_draws: int = 1

    @classmethod
    def of(cls, draws: Sequence[float]) -> Self:
        """Return the `Spread` of one or more numbers."""
        return cls(fmean(draws), stdev(draws) if len(draws) > 1 else None, len(draws))

    def __format__(self, spec: str) -> str:
        if self.sd is None:
            return f"{self.mean:{spec}} (one draw)"
        return f"{self.mean:{spec}} ± {self.sd:{spec}}"


class Interpolation(RecordPart):
    """The digits that a classifier sees in the first and the last image of an interpolation between
    generated images.
    """

    digit_from: Digit
    digit_to: Digit

    def __str__(self) -> str:
        """Return the two digits as a phrase, e.g. "from a 3 to an 8"."""
        start, end = (f"an {d}" if d == 8 else f"a {d}" for d in (self.digit_from, self.digit_to))
        return f"from {start} to {end}"


class RunRecord(RecordPart):
    """The record of one training run: its settings, its status and its results."""

    model: str  # lstm, rnn, gan or classifier: the command of `python -m toolkit.train`
    command: str  # the command line that continues or repeats the run
    settings: dict[str, Any]  # the fields of its Config
    status: Literal["running", "finished"]  # a run that was killed is still "running"
    stopped: Stopped | None = None  # why the training ended; None while it runs
    steps: Count  # training steps done, as of the last checkpoint
    seconds: Annotated[float, Field(ge=0)]  # training time
    metrics: dict[str, JsonValue] | None = None
    interpolation: Interpolation | None = None  # None if no two samples were clearly different

    @model_validator(mode="before")
    @classmethod
    def _is_as_written(cls, data: Any) -> Any:
        """Verify the checksum, which covers all other fields, and remove it from the data.

        Records from older versions have no checksum and are accepted unverified.
        """
        if not isinstance(data, dict) or "crc32" not in data:
            return data
        facts = {name: value for name, value in data.items() if name != "crc32"}
        if data["crc32"] != checksum(json.dumps(facts)):
            raise ValueError("it is not as it was written: the checksum differs")
        return facts

    @model_validator(mode="after")
    def _finished_runs_say_why(self) -> Self:
        if self.finished != (self.stopped is not None):
            raise ValueError("a finished run says why it stopped, and only a finished run does")
        return self

    @property
    def finished(self) -> bool:
        """Return True if the run was completed, including the export of its networks, if any."""
        return self.status == "finished"


def write_record(directory: Path, record: RunRecord) -> None:
    """Replace the record in a run directory.

    Raises:
        ToolkitError: the record cannot be written; the previous record is left unchanged.
    """
    text = record.model_dump_json(indent=2, exclude_defaults=True)
    seal = checksum(json.dumps(json.loads(text)))  # the same for any layout of the JSON
    atomic_write(directory / "run.json", f'{text[:-2]},\n  "crc32": "{seal}"\n}}\n'.encode())


def cannot_continue(kind: type[ToolkitError], problem: str, directory: Path) -> ToolkitError:
    """Return the error for a run that cannot continue.

    For a caller in Python, the message suggests choosing another directory or deleting the run's
    directory. On the command line, the message suggests the options --runs-dir and --restart.
    """
    return kind(
        f"{problem} Choose another directory, or delete {directory} to start from scratch.",
        in_command=f"{problem} Choose another --runs-dir, or start from scratch with --restart, "
        "which keeps the old run under another name.",
    )


def read_record(directory: Path) -> RunRecord:
    """Return the record in a run directory.

    Raises:
        UsageError: the directory contains no `run.json`, because it was created by an early version
            of the toolkit that did not write this file.
        ToolkitError: the record is unreadable or damaged.
    """
    path = directory / "run.json"
    if not path.exists():
        problem = f"{directory} has no run.json, so an earlier version of the toolkit made it."
        raise cannot_continue(UsageError, problem, directory)
    try:
        return RunRecord.model_validate_json(read_bytes(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "run.json"
        problem = first["msg"].removeprefix("Value error, ")
        damage = f"{directory} is damaged (in run.json, {place}: {problem})."
        raise cannot_continue(ToolkitError, damage, directory) from error
