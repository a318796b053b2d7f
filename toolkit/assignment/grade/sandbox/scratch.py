"""Scratch directories: deleted after use, or by the next grader if their own was killed."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from toolkit.assignment.grade.sandbox.isolation import SHARED

PREFIX = "grade-"


@contextlib.contextmanager
def scratch_directory() -> Iterator[Path]:
    """A new directory, locked while it is in use and deleted at the end."""
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name,
        locked(Path(name)),
    ):
        yield Path(name)


def clear_left_over() -> None:
    """Delete the scratch directories that no process holds a lock on: their grader was killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), locked(path):  # in use, or another user's
            shutil.rmtree(path, ignore_errors=True)


def files_of(uid: int) -> list[Path]:
    """What a user has in the folders where everybody may write."""
    found = []
    for path in (path for folder in SHARED for path in Path(folder).glob("*")):
        with contextlib.suppress(OSError):  # it has just been deleted
            if path.lstat().st_uid == uid:
                found.append(path)
    return found


def clear_files_of(uid: int) -> None:
    """Delete what a user has left there."""
    for path in files_of(uid):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the lock on a directory; the kernel releases it when the process ends.

    Raises:
        OSError: another process holds it, or this is not a directory of this user.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
