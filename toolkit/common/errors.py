"""Errors that the toolkit's commands report in one sentence instead of a traceback."""

import difflib
import sys
from collections.abc import Sequence

# Messages of torch's plain RuntimeErrors if memory runs out: on Linux and macOS, Windows, MPS.
NO_MEMORY = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
    "MPS backend out of memory",
)


class ToolkitError(Exception):
    """An error that the user can fix; the exit code is 1.

    The message says what was given, what was expected, and how to fix the problem.

    Args:
        message: the message of the exception, written for programs that call the toolkit's
            functions.
        in_command: the message on the command line if it differs from `message`, for example
            because it suggests options that fix the problem.
    """

    exit_code = 1

    def __init__(self, message: str = "", in_command: str = "") -> None:
        super().__init__(message)
        self.in_command = in_command or message


class UsageError(ToolkitError, ValueError):
    """An impossible request, such as a palindrome with 1 digit; the exit code is 2."""

    exit_code = 2


def first_line(error: BaseException, length: int = 200) -> str:
    """Return the first line of an exception's message as plain text of at most `length` characters.

    Errors from torch's exporters have pages of coloured text after the first line.
    """
    return str(error).strip().partition("\n")[0].partition("\x1b")[0].strip()[:length]


def in_short(text: str, length: int) -> str:
    """Return a text's first line; if it is too long, cut it off after a sentence or, failing that,
    after a word.
    """
    line = text.strip().partition("\n")[0].strip()
    if len(line) <= length:
        return line.rstrip(".")
    sentences = line[: length + 1].rpartition(". ")[0]
    return sentences or line[:length].rpartition(" ")[0] + " ..."


def printable(text: str) -> str:
    """Return the text with each character that cannot be printed replaced by a space."""
    characters = [character if character.isprintable() else " " for character in text]
    return "".join(characters)


def nearest(word: str, choices: Sequence[str]) -> str:
    """Return a sentence that suggests up to three choices similar to a mistyped word."""
    return f"The nearest are {', '.join(difflib.get_close_matches(word, choices, 3, cutoff=0))}"


def is_out_of_memory(error: BaseException) -> bool:
    """Return True if an error means that the computer or a GPU ran out of memory."""
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")  # not imported by --help
    if torch is not None and isinstance(error, torch.cuda.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY)
