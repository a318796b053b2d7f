"""Waits warm for submissions: python -m toolkit.assignment.check.child

It never runs a student's code itself. For each part of each submission it forks a process that
does, and that answers the judge's questions over the same two pipes, the standard input and output.
When that process has ended, in whatever way, it says so.
"""

import contextlib
import ctypes
import importlib
import os
import signal
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import torch

from toolkit.assignment.check.child.answering import ANSWERS, Waiting, answer_questions
from toolkit.assignment.check.child.compiler import postpone_compiler
from toolkit.assignment.check.wire import Closed, receive, send

PATIENCE = 1.5  # seconds on the clock for each CPU second
MAX_FACTOR = 8  # times its limit that a process may take on a busy machine, waiting for a core
PR_SET_PDEATHSIG = 1  # of Linux's prctl


def main() -> None:
    """Serve until the judge has gone."""
    read, write = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    postpone_compiler()
    for module in ANSWERS.values():
        importlib.import_module(module)
    with contextlib.suppress(Closed):
        while True:
            nonce, request = receive(read)
            # Anything else is a question that the last process did not live to read.
            if isinstance(request, dict) and "seconds" in request:
                send(write, nonce, {"ended": serve(request, read, write)})


def serve(request: dict[str, Any], read: int, write: int) -> dict[str, Any]:
    """Fork the process for one part, and wait for its end.

    Args:
        request: `part`, `root` (the submission), `seconds` of CPU time and bytes of `memory`.

    Returns:
        how it ended: the exit `status` (negative for a signal), `seconds` on the clock, `cpu`
        seconds, and `late` if it was killed because it took too long.
    """
    started = time.monotonic()
    waiting = Waiting()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            _end_with_parent()
            answer_questions(
                request["part"],
                Path(request["root"]),
                request["seconds"],
                request["memory"],
                read,
                write,
                waiting,
            )
        finally:
            os._exit(1)
    ended = threading.Event()
    late = threading.Event()
    patience = PATIENCE * request["seconds"]
    guard = threading.Thread(target=_guard, args=(pid, patience, waiting, ended, late))
    guard.start()
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # the id stays its own until `wait4`
    ended.set()
    guard.join()
    _kill(pid)
    _, status, used = os.wait4(pid, 0)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "seconds": time.monotonic() - started,
        "cpu": used.ru_utime + used.ru_stime,
        "late": late.is_set(),
    }


def _guard(
    pid: int, seconds: float, waiting: Waiting, ended: threading.Event, late: threading.Event
) -> None:
    """Kill a process after so many seconds, without those it waited for a core or the judge."""
    started = time.monotonic()
    while not ended.wait(0.5):
        elapsed = time.monotonic() - started
        limit = MAX_FACTOR * seconds / PATIENCE
        if elapsed - _starved(pid) - waiting.seconds > seconds or elapsed > limit:
            late.set()
            _kill(pid)
            return


def _starved(pid: int) -> float:
    """Seconds that a process was ready to run and had no core, where Linux tells; else 0."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _end_with_parent() -> None:
    """Where Linux can: whoever kills the host ends too, and so the judge sees its pipe closed."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _kill(pid: int) -> None:
    """End the process and everything that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
    sys.exit()
