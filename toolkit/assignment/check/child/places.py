"""The places in a student's files of what runs, raises or is defined there."""

import functools
import inspect
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

Place = tuple[str | None, int | None]  # a file, relative to the root, and a line of it
NOWHERE: Place = (None, None)


def place_of(error: BaseException, root: Path | str) -> Place:
    """The file, relative to `root`, and the line of the student's code that raised."""
    if (known := getattr(error, "place", None)) is not None:
        return known[0], known[1]
    frames = [(f.filename, f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        frames.append((error.filename or "", error.lineno))
    theirs = ((within(file, str(root)), line) for file, line in reversed(frames))
    return next(((file, line) for file, line in theirs if file), NOWHERE)


@functools.cache
def within(file: str, root: str) -> str | None:
    """A file's path below a student's folder, with slashes; None if it is not there."""
    if not file.startswith(root) or file[len(root) : len(root) + 1] not in ("/", "\\"):
        return None
    return file[len(root) + 1 :].replace("\\", "/")


def running(root: str) -> Iterator[tuple[FrameType, str]]:
    """Of a student's functions that are running, the innermost first: the frame and the file."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if (file := within(frame.f_code.co_filename, root)) is not None:
            yield frame, file
        frame = frame.f_back


def place(root: str) -> Place:
    """The file, relative to the root, and the line of the student's code that is running."""
    return next(((file, frame.f_lineno) for frame, file in running(root)), NOWHERE)


def place_of_class(kind: type, root: Path | str, *methods: str) -> Place | None:
    """The place of a class, or of the first of `methods` it has; None if it is not theirs."""
    file = within(getattr(sys.modules.get(kind.__module__), "__file__", None) or "", str(root))
    return (file, line_of(kind, *methods)) if file else None


def line_of(thing: Any, *methods: str) -> int | None:
    """The first line of a class or a function; of a class, of the first of `methods` it has."""
    for method in methods:
        thing = vars(thing).get(method, thing)
        if inspect.isfunction(thing):
            break
    try:
        return inspect.getsourcelines(thing)[1]
    except (OSError, TypeError):
        return None
