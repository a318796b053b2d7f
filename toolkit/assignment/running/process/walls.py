"""Functions that detect when code reaches a limit that only the check or the sandbox imposes, for
example on disk space.

In the code, a limit that only the check or the sandbox imposes is called a wall. This module looks
for all known limits of this kind. Only the process that checks the submission knows which limits
actually exist on the system where the code runs (`Host.walls`).
"""

import contextlib
import errno
import os
import select
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

ERRNOS = {
    errno.EFBIG: "EFBIG",
    errno.ENOSPC: "ENOSPC",
    errno.EMFILE: "EMFILE",
    errno.ENFILE: "EMFILE",
    errno.ENOMEM: "ENOMEM",
    errno.EPERM: "EPERM",
    errno.ENOSYS: "EPERM",
    errno.EACCES: "EACCES",
    errno.EROFS: "EACCES",
    errno.ENOTTY: "ENOTTY",
    errno.ENXIO: "ENOTTY",
    errno.ENETUNREACH: "ENETUNREACH",
}
# Words in the text of an error that has no number or was made from another error.
OTHER_WORDS: dict[str, tuple[str, ...]] = {
    "EFBIG": ("SIGXFSZ",),
    "ENOSPC": ("SIGBUS", "Bus error", "out of shared memory", "Not enough free space"),
    "EAGAIN": ("can't start new thread", "hread creation failed"),
    "EMFILE": ("exceeds maximum limit", "raise maximum limit"),
    "ENOMEM": ("MemoryError", "can't allocate memory", "Unable to allocate", "std::bad_alloc"),
    "ENOTTY": ("no tty", "/dev/tty"),
    "ENETUNREACH": ("gaierror", "urlopen error", "Max retries exceeded", "failure in name"),
    "locale": ("unsupported locale setting",),
    "user": ("uid not found", "name not found: "),
}


def _words() -> dict[str, tuple[str, ...]]:
    """Return, for each limit, the phrases in an error message that show that the code has reached
    it: first the operating system's own messages, if there are any, then other phrases.
    """
    words: dict[str, tuple[str, ...]] = {}
    for number, name in ERRNOS.items():
        words[name] = (*words.get(name, ()), os.strerror(number))
    for name, phrases in OTHER_WORDS.items():
        words[name] = (*words.get(name, ()), *phrases)
    return words


WORDS = _words()
# These limits count even if the code continues, because they cause later failures. Code that asks
# for a terminal or opens a closed folder may have a plan for the failure.
LASTING = ("EFBIG", "ENOSPC", "EAGAIN", "EMFILE", "ENOMEM", "EPERM")
CROWDED = 0.9  # of the allowed processes and threads
FULL = 2**16  # fewer free bytes mean that the disk is full
MOST = 50  # exceptions in one chain
OVERLAP = 200  # bytes of the last output, in which a word may begin
PIECE = 2**16
MOST_PIECES = 64  # pieces read after the end, because other processes may go on writing


def walls_of(error: BaseException) -> list[str]:
    """Return the names of the limits that the code reached, judging by an exception and its
    causes.
    """
    walls: list[str] = []
    waiting: list[BaseException] = [error]
    known: list[BaseException] = []
    while waiting and len(known) < MOST:
        first = waiting.pop(0)
        if any(first is entry for entry in known):
            continue
        known.append(first)
        walls += _walls_of_alone(first)
        for cause in (first.__cause__, first.__context__):
            if cause is not None:
                waiting.append(cause)
        if isinstance(first, BaseExceptionGroup):
            waiting += first.exceptions
    return list(dict.fromkeys(walls))


def _walls_of_alone(error: BaseException) -> list[str]:
    number = getattr(error, "errno", None)
    match error.args:
        case (int() as first, str(), *_) if number is None:
            number = first
    if number == errno.EAGAIN:
        return ["EAGAIN"] if is_crowded() else []
    if isinstance(number, int) and number in ERRNOS:
        return [ERRNOS[number]]
    try:
        return named_in(f"{type(error).__name__}: {error}")
    except Exception:  # the student's exception has no valid text
        return []


def named_in(text: str) -> list[str]:
    """Return the names of the limits that a text mentions."""
    return [name for name, words in WORDS.items() if any(word in text for word in words)]


def is_crowded() -> bool:
    """Return True if this user has almost as many processes and threads as the limit allows."""
    if sys.platform != "linux":
        return False
    import resource  # imported here because Windows lacks this module

    limit, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if limit == resource.RLIM_INFINITY:
        return False
    return _count_tasks() >= CROWDED * limit


