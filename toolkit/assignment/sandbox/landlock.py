"""Selects paths for Landlock, the kernel feature that restricts which files a process can access.

`launcher.py` passes the paths to the kernel. https://docs.kernel.org/userspace-api/landlock.html
"""

import ctypes
import functools
import os
import sys
from collections.abc import Iterable
from pathlib import Path

CREATE_RULESET, ASK_VERSION = 444, 1  # the call and its flag


@functools.cache
def landlock_version() -> int:
    """Return the version of Landlock in this kernel, or 0 if Landlock is not available."""
    if sys.platform != "linux":
        return 0
    return max(0, int(ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, ASK_VERSION)))


def readable(paths: Iterable[str], left_out: Path) -> tuple[list[str], list[str]]:
    """Return the paths to which a program must be given access so that it can read `paths` but not
    the folder `left_out`.

    Returns:
        two lists: the paths that the program may read, with everything below them; and the folders
        that contain `left_out`, directly or in a subfolder. For the folders in the second list, the
        program gets only the permission to list their contents. The first list covers everything in
        these folders that is outside `left_out`.
    """
    waiting: list[Path] = []
    for name in paths:
        if os.path.exists(name) and Path(name).resolve() not in waiting:
            waiting.append(Path(name).resolve())
    read = []
    enter = []
    while waiting:
        path = waiting.pop()
        if not left_out.is_relative_to(path):
            read.append(str(path))
        elif path != left_out:
            enter.append(str(path))
            waiting += path.iterdir()
    return read, enter
