"""Errors that the command line reports in one sentence."""

import difflib
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
