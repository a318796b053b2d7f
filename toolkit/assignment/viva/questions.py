"""Draws questions from facts, so that each choice is as likely to who has not read the file.

Who knows what such programs look like knows much about a line by its number alone. So a question is
of how many of seven lines something is true, at best lines beside which it is not; and each of its
four choices, numbers in a row, is right for some such lines of this very code.
"""

import functools
import random
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from toolkit.assignment.check.submission import Submission
from toolkit.assignment.viva.edits import KINDS
from toolkit.common.texts.language import Language

COUNT = 5  # questions
CHOICES = 4
LINES = 7  # of a question
DISTANCES = (1, 2, 4, 99)  # to a line of which it is not the same: the first that will do
MAX_TEXT = 80  # characters of a value
Place = tuple[str, int]


class Facts(NamedTuple):
    """What one script tells."""

    script: str
    batch: int | None  # None: as the script says
    losses: list[int]  # which two values `backward()` is called on are compared after a change
    known: dict[str, dict[Any, Any]]  # a kind of fact -> a line -> what is true of it


class Question(BaseModel):
    """One question, with its answer."""

    kind: str
    asks: str
    choices: list[str]
    right: int  # of the choices
    because: str


@functools.cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("kinds.toml").read_text(encoding="utf-8"))


def say(key: str, language: Language, **given: object) -> str:
    """A sentence with what is filled in."""
    return str(_tables()["words"][language][key]).format(**given)


def draw_questions(
    facts: list[Facts], submission: Submission, language: Language, seed: int, count: int = COUNT
) -> list[Question]:
    """Questions about different facts, as many as `count` if there are."""
    rng, found, used = random.Random(seed), list[Question](), set[str]()
    scripts = [_Script(one, submission, language) for one in facts]
    ways = [(script, *kind) for script in scripts for kind in _tables()["kind"].items()]
    rng.shuffle(ways)
    for script, kind, row in ways:
        fresh = row["fact"] not in used and len(found) < count
        if fresh and (question := script.draw(kind, row, rng)):
            used.add(row["fact"])
            found.append(question)
    return found


class _Script:
    """Draws and writes questions about one script."""

    def __init__(self, facts: Facts, submission: Submission, language: Language) -> None:
        self._facts, self._submission, self._language = facts, submission, language
        self._words = _tables()["words"][language]

    def draw(self, kind: str, row: Mapping[str, Any], rng: random.Random) -> Question | None:
        """A question; None where there are too few lines for it."""
        facts: Mapping[Place, Any] = self._facts.known.get(row["fact"], {})
        values = {row["only"]} if "only" in row else {*facts.values()}
        places = sorted(facts)
        every = [(by, value) for value in sorted(values) for by in DISTANCES]
        for by, value in sorted(rng.sample(every, len(every)), key=lambda one: one[0]):
            true = [facts[at] == value for at in places]
            hard = [k for k, _ in enumerate(true) if len({*true[max(k - by, 0) : k + by + 1]}) > 1]
            yes, no = ([places[k] for k in hard if true[k] is which] for which in (True, False))
            lows = range(max(LINES - len(no), 0), min(len(yes), LINES) - CHOICES + 2)
            if lows:
                low, right = rng.choice(lows), rng.randrange(CHOICES)
                lines = sorted(rng.sample(yes, low + right) + rng.sample(no, LINES - low - right))
                said = {at: at in yes if "only" in row else facts[at] for at in lines}
                proof = [f"{self._label(at)}: {self._shown(said[at])}" for at in lines]
                choices = [str(low + k) for k in range(CHOICES)]
                return Question(kind=kind, asks=self._asks(row, value, lines), right=right,
                                choices=choices, because="; ".join(proof))  # fmt: skip
        return None

    def _asks(self, row: Mapping[str, str], value: Any, places: list[Place]) -> str:
        how = "change" if row["fact"] in KINDS else "batches" if self._facts.batch else "run"
        return str(self._words[how] + row[self._language]).format(
            script=self._submission.original(self._facts.script), batch=self._facts.batch,
            lines=", ".join(map(self._label, places)), value=self._shown(value),
            a=self._facts.losses[0], b=self._facts.losses[1],
        )  # fmt: skip

    def _label(self, place: Place) -> str:
        """A line as its author finds it."""
        file, line = place
        if file not in self._submission.notebooks:
            return f"{file}:{line}"
        name, notebook = self._submission.notebooks[file]
        cell, line = notebook.places[line - 1]
        return str(self._words["cell"]).format(file=name, cell=cell, line=line)

    def _shown(self, value: Any) -> str:
        """A value as it is written, or an outcome in words."""
        return str(self._words["shown"].get(str(value), value))[:MAX_TEXT]
