"""Read the records that a student's `train.py` and `my_gan.py` write.

records/
  lstm-T5-rate0.001.csv    step, loss, accuracy on unseen palindromes: one file for each training
  lstm-T5-rate0.001.json   its settings, and the command that made it
  lstm-T5-rate0.001.pt, gan.pt   weights, for `toolkit export` alone; `pack` leaves them out
  gan.csv, gan.json        the same of the GAN: step, loss of the discriminator, of the generator
  samples-start.png, samples-halfway.png, samples-end.png   25 images each
  interpolation.png        9 images

Nothing here is trusted: sizes are limited, and what cannot be read becomes a clause.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from toolkit.assignment.locate import find_parts
from toolkit.assignment.notebooks import code_of
from toolkit.assignment.parts import FILES, Part, list_files
from toolkit.common.console import command_line
from toolkit.common.record import MADE_BY

FOLDER = "records"  # at any depth of what is handed in
TRAINING = ("step", "loss", "accuracy")  # the columns of a CSV
GAN = ("step", "loss_discriminator", "loss_generator")
GAN_LOG = "gan.csv"
SAMPLES = ("samples-start.png", "samples-halfway.png", "samples-end.png")
INTERPOLATION = "interpolation.png"
PICTURES = {  # file -> what it shows
    SAMPLES[0]: "25 samples at the start of the training",
    SAMPLES[1]: "25 samples halfway through",
    SAMPLES[2]: "25 samples after its end",
    INTERPOLATION: "9 images between two digits",
}

MAX_FILE, MAX_BYTES = 4 << 20, 32 << 20  # bytes of one, and of all
MAX_FILES = 100
MAX_ROWS = 20_000  # of a CSV: one a step of a long training
MAX_JSON = 1 << 16  # bytes of settings
MAX_SETTINGS = 30  # of one training
MAX_WORD = 80  # characters of a setting's name or value; of a command, four times as many
PNG = b"\x89PNG\r\n\x1a\n"

Settings = dict[str, str]  # as they are printed


class Gap(NamedTuple):
    """Something that is not there, or cannot be used."""

    part: Part  # which makes it
    what: str  # a clause, e.g. "there is no record of the LSTM at T = 5"
    command: str  # what makes it, to be run in the student's folder


@dataclass(frozen=True)
class Log:
    """A CSV and the settings beside it: one training.

    Attributes:
        path: of the CSV, relative to the folder.
        rows: of three numbers, as `TRAINING` or `GAN`; at least one row.
        settings: without the command.
        command: "" if nobody knows.
    """

    path: PurePosixPath
    rows: tuple[tuple[float, float, float], ...]
    settings: Settings
    command: str = ""

    @property
    def network(self) -> str:
        """LSTM or RNN, or whatever they call it."""
        return self.settings.get("network", "lstm").upper()

    @property
    def length(self) -> int:
        """T; 0 if nobody knows."""
        word = self.settings.get("length", "")
        return int(word) if word.isascii() and word.isdigit() and len(word) < 10 else 0

    @property
    def shares(self) -> list[float]:
        """The accuracies as shares; whoever wrote percent is understood.

        Chance is 10%, so a column that goes past 2 is in percent.
        """
        column = [row[2] for row in self.rows]
        return [value / 100 for value in column] if max(column) > 2 else column

    @property
    def accuracy(self) -> float:
        """The share at the end."""
        return self.shares[-1]


@dataclass
class Records:
    """All that was found.

    Attributes:
        trainings: of the LSTM, and of what it is compared with, by T.
        gan: None if there is no such CSV.
        pictures: file name -> where it is, and the bytes.
        problems: what is there and cannot be used, a clause each, and which part makes it.
        foreign: files that the toolkit made, not this student.
    """

    trainings: list[Log] = field(default_factory=list)
    gan: Log | None = None
    pictures: dict[str, tuple[PurePosixPath, bytes]] = field(default_factory=dict)
    problems: list[tuple[Part, str]] = field(default_factory=list)
    foreign: list[PurePosixPath] = field(default_factory=list)


def gaps(records: Records, code: Mapping[PurePosixPath, bytes]) -> Iterator[Gap]:
    """What is missing or cannot be used.

    Args:
        code: the student's files of Python, at least.
    """
    lengths = {log.length for log in records.trainings if log.network == "LSTM"}
    has_other = any(log.network != "LSTM" for log in records.trainings)
    rnn = ("--network", "rnn", "--length", str(max([*lengths, 20])))
    none, there = "there is no record of", "is not there"
    wanted: list[tuple[object, Part, str, tuple[str, ...]]] = [  # it, its part, a clause, how
        (5 in lengths, "train", f"{none} the LSTM at T = 5", ("--length", "5")),
        (
            max(lengths, default=0) > 5,
            "train",
            f"{none} the LSTM at a longer T",
            ("--length", "20"),
        ),
        (has_other, "train", f"{none} the RNN to compare the LSTM with", rnn),
        (records.gan, "gan", f"{FOLDER}/{GAN_LOG}, the losses of the GAN, {there}", ()),
    ]
    for name, what in PICTURES.items():
        wanted.append((name in records.pictures, "gan", f"{FOLDER}/{name}, {what}, {there}", ()))
    wanted += ((False, part, what, ()) for part, what in records.problems)
    parts = find_parts(code)
    for found, part, what, words in wanted:
        path = parts.get(part, PurePosixPath(FILES[part]))
        if path in code and "keep_record" not in code_of(path, code[path]):
            what += f"; {path} keeps no records yet: take keep_record from the skeleton into it"
        if not found:
            yield Gap(part, what, command_line("python", str(path), *words))


def part_of(path: PurePosixPath) -> Part:
    """The part of the assignment that makes a record."""
    return "gan" if path.name in (GAN_LOG, *PICTURES) else "train"


def is_record(path: PurePosixPath) -> bool:
    """True if a file of a submission lies in the folder of records."""
    return FOLDER in path.parts[:-1] and path.suffix.lower() in (".csv", ".json", ".png")


def read_folder(folder: Path) -> Records:
    """The records in a student's folder, at any depth."""
    files, left = {}, MAX_BYTES
    for path in [path for path in list_files(folder) if is_record(path)][:MAX_FILES]:
        with open(folder / path, "rb") as file:
            files[path] = file.read(min(MAX_FILE, left) + 1)
        left -= min(left, len(files[path]))
    return read_records(files)


