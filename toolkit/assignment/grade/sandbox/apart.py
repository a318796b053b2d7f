"""Work on what a stranger wrote, in a process of its own: what it takes is limited from outside."""

import contextlib
import ctypes
import os
import resource
import select
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import psutil

PR_SET_PDEATHSIG = 1  # of Linux's prctl
FORKING = threading.Lock()  # no fork of another thread keeps the end of this one's pipe open
FAILED, TOO_LARGE, TOO_LONG = 1, 2, 3  # exit codes


@dataclass(frozen=True)
class Bounds:
    """What one piece of work may use; what runs a submission has limits of its own."""

    seconds: float = 60.0  # from start to end
    cpu: int = 60  # CPU seconds
    memory: int = 256 * 2**20  # bytes, besides those of the process that asks for it
    answer: int = 8 * 2**20  # bytes


class Exceeded(BaseException):
    """A bound was hit: the message says which. No handler of other errors stops it."""


class Failed(Exception):
    """The work raised something: its type and its text."""


def apart(
    work: Callable[[], bytes], bounds: Bounds, kill: Callable[[int], None] = lambda pid: None
) -> bytes:
    """What `work` returns, computed by a fork of this process; nothing else comes back from it.

    Args:
        kill: ends what it has started; called with its id, which is still its own.

    Raises:
        Exceeded: it took more than `bounds`.
        Failed: it raised an exception.
    """
    with FORKING:
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            _work(work, bounds, write)
        os.close(write)
    answer, deadline, code = bytearray(), time.monotonic() + bounds.seconds, -1
    try:
        while len(answer) <= bounds.answer:
            if not select.select([read], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise Exceeded(f"it was not finished after {bounds.seconds:g} s")
            piece = os.read(read, 2**16)
            if not piece:
                code = 0
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
                break
            answer += piece
    finally:
        os.close(read)
        if code:
            os.kill(pid, signal.SIGSTOP)  # so that what it has started is still found below it
        kill(pid)
        os.kill(pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if len(answer) > bounds.answer:
        raise Exceeded(f"its result has more than {bounds.answer >> 20} MiB")
    if code in (TOO_LARGE, -signal.SIGKILL):  # the kernel's own, where memory is short
        raise Exceeded(f"it took more than {bounds.memory >> 20} MiB of memory")
    if code == TOO_LONG:
        raise Exceeded(f"it took more than {bounds.cpu} s of processor time")
    if code:
        raise Failed(answer.decode(errors="replace") or f"The process ended with {code}.")
    return bytes(answer)


def _work(work: Callable[[], bytes], bounds: Bounds, write: int) -> NoReturn:
    """Be the fork. Only soft limits are set: what a submission runs in sets its own."""
    code, answer = FAILED, b""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGXCPU, _too_long)
        for what, most in (
            (resource.RLIMIT_CPU, bounds.cpu),
            (resource.RLIMIT_DATA, psutil.Process().memory_info().data + bounds.memory),
        ):
            resource.setrlimit(what, (most, resource.getrlimit(what)[1]))
        answer, code = work(), 0
    except Exceeded:
        code = TOO_LONG
    except MemoryError:
        code = TOO_LARGE
    except Exception as error:
        answer = f"{type(error).__name__}: {error}".encode(errors="replace")
    finally:
        with contextlib.suppress(BaseException):  # nobody reads any more
            while answer:
                answer = answer[os.write(write, answer) :]
        os._exit(code)


def _too_long(number: int, frame: object) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # what cleans up gets to its end
    raise Exceeded
