"""Scratch directories that outlive no grader: what a killed one left, the next one deletes."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "grade-"


@contextlib.contextmanager
def scratch_directory() -> Iterator[Path]:
    """A new directory, which is deleted in the end, and locked until then."""
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name,
        _locked(Path(name)),
    ):
        yield Path(name)


def clear_left_over() -> None:
    """Delete the scratch directories that no process has a lock on: theirs was killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), _locked(path):  # in use, or another user's
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Inside this block nobody else has the lock; the kernel takes it from a process that ends.

    Raises:
        OSError: somebody else has it, or it is no directory of this user.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
