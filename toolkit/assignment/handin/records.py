"""Functions that read the records written by a student's `train.py` and `my_gan.py`.

records/
  lstm-T5-rate0.001.csv    step, loss, accuracy on unseen palindromes: one file for each run
  lstm-T5-rate0.001.json   the run's settings, and the command that made the record
  lstm-T5-rate0.001.pt, gan.pt   weights, only for `toolkit export`; `pack` leaves them out
  gan.csv, gan.json        the same for the GAN: step, discriminator's loss, generator's loss
  samples-start.png, samples-halfway.png, samples-end.png   25 images each
  interpolation.png        9 images

The toolkit does not trust records: it limits their sizes and reports unreadable records.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from toolkit.assignment.handin.locate import find_parts
from toolkit.assignment.handin.notebooks import code_of
from toolkit.assignment.running.parts import FILES, Part, list_files
from toolkit.common.console import command_line
from toolkit.common.errors import printable
from toolkit.common.record import MADE_BY

FOLDER = "records"  # at any depth of a hand-in
TRAINING = ("step", "loss", "accuracy")  # the columns of a CSV
GAN = ("step", "loss_discriminator", "loss_generator")
GAN_LOG = "gan.csv"
SAMPLES = ("samples-start.png", "samples-halfway.png", "samples-end.png")
INTERPOLATION = "interpolation.png"
PICTURES = {  # file name -> a description of the picture
    SAMPLES[0]: "25 samples at the start of the training",
    SAMPLES[1]: "25 samples halfway through",
    SAMPLES[2]: "25 samples after its end",
    INTERPOLATION: "9 images between two digits",
}

MAX_FILE, MAX_BYTES = 4 << 20, 32 << 20  # bytes of one record, and of all records
MAX_FILES = 100
MAX_ROWS = 20_000  # of a CSV, one for each step of a long training run
MAX_JSON = 1 << 16  # bytes of settings
MAX_SETTINGS = 30  # of one training run
MAX_WORD = 80  # characters of a name or value; a command may have four times as many
PNG = b"\x89PNG\r\n\x1a\n"

Settings = dict[str, str]  # names and values, as text


class Gap(NamedTuple):
    """A record that is missing or cannot be used."""

    part: Part  # the part that makes the record
    what: str  # a clause, e.g. "there is no record of the LSTM at T = 5"
    command: str  # the command that makes the record, to be run in the student's folder


@dataclass(frozen=True)
class Log:
    """The record of one training run: the contents of a CSV file, and the run's settings.

    Attributes:
        path: the path of the CSV file, relative to the student's folder.
        rows: one or more rows of three numbers, in the column order of `TRAINING` or `GAN`.
        settings: the names and values of the run's settings, without the command, which is in
            `command`.
        command: the command that made the record, or "" if the command is unknown.
    """

    path: PurePosixPath
    rows: tuple[tuple[float, float, float], ...]
    settings: Settings
    command: str = ""

    @property
    def network(self) -> str:
        """The network's name in capitals: LSTM, RNN or any other name that the student chose; LSTM
        if the settings contain no name.
        """
        return self.settings.get("network", "lstm").upper()

    @property
    def length(self) -> int:
        """The length T of the palindromes, or 0 if the length is unknown."""
        word = self.settings.get("length", "")
        if word.isascii() and word.isdigit() and len(word) < 10:
            return int(word)
        return 0

    @property
    def shares(self) -> list[float]:
        """The accuracies as fractions, even if the file contains percentages.

        If any accuracy is above 2, all accuracies are read as percentages; otherwise they are
        returned unchanged, even if one is above 1.
        """
        column = [accuracy for _, _, accuracy in self.rows]
        if max(column) > 2:
            return [percent / 100 for percent in column]
        return column

    @property
    def accuracy(self) -> float:
        """The accuracy at the end of training, as a fraction."""
        return self.shares[-1]


@dataclass
class Records:
    """The records of one student's training runs, with the pictures that the GAN generated.

    Attributes:
        trainings: the training runs of the LSTM and of the networks that the student compares with
            it, sorted by the length T of the palindromes.
        gan: the training run of the GAN; None if there is no usable CSV file for it.
        pictures: the path and the bytes of each picture, by file name.
        problems: for each unusable record, the part of the assignment that it belongs to, and what
            is wrong, such as "records/gan.csv is larger than 4 MiB".
        foreign: the files that were made by the toolkit rather than by the student.
    """

    trainings: list[Log] = field(default_factory=list)
    gan: Log | None = None
    pictures: dict[str, tuple[PurePosixPath, bytes]] = field(default_factory=dict)
    problems: list[tuple[Part, str]] = field(default_factory=list)
    foreign: list[PurePosixPath] = field(default_factory=list)


def gaps(records: Records, code: Mapping[PurePosixPath, bytes]) -> Iterator[Gap]:
    """Yield a `Gap` for each record that is missing or cannot be used.

    Args:
        code: the contents of the student's Python files and notebooks, by path; other files may be
            included.
    """
    parts = find_parts(code)
    for part, clause, options in _missing(records):
        path = parts.get(part, PurePosixPath(FILES[part]))
        if path in code and "keep_record" not in code_of(path, code[path]):
            clause += f"; {path} keeps no records yet: take keep_record from the skeleton into it"
        yield Gap(part, clause, command_line("python", str(path), *options))


def _missing(records: Records) -> Iterator[tuple[Part, str, list[str]]]:
    """Yield three values for each record that is missing or cannot be used. The first is the part
    of the assignment that the record belongs to, and the second is a description of the problem.
    The third is a list of the command-line options with which the program for that part creates the
    record. This list is empty if the record exists but cannot be used, or if the program needs no
    options.
    """
    lengths = {log.length for log in records.trainings if log.network == "LSTM"}
    networks = {log.network for log in records.trainings}
    if 5 not in lengths:
        yield "train", "there is no record of the LSTM at T = 5", ["--length", "5"]
    if max(lengths, default=0) <= 5:
        yield "train", "there is no record of the LSTM at a longer T", ["--length", "20"]
    if networks <= {"LSTM"}:
        options = ["--network", "rnn", "--length", str(max([*lengths, 20]))]
        yield "train", "there is no record of the RNN to compare the LSTM with", options
    if records.gan is None:
        yield "gan", f"{FOLDER}/{GAN_LOG}, the losses of the GAN, is missing", []
    for name, contents in PICTURES.items():
        if name not in records.pictures:
            yield "gan", f"{FOLDER}/{name}, {contents}, is missing", []
    for part, clause in records.problems:
        yield part, clause, []


def part_of(path: PurePosixPath) -> Part:
    """Return the part of the assignment that a record belongs to: "gan" or "train"."""
    return "gan" if path.name in (GAN_LOG, *PICTURES) else "train"


def is_record(path: PurePosixPath) -> bool:
    """Return True if a path is a CSV, JSON or PNG file in a `records` folder."""
    return FOLDER in path.parts[:-1] and path.suffix.lower() in (".csv", ".json", ".png")


def read_folder(folder: Path) -> Records:
    """Return the records of training runs that are stored in a student's folder and its
    subfolders.
    """
    files, bytes_left = {}, MAX_BYTES
    for path in islice(filter(is_record, list_files(folder)), MAX_FILES):
        with open(folder / path, "rb") as file:
            files[path] = file.read(min(MAX_FILE, bytes_left) + 1)
        bytes_left -= min(bytes_left, len(files[path]))
    return read_records(files)


def read_records(files: Mapping[PurePosixPath, bytes]) -> Records:
    """Read the records (CSV, JSON and PNG files in folders called `records`) among the files of a
    submission, and ignore all other files.
    """
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
    """Read one file of a submission, and add it to the records.

    Args:
        settings: the contents of the JSON file next to the CSV file, or None if the JSON file is
            missing.

    Raises:
        ValueError: the file cannot be used; the message, such as "is not a PNG picture", is worded
            to follow the file's name.
    """
    if len(data) > MAX_FILE:
        raise ValueError(f"is larger than {MAX_FILE >> 20} MiB")
    if path.name == "run.json" or (data.startswith(PNG) and MADE_BY.encode() in data[:4096]):
        records.foreign.append(path)  # a record or a picture of the toolkit's own
    elif path.name in PICTURES:
        if not data.startswith(PNG):
            raise ValueError("is not a PNG picture")
        records.pictures[path.name] = path, data
    elif path.name == GAN_LOG:
        records.gan = _read_log(path, data, settings)
    elif path.suffix.lower() == ".csv":
        records.trainings.append(_read_log(path, data, settings))


def _read_log(path: PurePosixPath, data: bytes, settings: bytes | None) -> Log:
    """Return the training run that a CSV file records.

    Raises:
        ValueError: the CSV file or its settings cannot be used; the message, such as "has more than
            20,000 lines", is worded to follow the CSV file's name.
    """
    columns = GAN if path.name == GAN_LOG else TRAINING
    rows: list[tuple[float, float, float]] = []
    try:
        lines = csv.reader(data.decode("utf-8-sig").splitlines())
        if tuple(map(str.strip, next(lines, ()))) != columns:
            raise ValueError(f"does not begin with the line {','.join(columns)}")
        for number, line in enumerate(lines, start=2):
            if len(rows) == MAX_ROWS:
                raise ValueError(f"has more than {MAX_ROWS:,} lines")
            try:
                step, first, second = map(float, line)
            except ValueError as error:
                raise ValueError(f"does not have three numbers in line {number}") from error
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
    """Return the names and values of the settings in a JSON file, as text.

    Raises:
        ValueError: the file is too large or is not a JSON object.
    """
    if len(data) > MAX_JSON:
        raise ValueError(f"has settings beside it of more than {MAX_JSON >> 10} KiB")
    try:
        content = dict(json.loads(data))
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError("has settings beside it that are not a JSON object") from error
    settings = {}
    for key, value in islice(content.items(), MAX_SETTINGS):
        name = printable(str(key))[:MAX_WORD]
        limit = 4 * MAX_WORD if name == "command" else MAX_WORD
        if isinstance(value, str | int | float):
            settings[name] = printable(str(value))[:limit]
        else:
            settings.pop(name, None)  # of two names that are equal after the cut, the last counts
    return settings
