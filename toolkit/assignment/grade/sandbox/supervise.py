"""Run a program in isolation, watch it, and kill it and its children if it takes too much."""

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

from toolkit.assignment.grade.sandbox.counting import (
    UNCOUNTED,
    in_memory,
    memory,
    more_on_disk_than,
    nameless_files,
    own_memory,
)
from toolkit.assignment.grade.sandbox.isolation import Sandbox
from toolkit.assignment.grade.sandbox.scratch import clear_files_of, files_of
from toolkit.assignment.grade.sandbox.share import CORES, Share
from toolkit.common.scratch.locks import locked

if TYPE_CHECKING:  # it has torch
    from toolkit.assignment.check.host import Clock

RESERVE = 256 * 2**20  # bytes of memory that the machine keeps
MOST_SECONDS = 10.0  # that are waited until killed processes have given their memory back
TICK = 0.1  # seconds between two looks at the processes
LAUNCHED = re.compile("sandbox/launcher.py$").search  # what a sandbox has in its command line
Status = Literal["finished", "time", "memory", "processes", "disk", "short", "busy"]


@dataclass(frozen=True)
class Look:
    """What was measured at one look at a program; all but `ready` in seconds that only grow.

    Attributes:
        passed: on a clock that never stops.
        waited: by the judge, for answers.
        idle: of the program's cores together, with nothing to do.
        used: processor time of the program and of what it has started.
        ready: seconds that each thread was ready to run and had no core, by the thread's id.
    """

    passed: float
    waited: float
    idle: float
    used: float
    ready: Mapping[int, float]


def starved(before: Look, now: Look, cores: int) -> float:
    """The seconds between two looks in which the judge waited because others had the cores.

    Of three quantities the smallest is meant. A program that sleeps is not ready to run. The cores
    of one whose own threads push each other aside are not used by others. And nobody waits for an
    answer while the judge thinks.

    Args:
        cores: how many the program may use.
    """
    idle, used = now.idle - before.idle, now.used - before.used
    others = cores * (now.passed - before.passed) - idle - used
    ready = sum(seconds - before.ready.get(thread, 0.0) for thread, seconds in now.ready.items())
    return max(0.0, min(now.waited - before.waited, others, ready))


