"""One part of a check in a process of its own: started, listened to, and ended in time."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from pydantic import ValidationError

import toolkit
from toolkit.assignment.check.channel import Doing, Message, Stopped
from toolkit.assignment.check.findings import Finding
from toolkit.assignment.parts import Part

LIMITS: dict[Part, int] = {"dataset": 15, "lstm": 40, "train": 20, "gan": 25}  # CPU seconds
MAX_BYTES = 4 << 30  # of memory, for each
PATIENCE = 1.5  # seconds on the clock for each CPU second
MAX_FACTOR = 8  # times its limit that a process may take on a busy machine, waiting for a core
CHILD = "toolkit.assignment.check.child"
MAX_LINES = 1000  # that one process may send
MAX_LINE = 2**20  # characters

STOPPED: dict[Stopped, str] = {
    "time-limit": "The code did not come back from this: {}. Look for an endless loop, or for work "
    'that is done when the file is imported and belongs under if __name__ == "__main__".',
    "length-overflow": "The code did not come back, or ran out of memory, when it was asked for "
    "palindromes longer than 36 digits. How large is 10 to the power of half the length? Does "
    "anything count up to that number, or store as many items?",
}
ENDED = (
    "The process ended during this: {}. Look for a call of exit, or for something that needs more "
    "than the {} GiB of memory it has."
)


def probe(
    part: Part,
    root: Path,
    file: str,
    progress: Callable[[str], None],
    stop: threading.Event,
) -> list[Message]:
    """Check one part in a process of its own, and give back what its channel sent.

    The process is given a nonce, and only lines that have it count. So nothing that a student's
    code prints, or writes to any descriptor, passes for a finding or for the end of the check.
    Code that searches the memory of its own process finds the nonce: nothing that runs beside the
    code under test can be kept from it.

    Args:
        root: the student's folder.
        file: the file to check, relative to `root`.
        progress: called with a sentence when a new piece of work begins.
        stop: set by another thread to end the process at once.
    """
    messages: list[Message] = []
    doing = Doing(what="starting", stopped="time-limit")
    nonce = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="check-") as scratch:
        process = _start(part, root, file, scratch)
        assert process.stdin is not None
        assert process.stdout is not None
        ended = threading.Event()
        patience = PATIENCE * LIMITS[part]
        guard = threading.Thread(target=_guard, args=(process, patience, ended, stop))
        guard.start()
        started = time.monotonic()
        try:
            with contextlib.suppress(BrokenPipeError), process.stdin as stream:
                stream.write(nonce)
            for message in listen(process.stdout, nonce):
                messages.append(message)
                if message.doing:
                    doing = message.doing
                    seconds = time.monotonic() - started
                    progress(f"{part}: {doing.what} ({seconds:.0f} s)")
        finally:
            ended.set()
            guard.join()
            _kill(process)
            _, _, used = os.wait4(process.pid, 0)
            process.returncode = 0  # it is gone: nothing else may wait for it
            process.stdout.close()
    if not messages or not messages[-1].finished:
        seconds = time.monotonic() - started
        cpu = used.ru_utime + used.ru_stime
        messages.append(_stopped(doing, part, file, seconds, cpu))
    return messages


def listen(stream: IO[str], nonce: str) -> Iterator[Message]:
    """The messages behind the nonce, up to the last; a malformed one ends them too."""
    for _ in range(MAX_LINES):
        line = stream.readline(MAX_LINE)
        if not line:
            return
        _, found, content = line.partition(f"{nonce} ")
        if found:
            try:
                message = Message.model_validate_json(content)
            except ValidationError:  # cut off, or written by code that found the nonce
                return
            yield message
            if message.finished:
                return


def environment() -> dict[str, str]:
    """The environment variables of a child: no GPU, no windows, one thread."""
    package = str(Path(toolkit.__file__).parents[1])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "Agg",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    }


def _start(part: Part, root: Path, file: str, scratch: str) -> "subprocess.Popen[str]":
    """The child process, which waits for its nonce."""
    return subprocess.Popen(
        [sys.executable, "-m", CHILD, part, root, file, str(LIMITS[part]), str(MAX_BYTES)],
        cwd=scratch,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )


def _stopped(doing: Doing, part: Part, file: str, seconds: float, cpu: float) -> Message:
    """What it means that a process ended before its check did."""
    limit = LIMITS[part]
    if seconds >= MAX_FACTOR * limit and cpu < 0.9 * limit:
        busy = f"This machine was too busy to finish this: {doing.what}."
        return Message(unfinished=Finding(verdict="not seen", part=part, message=busy))
    text = STOPPED[doing.stopped].format(doing.what)
    if doing.stopped == "time-limit" and cpu < 0.9 * limit and seconds < PATIENCE * limit:
        text = ENDED.format(doing.what, MAX_BYTES >> 30)
    return Message(
        finding=Finding(verdict="wrong", part=part, id=doing.stopped, file=file, message=text)
    )


def _guard(
    process: "subprocess.Popen[str]",
    seconds: float,
    ended: threading.Event,
    stop: threading.Event,
) -> None:
    """End a process after so many seconds, not counting those it spent waiting for a core."""
    started = time.monotonic()
    while not ended.wait(0.5):
        elapsed = time.monotonic() - started
        late = (
            elapsed - _starved(process.pid) > seconds or elapsed > MAX_FACTOR * seconds / PATIENCE
        )
        if late or stop.is_set():
            _kill(process)
            return


def _starved(pid: int) -> float:
    """Seconds that a process was ready to run and had no core, where Linux tells; else 0."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _kill(process: "subprocess.Popen[str]") -> None:
    """End the process and everything that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
