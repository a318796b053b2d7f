"""What Landlock is told: the kernel's way to keep a process from files, without an administrator.

`launcher.py` tells it. https://docs.kernel.org/userspace-api/landlock.html
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
    """The version of Landlock that this kernel has; 0 if it has none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, ASK_VERSION)))


def readable(paths: Iterable[str], left_out: Path) -> tuple[list[str], list[str]]:
    """What to name so that all that is there of `paths` may be read, but not the folder `left_out`.

    Returns:
        what may be read, with all below it; and the folders around `left_out`, if any, which have
        to be listed for what else is in them to be found.
    """
    read, enter = [], []
    waiting = list(dict.fromkeys(Path(path).resolve() for path in paths if os.path.exists(path)))
    while waiting:
        path = waiting.pop()
        if not left_out.is_relative_to(path):
            read.append(str(path))
        elif path != left_out:
            enter.append(str(path))
            waiting += path.iterdir()
    return read, enter