class Watched:
    """A program that runs, and a thread that looks at what it uses while others talk to it.

    Attributes:
        process: its standard input and output lead to the program; they reach their end as soon as
            it has ended, whoever else holds them open.
        private: reads what the program writes to the descriptor that is its last argument, and that
            it can keep from the programs that it starts.
        status: None while it runs; "finished" if it ended by itself, otherwise what it took too
            much of, "short" where the machine has no memory left, or "busy" where others had its
            core for so long that nothing can be said of its time.
        starved: seconds of the clock in which others had its core; its limit is without them.
        printed: its error output, up to the limit; the programs that it starts write there too.

    Args:
        program: arguments for Python, e.g. `["-m", "module"]` or `["script.py"]`.
        sandbox: where it runs; its scratch directory is empty, and to be deleted afterwards.
        clock: its time.
        share: what it gets of the machine.
    """

    def __init__(self, program: list[str], sandbox: Sandbox, clock: "Clock", share: Share) -> None:
        self.status: Status | None = None
        self.printed = bytearray()
        self.starved = 0.0
        self._share = share
        self._before = Look(time.monotonic(), clock.seconds, share.idle(), 0.0, {})
        self._sandbox, self._limits, self._clock = sandbox, sandbox.limits, clock
        self._uid = sandbox.isolation.uid
        self._going = contextlib.ExitStack()
        self._was_counted = False  # what bubblewrap keeps in memory
        sandbox.prepare()
        # Sockets, not pipes: `shutdown` wakes whoever waits for an answer.
        self._ours, theirs = socket.socketpair()
        self._reads, writes = socket.socketpair()
        with theirs, writes, contextlib.ExitStack() as when_it_fails:
            when_it_fails.enter_context(self._ours)
            when_it_fails.enter_context(self._reads)
            self.process = share.start(
                sandbox.command([*program, str(writes.fileno())]),
                pass_fds=[writes.fileno()],
                env=sandbox.environment(),
                cwd=sandbox.scratch,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            when_it_fails.pop_all()
        self.process.stdin = os.fdopen(os.dup(self._ours.fileno()), "wb", buffering=0)
        self.process.stdout = os.fdopen(os.dup(self._ours.fileno()), "rb", buffering=0)
        self.private = self._reads.fileno()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True)
                         for work in (self._watch, self._read)]  # fmt: skip
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End it; when this returns, nothing that it started is running."""
        end_all(self.process.pid, self._uid)
        self._stopping.set()
        for thread in self._threads:
            thread.join(MOST_SECONDS)  # one that hides may hold its error output open
        with self.process:
            pass
        self._ours.close()
        self._reads.close()

    def _watch(self) -> None:
        """Look at what it uses, until it ends or takes too much."""
        status: Status | None = None
        try:
            while status is None:
                # Not `poll`: that frees the process id, which another may get before the kill.
                if os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                    status = "finished"
                elif (status := self._excess() or self._late()) is None:
                    self._stopping.wait(TICK)
        finally:
            self.status = status or "finished"
            killed = kill_all(self.process.pid, self._uid) - {self.process.pid}
            with self._going:  # until its memory is free, if that is why
                for _ in range(int(MOST_SECONDS / TICK) if status == "short" else 0):
                    if any(Path("/proc", str(pid)).exists() for pid in killed):
                        time.sleep(TICK)
            for end in (self._ours, self._reads):
                end.shutdown(socket.SHUT_RDWR)

    def _read(self) -> None:
        """Read what it prints, and throw away what is more than the limit."""
        assert self.process.stderr is not None
        while chunk := os.read(self.process.stderr.fileno(), 2**16):
            self.printed += chunk[: self._limits.output - len(self.printed)]

    def _late(self) -> Status | None:
        """Whether it has taken too much time, or has waited too long for others."""
        waited = self._clock.seconds
        if waited - self.starved > self._limits.seconds:
            return "time"
        return "busy" if waited > self._limits.longest else None

    def _measure(self, family: Mapping[int, int]) -> None:
        """Add what it was starved of since the last look.

        Args:
            family: its processes, as of `descendants`.
        """
        used = sum(family.values()) / os.sysconf("SC_CLK_TCK")
        ready = {thread: wait for pid in family for thread, wait in _waits(pid).items()}
        waited, idle = self._clock.seconds, self._share.idle()
        before, self._before = self._before, Look(time.monotonic(), waited, idle, used, ready)
        self.starved += starved(before, self._before, len(self._share.cores))

    def _excess(self) -> Status | None:
        """What the program and the processes below it use too much of, if anything."""
        limits = self._limits
        family = descendants(self.process.pid, self._uid)
        self._measure(family)
        if len(family) > limits.processes + 4:  # bubblewrap itself, its init, the program
            return "processes"
        if self._share.exceeded or all(
            sum(count(pid) for pid in family) > limits.memory for count in (memory, own_memory)
        ):
            return "memory"
        if psutil.virtual_memory().available < RESERVE and is_largest(family):
            with contextlib.suppress(OSError):  # another one is going
                self._going.enter_context(locked(CORES))
                return "short"
        return "disk" if self._disk_is_full(family) else None

    def _disk_is_full(self, family: Collection[int]) -> bool:
        """Whether it has written more than it may, or keeps that from being counted."""
        most = self._limits.disk
        if self._sandbox.isolation.tool == "bubblewrap":
            used = in_memory([pid for pid in family if pid != self.process.pid], most)
            if used in (None, UNCOUNTED) and not self._was_counted:
                return False  # it has not begun: bubblewrap is still making these places
            self._was_counted = True
            return (used or 0) > most
        shared = [] if self._uid is None else files_of(self._uid)
        nameless = nameless_files(family)
        return more_on_disk_than(most - nameless, [self._sandbox.scratch, *shared])


def descendants(root: int, uid: int | None = None) -> dict[int, int]:
    """The ids of `root` and of all processes below it, in its session, or of the user `uid`, with
    the ticks of processor time that each has taken, and those below it that have ended.
    """
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    family = {root}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, psutil.Error):  # it has just ended
            line = Path("/proc", name, "stat").read_bytes()
            fields = line[line.rindex(b")") + 2 :].split()  # state, parent, group, session, ...
            children.setdefault(int(fields[1]), []).append(int(name))
            ticks[int(name)] = sum(map(int, fields[11:15]))
            if int(fields[3]) == root or (
                uid is not None and psutil.Process(int(name)).uids().real == uid
            ):
                family.add(int(name))
    waiting = list(family)
    while waiting:
        new = [child for child in children.get(waiting.pop(), []) if child not in family]
        family.update(new)
        waiting += new
    return {pid: ticks.get(pid, 0) for pid in sorted(family)}


def is_largest(family: Collection[int]) -> bool:
    """Whether no other sandbox of this machine, whoever has started it, takes more memory."""
    own = sum(map(memory, family))
    others = (
        sum(map(memory, descendants(one.pid)))
        for one in psutil.process_iter(["cmdline"])
        if one.pid not in family and any(map(LAUNCHED, one.info["cmdline"] or ()))
    )
    return all(other <= own for other in others)


def kill_all(root: int, uid: int | None = None) -> set[int]:
    """Kill all `descendants`, and say which; stop all first, so that none starts another."""
    stopped: set[int] = set()
    while new := set(descendants(root, uid)) - stopped:
        for pid in new:
            _signal(pid, signal.SIGSTOP)
        stopped |= new
    for pid in stopped:
        _signal(pid, signal.SIGKILL)
    return stopped


def end_all(root: int, uid: int | None) -> None:
    """`kill_all`, and delete what that user has left; also where `root` itself was killed."""
    kill_all(root, uid)
    if uid is not None:
        clear_files_of(uid)


def _waits(pid: int) -> dict[int, float]:
    """Seconds that each thread of a process was ready to run and had no core, by its id."""
    waits: dict[int, float] = {}
    tasks = Path("/proc", str(pid), "task")
    try:
        threads = os.listdir(tasks)
    except (FileNotFoundError, ProcessLookupError):  # the process has just ended
        return waits
    for thread in threads:
        with contextlib.suppress(OSError):  # it has just ended
            _, nanoseconds, _ = (tasks / thread / "schedstat").read_bytes().split()
            waits[int(thread)] = int(nanoseconds) / 1e9
    return waits


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
