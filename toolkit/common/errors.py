"""Errors that the command line reports in one sentence."""

import difflib
import sys
from collections.abc import Sequence

# How torch's allocators say it in a plain RuntimeError: on Linux and macOS, on Windows, on MPS.
NO_MEMORY = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
    "MPS backend out of memory",
)


class ToolkitError(Exception):
    """Something failed that the user can fix: exit code 1.

    The message says what was given, what is expected and how to fix it.
    """

    exit_code = 1


class UsageError(ToolkitError, ValueError):
    """The request itself is impossible, such as a palindrome of 1 digit: exit code 2."""

    exit_code = 2


def first_line(error: BaseException, length: int = 200) -> str:
    """The first line of an exception's message, for a sentence: plain text, at most `length`.

    torch's exporters add pages in colour below theirs.
    """
    return str(error).strip().partition("\n")[0].partition("\x1b")[0].strip()[:length]


def in_short(text: str, length: int) -> str:
    """The first line of a text, or as many of its sentences, or words, as have room in `length`."""
    line = text.strip().partition("\n")[0].strip()
    if len(line) <= length:
        return line.rstrip(".")
    sentences = line[: length + 1].rpartition(". ")[0]
    return sentences or line[:length].rpartition(" ")[0] + " ..."


def nearest(word: str, choices: Sequence[str]) -> str:
    """The three choices that are most like a word which is none of them, for its author."""
    return f"The nearest are {', '.join(difflib.get_close_matches(word, choices, 3, cutoff=0))}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: that of the processor, or that of a GPU.

    Not every error that has the word "memory" in it does.
    """
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")  # which --help does without
    if torch is not None and isinstance(error, torch.cuda.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY)
