"""Functions that return the exercises with their hints, and the tutor's other texts, all in English
and in Chinese.
"""

import functools
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from toolkit.assignment.running.parts import FILES, Part
from toolkit.common.errors import UsageError, nearest
from toolkit.common.texts.language import Language


class Exercise(BaseModel):
    """An exercise of the assignment; `exercises.toml` explains the attributes."""

    name: str  # such as "lstm.equation_5"
    part: Part
    where: str
    ids: list[str]
    stub: str
    goal: dict[Language, str]
    hints: dict[Language, list[str]]
    mistakes: dict[str, dict[str, str]]  # by key
    claim: str = ""
    examples: list[dict[str, Any]] = []

    @property
    def file(self) -> str:
        """The name of the skeleton file that contains the exercise."""
        return FILES[self.part]

    @property
    def function(self) -> str:
        """The name of the function or class that the student writes."""
        return self.stub.replace("(", " ").split()[1]


@functools.cache
def exercises() -> dict[str, Exercise]:
    """Return all exercises by name, in the order of the notebook."""
    return {name: Exercise(name=name, **table) for name, table in _read("exercises.toml").items()}


def find_exercise(name: str) -> Exercise:
    """Return the exercise with the given name.

    Raises:
        UsageError: there is no such exercise.
    """
    if name not in exercises():
        raise UsageError(f"There is no exercise {name!r}. {nearest(name, list(exercises()))}.")
    return exercises()[name]


def say(key: str, language: Language, **fields: object) -> str:
    """Return the text that belongs to a key, in the given language and with the fields filled
    in.
    """
    return str(_read("sentences.toml")[language][key]).format(**fields)


@functools.cache
def _read(file: str) -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
