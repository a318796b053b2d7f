"""Supervises an isolated program, and kills it if it exceeds a limit."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import psutil

from toolkit.assignment.sandbox.counting import (
    UNCOUNTED,
    in_memory,
    memory,
    more_on_disk_than,
    nameless_files,
    own_memory,
)
from toolkit.assignment.sandbox.isolation import Sandbox
from toolkit.assignment.sandbox.scratch import clear_files_of, files_of
from toolkit.assignment.sandbox.share import CORES, Share
from toolkit.assignment.scratch.locks import locked

if TYPE_CHECKING:  # this import would load torch
    from toolkit.assignment.asking.host import Clock

RESERVE = 256 * 2**20  # bytes of memory that the machine keeps
MOST_SECONDS = 10.0  # to wait until killed processes have released their memory
TICK = 0.1  # seconds between two measurements of the processes
LAUNCHED = re.compile("running/launcher.py$")  # a word in the command line of each sandbox
Status = Literal["finished", "time", "memory", "processes", "disk", "short", "busy"]


@dataclass(frozen=True)
class Measurement:
    """Clock readings for a running program, in seconds, all taken at the same moment.

    Attributes:
        passed: the reading of a monotonic clock when the measurement was taken.
        waited: the total time for which the judge, the process that checks the submission, has
            waited for replies from the program.
        idle: the total idle time of the program's cores.
        used: the processor time of the program and its children.
        ready: by thread id, the time for which a thread was ready to run but had no core.
    """

    passed: float
    waited: float
    idle: float
    used: float
    ready: Mapping[int, float]


def starved(before: Measurement, now: Measurement, cores: int) -> float:
    """Return how many seconds the judge waited because other programs used the cores.

    The result is the smallest of three times: how long the judge waited, how much processor time
    other programs used, and how long threads of the supervised program were ready to run but had no
    core. The judge counts as waiting only while it waits for a reply from the program, not while it
    is computing. Time that one thread of the program spends waiting for a core used by another
    thread of the program does not count as use by other programs. A thread that sleeps does not
    count as ready to run.

    Args:
        cores: the number of cores that the program may use.
    """
    waited = now.waited - before.waited
    ready = 0.0
    for thread, seconds in now.ready.items():
        ready += seconds - before.ready.get(thread, 0.0)
    idle = now.idle - before.idle
    used = now.used - before.used
    used_elsewhere = cores * (now.passed - before.passed) - idle - used
    return max(0.0, min(waited, used_elsewhere, ready))


class Watched:
    """A running program, supervised by a thread that measures how much of the machine's resources
    the program uses.

    Attributes:
        process: the started process, whose `stdin` and `stdout` are connected to the program's
            standard input and output. Both connections are shut down as soon as the program has
            ended, even if another process still has them open.
        private: the descriptor of a socket from which the judge reads messages that come from the
            program itself, not from its child processes. The program writes to the other end of
            this socket pair; the descriptor of that end is the program's last command-line
            argument. The program can close that end in its child processes, which then cannot send
            messages in the program's name.
        status: None while the program runs, and "finished" if it ended by itself. If the program
            exceeded a limit, the status is the name of this limit. The status is "short" if the
            machine ran out of memory. The status is "busy" if other programs used the core for so
            long that the program's own time is unknown.
        starved: the number of seconds that the judge waited because other programs used the cores.
            These seconds do not count towards the time limit.
        printed: the error output of the program and of the programs that it starts, truncated at
            the sandbox's output limit.

    Args:
        program: the command-line arguments for Python, such as `["-m", "module"]` or
            `["script.py"]`.
        sandbox: the sandbox, with an empty scratch directory that the caller deletes afterwards.
        clock: a clock that runs only while the judge waits for the program.
        share: the share of the machine's resources, such as its cores, that the program may use.
    """

    def __init__(self, program: list[str], sandbox: Sandbox, clock: "Clock", share: Share) -> None:
        self.status: Status | None = None
        self.printed = bytearray()
        self.starved = 0.0
        self._share = share
        self._last = Measurement(time.monotonic(), clock.seconds, share.idle(), 0.0, {})
        self._sandbox = sandbox
        self._limits = sandbox.limits
        self._clock = clock
        self._uid = sandbox.isolation.uid
        self._lock_of_memory = contextlib.ExitStack()  # held while this sandbox releases its memory
        self._was_counted = False  # True if the files in bubblewrap's memory were counted
        sandbox.prepare()
        # Sockets, not pipes: `shutdown` ends the wait of the other side.
        self._ours, program_end = socket.socketpair()
        self._reads, writes = socket.socketpair()
        with program_end, writes, contextlib.ExitStack() as when_it_fails:
            when_it_fails.enter_context(self._ours)
            when_it_fails.enter_context(self._reads)
            self.process = share.start(
                sandbox.command([*program, str(writes.fileno())]),
                pass_fds=[writes.fileno()],
                env=sandbox.environment(),
                cwd=sandbox.scratch,
                stdin=program_end.fileno(),
                stdout=program_end.fileno(),
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            when_it_fails.pop_all()
        self.process.stdin = os.fdopen(os.dup(self._ours.fileno()), "wb", buffering=0)
        self.process.stdout = os.fdopen(os.dup(self._ours.fileno()), "rb", buffering=0)
        self.private = self._reads.fileno()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch, daemon=True),
            threading.Thread(target=self._read, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the program and all processes that it has started."""
        end_all(self.process.pid, self._uid)
        self._stopping.set()
        for thread in self._threads:
            thread.join(MOST_SECONDS)  # a hidden process may hold the error output open
        with self.process:
            pass
        self._ours.close()
        self._reads.close()

    def _watch(self) -> None:
        """Monitor the program's running time, processes, memory and disk space until the program
        ends or exceeds a limit.

        A program that exceeds a limit is killed.
        """
        status: Status | None = None
        try:
            while status is None:
                if self._has_ended():
                    status = "finished"
                    break
                status = self._exceeded() or self._late()
                if status is None:
                    self._stopping.wait(TICK)
        finally:
            self.status = status or "finished"
            killed = kill_all(self.process.pid, self._uid) - {self.process.pid}
            with self._lock_of_memory:
                if status == "short":
                    _wait_for_end(killed)
            for end in (self._ours, self._reads):
                end.shutdown(socket.SHUT_RDWR)

    def _has_ended(self) -> bool:
        """Return True if the program has ended.

        The method `poll` is not used, because it frees the process id. Another process could then
        get this id and be killed in place of the program.
        """
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.process.pid, options) is not None

    def _read(self) -> None:
        """Read the error output, and discard everything beyond the limit."""
        assert self.process.stderr is not None
        while True:
            chunk = os.read(self.process.stderr.fileno(), 2**16)
            if not chunk:
                return
            self.printed += chunk[: self._limits.output - len(self.printed)]

    def _late(self) -> Status | None:
        """If the program has exceeded a time limit, return a status that says whether the program
        itself or other programs caused this; otherwise, return None.

        The status is "time" if the program itself exceeds its time limit, and "busy" if other
        programs caused the delay.
        """
        waited = self._last.waited  # when the starved seconds were measured
        if waited - self.starved > self._limits.seconds:
            return "time"
        if waited > self._limits.longest:
            return "busy"
        return None

    def _measure(self, family: Mapping[int, int]) -> None:
        """Measure how long other programs have kept the program waiting since the last measurement.

        Args:
            family: the program's processes, as `descendants` returns them.
        """
        ready: dict[int, float] = {}
        for pid in family:
            ready |= _ready_seconds(pid)
        measurement = Measurement(
            passed=time.monotonic(),
            waited=self._clock.seconds,
            idle=self._share.idle(),
            used=sum(family.values()) / os.sysconf("SC_CLK_TCK"),
            ready=ready,
        )
        self.starved += starved(self._last, measurement, len(self._share.cores))
        self._last = measurement

    def _exceeded(self) -> Status | None:
        """Return the name of the exceeded limit, "short" if the machine runs out of memory, or None
        if neither is the case.
        """
        family = descendants(self.process.pid, self._uid)
        self._measure(family)
        if len(family) > self._limits.processes + 4:  # bubblewrap itself, its init, the program
            return "processes"
        if self._share.exceeded or self._memory_is_full(family):
            return "memory"
        if psutil.virtual_memory().available < RESERVE and is_largest(family):
            with contextlib.suppress(OSError):  # another sandbox is releasing its memory
                self._lock_of_memory.enter_context(locked(CORES))
                return "short"
        if self._disk_is_full(family):
            return "disk"
        return None

    def _memory_is_full(self, family: Collection[int]) -> bool:
        """Return True if the program exceeds its memory limit even when shared memory is divided
        among the processes that use it.
        """
        if sum(map(memory, family)) <= self._limits.memory:
            return False
        return sum(map(own_memory, family)) > self._limits.memory

    def _disk_is_full(self, family: Collection[int]) -> bool:
        """Return True if the program's files take more space than allowed, or if the program keeps
        their size from being measured.
        """
        limit = self._limits.disk
        if self._sandbox.isolation.tool == "bubblewrap":
            used = in_memory([pid for pid in family if pid != self.process.pid], limit)
            if used in (None, UNCOUNTED) and not self._was_counted:
                return False  # bubblewrap is still making its file systems
            self._was_counted = True
            return (used or 0) > limit
        paths = [self._sandbox.scratch]
        if self._uid is not None:
            paths += files_of(self._uid)
        return more_on_disk_than(limit - nameless_files(family), paths)


