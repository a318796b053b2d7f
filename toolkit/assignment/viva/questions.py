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
NEAR = (1, 2, 4, 99)  # so near, at best, is a line of which it is not the same
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
    ways = [(script, kind) for script in scripts for kind in _tables()["kind"]]
    rng.shuffle(ways)
    for script, kind in ways:
        fact = _tables()["kind"][kind]["fact"]
        if fact not in used and len(found) < count and (question := script.draw(kind, rng)):
            used.add(fact)
            found.append(question)
    return found


class _Script:
    """Draws and writes questions about one script."""

    def __init__(self, facts: Facts, submission: Submission, language: Language) -> None:
        self._facts, self._submission, self._language = facts, submission, language
        self._words = _tables()["words"][language]

    def draw(self, kind: str, rng: random.Random) -> Question | None:
        """A question; None where there are too few lines for it."""
        row = _tables()["kind"][kind]
        facts: Mapping[Place, Any] = self._facts.known.get(row["fact"], {})
        values = {row["only"]} if "only" in row else {*facts.values()}
        places = sorted(facts)
        every = [(near, value) for value in sorted(values) for near in NEAR]
        for near, value in sorted(rng.sample(every, len(every)), key=lambda one: one[0]):
            true = [facts[at] == value for at in places]
            told: dict[bool, list[Place]] = {True: [], False: []}
            for k, at in enumerate(places):
                if len({*true[max(k - near, 0) : k + near + 1]}) > 1:
                    told[true[k]].append(at)
            most, least = len(told[True]), LINES - len(told[False])
            lows = range(max(least, 0), min(most, LINES) - CHOICES + 2)
            if lows:
                low, right = rng.choice(lows), rng.randrange(CHOICES)
                number = low + right
                yes, no = rng.sample(told[True], number), rng.sample(told[False], LINES - number)
                lines = sorted(yes + no)
                proof = [f"{self._label(at)}: {self._shown(facts[at])}" for at in lines]
                choices = [str(low + k) for k in range(CHOICES)]
                return Question(kind=kind, asks=self._asks(row, value, lines), right=right,
                                choices=choices, because="; ".join(proof))  # fmt: skip
        return None

    def _asks(self, row: Mapping[str, str], value: Any, places: list[Place]) -> str:
        is_change = row["fact"] in KINDS
        run = self._words["batches" if self._facts.batch and not is_change else "run"]
        take = self._words["each" if is_change else "take"]
        text = run + take + row[self._language].replace("{compare}", self._words["compare"])
        return str(text.format(
            script=self._submission.original(self._facts.script), batch=self._facts.batch,
            lines=", ".join(map(self._label, places)),
            value=self._shown(value), a=self._facts.losses[0], b=self._facts.losses[1],
        ))  # fmt: skip

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
