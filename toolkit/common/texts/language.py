"""Translations: the English text is in the code, and `zh.toml` has the Chinese for each text.

A text without a translation stays English, for example a teacher's own names for tasks. Tests make
sure that all texts of the toolkit have a translation.
"""

import functools
import tomllib
from pathlib import Path
from typing import Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
TAGS: dict[Language, str] = {"en": "en", "zh": "zh-Hans"}  # as HTML names them


def translate(text: str, language: Language) -> str:
    """Return a text in a language, or the English text if there is no translation."""
    return catalogue(language).get(text, text)


@functools.cache
def catalogue(language: Language) -> dict[str, str]:
    """Return the translation of each English text; for English itself, return {}."""
    return {} if language == "en" else _read(f"{language}.toml")


def chinese_of_pages() -> dict[str, str]:
    """Return the Chinese translation of each English text of the scripts in `playground/src`."""
    return _read("playground.zh.toml")


def _read(file: str) -> dict[str, str]:
    tables = tomllib.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
    return {english: text for table in tables.values() for english, text in table.items()}
