"""The exercises: what each is about, its hints, and what the tutor says, in each language."""

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.assignment.parts import FILES, Part
from toolkit.common.errors import UsageError, nearest
from toolkit.common.texts.language import Language


@dataclass(frozen=True)
class Exercise:
    """One step of the assignment, as `exercises.toml` describes it.

    Attributes:
        name: such as "lstm.equation_5".
        goal, hints: by language.
        mistakes: by their keys.
        examples: the inputs of a formula, by their names.
    """

    name: str
    part: Part
    where: str
    ids: list[str]
    stub: str
    goal: dict[str, str]
    hints: dict[str, list[str]]
    mistakes: dict[str, dict[str, str]]
    examples: list[dict[str, Any]]

    @property
    def file(self) -> str:
        """The skeleton's file for it."""
        return FILES[self.part]

    @property
    def function(self) -> str:
        """The name of what is to be written."""
        return self.stub.replace("(", " ").split()[1]


@functools.cache
def exercises() -> dict[str, Exercise]:
    """All of them by name, in their order."""
    found = {}
    for name, table in _read("exercises.toml").items():
        mistakes = {one["key"]: one for one in table["mistakes"]}
        changed = {"stub": table["stub"].strip(), "mistakes": mistakes}
        found[name] = Exercise(**{"name": name, "examples": [], **table, **changed})
    return found


def find_exercise(name: str) -> Exercise:
    """The exercise of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in exercises():
        raise UsageError(f"There is no exercise {name!r}. {nearest(name, list(exercises()))}.")
    return exercises()[name]


def say(key: str, language: Language, **given: object) -> str:
    """A sentence of the tutor's; a key of the table `what` names a result."""
    sentences = _read("sentences.toml")[language]
    return str(sentences["what"][key] if key in sentences["what"] else sentences[key]).format(
        **given
    )


@functools.cache
def _read(file: str) -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