def descendants(root: int, uid: int | None = None) -> dict[int, int]:
    """Return `root`, its descendants, the processes in its session, and those of the user `uid`.

    Args:
        uid: the id of a user whose processes are also returned; if it is None, no user's processes
            are added.

    Returns:
        by process id, the processor time, in clock ticks, used by the process and by those of its
        children that have ended and been waited for.
    """
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    family = {root}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, psutil.Error):  # it has just ended
            pid = int(name)
            line = Path("/proc", name, "stat").read_bytes()
            fields = line[line.rindex(b")") + 2 :].split()  # state, parent, group, session, ...
            parent, session = int(fields[1]), int(fields[3])
            children.setdefault(parent, []).append(pid)
            ticks[pid] = sum(map(int, fields[11:15]))
            if session == root or (uid is not None and psutil.Process(pid).uids().real == uid):
                family.add(pid)
    waiting = list(family)
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in family:
                family.add(child)
                waiting.append(child)
    return {pid: ticks.get(pid, 0) for pid in sorted(family)}


def is_largest(family: Collection[int]) -> bool:
    """Return True if no other sandbox on this machine uses more memory than the processes in
    `family`.
    """
    used = sum(map(memory, family))
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or ()
        if process.pid in family or not any(map(LAUNCHED.search, words)):
            continue  # it is not another sandbox
        if sum(map(memory, descendants(process.pid))) > used:
            return False
    return True


