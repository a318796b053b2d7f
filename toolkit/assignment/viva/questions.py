"""Multiple-choice questions made from facts about code; a blind guess is right one time in four.

A person who knows similar programs can often guess a property of a single line from its position in
the file. Therefore, each question names seven lines, and asks how many of them have a certain
property. If possible, each of the seven lines is close to a line that differs from it in this
property. The four choices are consecutive numbers, and none can be ruled out in advance. The code
contains enough lines with and without the property for each of the four choices to be the right
answer.
"""

import functools
import itertools
import random
import tomllib
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from toolkit.assignment.handin.submission import Submission
from toolkit.assignment.viva.edits import KINDS, CodeLine
from toolkit.common.texts.language import Language

COUNT = 5  # questions
CHOICES = 4
LINES = 7  # of a question
DISTANCES = (1, 2, 4, 99)  # to the nearest line that differs, at most; best first
MAX_TEXT = 80  # characters of a value


class ScriptFacts(NamedTuple):
    """Facts about individual lines of code, obtained by running one training script."""

    script: str
    batch: int | None  # None for the script's own size
    losses: list[int]  # the two calls of `backward()` whose values are compared after a change
    known: dict[str, dict[Any, Any]]  # a kind of fact -> a line -> the fact


class Question(BaseModel):
    """A question about a student's code, with its answer."""

    kind: str
    asks: str
    choices: list[str]
    right: int  # of the choices
    because: str


@functools.cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("kinds.toml").read_text(encoding="utf-8"))


def say(key: str, language: Language, **fields: object) -> str:
    """Return the text with the key `key` in the given language, with its placeholders filled in."""
    return str(_tables()["words"][language][key]).format(**fields)


def draw_questions(
    facts: list[ScriptFacts],
    submission: Submission,
    language: Language,
    seed: int,
    count: int = COUNT,
) -> list[Question]:
    """Return `count` questions about different facts, or fewer if there are not enough facts."""
    rng = random.Random(seed)
    scripts = [_Script(script, submission, language) for script in facts]
    pairs = list(itertools.product(scripts, _tables()["kind"].items()))
    rng.shuffle(pairs)
    questions: dict[str, Question] = {}  # by the fact that they are about
    for script, (kind, row) in pairs:
        if row["fact"] in questions or len(questions) == count:
            continue
        question = script.draw(kind, row, rng)
        if question:
            questions[row["fact"]] = question
    return list(questions.values())


class _Script:
    """The facts about one script; these facts are the source of the questions."""

    def __init__(self, facts: ScriptFacts, submission: Submission, language: Language) -> None:
        self._facts, self._submission, self._language = facts, submission, language
        self._words = _tables()["words"][language]

    def draw(self, kind: str, row: Mapping[str, Any], rng: random.Random) -> Question | None:
        """Return a question of one kind, or None if the script has too few suitable lines."""
        facts: Mapping[CodeLine, Any] = self._facts.known.get(row["fact"], {})
        values = {row["only"]} if "only" in row else {*facts.values()}
        options = list(itertools.product(sorted(values), DISTANCES))
        in_random_order = rng.sample(options, len(options))
        for value, distance in sorted(in_random_order, key=itemgetter(1)):
            yes, no = _contrasting(facts, value, distance)
            lows = range(max(LINES - len(no), 0), min(len(yes), LINES) - CHOICES + 2)
            if not lows:
                continue
            low, right = rng.choice(lows), rng.randrange(CHOICES)
            lines = sorted(rng.sample(yes, low + right) + rng.sample(no, LINES - low - right))
            proof = []
            for place in lines:
                fact = place in yes if "only" in row else facts[place]
                proof.append(f"{self._label(place)}: {self._shown(fact)}")
            return Question(
                kind=kind,
                asks=self._asks(row, value, lines),
                choices=list(map(str, range(low, low + CHOICES))),
                right=right,
                because="; ".join(proof),
            )
        return None

    def _asks(self, row: Mapping[str, str], value: Any, places: list[CodeLine]) -> str:
        beginning = "run"
        if row["fact"] in KINDS:
            beginning = "change"
        elif self._facts.batch:
            beginning = "batches"
        first, second = self._facts.losses
        return str(self._words[beginning] + row[self._language]).format(
            script=self._submission.original(self._facts.script),
            batch=self._facts.batch,
            lines=", ".join(map(self._label, places)),
            value=self._words.get("asked", {}).get(str(value)) or self._shown(value),
            a=first,
            b=second,
        )

    def _label(self, place: CodeLine) -> str:
        """Return a line's location in the student's own files: the file, the cell if the file is a
        notebook, and the line number.
        """
        file, line = place
        if file not in self._submission.notebooks:
            return f"{file}:{line}"
        name, notebook = self._submission.notebooks[file]
        cell, line = notebook.places[line - 1]
        return str(self._words["cell"]).format(file=name, cell=cell, line=line)

    def _shown(self, value: Any) -> str:
        """Return text of at most `MAX_TEXT` characters for a value. The text is yes or no for a
        truth value, and a phrase for the effect of a change to the code. For anything else, the
        text is `str(value)`.
        """
        return str(self._words["shown"].get(str(value), value))[:MAX_TEXT]


def _contrasting(
    facts: Mapping[CodeLine, Any], value: Any, distance: int
) -> tuple[list[CodeLine], list[CodeLine]]:
    """Return the lines whose value in `facts` is `value`, and the lines with a different value.

    A line whose value is `value` is left out unless a line with a different value is nearby, and
    vice versa.

    Args:
        distance: a line counts as nearby if it is at most this many lines away from the line in
            question, counting only the lines in `facts`.
    """
    places = sorted(facts)
    is_true = [facts[place] == value for place in places]
    yes: list[CodeLine] = []
    no: list[CodeLine] = []
    for k, place in enumerate(places):
        near = is_true[max(k - distance, 0) : k + distance + 1]
        if len(set(near)) > 1:
            (yes if is_true[k] else no).append(place)
    return yes, no