def _count_tasks() -> int:
    """Return the total number of threads in this user's processes; 0 on systems other than
    Linux.
    """
    if sys.platform != "linux":
        return 0
    tasks = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # the process has just ended or belongs to another user
            status = Path("/proc", name, "status").read_text(encoding="utf-8", errors="replace")
            fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
            if int(fields["Uid"].split()[0]) == os.getuid():
                tasks += int(fields["Threads"])
    return tasks


@contextlib.contextmanager
def noticed() -> Iterator[None]:
    """Report each limit in `LASTING` (the limits that cause later failures) that code in the `with`
    block reaches. A limit is reported even if the code catches the exception and continues.

    The reports are written to standard error. The function traces all Python calls, which makes
    Python slower, so it is only for runs whose speed does not matter.
    """
    named: set[str] = set()

    def on_call(frame: FrameType, event: str, argument: Any) -> Any:
        frame.f_trace_lines = False
        return on_event

    def on_event(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "exception" and isinstance(argument[1], OSError | RuntimeError | MemoryError):
            for name in (*_walls_of_alone(argument[1]), *_walls_reached()):
                if name in LASTING and name not in named:
                    named.add(name)
                    say(name)
        return on_event

    threading.settrace(on_call)
    sys.settrace(on_call)
    try:
        yield
    finally:
        sys.settrace(None)
        threading.settrace(None)
        for name in _walls_reached():
            say(name)


def _walls_reached() -> list[str]:
    """Check which limits have been reached, for example whether the disk is full.

    Returns:
        the names of the limits that have been reached.
    """
    if sys.platform == "win32":
        return []
    walls = []
    for place in (os.curdir, os.environ.get("TMPDIR", os.curdir), "/dev/shm"):
        with contextlib.suppress(OSError):
            system = os.statvfs(place)
            if system.f_blocks > 0 and system.f_bavail * system.f_frsize < FULL:
                walls.append("ENOSPC")
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        walls += _walls_of_alone(error)
    return walls


def notice_large_files() -> None:
    """Install a handler for the signal that the kernel sends when a file grows beyond the size
    limit; the handler reports that this limit has been reached.
    """
    if sys.platform != "win32":
        import signal

        signal.signal(signal.SIGXFSZ, lambda *_: say("EFBIG"))


def say(name: str) -> None:
    """Report that a limit has been reached: write the error message for this limit to standard
    error, where a `Listener` reads it.
    """
    with contextlib.suppress(OSError):
        os.write(2, f"\n{WORDS[name][0]}\n".encode())


class Listener:
    """A listener that reads the standard error of the process that runs one part of a submission.
    From the error messages, the listener notes which of the limits in `LASTING` the process has
    reached.

    Attributes:
        write: the write end of a pipe; this end becomes the standard error of the process that runs
            one part of a submission.
    """

    def __init__(self) -> None:
        self._read, self.write = os.pipe()
        self._walls: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def take(self) -> None:
        """Redirect this process's standard error to the pipe, and close the pipe's read end.

        If the read end of the pipe stayed open, the student's code could read messages that are
        meant for the parent process.
        """
        os.close(self._read)
        os.dup2(self.write, 2)
        os.close(self.write)

    def start(self) -> None:
        """Start reading the standard error of the process that runs one part of the submission; the
        parent process calls this method after it has forked that process.
        """
        os.close(self.write)
        self._thread.start()

    def end(self) -> list[str]:
        """Return the names of the limits that the process has reached, according to its standard
        error; call this method once the process has ended.

        The method does not wait until the pipe is closed, because other processes may still hold it
        open.
        """
        self._ended.set()
        self._thread.join()
        os.close(self._read)
        return sorted(self._walls)

    def _listen(self) -> None:
        last, pieces = b"", 0
        while pieces < MOST_PIECES:
            if not select.select([self._read], [], [], 0.1)[0]:
                if self._ended.is_set():
                    return
                continue
            piece = os.read(self._read, PIECE)
            if not piece:
                return
            pieces += self._ended.is_set()
            text = (last + piece).decode(errors="replace")
            self._walls.update(name for name in named_in(text) if name in LASTING)
            last = piece[-OVERLAP:]


def wall_of_status(status: int) -> list[str]:
    """Return the names of the limits that a process reached, judging by its exit status."""
    if sys.platform == "win32":
        return []
    import signal

    names = {-signal.SIGXFSZ: "EFBIG", -signal.SIGBUS: "ENOSPC"}
    return [names[status]] if status in names else []
