"""The paths for Landlock, the kernel feature that restricts a process to certain files.

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
    """Divide `paths` into paths that may be read and folders that contain `left_out`.

    Returns:
        the paths that may be read with all their contents, and the folders that contain the folder
        `left_out`, if any. The program may only list these folders; the rest of their contents is
        among the paths that may be read.
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
