"""Runs a task on untrusted files in a forked child process, with limits on time and memory."""

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
FORKING = threading.Lock()  # another thread's fork would keep this thread's pipe open
FAILED, TOO_LARGE, TOO_LONG = 1, 2, 3  # exit codes


@dataclass(frozen=True)
class Bounds:
    """The limits of a task in a forked process; if the task runs a submission in a sandbox, the
    sandbox has its own limits.
    """

    seconds: float = 60.0  # from start to end
    cpu: int = 60  # CPU seconds
    memory: int = 256 * 2**20  # bytes, besides those of the process that asks for it
    answer: int = 8 * 2**20  # bytes


class Exceeded(BaseException):
    """Raised if a task exceeded a limit; the message names the limit.

    A handler for `Exception` does not catch this error.
    """


class Failed(Exception):
    """Raised if a task failed; the message gives the type and text of the task's exception."""


def _kill_nothing(pid: int) -> None:
    """Do nothing; this is the default `kill` for a task that does not start other processes."""


def apart(
    task: Callable[[], bytes], bounds: Bounds, kill: Callable[[int], None] = _kill_nothing
) -> bytes:
    """Run `task` in a forked child process, and return the result of the task.

    Args:
        kill: a function that ends all processes that the task started. The function is called with
            the id of the forked process, at a time when this process still exists.

    Raises:
        Exceeded: the task exceeded one of the limits in `bounds`.
        Failed: the task raised an exception.
    """
    with FORKING:
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            _run_and_exit(task, bounds, write_end)
        os.close(write_end)
    ended = False
    try:
        data = _read_all(read_end, bounds)
        if len(data) <= bounds.answer:
            ended = True
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    finally:
        os.close(read_end)
        if not ended:
            os.kill(pid, signal.SIGSTOP)  # so that `kill` can still find the children
        kill(pid)
        os.kill(pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if len(data) > bounds.answer:
        raise Exceeded(f"its result has more than {bounds.answer >> 20} MiB")
    if code in (TOO_LARGE, -signal.SIGKILL):  # the kernel kills the fork if memory is short
        raise Exceeded(f"it took more than {bounds.memory >> 20} MiB of memory")
    if code == TOO_LONG:
        raise Exceeded(f"it took more than {bounds.cpu} s of processor time")
    if code:
        raise Failed(data.decode(errors="replace") or f"The process ended with {code}.")
    return bytes(data)


def _read_all(pipe: int, bounds: Bounds) -> bytearray:
    """Read from a pipe until it is closed, or until the data exceeds the maximum size of a result.

    Raises:
        Exceeded: the pipe was not closed within the time limit.
    """
    deadline = time.monotonic() + bounds.seconds
    data = bytearray()
    while len(data) <= bounds.answer:
        remaining = max(0.0, deadline - time.monotonic())
        readable, _, _ = select.select([pipe], [], [], remaining)
        if not readable:
            raise Exceeded(f"it was not finished after {bounds.seconds:g} s")
        piece = os.read(pipe, 2**16)
        if not piece:
            break
        data += piece
    return data


def _run_and_exit(task: Callable[[], bytes], bounds: Bounds, write_end: int) -> NoReturn:
    """Run the task in the forked process, write the result to the pipe, and end the process."""
    code = FAILED
    data = b""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGXCPU, _stop_for_time)
        _set_soft_limit(resource.RLIMIT_CPU, bounds.cpu)
        memory = psutil.Process().memory_info().data + bounds.memory
        _set_soft_limit(resource.RLIMIT_DATA, memory)
        data = task()
        code = 0
    except Exceeded:
        code = TOO_LONG
    except MemoryError:
        code = TOO_LARGE
    except Exception as error:
        data = f"{type(error).__name__}: {error}".encode(errors="replace")
    finally:
        with contextlib.suppress(BaseException):  # the pipe may have no reader
            while data:
                written = os.write(write_end, data)
                data = data[written:]
        os._exit(code)


def _set_soft_limit(resource_id: int, limit: int) -> None:
    """Set this process's soft limit for a resource. The hard limit is left unchanged, so that a
    sandbox started by the task can still set a limit of its own.
    """
    _, hard = resource.getrlimit(resource_id)
    resource.setrlimit(resource_id, (limit, hard))


def _stop_for_time(number: int, frame: object) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # let the clean-up finish
    raise Exceeded
