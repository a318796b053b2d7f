"""Errors that the command line reports in one sentence, and checks that raise them."""

import difflib
import math
from collections.abc import Sequence


class ToolkitError(Exception):
    """Something failed that the user can fix: exit code 1.

    The message says what was given, what is expected and how to fix it.
    """

    exit_code = 1


class UsageError(ToolkitError, ValueError):
    """The request itself is impossible, such as a palindrome of 1 digit: exit code 2."""

    exit_code = 2


def nearest(word: str, choices: Sequence[str]) -> str:
    """The three choices that are most like a word which is none of them, for its author."""
    return f"The nearest are {', '.join(difflib.get_close_matches(word, choices, 3, cutoff=0))}"


def check_range(config: object, **limits: tuple[int, int]) -> None:
    """Raise a UsageError unless each named number of `config` lies between its two limits."""
    for name, (low, high) in limits.items():
        value = getattr(config, name)
        if not low <= value <= high:
            raise UsageError(f"{name} must be from {low:,} to {high:,}, not {value:,}.")


def check_positive(config: object, *names: str) -> None:
    """Raise a UsageError unless each named number of `config` is above 0 and finite."""
    for name in names:
        value = getattr(config, name)
        if not (value > 0 and math.isfinite(value)):
            raise UsageError(f"{name} must be above 0 and finite, not {value}.")
