"""What a report is filled with."""

from dataclasses import dataclass, field
from typing import NamedTuple

from toolkit.lstm.config import Config


class Gap(NamedTuple):
    """Something that the report lacks."""

    what: str  # a clause, e.g. "runs/default/gan is not there"
    command: str  # what makes it


class Row(NamedTuple):
    """A line of a table with two columns."""

    name: str
    value: str


class Recurrent(NamedTuple):
    """A finished run of the LSTM or the RNN; all but `config` as words."""

    name: str
    config: Config
    model: str
    length: str
    input: str
    curriculum: str
    learning_rate: str
    steps: str
    seconds: str
    loss: str
    accuracy: str
    figure: str  # file name


class Tested(NamedTuple):
    """Accuracy of the exported networks at one T."""

    length: str
    lstm: str
    rnn: str


class Family(NamedTuple):
    """A family of the study at one T; the name stands in its first line only."""

    name: str
    length: str
    mean: str
    worst: str
    best: str
    seeds: str


@dataclass
class Gan:
    """A finished run of the GAN."""

    name: str
    settings: list[Row]
    measured: list[Row]
    samples: str  # file names
    losses: str
    interpolation: str = ""  # empty where no two samples were surely different digits
    ends: str = ""  # of the interpolation, e.g. "from a 3 to a 8"; empty where it is not known


@dataclass
class Results:
    """All that a report is filled with."""

    preset: str
    recurrent: list[Recurrent] = field(default_factory=list)
    tested: list[Tested] = field(default_factory=list)
    num_test: str = ""  # palindromes, at most, at each T of `tested`
    study: list[Family] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)  # cells of the study
    gans: list[Gan] = field(default_factory=list)
    gaps_in_study: list[Gap] = field(default_factory=list)
    gaps_in_recurrent: list[Gap] = field(default_factory=list)
    gaps_in_gan: list[Gap] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)  # make all of it
    figures: dict[str, bytes] = field(default_factory=dict)  # file name -> PNG

    @property
    def gaps(self) -> list[Gap]:
        """All of them, once each."""
        parts = [*self.gaps_in_study, *self.gaps_in_recurrent, *self.gaps_in_gan]
        return list(dict.fromkeys(parts))
