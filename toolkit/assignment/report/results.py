"""The contents of a report: the texts and figures that it shows."""

from dataclasses import dataclass, field
from typing import NamedTuple

from toolkit.assignment.handin.records import Gap


class Row(NamedTuple):
    """A row of a table with two columns."""

    name: str
    value: str


class Figure(NamedTuple):
    """The file name and the caption of a picture."""

    file: str
    caption: str


@dataclass
class Gan:
    """The pictures and numbers that a report shows for one GAN.

    Each picture is given by its file name. For a missing picture, the file name is ""; the list
    `samples` simply omits missing pictures.
    """

    name: str
    settings: list[Row] = field(default_factory=list)
    measured: list[Row] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)  # pictures that are shown side by side
    moment: str = "at the start of the training, halfway through, and after its end"
    losses: str = ""
    interpolation: str = ""
    ends: str = ""  # the ends of the interpolation, e.g. " from a 3 to an 8"


@dataclass
class Results:
    """The contents of a report."""

    source: str  # a sentence about the origin of the numbers
    remark: str = ""  # the end of every caption
    doubts: list[str] = field(default_factory=list)  # a sentence about each impossible value
    by_length: str = ""  # file name of the picture of accuracies against T
    opened: list[Figure] = field(default_factory=list)  # pictures of the exported LSTM and RNN
    recurrent: list[dict[str, str]] = field(default_factory=list)  # table rows: column -> text
    gans: list[Gan] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)  # missing records
    commands: list[str] = field(default_factory=list)  # the commands that make the contents
    tutor: list[str] = field(default_factory=list)  # the exercises, if the teacher wants them
    figures: dict[str, bytes] = field(default_factory=dict)  # file name -> PNG

    def add_figure(self, name: str, data: bytes) -> str:
        """Add a PNG to the report's figures, and return its file name."""
        self.figures[name] = data
        return name