def kill_all(root: int, uid: int | None = None) -> set[int]:
    """Kill all processes that `descendants` returns, and return their ids.

    All processes are stopped before any of them is killed, so that none can start another process.
    """
    stopped: set[int] = set()
    while True:
        running = set(descendants(root, uid)) - stopped
        if not running:
            break
        for pid in running:
            _signal(pid, signal.SIGSTOP)
        stopped |= running
    for pid in stopped:
        _signal(pid, signal.SIGKILL)
    return stopped


def end_all(root: int, uid: int | None) -> None:
    """Kill all processes that `descendants` returns, and delete the files that the user `uid` owns
    in folders shared by all users.

    The function also works if the process with the id `root` has already ended.
    """
    kill_all(root, uid)
    if uid is not None:
        clear_files_of(uid)


def _wait_for_end(pids: Collection[int]) -> None:
    """Wait for the killed processes to release their memory, for at most `MOST_SECONDS` seconds."""
    for _ in range(int(MOST_SECONDS / TICK)):
        if not any(Path("/proc", str(pid)).exists() for pid in pids):
            return
        time.sleep(TICK)


def _ready_seconds(pid: int) -> dict[int, float]:
    """Return, by thread id, how many seconds each thread was ready to run but had no core."""
    ready: dict[int, float] = {}
    tasks = Path("/proc", str(pid), "task")
    try:
        threads = os.listdir(tasks)
    except (FileNotFoundError, ProcessLookupError):  # the process has just ended
        return ready
    for thread in threads:
        with contextlib.suppress(OSError):  # it has just ended
            _, nanoseconds, _ = (tasks / thread / "schedstat").read_bytes().split()
            ready[int(thread)] = int(nanoseconds) / 1e9
    return ready


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
