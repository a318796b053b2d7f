"""Functions that find where a student's code runs, raises an exception or is defined."""

import functools
import inspect
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple


class Place(NamedTuple):
    """A place in a student's code."""

    file: str | None  # relative to the root
    line: int | None


NOWHERE = Place(None, None)


def place_of(error: BaseException, root: Path | str) -> Place:
    """Return the place in the student's code where an exception was raised, or `NOWHERE`.

    The path in the result is relative to `root`.
    """
    known = getattr(error, "place", None)
    if isinstance(known, Place):  # a student's exception may have such an attribute
        return known
    lines: list[tuple[str, int | None]] = []
    for frame in traceback.extract_tb(error.__traceback__):
        lines.append((frame.filename, frame.lineno))
    if isinstance(error, SyntaxError):
        lines.append((error.filename or "", error.lineno))
    for path, line in reversed(lines):
        file = within(path, str(root))
        if file:
            return Place(file, line)
    return NOWHERE


@functools.cache
def within(file: str, root: str) -> str | None:
    """Return a file's path relative to a student's folder, with slashes; None if it is outside."""
    if not file.startswith(root) or file[len(root) : len(root) + 1] not in ("/", "\\"):
        return None
    return file[len(root) + 1 :].replace("\\", "/")


def running(root: str) -> Iterator[tuple[FrameType, str]]:
    """Yield the frame and file of each active call in the student's code, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = within(frame.f_code.co_filename, root)
        if file is not None:
            yield frame, file
        frame = frame.f_back


def place(root: str) -> Place:
    """Return the place at which the student's code is currently running, or `NOWHERE`."""
    for frame, file in running(root):
        return Place(file, frame.f_lineno)
    return NOWHERE


def place_of_class(kind: type, root: Path | str, *methods: str) -> Place | None:
    """Return the place where a student's class defines the first of `methods` that it has; if it
    has none of them, return the place where the class begins.

    The result is None if the class is not in the student's files.
    """
    path = getattr(sys.modules.get(kind.__module__), "__file__", None)
    file = within(path or "", str(root))
    if not file:
        return None
    return Place(file, line_of(kind, *methods))


def line_of(definition: Any, *methods: str) -> int | None:
    """Return the number of the line on which a function or a class begins.

    For a class that defines any of `methods`, return the number of the line on which such a method
    begins. If the class defines several of them, take the one that comes first in `methods`.
    """
    for method in methods:
        definition = vars(definition).get(method, definition)
        if inspect.isfunction(definition):
            break
    try:
        return inspect.getsourcelines(definition)[1]
    except (OSError, TypeError):
        return None
