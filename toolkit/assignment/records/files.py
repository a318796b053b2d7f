"""What a student's own trainings leave behind; the skeleton's `train.py` and `my_gan.py` write it.

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
SAMPLES = {  # file -> when the 25 samples were drawn
    "samples-start.png": "at the start of the training",
    "samples-halfway.png": "halfway through",
    "samples-end.png": "after its end",
}
INTERPOLATION = "interpolation.png"
PICTURES = (*SAMPLES, INTERPOLATION)

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

    @property
    def missing(self) -> Iterator[tuple[str, Part, tuple[str, ...]]]:
        """What the report asks for and is not there, a clause; and which part makes it, how."""
        lengths = {log.length for log in self.trainings if log.network == "LSTM"}
        if 5 not in lengths:
            yield "there is no record of the LSTM at T = 5", "train", ("--length", "5")
        if not any(length > 5 for length in lengths):
            yield "there is no record of the LSTM at a longer T", "train", ("--length", "20")
        if all(log.network == "LSTM" for log in self.trainings):
            arguments = ("--network", "rnn", "--length", f"{max([*lengths, 20])}")
            yield "there is no record of the RNN to compare the LSTM with", "train", arguments
        if self.gan is None:
            yield f"{FOLDER}/{GAN_LOG}, the losses of the GAN, is not there", "gan", ()
        for name, when in SAMPLES.items():
            if name not in self.pictures:
                yield f"{FOLDER}/{name}, 25 samples {when}, is not there", "gan", ()
        if INTERPOLATION not in self.pictures:
            yield f"{FOLDER}/{INTERPOLATION}, 9 images between two digits, is not there", "gan", ()


def gaps(records: Records, code: Mapping[PurePosixPath, bytes]) -> Iterator[Gap]:
    """What is missing or cannot be used.

    Args:
        code: the student's files of Python, at least.
    """
    parts = find_parts(code)
    missing = [*records.missing, *((what, part, ()) for part, what in records.problems)]
    for what, part, words in missing:
        path = parts.get(part, PurePosixPath(FILES[part]))
        if path in code and "keep_record" not in code_of(path, code[path]):
            what += f"; {path} keeps no records yet: take keep_record from the skeleton into it"
        yield Gap(part, what, command_line("python", str(path), *words))


def part_of(path: PurePosixPath) -> Part:
    """Which part of the assignment makes a record."""
    return "gan" if path.name in (GAN_LOG, *PICTURES) else "train"


def is_record(path: PurePosixPath) -> bool:
    """Whether a file of a submission lies in the folder of records."""
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
        if not is_record(path):
            continue
        if len(data) > MAX_FILE:
            what = f"{path} is larger than {MAX_FILE >> 20} MiB"
            records.problems.append((part_of(path), what))
        elif _is_foreign(path, data):
            records.foreign.append(path)
        elif path.name in PICTURES:
            if data.startswith(PNG):
                records.pictures[path.name] = (path, data)
            else:
                records.problems.append(("gan", f"{path} is not a PNG picture"))
        elif path.suffix.lower() == ".csv":
            try:
                log = _read_log(path, data, files.get(path.with_suffix(".json")))
            except ValueError as error:
                records.problems.append((part_of(path), f"{path} {error}"))
            else:
                if path.name == GAN_LOG:
                    records.gan = log
                else:
                    records.trainings.append(log)
    records.trainings.sort(key=lambda log: (log.length, log.network, str(log.path)))
    return records


def _is_foreign(path: PurePosixPath, data: bytes) -> bool:
    """Whether the toolkit made a file: its own record of a run, or a picture that says so."""
    return path.name == "run.json" or (data.startswith(PNG) and MADE_BY.encode() in data[:4096])


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
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError("has settings beside it that are not JSON") from error
    if not isinstance(content, dict):
        raise ValueError("has settings beside it that are not a JSON object")
    words = {str(name)[:MAX_WORD]: value for name, value in list(content.items())[:MAX_SETTINGS]}
    return {
        name: str(value)[: 4 * MAX_WORD if name == "command" else MAX_WORD]
        for name, value in words.items()
        if isinstance(value, str | int | float)
    }
