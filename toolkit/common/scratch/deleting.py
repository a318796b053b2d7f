"""Deletes what a stranger may have made: without recursion, and what fails is named, not raised.

It needs only Python's standard library: it goes into the sandbox, too.
"""

import os
import stat
import sys
from dataclasses import dataclass, field

assert sys.platform != "win32"

from toolkit.common.scratch.descent import Descent, Mounted, open_closed_folder

MOST_FAILURES = 100  # after which the rest is left


@dataclass
class _Level:
    """A folder on the way down.

    Attributes:
        name: in the folder above.
        kept: names in it that stay.
        holds_mount: whether something is mounted in it.
    """

    name: str
    kept: set[str] = field(default_factory=set)
    holds_mount: bool = False


def delete(name: str, parent: int) -> list[str]:
    """Delete a file, a link itself, or a folder with all in it, at any depth and of any mode.

    What is mounted in it stays as it is.

    Args:
        name: in the open folder `parent`.

    Returns:
        for each thing that is left, its name and the reason; [] if it is gone.
    """
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            os.unlink(name, dir_fd=parent)
            return []
        folder = open_closed_folder(name, parent)
    except FileNotFoundError:
        return []
    except OSError as error:
        return [_failure(name, error)]
    try:
        left = empty(folder)
    finally:
        os.close(folder)
    if not left:
        try:
            os.rmdir(name, dir_fd=parent)
        except OSError as error:
            left = [_failure(name, error)]
    return left


def empty(folder: int) -> list[str]:
    """Delete all that is in an open folder, as `delete` does, but leave what is mounted there.

    Returns:
        as `delete`, without what has to stay because something is mounted in it.
    """
    failures: list[str] = []
    levels = [_Level("")]
    with Descent(folder) as descent:
        while len(failures) < MOST_FAILURES:
            level = levels[-1]
            name = _delete_files(descent.here, level, failures)
            if name is not None:
                _go_down(descent, name, levels, failures)
                continue
            if len(levels) == 1:
                break
            levels.pop()
            try:
                descent.up()
            except OSError as error:
                failures.append(_failure(level.name, error))
                break
            _delete_folder(descent.here, level, levels[-1], failures)
    return failures


def _delete_files(folder: int, level: _Level, failures: list[str]) -> str | None:
    """Delete what is no folder, up to the first folder, whose name is returned."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name in level.kept:
                continue
            if entry.is_dir(follow_symlinks=False):
                return entry.name
            try:
                os.unlink(entry.name, dir_fd=folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                level.kept.add(entry.name)
                failures.append(_failure(entry.name, error))
                if len(failures) >= MOST_FAILURES:
                    return None
    return None


def _go_down(descent: Descent, name: str, levels: list[_Level], failures: list[str]) -> None:
    """Go into a folder, unless it cannot be opened or something is mounted there."""
    try:
        descent.down(open_closed_folder(name, descent.here))
        levels.append(_Level(name))
    except Mounted:
        levels[-1].kept.add(name)
        levels[-1].holds_mount = True
    except OSError as error:
        levels[-1].kept.add(name)
        failures.append(_failure(name, error))


def _delete_folder(parent: int, level: _Level, above: _Level, failures: list[str]) -> None:
    """Delete a folder that was emptied."""
    if level.holds_mount:
        above.holds_mount = True
        above.kept.add(level.name)
        return
    try:
        os.rmdir(level.name, dir_fd=parent)
    except FileNotFoundError:
        return
    except OSError as error:
        above.kept.add(level.name)
        if not level.kept:  # else the failures name what is in it
            failures.append(_failure(level.name, error))


def _failure(name: str, error: OSError) -> str:
    return f"{name[:80]!r}: {error.strerror or error}"
