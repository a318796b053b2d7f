"""A failure that shows a wall is known as one, in whatever it is wrapped; others are not."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from toolkit.assignment.running.process import walls
from toolkit.assignment.running.process.walls import (
    Listener,
    noticed,
    wall_of_status,
    walls_of,
)


def from_none() -> None:
    try:
        raise OSError(errno.EFBIG, "File too large")
    except OSError:
        raise RuntimeError("the checkpoint could not be saved") from None


def in_a_group() -> None:
    raise ExceptionGroup("two", [ValueError("x"), OSError(errno.ENOSPC, "No space left")])


def in_the_words_of_a_worker() -> None:
    raise OSError("Caught OSError in DataLoader worker process 0.\n[Errno 24] Too many open files")


def of_a_module_of_c() -> None:
    class Error(Exception):
        """As termios has it: no OSError, and its number comes first."""

    raise Error(25, "Inappropriate ioctl for device")


@pytest.mark.parametrize(
    ("fails", "names"),
    [
        (from_none, ["EFBIG"]),
        (in_a_group, ["ENOSPC"]),
        (in_the_words_of_a_worker, ["EMFILE"]),
        (of_a_module_of_c, ["ENOTTY"]),
        (lambda: sys.exit(1), []),
        (lambda: os.stat("nowhere"), []),
        (lambda: {}["File too large"], ["EFBIG"]),  # as a student may write it
        (lambda: os.kill(2**22 + 1, 0), []),
    ],
)
def test_what_an_error_shows(fails: Callable[[], object], names: list[str]) -> None:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - of any kind
        fails()
    assert walls_of(caught.value) == names


def test_its_own_words_are_not_needed() -> None:
    """An exception that cannot be turned into a text, and a chain that leads back to itself."""

    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert walls_of(Silent()) == []
    outer = ValueError("x")
    inner = PermissionError(errno.EPERM, "x")
    outer.__cause__ = inner
    inner.__cause__ = outer
    assert walls_of(outer) == ["EPERM"]


@pytest.mark.skipif(sys.platform != "linux", reason="counts processes as Linux does")
def test_again_later_is_a_wall_only_in_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that another one holds says the same as the kernel that starts no more threads."""
    import resource

    error = BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
    monkeypatch.setattr(resource, "getrlimit", lambda limit: (100_000, 100_000))
    assert walls_of(error) == []
    monkeypatch.setattr(resource, "getrlimit", lambda limit: (1, 1))
    assert walls_of(error) == ["EAGAIN"]


def test_what_is_caught_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """In threads too; once each; and not what only asks."""
    noted: list[str] = []
    monkeypatch.setattr(walls, "say", noted.append)

    def work() -> None:
        for number in (errno.EFBIG, errno.EFBIG, errno.EACCES, errno.ENOENT):
            try:
                raise OSError(number, os.strerror(number))
            except OSError:
                continue

    def in_a_thread() -> None:
        try:
            raise MemoryError
        except MemoryError:
            pass

    before = sys.gettrace()
    with noticed():
        work()
        thread = threading.Thread(target=in_a_thread)
        thread.start()
        thread.join()
    sys.settrace(before)
    assert noted == ["EFBIG", "ENOMEM"]


@pytest.mark.skipif(sys.platform != "linux", reason="as a part runs on Linux")
def test_what_a_part_prints_is_heard() -> None:
    """Between other words, cut anywhere, and while another one holds the output open."""
    listener = Listener()
    program = "printf 'step 1\\nOSError: File too '; sleep 0.3; echo large; sleep 60 & exit 0"
    process = subprocess.Popen(
        ["sh", "-c", program], stderr=listener.write, stdout=listener.write, start_new_session=True
    )
    listener.start()
    assert process.wait() == 0
    assert listener.end() == ["EFBIG"]
    os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="as a part runs on Linux")
def test_a_part_hears_nothing_of_what_is_printed() -> None:
    """It may write to the pipe, and has no other end of it to read from."""
    listener = Listener()
    pid = os.fork()
    if pid == 0:
        try:
            listener.take()
            pipe = os.readlink("/proc/self/fd/2")
            ends = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
            same = [end for end in ends if os.path.islink(end) and os.readlink(end) == pipe]
            os.write(2, b"File too large")
            os._exit(len(same))
        finally:
            os._exit(100)
    listener.start()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    assert listener.end() == ["EFBIG"]


@pytest.mark.skipif(sys.platform != "linux", reason="has no such signals")
def test_what_a_signal_shows() -> None:
    assert wall_of_status(-signal.SIGXFSZ) == ["EFBIG"]
    assert wall_of_status(-signal.SIGBUS) == ["ENOSPC"]
    assert wall_of_status(-signal.SIGSEGV) == wall_of_status(1) == []
