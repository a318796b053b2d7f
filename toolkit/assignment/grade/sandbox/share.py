"""What one sandbox gets of the machine: a core, the lowest priority, and memory that is counted."""

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from toolkit.assignment.grade.sandbox.scratch import PREFIX, locked

CORES = Path("/sys/devices/system/cpu")
# Control groups, of version 2 and 1: where they are, what limits their memory, and what counts the
# processes that were killed for it.
GROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.events"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.oom_control"),
)
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

    def enter(self) -> None:
        """Let this process, which is to be the sandbox, have its share."""
        os.nice(LOWEST)
        os.sched_setaffinity(0, self.cores)
        if self.group is not None:
            (self.group / "cgroup.procs").write_bytes(b"0")

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
def share(memory: int) -> Iterator[Share]:
    """A core that no other grader's sandbox has meanwhile, and a control group of so many bytes."""
    with contextlib.ExitStack() as until_the_end:
        own = Share(os.sched_getaffinity(0))
        for core in sorted(own.cores):
            with contextlib.suppress(OSError):  # another one has it
                until_the_end.enter_context(locked(CORES / f"cpu{core}"))
                own.cores = {core}
                break
        for root, limit, counter in GROUPS:
            with contextlib.suppress(OSError):  # not root, or not this version
                (root / "cgroup.procs").stat()
                group = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=root))
                until_the_end.callback(_remove, group)
                (group / limit).write_text(str(memory), encoding="ascii")
                own.group, own.counter = group, counter
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


def clear_groups() -> None:
    """Remove the empty control groups of graders that were killed."""
    for root, *_ in GROUPS:
        for group in root.glob(f"{PREFIX}*"):
            if not Path("/proc", group.name.split("-")[1]).exists():
                with contextlib.suppress(OSError):
                    group.rmdir()
