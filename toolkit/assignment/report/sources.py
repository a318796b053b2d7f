"""Where the toolkit's own results are, and how they are read from there without trusting them."""

import contextlib
import csv
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

import imageio.v3 as iio

from toolkit.common.console import training_command
from toolkit.common.errors import ToolkitError
from toolkit.common.files import read_bytes
from toolkit.common.record import RunRecord
from toolkit.gan.config import Config as GANConfig
from toolkit.lstm.config import Config as RecurrentConfig

AnyConfig = TypeVar("AnyConfig", RecurrentConfig, GANConfig)
END_OF_PNG = b"IEND\xaeB`\x82"


@dataclass(frozen=True)
class Sources:
    """Where the results are."""

    runs_dir: Path  # holds a directory for each preset
    preset: str

    @property
    def directory(self) -> Path:
        """Holds the run directories."""
        return self.runs_dir / self.preset

    def command(self, *words: str) -> str:
        """The command line that makes or continues something that has no record yet."""
        return training_command(*words, preset=self.preset, runs_dir=self.runs_dir)


@contextlib.contextmanager
def damage_reported(place: Path, command: str) -> Iterator[None]:
    """Inside this block a value that is absent or impossible means that `place` is damaged."""
    try:
        yield
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise ToolkitError(
            f"{place} is damaged ({error}). Start from scratch with `{command} --restart`, which "
            "keeps the damaged directory under another name."
        ) from error


def read_config(record: RunRecord, kind: type[AnyConfig]) -> AnyConfig:
    """The settings of a run as the config that they came from.

    Raises:
        TypeError, ValueError: a field is missing or unknown, or has an impossible value.
    """
    names = {field.name for field in fields(kind)}
    if set(record.settings) != names:
        raise ValueError(f"the settings in run.json should be {', '.join(sorted(names))}")
    return kind(**record.settings)


def read_figure(path: Path) -> bytes:
    """The bytes of a PNG.

    Raises:
        ToolkitError: it is unreadable.
        ValueError: it is not a complete picture.
    """
    return whole_picture(path.name, read_bytes(path))


def whole_picture(name: str, data: bytes) -> bytes:
    """The bytes of a PNG, which they are.

    Raises:
        ValueError: they are not a complete picture; the message begins with the name.
    """
    try:
        iio.imread(data, plugin="pillow")
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises
        raise ValueError(f"{name} is not a complete picture") from error
    if not data.endswith(END_OF_PNG):  # Pillow does without, LaTeX and Word do not
        raise ValueError(f"{name} is not a complete picture")
    return data


def percent(share: float) -> str:
    """A share of 0 to 1 in words, e.g. "99.98%".

    Raises:
        ValueError: it lies outside.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share of {share}")
    return f"{share:.2%}"
