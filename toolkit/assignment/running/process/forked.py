"""The process that runs one part of a submission on Linux: a forked process whose limits the kernel
enforces.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from toolkit.assignment.running.answering import answer_questions
from toolkit.assignment.running.process.walls import (
    Listener,
    notice_large_files,
    wall_of_status,
)

assert sys.platform == "linux"
PR_SET_PDEATHSIG = 1  # of Linux's prctl


class Forked:
    """A process that runs one part of a submission and replies to questions from the checking
    process.

    Args:
        request: a dictionary with `part`, `root` (the folder of the submission), and the limits:
            `seconds` (of CPU time) and `memory` (in bytes).
        read, write: the file descriptors of the pipes from and to the process that checks the
            submission.
        private: descriptors that the student's code must not have, so the process closes them
            before it does anything else.
    """

    def __init__(self, request: dict[str, Any], read: int, write: int, *private: int) -> None:
        self._said = Listener()
        self._seconds = float(request["seconds"])
        self.pid = os.fork()
        if self.pid == 0:
            try:
                for descriptor in private:
                    os.close(descriptor)
                self._said.take()
                notice_large_files()
                os.setsid()
                _end_with_parent()
                # The kernel first sends SIGXCPU, which names the limit, and a second later SIGKILL.
                _limit(resource.RLIMIT_CPU, request["seconds"], spare=1)
                _limit(resource.RLIMIT_DATA, request["memory"])
                answer_questions(request["part"], Path(request["root"]), read, write)
            finally:
                os._exit(1)
        self._said.start()

    def wait(self) -> None:
        """Wait until the process has ended, but keep its id reserved until `end` is called."""
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

    def starved(self) -> float:
        """Return the number of seconds that the process was ready to run but had to wait for a
        core.
        """
        try:
            times = Path(f"/proc/{self.pid}/schedstat").read_bytes().split()
            return int(times[1]) / 1e9
        except (OSError, ValueError, IndexError):
            return 0.0

    def exceeds(self) -> bool:
        """Return False: the caller need not check any limits, because the kernel enforces them."""
        return False

    def kill(self) -> None:
        """Kill the process and all other processes in its group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def end(self) -> tuple[int, float, list[str]]:
        """Kill whatever is still running in the process group, and return how the forked process
        ended.

        Returns:
            the exit status (negative for a signal), the CPU seconds, and the names of the limits
            that the process reached.
        """
        self.kill()
        _, status, used = os.wait4(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        walls = [*wall_of_status(code), *self._said.end()]
        cpu = used.ru_utime + used.ru_stime
        if code == -signal.SIGXCPU:
            # The kernel enforces the limit by counting ticks. On a busy machine that count differs
            # from the time that it reports afterwards, here by up to a fifth of a second.
            cpu = max(cpu, self._seconds)
        return code, cpu, walls


def _end_with_parent() -> None:
    """Have the kernel kill this process when its parent process ends; once this process is dead,
    its pipe to the process that checks the submission is closed, too.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit(kind: int, value: int, spare: int = 0) -> None:
    """Set a resource limit for this process, without exceeding the current hard limit.

    Args:
        spare: the amount by which the hard limit, which ends the process, exceeds the soft limit.
    """
    _, hard = resource.getrlimit(kind)
    top = value + spare
    if hard != resource.RLIM_INFINITY:
        top = min(top, hard)
    resource.setrlimit(kind, (min(value, top), top))
