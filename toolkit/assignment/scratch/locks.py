"""Locks on folders; a lock is released when the process that holds it ends."""

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

assert sys.platform != "win32"

from toolkit.assignment.running.process.descent import open_folder


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock on a folder while the `with` block runs.

    Raises:
        OSError: another process holds the lock, or the path is not a folder.
    """
    descriptor = open_folder(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
