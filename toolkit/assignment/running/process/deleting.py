"""Functions that delete untrusted files and folders, at any depth and without recursive function
calls, and return the names of those that could not be deleted, with the reasons.

This module uses no third-party packages, so that it can also run inside the sandbox.
"""

import os
import stat
import sys
from dataclasses import dataclass, field

assert sys.platform != "win32"

from toolkit.assignment.running.process.descent import Descent, Mounted, open_closed_folder

MOST_FAILURES = 100  # the deletion stops after this number of failures


@dataclass
class _Level:
    """One folder on the path from the folder being emptied to the current folder.

    Attributes:
        name: the folder's name in its parent folder.
        kept: the names of entries that remain in the folder.
        holds_mount: True if something is mounted in the folder.
    """

    name: str
    kept: set[str] = field(default_factory=set)
    holds_mount: bool = False


def delete(name: str, parent: int) -> list[str]:
    """Delete a file, a link (not its target), or a folder and everything in it, at any depth.

    The contents of other file systems mounted inside the folder are not deleted.

    Args:
        name: the entry's name in the open folder `parent`.

    Returns:
        the failures, each a string with the name of a remaining file or folder and the reason; []
        if there are none.
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
        failures = empty(folder)
    finally:
        os.close(folder)
    if not failures:
        try:
            os.rmdir(name, dir_fd=parent)
        except OSError as error:
            failures = [_failure(name, error)]
    return failures


def empty(folder: int) -> list[str]:
    """Delete everything in an open folder, at any depth, except mounted file systems.

    Returns:
        the failures, as in `delete`; a folder that remains because of a mount is not a failure.
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
    """Delete the files in a folder, but stop at the first subfolder that has not been processed
    yet. Return the name of this subfolder, or None if there is no such subfolder. The function also
    stops and returns None if too many files could not be deleted (see `MOST_FAILURES`).
    """
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
    """Enter a folder, unless it cannot be opened or a file system is mounted on it."""
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
    """Delete a folder, unless it still contains something that could not be deleted."""
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
        if not level.kept:  # otherwise the failures name the contents
            failures.append(_failure(level.name, error))


def _failure(name: str, error: OSError) -> str:
    return f"{name[:80]!r}: {error.strerror or error}"
