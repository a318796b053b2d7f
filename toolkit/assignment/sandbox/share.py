"""One sandbox's share of the machine: a core, the lowest priority, and limited memory."""

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

from toolkit.assignment.scratch.locks import locked

CORES = Path("/sys/devices/system/cpu")
# Control groups of versions 2 and 1: their folder, and the files that limit their memory, prevent
# swapping, and count the processes that were killed because memory ran out.
GROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.swap.max", "memory.events"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.swappiness",
     "memory.oom_control"),
)  # fmt: skip
NOTE = "control-group"  # a file in a scratch directory: the name of its control group
# A toolkit from before 2026-12 ends every process in a group whose name begins with "grade-".
NAME = re.compile(r"toolkit-[0-9a-f]{32}")
LOWEST = 19  # priority
MOST_TRIES = 50  # ten a second, until the killed processes have ended


@dataclass
class Share:
    """The share of the machine's resources that a sandbox receives; the code in the sandbox cannot
    change it.

    Attributes:
        cores: one core that is reserved for this sandbox, or all available cores if none can be
            reserved.
        group: the folder of the sandbox's control group, or None if there is no control group; the
            kernel counts all memory that the group uses, including kernel memory.
        counter: the file in `group` that counts the processes killed because memory ran out.
    """

    cores: set[int]
    group: Path | None = None
    counter: str = ""

    def start(self, command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        """Start a program with the cores and the priority of this sandbox and, if there is a
        control group, with the sandbox's memory limit. All of these are already in force when the
        program begins to run.

        Args:
            options: keyword arguments for `Popen`.

        Raises:
            FileNotFoundError: there is no such program.
        """
        if shutil.which(command[0]) is None:  # `nice` would not report the missing program
            raise FileNotFoundError(f"There is no program {command[0]}.")
        enter = ["nice", "-n", str(LOWEST)]
        if self.group is not None:
            enter += ["sh", "-c", 'echo 0 > "$0" && exec "$@"', f"{self.group}/cgroup.procs"]
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.cores)  # the program inherits this
        try:
            return subprocess.Popen([*enter, *command], **options)
        finally:
            os.sched_setaffinity(0, before)

    @property
    def exceeded(self) -> bool:
        """True if the kernel killed a process of the control group because memory ran out."""
        if self.group is None:
            return False
        lines = (self.group / self.counter).read_text(encoding="ascii").splitlines()
        return any(line.startswith("oom_kill ") and line != "oom_kill 0" for line in lines)

    def idle(self) -> float:
        """Return the total idle time, in seconds, of the cores on which the sandbox may run,
        measured since the machine started.
        """
        times = psutil.cpu_times(percpu=True)
        return sum(times[core].idle + times[core].iowait for core in self.cores)


@contextlib.contextmanager
def share(memory: int, scratch: Path) -> Iterator[Share]:
    """Create a control group for a sandbox, and reserve a core that no other sandbox has reserved.

    Args:
        memory: the control group's memory limit, in bytes.
        scratch: the folder in which the group's name is recorded before the group is created. If
            this grader is killed, the next grader reads the name there and removes the group.
    """
    with contextlib.ExitStack() as until_the_end:
        sandbox_share = Share(os.sched_getaffinity(0))
        for core in sorted(sandbox_share.cores):
            with contextlib.suppress(OSError):  # another sandbox has this core
                until_the_end.enter_context(locked(CORES / f"cpu{core}"))
                sandbox_share.cores = {core}
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
                sandbox_share.group = group
                sandbox_share.counter = counter
                (group / swap).write_text("0", encoding="ascii")  # no such file without swapping
                break
        yield sandbox_share


def _remove(group: Path) -> None:
    """Kill all processes in a control group, and remove the group."""
    for _ in range(MOST_TRIES):
        with contextlib.suppress(OSError):  # it has just ended, or is about to
            for pid in (group / "cgroup.procs").read_text(encoding="ascii").split():
                os.kill(int(pid), signal.SIGKILL)
            group.rmdir()
            return
        time.sleep(0.1)


def remove_groups(scratch: Path) -> list[str]:
    """Kill the processes in the control group whose name is recorded in a scratch directory, and
    remove the group.

    Returns:
        messages about a control group that could not be removed, or about a recorded name that
        cannot be the name of a control group made by `grade`.
    """
    try:
        name = (scratch / NOTE).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return []
    if NAME.fullmatch(name) is None:
        return [f"{name[:40]!r} is no control group of a grader"]
    remaining = []
    for root, _, _, _ in GROUPS:
        group = root / name
        if group.is_dir():
            _remove(group)
            if group.exists():
                remaining.append(f"the control group {group}")
    return remaining