def read_records(files: Mapping[PurePosixPath, bytes]) -> Records:
    """The records among the files of a submission; the others do not matter."""
    records = Records()
    for path, data in files.items():
        if is_record(path):
            try:
                _read_record(records, path, data, files.get(path.with_suffix(".json")))
            except ValueError as error:
                records.problems.append((part_of(path), f"{path} {error}"))
    records.trainings.sort(key=lambda log: (log.length, log.network, str(log.path)))
    return records


def _read_record(
    records: Records, path: PurePosixPath, data: bytes, settings: bytes | None
) -> None:
    """Add one of the files to the records.

    Args:
        settings: what stands beside a CSV.

    Raises:
        ValueError: it cannot be used; the message goes on after the file's name.
    """
    if len(data) > MAX_FILE:
        raise ValueError(f"is larger than {MAX_FILE >> 20} MiB")
    if path.name == "run.json" or (data.startswith(PNG) and MADE_BY.encode() in data[:4096]):
        records.foreign.append(path)  # the toolkit's own record of a run, or a picture of its
    elif path.name in PICTURES:
        if not data.startswith(PNG):
            raise ValueError("is not a PNG picture")
        records.pictures[path.name] = path, data
    elif path.name == GAN_LOG:
        records.gan = _read_log(path, data, settings)
    elif path.suffix.lower() == ".csv":
        records.trainings.append(_read_log(path, data, settings))


def _read_log(path: PurePosixPath, data: bytes, settings: bytes | None) -> Log:
    """One training.

    Raises:
        ValueError: something is missing or no number; the message goes on after the file's name.
    """
    columns = GAN if path.name == GAN_LOG else TRAINING
    rows: list[tuple[float, float, float]] = []
    try:
        lines = csv.reader(data.decode("utf-8-sig").splitlines())
        if tuple(word.strip() for word in next(lines, ())) != columns:
            raise ValueError(f"does not begin with the line {','.join(columns)}")
        for number, line in enumerate(lines, start=2):
            if len(rows) == MAX_ROWS:
                raise ValueError(f"has more than {MAX_ROWS:,} lines")
            try:
                step, first, second = map(float, line)
            except ValueError as error:
                raise ValueError(f"has no three numbers in line {number}") from error
            rows.append((step, first, second))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"is not a CSV file ({error})") from error
    if not rows:
        raise ValueError("has no line but its first: nothing was put into the list of rows")
    if settings is None:
        raise ValueError(f"has no settings beside it: {path.with_suffix('.json').name} is missing")
    words = _read_settings(settings)
    return Log(path, tuple(rows), words, words.pop("command", ""))


def _read_settings(data: bytes) -> Settings:
    """Names and values, in words.

    Raises:
        ValueError: that is no JSON object.
    """
    if len(data) > MAX_JSON:
        raise ValueError(f"has settings beside it of more than {MAX_JSON >> 10} KiB")
    try:
        content = dict(json.loads(data))
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError("has settings beside it that are not a JSON object") from error
    words = {str(name)[:MAX_WORD]: value for name, value in list(content.items())[:MAX_SETTINGS]}
    return {
        name: str(value)[: 4 * MAX_WORD if name == "command" else MAX_WORD]
        for name, value in words.items()
        if isinstance(value, str | int | float)
    }
