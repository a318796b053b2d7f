"""Draws questions from facts, so that each choice is as likely to who has not read the file."""

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
VARIETY = 3  # values of a fact that are there, for a question which of them it is
MAX_TEXT = 80  # characters of a value
OUTCOMES = ("stops", "first", "second", "neither")  # which of two losses a change changes
Place = tuple[str, int]


class Facts(NamedTuple):
    """What one script tells."""

    script: str
    batch: int | None  # None: as the script says
    losses: list[Place]  # where the two losses are that a change is judged by
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
    """Questions about different facts and different lines, as many as `count` if there are."""
    rng, found, used = random.Random(seed), list[Question](), set[Any]()
    scripts = [_Script(one, submission, language) for one in facts]
    ways = [(script, kind) for script in scripts for kind in _tables()["kind"]]
    rng.shuffle(ways)
    for script, kind in ways:
        line, question = script.draw(kind, rng)
        about = {line, _tables()["kind"][kind]["fact"]}
        if question and used.isdisjoint(about) and len(found) < count:
            used |= about
            found.append(question)
    return found


class _Script:
    """Draws and writes questions about one script."""

    def __init__(self, facts: Facts, submission: Submission, language: Language) -> None:
        self._facts, self._submission, self._language = facts, submission, language
        self._words = _tables()["words"][language]

    def draw(self, kind: str, rng: random.Random) -> tuple[Place | None, Question | None]:
        """A question and the line that it is about; None where there are not four choices.

        First a value is drawn, then a line that has it: what is frequent is no better guess.
        """
        row, lines = _tables()["kind"][kind], dict[Any, list[Place]]()
        facts: Mapping[Place, Any] = self._facts.known.get(row["fact"], {})
        for at, value in facts.items():
            lines.setdefault(value, []).append(at)
        value = row.get("only", rng.choice(sorted(lines) or [None]))
        is_what = row["form"] == "what"
        if value not in lines or (is_what and len(lines) < VARIETY):
            return None, None
        line = rng.choice(lines[value])
        if is_what:
            right, others = value, {*lines, *(OUTCOMES if row["show"] == "outcome" else ())}
        else:
            right, others = line, {at for at in facts if facts[at] != value}
        pool = sorted(others - {right})
        choices = [right, *rng.sample(pool, min(len(pool), CHOICES - 1))]
        rng.shuffle(choices)  # in order, the place would say something
        show = functools.partial(self._shown, how=row["show"], wanted=row.get("only"))
        texts = [show(one) if is_what else self._label(one) for one in choices]
        if len(set(texts)) < CHOICES:
            return None, None
        as_it_is = self._facts.batch is None or row["fact"] in KINDS
        run = self._words["run" if as_it_is else "batches"]
        script = self._submission.original(self._facts.script)
        does = self._words[self._facts.known["does"].get(line) or "assigns"]
        text = (run + row[self._language]).format(
            script=script, batch=self._facts.batch, line=self._label(line), does=does,
            value=show(value), losses=self._losses(),
        )  # fmt: skip
        proof = [f"{self._label(at)}: {show(facts[at])}" for at in ([line] if is_what else choices)]
        return line, Question(kind=kind, asks=text, choices=texts, right=choices.index(right),
                              because="; ".join(proof))  # fmt: skip

    def _losses(self) -> str:
        """What is compared after a change."""
        places = self._facts.losses
        two = [
            self._words["loss"].format(line=self._label(place), which=self._words["nth"][again])
            for place, again in zip(places, (0, places[0] == places[1]), strict=True)
        ]
        return str(self._words["losses"]).format(a=two[0], b=two[1])

    def _label(self, place: Place) -> str:
        """A line as its author finds it."""
        file, line = place
        if file not in self._submission.notebooks:
            return str(self._words["line"]).format(file=file, line=line)
        name, notebook = self._submission.notebooks[file]
        cell, line = notebook.places[line - 1]
        return str(self._words["cell"]).format(file=name, cell=cell, line=line)

    def _shown(self, value: Any, how: str, wanted: bool | None) -> str:
        """A value as it is written; of two, whether it is the one that is asked for."""
        if wanted is not None:
            return str(self._words["it is" if value == wanted else "it is not"])
        if how == "outcome":
            return str(self._words[value])
        return f"{value:.6g}" if isinstance(value, float) else str(value)[:MAX_TEXT]
