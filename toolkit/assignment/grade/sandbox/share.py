"""What one sandbox gets of the machine: a core, the lowest priority, and memory that is counted."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from toolkit.common.scratch.locks import locked

CORES = Path("/sys/devices/system/cpu")
# Control groups, of version 2 and 1: where they are, what limits their memory, what keeps it from
# being swapped out, and what counts the processes that were killed for it.
GROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.swap.max", "memory.events"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.swappiness",
     "memory.oom_control"),
)  # fmt: skip
NOTE = "control-group"  # a file in a scratch directory: the name of its control group
# A toolkit of before 2026-12 ends whatever is in a group whose name begins with "grade-".
NAME = re.compile(r"toolkit-[0-9a-f]{32}")
LOWEST = 19  # priority
MOST_TRIES = 50  # ten a second, until processes that were killed have ended


@dataclass
class Share:
    """What `share` has found; the sandbox can change none of it.

    Attributes:
        cores: where it runs: one that no other sandbox has, or all where there are too few.
        group: the folder of its control group, in which the kernel counts all memory, its own too;
            None where none is to be had.
    """

    cores: set[int]
    group: Path | None = None
    counter: str = ""  # a file in there

    def start(self, command: list[str], **how: Any) -> "subprocess.Popen[bytes]":
        """Start a program that has its share from the beginning, and no way to another.

        Raises:
            FileNotFoundError: there is no such program.
        """
        if shutil.which(command[0]) is None:  # `nice` would say so to nobody
            raise FileNotFoundError(f"There is no program {command[0]}.")
        enter = ["nice", "-n", str(LOWEST)]
        if self.group is not None:
            enter += ["sh", "-c", 'echo 0 > "$0" && exec "$@"', f"{self.group}/cgroup.procs"]
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.cores)  # which it inherits
        try:
            return subprocess.Popen([*enter, *command], **how)
        finally:
            os.sched_setaffinity(0, before)

    @property
    def exceeded(self) -> bool:
        """Whether the kernel has killed one of its processes for want of memory."""
        if self.group is None:
            return False
        lines = (self.group / self.counter).read_text(encoding="ascii").splitlines()
        return any(line.startswith("oom_kill ") and line != "oom_kill 0" for line in lines)

    def idle(self) -> float:
        """Seconds that its cores had nothing to do, since the machine was started."""
        times = psutil.cpu_times(percpu=True)
        return sum(times[core].idle + times[core].iowait for core in self.cores)


@contextlib.contextmanager
def share(memory: int, scratch: Path) -> Iterator[Share]:
    """A core that no other grader's sandbox has meanwhile, and a control group of so many bytes.

    Args:
        scratch: where the group's name is written down before the group is made, so that the next
            grader can prove whose it is if this one is killed.
    """
    with contextlib.ExitStack() as until_the_end:
        own = Share(os.sched_getaffinity(0))
        for core in sorted(own.cores):
            with contextlib.suppress(OSError):  # another one has it
                until_the_end.enter_context(locked(CORES / f"cpu{core}"))
                own.cores = {core}
                break
        name = f"toolkit-{secrets.token_hex(16)}"
        (scratch / NOTE).write_text(name, encoding="ascii")
        for root, limit, swap, counter in GROUPS:
            with contextlib.suppress(OSError):  # not root, or not this version
                (root / "cgroup.procs").stat()
                group = root / name
                group.mkdir()
                until_the_end.callback(_remove, group)
                (group / limit).write_text(str(memory), encoding="ascii")
                own.group, own.counter = group, counter
                (group / swap).write_text("0", encoding="ascii")  # not there without swapping
                break
        yield own


def _remove(group: Path) -> None:
    """End what is still in a control group, which nothing leaves, and remove it."""
    for _ in range(MOST_TRIES):
        with contextlib.suppress(OSError):  # it has just ended, or is about to
            for pid in (group / "cgroup.procs").read_text(encoding="ascii").split():
                os.kill(int(pid), signal.SIGKILL)
            group.rmdir()
            return
        time.sleep(0.1)


def remove_groups(scratch: Path) -> list[str]:
    """Remove the control group of a scratch directory's grader, and end what was left there.

    Returns:
        the group, if it cannot be removed.
    """
    try:
        name = (scratch / NOTE).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return []
    if NAME.fullmatch(name) is None:
        return [f"{name[:40]!r} is no control group of a grader"]
    groups = [root / name for root, *_ in GROUPS if (root / name).is_dir()]
    for group in groups:
        _remove(group)
    return [f"the control group {group}" for group in groups if group.exists()]
