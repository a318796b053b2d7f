"""On Windows and macOS: a process of its own, whose limits are watched from outside.

Windows has no fork, and on macOS a process that has torch is not safely forked. Neither has limits
of CPU time and memory that the kernel holds for one process, so the host looks twice a second.
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

READY = b"\0"  # what it writes when it has imported all that it needs
IDLE = 0.02  # of the time between two looks; who takes less of it sleeps, and waits for no core


class Spawned:
    """A process that answers for one part, with what it starts; as `forked.Forked`.

    It is ready when this object is made: importing torch counts neither as time nor as CPU time.
    """

    def __init__(self, request: dict[str, Any], read: int, write: int, *private: int) -> None:
        self._request = request
        self._process = psutil.Popen(
            [sys.executable, "-m", __name__, json.dumps(request)],
            stdin=read,
            stdout=write,
            stderr=subprocess.PIPE,
        )
        self._family: set[psutil.Process] = {self._process}  # all that were ever seen
        with self._process.stderr as stderr:
            while stderr.read(1) not in (READY, b""):
                pass
        self._cpu_before, self._memory = self._used()
        self._cpu, self._starved = self._cpu_before, 0.0
        self._looked = time.monotonic()

    def wait(self) -> None:
        """Wait until it has ended."""
        self._process.wait()

    def starved(self) -> float:
        """Seconds that it was ready to run and had no core, as far as two looks a second show."""
        now, (cpu, self._memory) = time.monotonic(), self._used()
        elapsed, self._looked = now - self._looked, now
        used, self._cpu = cpu - self._cpu, max(cpu, self._cpu)
        if used > IDLE * elapsed:
            self._starved += max(0.0, elapsed - used)
        return self._starved

    def exceeds(self) -> bool:
        """True if it had taken more than it may at the last look."""
        seconds, memory = self._cpu - self._cpu_before, self._memory
        return bool(seconds > self._request["seconds"] or memory > self._request["memory"])

    def kill(self) -> None:
        """End it and everything that it started, as far as a look has seen it."""
        self._used()
        for process in self._family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def end(self) -> tuple[int, float, list[str]]:
        """End what is left; its exit status, its CPU seconds as of the last look, and no walls."""
        self.kill()
        return int(self._process.wait()), self._cpu - self._cpu_before, []

    def _used(self) -> tuple[float, int]:
        """CPU seconds and bytes of memory, now, of the process and all below it.

        In a virtual environment on Windows it is the one below that runs Python.
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
    """Answer for one part: python -m toolkit.assignment.running.process.spawned REQUEST"""
    request, ready = json.loads(sys.argv[1]), os.dup(2)
    pipes = take_pipes()
    os.write(ready, READY)
    os.close(ready)
    answer_questions(request["part"], Path(request["root"]), *pipes)


if __name__ == "__main__":
    main()
