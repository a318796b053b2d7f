"""Run a program on a submission, watch it, and kill it and its children if it takes too much."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from toolkit.assignment.grade.sandbox.isolation import Isolation, Limits

TICK = 0.05  # seconds between two looks at the processes
PAGE = os.sysconf("SC_PAGE_SIZE")
Status = Literal["finished", "time", "memory", "processes", "disk"]


@dataclass(frozen=True)
class Outcome:
    """How a program ended.

    Attributes:
        status: "finished" if it ended by itself, otherwise what it took too much of.
        exit_code: negative for a signal, as in `subprocess`.
        stdout: the program's standard output, up to the limit.
        stderr: its error output, up to the limit; the programs that it starts write there too.
        seconds: from start to end.
    """

    status: Status
    exit_code: int
    stdout: bytes
    stderr: bytes
    seconds: float


def run(arguments: list[str], scratch: Path, limits: Limits, isolation: Isolation) -> Outcome:
    """Run Python with `arguments` on `scratch`/submission; the argument "PATH" is that folder.

    When this returns, nothing that the program started is running. The program reports its result
    on standard output, so it must run a stranger's code in another process, with another output.

    Args:
        arguments: for Python, e.g. `["-m", "module", "PATH"]` or `["script.py", "PATH"]`.
        scratch: a directory for this run alone, to be deleted afterwards.
    """
    isolation.prepare(scratch)
    start = time.monotonic()
    process = subprocess.Popen(
        isolation.command(arguments, scratch, limits),
        env=isolation.environment(scratch),
        cwd=scratch,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        status, stdout, stderr = _watch(process, scratch, limits, isolation)
    finally:
        kill_all(process.pid)
        process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()
    return Outcome(status, process.returncode, stdout, stderr, time.monotonic() - start)


def _watch(
    process: "subprocess.Popen[bytes]", scratch: Path, limits: Limits, isolation: Isolation
) -> tuple[Status, bytes, bytes]:
    """Read what it prints and measure what it uses, until it ends or takes too much."""
    assert process.stdout is not None
    assert process.stderr is not None
    printed = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    status: Status | None = None
    deadline = time.monotonic() + limits.seconds
    next_look = 0.0
    with selectors.DefaultSelector() as selector:
        for descriptor in printed:
            os.set_blocking(descriptor, False)
            selector.register(descriptor, selectors.EVENT_READ)
        while status is None:
            # Not `poll`: that frees the process id, which another process may get before the kill.
            ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            for key, _ in selector.select(0 if ended else TICK):
                if not _read(key.fd, printed[key.fd], limits.output):
                    selector.unregister(key.fd)
            now = time.monotonic()
            if ended:
                status = "finished"
            elif now > deadline:
                status = "time"
            elif now >= next_look:
                status = _excess(process.pid, scratch, limits, isolation)
                next_look = now + TICK
            if not selector.get_map():
                time.sleep(TICK)
    for descriptor, kept in printed.items():
        while len(kept) < limits.output and _read(descriptor, kept, limits.output):
            pass
    stdout, stderr = printed.values()
    return status, bytes(stdout), bytes(stderr)


def _read(descriptor: int, kept: bytearray, limit: int) -> bool:
    """Read once, keeping up to `limit` bytes. False at the end, or if there is nothing to read."""
    try:
        chunk = os.read(descriptor, 2**16)
    except BlockingIOError:
        return False
    kept += chunk[: limit - len(kept)]
    return bool(chunk)


def _excess(root: int, scratch: Path, limits: Limits, isolation: Isolation) -> Status | None:
    """What `root` and the processes below it use too much of, if anything."""
    family = descendants(root)
    if len(family) > limits.processes + 4:  # bubblewrap itself, its init, the launcher
        return "processes"
    if sum(map(_memory, family)) > limits.memory:
        return "memory"
    if isolation.tool != "bubblewrap" and _more_on_disk_than(limits.disk, scratch):
        return "disk"
    return None


def descendants(root: int) -> list[int]:
    """The ids of `root` and of all processes below it, or in its session."""
    children: dict[int, list[int]] = {}
    family = {root}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it has just ended
            stat = Path("/proc", name, "stat").read_bytes()
            fields = stat[stat.rindex(b")") + 2 :].split()  # state, parent, group, session, ...
            children.setdefault(int(fields[1]), []).append(int(name))
            if int(fields[3]) == root:
                family.add(int(name))
    waiting = list(family)
    while waiting:
        new = [child for child in children.get(waiting.pop(), []) if child not in family]
        family.update(new)
        waiting += new
    return sorted(family)


def kill_all(root: int) -> None:
    """Kill `root` and everything below it; stop all of them first, so that none starts another."""
    stopped: set[int] = set()
    while new := set(descendants(root)) - stopped:
        for pid in new:
            _signal(pid, signal.SIGSTOP)
        stopped |= new
    for pid in stopped:
        _signal(pid, signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _memory(pid: int) -> int:
    """Bytes in use by a process, without mapped files."""
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return 0
    lines = [line.split() for line in status.splitlines()]
    return sum(1024 * int(line[1]) for line in lines if line[0] in (b"RssAnon:", b"RssShmem:"))


def _more_on_disk_than(limit: int, directory: Path) -> bool:
    """Whether the files in `directory` take more than `limit` bytes, each at least a page."""
    left = limit
    waiting = [str(directory)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                left -= max(PAGE, entry.stat(follow_symlinks=False).st_blocks * 512)
                if left < 0:
                    return True
    return False
