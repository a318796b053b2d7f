"""The facts of a run, written down once: `run.json` in its run directory.

Training writes it; figures, the manifest and the report read it. It holds no time of day, so the
same command on the same CPU gives the same file, apart from `seconds` and `crc32`, the checksum of
the rest. Nothing here needs torch.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    model_validator,
)
from pydantic.dataclasses import dataclass

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.files import atomic_write, checksum, read_bytes

Value = TypeVar("Value")
Share = Annotated[float, Field(ge=0, le=1)]
Digit = Annotated[int, Field(ge=0, le=9)]
Count = Annotated[int, Field(ge=0)]
Stopped = Literal["all steps done", "target accuracy reached"]

MADE_BY = "assignment3-toolkit"  # what the PNGs of the toolkit name as their software


STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


class Facts(BaseModel):
    """A part of the record: it cannot be changed, and refuses unknown fields, infinity and NaN."""

    model_config = ConfigDict(frozen=True, **STRICT)


@dataclass(frozen=True, config=STRICT)
class Spread:
    """What several draws of the same thing gave: a number and its error bar.

    Formats as both, each in the given way: f"{spread:.2f}" is "3.93 ± 0.53".
    """

    mean: float
    sd: float | None = None  # standard deviation of the draws, over n - 1; unknown after one
    num_draws: PositiveInt = 1

    @classmethod
    def of(cls, draws: Sequence[float]) -> Self:
        """Of at least one number."""
        return cls(fmean(draws), stdev(draws) if len(draws) > 1 else None, len(draws))

    def __format__(self, spec: str) -> str:
        if self.sd is None:
            return f"{self.mean:{spec}} (one draw)"
        return f"{self.mean:{spec}} ± {self.sd:{spec}}"


def _is_share(spread: Spread) -> Spread:
    if not 0 <= spread.mean <= 1:
        raise ValueError(f"a share is 0 to 1, not {spread.mean}")
    return spread


ShareSpread = Annotated[Spread, AfterValidator(_is_share)]


class Metric(Facts, Generic[Value]):
    """Something that was measured."""

    value: Value
    num_examples: Count  # how many examples it was measured on, in each draw if there are several


class RecurrentMetrics(Facts):
    """What was measured of the LSTM or the RNN after the training."""

    final_loss: Metric[float]  # cross-entropy on the last batch
    test_accuracy: Metric[Share]  # on unseen palindromes of the length trained for
    accuracy_by_length: dict[int, Metric[Share]]  # T -> accuracy on unseen palindromes of T digits


class GANMetrics(Facts):
    """What was measured of the GAN after the training."""

    final_loss_discriminator: Metric[float]  # on the last batch
    final_loss_generator: Metric[float]  # on the last batch
    frechet_distance: Metric[Spread]  # from generated images to the test images
    frechet_distance_floor: Metric[Spread]  # from real training images to the test images
    class_shares: Metric[list[ShareSpread]]  # of the digits 0 to 9 among generated images
    classifier_sha256: str  # of classifier.pt, which measured distances and shares
    class_shares_real: Metric[list[ShareSpread]]  # among training images
    share_unsure: Metric[ShareSpread]  # generated images that are no clear digit
    share_unsure_real: Metric[ShareSpread]  # the same of training images


class ClassifierMetrics(Facts):
    """What was measured of the classifier after the training."""

    test_accuracy: Metric[Share]  # on the test images
    frechet_distance_floor: Metric[Spread]  # from real training images to the test images


class Interpolation(Facts):
    """The digits at the two ends of an interpolation."""

    digit_from: Digit
    digit_to: Digit

    def __str__(self) -> str:
        """In words, e.g. "from a 3 to an 8"."""
        start, end = (f"an {d}" if d == 8 else f"a {d}" for d in (self.digit_from, self.digit_to))
        return f"from {start} to {end}"


AnyMetrics = RecurrentMetrics | GANMetrics | ClassifierMetrics


class RunRecord(Facts):
    """All facts of one run."""

    model: str  # lstm, rnn, gan or classifier: the command of `python -m toolkit.train`
    command: str  # the command line that continues or repeats the run
    settings: dict[str, Any]  # the fields of its Config
    status: Literal["running", "finished"]  # a run that was killed is still "running"
    stopped: Stopped | None = None  # why the training ended; None while it runs
    steps: Count  # training steps done, as of the last checkpoint
    seconds: Annotated[float, Field(ge=0)]  # training time
    metrics: AnyMetrics | None = None
    interpolation: Interpolation | None = None  # None if no two samples were clearly different

    @model_validator(mode="before")
    @classmethod
    def _is_as_written(cls, data: Any) -> Any:
        """Compare and remove the checksum of the rest, which older records lack."""
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
        """Everything is there: the exports, the figures and this record."""
        return self.status == "finished"


def write_record(directory: Path, record: RunRecord) -> None:
    """Replace the record in a run directory.

    Raises:
        ToolkitError: it cannot be written; the previous one is unharmed.
    """
    text = record.model_dump_json(indent=2, exclude_defaults=True)
    seal = checksum(json.dumps(json.loads(text)))  # which stays when JSON is laid out anew
    atomic_write(directory / "run.json", f'{text[:-2]},\n  "crc32": "{seal}"\n}}\n'.encode())


def read_record(directory: Path) -> RunRecord:
    """The record in a run directory.

    Raises:
        UsageError: the directory is from a version of the toolkit that kept no record.
        ToolkitError: the record is unreadable or damaged.
    """
    path = directory / "run.json"
    if not path.exists():
        raise UsageError(
            f"{directory} has no run.json, so an earlier version of the toolkit made it. Train it "
            "again with --restart, which keeps the old directory under another name."
        )
    try:
        return RunRecord.model_validate_json(read_bytes(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "run.json"
        problem = first["msg"].removeprefix("Value error, ")
        raise ToolkitError(
            f"{directory} is damaged (in run.json, {place}: {problem}). Train it again with "
            "`--restart`, which keeps the damaged directory under another name."
        ) from error
