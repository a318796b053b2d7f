"""Translations: English stands where it is used; `zh.toml` has the Chinese for each text.

A text that the file lacks stays English, as a teacher's own names of tasks do; the tests see to it
that it lacks none of ours.
"""

import functools
import tomllib
from pathlib import Path
from typing import Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
TAGS: dict[Language, str] = {"en": "en", "zh": "zh-Hans"}  # as HTML names them


def translate(text: str, language: Language) -> str:
    """A text in a language; as it is where there is no translation."""
    return catalogue(language).get(text, text)


@functools.cache
def catalogue(language: Language) -> dict[str, str]:
    """The translation of each English text; {} for English itself."""
    return {} if language == "en" else _read(f"{language}.toml")


def chinese_of_pages() -> dict[str, str]:
    """The Chinese translation of each English text of the scripts in `playground/src`."""
    return _read("playground.zh.toml")


def _read(file: str) -> dict[str, str]:
    tables = tomllib.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
    return {english: text for table in tables.values() for english, text in table.items()}
