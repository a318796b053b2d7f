"""The paths for Landlock, the kernel's way to restrict a process to certain files.

`launcher.py` sets the rules. https://docs.kernel.org/userspace-api/landlock.html
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
    """Return the version of Landlock in this kernel, or 0 without Landlock."""
    if sys.platform != "linux":
        return 0
    return max(0, int(ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, ASK_VERSION)))


def readable(paths: Iterable[str], left_out: Path) -> tuple[list[str], list[str]]:
    """Split `paths` into paths that do not contain the folder `left_out`.

    Returns:
        the paths that may be read, with everything below them, and the folders around `left_out`,
        if any. These folders may only be listed, so that the rest of their contents is found.
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
