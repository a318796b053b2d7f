"""Translations of the English texts in the code; the Chinese translations are in `zh.toml`.

A text without a translation, such as the name of a task in a grading rubric that a teacher wrote,
is shown unchanged. Tests make sure that all of the toolkit's texts are translated.
"""

import functools
import tomllib
from pathlib import Path
from typing import Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
TAGS: dict[Language, str] = {"en": "en", "zh": "zh-Hans"}  # the tags that HTML uses


def translate(text: str, language: Language) -> str:
    """Return the translation of an English text, or the text itself if there is no translation."""
    return catalogue(language).get(text, text)


@functools.cache
def catalogue(language: Language) -> dict[str, str]:
    """Return a dictionary that maps English texts to their translations; {} for English."""
    return {} if language == "en" else _read(f"{language}.toml")


def chinese_of_pages() -> dict[str, str]:
    """Return a dictionary that maps the English texts in `playground/src` to their Chinese
    translations.
    """
    return _read("playground.zh.toml")


def _read(file: str) -> dict[str, str]:
    tables = tomllib.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
    return {english: text for table in tables.values() for english, text in table.items()}
