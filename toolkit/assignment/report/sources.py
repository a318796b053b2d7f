"""Where the results of a report are, and how they are read from there without trusting them."""

import contextlib
import csv
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

import imageio.v3 as iio

from toolkit.common.errors import ToolkitError
from toolkit.common.files import read_bytes
from toolkit.export import manifest
from toolkit.gan.config import Config as GANConfig
from toolkit.lstm.config import Config as RecurrentConfig

OF_NAME = {"curriculum": ["--curriculum"], "mlp": ["--architecture", "mlp"]}
END_OF_PNG = b"IEND\xaeB`\x82"

AnyConfig = TypeVar("AnyConfig", RecurrentConfig, GANConfig)


@dataclass(frozen=True)
class Sources:
    """Where the results are."""

    runs_dir: Path  # holds a directory for each preset
    preset: str
    exports_dir: Path

    @property
    def directory(self) -> Path:
        """Holds the run directories."""
        return self.runs_dir / self.preset

    def command(self, *words: str) -> str:
        """The command line that makes, continues or repeats something."""
        options = [] if self.preset == "default" else ["--preset", self.preset]
        if self.runs_dir != Path("runs"):
            options += ["--runs-dir", str(self.runs_dir)]
        usual = manifest.default_directory(self.preset, self.runs_dir)
        if self.exports_dir != usual and words[0] != "horizon":
            options += ["--exports-dir", str(self.exports_dir)]
        return shlex.join(["python", "-m", "toolkit.train", *words, *options])

    def command_of(self, run: str) -> str:
        """The command that made the run directory of this name, which lists its options."""
        name, *options = re.split(r"-(?=[a-z0-9_]+=)", run)
        model, _, kind = name.partition("-")
        words = [model, *OF_NAME.get(kind, [])]
        for option in options:
            key, _, value = option.partition("=")
            words += [f"--{key.replace('_', '-')}", value]
        return self.command(*words)


@contextlib.contextmanager
def damage_reported(place: Path, command: str) -> Iterator[None]:
    """Inside this block a value that is absent or impossible means that `place` is damaged."""
    try:
        yield
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise ToolkitError(
            f"{place} is damaged ({error!r}). Begin anew with `{command} --restart`; "
            "the damaged one is kept aside."
        ) from error


def read_config(run: Path, kind: type[AnyConfig]) -> AnyConfig:
    """The config of a run directory.

    Raises:
        ToolkitError: it is unreadable.
        TypeError, ValueError: it lacks a field, or has an impossible value.
    """
    values = json.loads(read_bytes(run / "config.json"))
    names = {field.name for field in fields(kind)}
    if set(values) != names:
        raise ValueError(f"config.json should have {', '.join(sorted(names))}")
    return kind(**values)


def read_figure(path: Path) -> bytes:
    """The bytes of a PNG.

    Raises:
        ToolkitError: it is unreadable.
        ValueError: it is no whole picture.
    """
    data = read_bytes(path)
    try:
        iio.imread(data, plugin="pillow")
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises
        raise ValueError(f"{path.name} is no whole picture") from error
    if not data.endswith(END_OF_PNG):  # Pillow does without, LaTeX and Word do not
        raise ValueError(f"{path.name} is no whole picture")
    return data


def percent(share: float) -> str:
    """A share of 0 to 1 in words, e.g. "99.98%".

    Raises:
        ValueError: it lies outside.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share of {share}")
    return f"{share:.2%}"
