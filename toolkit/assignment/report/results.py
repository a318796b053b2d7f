"""What a report is filled with: everything is in words, as it is printed."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Gap(NamedTuple):
    """Something that the report lacks."""

    what: str  # a clause, e.g. "runs/default/gan is not there"
    command: str  # what makes it


class Row(NamedTuple):
    """A line of a table with two columns."""

    name: str
    value: str


class Figure(NamedTuple):
    """A picture, by its file name, and what is said below it."""

    file: str
    caption: str


class Recurrent(NamedTuple):
    """A finished training of the LSTM or the RNN."""

    name: str
    model: str
    length: str
    input: str
    hidden: str
    batch: str
    learning_rate: str
    clipped: str
    steps: str
    loss: str
    accuracy: str
    figure: str  # file name


class Tested(NamedTuple):
    """Accuracy of a network at one T, which the first of its lines alone names."""

    length: str
    run: str
    accuracy: str
    num_examples: str


class Family(NamedTuple):
    """A family of the study at one T; only the first of its lines names it."""

    name: str
    length: str
    mean: str
    worst: str
    best: str
    seeds: str


@dataclass
class Gan:
    """A training of the GAN; of its pictures the file names, empty if there are none."""

    name: str
    settings: list[Row] = field(default_factory=list)
    measured: list[Row] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)  # side by side
    moment: str = "at the start of the training, halfway through, and after its end"
    losses: str = ""
    interpolation: str = ""
    ends: str = ""  # of the interpolation, e.g. " from a 3 to an 8"


@dataclass
class Results:
    """Everything that a report is filled with."""

    source: str  # where the numbers come from, a sentence
    remark: str = ""  # the end of every caption
    doubts: list[str] = field(default_factory=list)  # what cannot be true, a sentence each
    by_length: str = ""  # file name of the picture of accuracies against T
    opened: list[Figure] = field(default_factory=list)  # of the exported LSTM
    recurrent: list[Recurrent] = field(default_factory=list)
    tested: list[Tested] = field(default_factory=list)
    study: list[Family] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)  # cells of the study
    gans: list[Gan] = field(default_factory=list)
    gaps_in_study: list[Gap] = field(default_factory=list)
    gaps_in_recurrent: list[Gap] = field(default_factory=list)
    gaps_in_gan: list[Gap] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)  # make all that is shown
    tutor: list[str] = field(default_factory=list)  # the exercises, if the teacher wants them
    figures: dict[str, bytes] = field(default_factory=dict)  # file name -> PNG

    @property
    def gaps(self) -> list[Gap]:
        """All of them, once each."""
        parts = [*self.gaps_in_study, *self.gaps_in_recurrent, *self.gaps_in_gan]
        return list(dict.fromkeys(parts))

    def add_figure(self, name: str, data: bytes) -> str:
        """Keep a PNG for the report, and return its file name there."""
        self.figures[name] = data
        return name
