"""The process that runs one part of a submission on Windows and macOS, where its parent process
checks its limits.

Windows has no fork, and on macOS a process that has imported torch cannot be forked safely. The
limits on CPU time and memory are not enforced by the kernel; instead, the parent process measures
both quantities twice a second.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from toolkit.assignment.running.answering import answer_questions, take_pipes

READY = b"\0"  # written by the process after its imports
IDLE = 0.02  # of a measured interval; a process with less CPU time is asleep and waits for no core


class Spawned:
    """A process that runs one part of a submission and replies to questions from the checking
    process; it has the same methods as `forked.Forked`.

    The constructor returns only when the process has imported torch, so the import counts neither
    towards the limit on CPU time nor towards the limit on elapsed time.
    """

    def __init__(self, request: dict[str, Any], read: int, write: int, *private: int) -> None:
        self._request = request
        self._process = psutil.Popen(
            [sys.executable, "-m", __name__, json.dumps(request)],
            stdin=read,
            stdout=write,
            stderr=subprocess.PIPE,
        )
        self._family: set[psutil.Process] = {self._process}  # all processes that were ever seen
        with self._process.stderr as stderr:
            while stderr.read(1) not in (READY, b""):
                pass
        self._cpu_before, self._memory = self._used()
        self._cpu, self._starved = self._cpu_before, 0.0
        self._looked = time.monotonic()

    def wait(self) -> None:
        """Wait until the process has ended."""
        self._process.wait()

    def starved(self) -> float:
        """Return the number of seconds that the process was ready to run but had to wait for a
        core.

        The result is an estimate, because the process is measured only twice a second.
        """
        now, (cpu, self._memory) = time.monotonic(), self._used()
        elapsed, self._looked = now - self._looked, now
        used, self._cpu = cpu - self._cpu, max(cpu, self._cpu)
        if used > IDLE * elapsed:
            self._starved += max(0.0, elapsed - used)
        return self._starved

    def exceeds(self) -> bool:
        """Return True if the process exceeded a limit at the last measurement."""
        seconds, memory = self._cpu - self._cpu_before, self._memory
        return bool(seconds > self._request["seconds"] or memory > self._request["memory"])

    def kill(self) -> None:
        """Kill the process and all of its descendants that were ever seen, including those whose
        parent process has since ended.
        """
        self._used()
        for process in self._family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def end(self) -> tuple[int, float, list[str]]:
        """Kill whatever is still running in the process group, and return how the forked process
        ended.

        Returns:
            the exit status, the CPU seconds at the last measurement, and an empty list; unlike
            `forked.Forked.end`, this method does not find out which limits the process reached.
        """
        self.kill()
        return int(self._process.wait()), self._cpu - self._cpu_before, []

    def _used(self) -> tuple[float, int]:
        """Return the CPU seconds that the process and its descendants have used, and the bytes of
        memory that they use.

        The descendants are included because, in a virtual environment on Windows, the process is
        only a launcher whose child is the actual Python interpreter.
        """
        with contextlib.suppress(psutil.NoSuchProcess):
            self._family.update(self._process.children(recursive=True))
        cpu, memory = 0.0, 0
        for process in self._family:
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                cpu += times.user + times.system
                memory += process.memory_info().rss
        return cpu, memory


def main() -> None:
    """Reply to questions about one part of a submission.

    The command is: python -m toolkit.assignment.running.process.spawned REQUEST
    """
    request, ready = json.loads(sys.argv[1]), os.dup(2)
    pipes = take_pipes()
    os.write(ready, READY)
    os.close(ready)
    answer_questions(request["part"], Path(request["root"]), *pipes)


if __name__ == "__main__":
    main()
