"""The warm process: a process that has imported all modules in advance and waits for submissions.

The warm process never runs a student's code. For each part of each submission, such as its LSTM or
its GAN, the warm process starts a child process. The child process runs the student's code, and
replies to the questions of the judge (the process that checks the submission). The child process
and the warm process use the same two pipes: the standard input and output. When a child process
ends, for whatever reason, the warm process informs the judge. In a sandbox, the warm process sends
this message through a third pipe as well. Only the warm process can write to the third pipe, whose
descriptor it receives as a command-line argument.
"""

import contextlib
import gc
import sys
import threading
import time
from typing import Any

from toolkit.assignment.running.answering import take_pipes
from toolkit.assignment.running.wire import Closed, receive, send

if sys.platform == "linux":
    from toolkit.assignment.running.process.forked import Forked as Process
    from toolkit.assignment.running.process.renewal import renew
else:
    from toolkit.assignment.running.process.spawned import Spawned as Process

PATIENCE = 2  # seconds on the clock for each CPU second, including the judge's time
MAX_FACTOR = 8  # times its limit that a process may take if it waits for a core


def main() -> None:
    """Serve one request after another until the process that sends them closes the pipe."""
    private = [int(descriptor) for descriptor in sys.argv[1:]]
    read, write = take_pipes()
    gc.freeze()  # no child process collects garbage in the shared objects
    gc.enable()
    with contextlib.suppress(Closed):
        while True:
            nonce, request = receive(read)
            # Any other frame is a question that the previous child did not read before its end.
            if isinstance(request, dict) and "seconds" in request:
                ended = serve(request, read, write, *private)
                if sys.platform == "linux" and (fresh := request["fresh"]):
                    ended["left"] = renew(fresh["source"], request["root"], fresh["places"])
                for descriptor in (*private, write):  # `write` is last, as it wakes the host
                    send(descriptor, nonce, {"ended": ended})


def serve(request: dict[str, Any], read: int, write: int, *private: int) -> dict[str, Any]:
    """Start a child process for one part of a submission, and wait for the process to end.

    Args:
        request: a dictionary with `part`, `root` (the folder of the submission), and the limits:
            `seconds` (of CPU time) and `memory` (in bytes).

    Returns:
        a dictionary with five entries. `status` is the exit status (negative if a signal ended the
        process), and `cpu` is the number of CPU seconds used. `late` is True if the process was
        killed because it took too long. `starved` is the number of seconds for which the process
        was ready to run but had no core. `walls` contains the names of the limits that the process
        reached.
    """
    process = Process(request, read, write, *private)
    ended = threading.Event()
    late = threading.Event()
    guard = threading.Thread(target=_guard, args=(process, request["seconds"], ended, late))
    guard.start()
    process.wait()
    ended.set()
    guard.join()
    starved = process.starved()
    status, cpu, walls = process.end()
    return {
        "status": status,
        "cpu": cpu,
        "late": late.is_set(),
        "starved": starved,
        "walls": walls,
    }


def _guard(process: Process, seconds: float, ended: threading.Event, late: threading.Event) -> None:
    """Kill a child process if it exceeds a limit or runs for too long.

    Time that the process spends waiting for a core is not counted, but the total time is limited as
    well. The guard does not rely on data from the process. The guard cannot tell how much of the
    time the child process spent waiting for the judge; only the judge can measure that waiting
    time.
    """
    started = time.monotonic()
    while not ended.wait(0.5):
        elapsed = time.monotonic() - started
        if elapsed - process.starved() > PATIENCE * seconds or elapsed > MAX_FACTOR * seconds:
            late.set()
        if late.is_set() or process.exceeds():
            process.kill()
            return
