"""Runs the parts of a student's archive, such as its LSTM and its GAN, in a sandbox whose limits
apply to the archive as a whole.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from toolkit.assignment.asking.host import Child, Clock, Gone, Host
from toolkit.assignment.running.parts import Part
from toolkit.assignment.running.process.deleting import delete
from toolkit.assignment.running.process.descent import open_folder
from toolkit.assignment.sandbox.isolation import Sandbox
from toolkit.assignment.sandbox.share import Share
from toolkit.assignment.sandbox.supervise import Status, Watched
from toolkit.assignment.sandbox.walls import walls_of
from toolkit.common.files import first_free

THINKING = 20  # the judge's CPU seconds for one part: twenty times the largest need


class _Waiting(Clock):
    """Measures how long this process waits for the sandbox. At the end of a wait, `Gone` is raised
    if the kernel has killed a process in the sandbox for lack of memory.
    """

    def __init__(self, share: Share) -> None:
        super().__init__()
        self._share = share

    def __exit__(self, *raised: object) -> None:
        super().__exit__()
        if raised[0] is None and self._share.exceeded:
            raise Gone({})


class SandboxedHost(Host):
    """Starts the process that runs the student's code in a sandbox, and starts it again if it has
    died.

    The sandbox's limits apply to the whole archive, not to each of its parts. The sandbox's clock
    stops while this process, which checks the replies, does its own computations. These
    computations have a separate time limit for each part of the archive.

    Args:
        child: the command-line arguments that are passed to Python to start the child process.
        sandbox: the sandbox of the child; its scratch directory is emptied before each start.
    """

    def __init__(self, child: Sequence[str], sandbox: Sandbox, share: Share) -> None:
        super().__init__()
        self.root = sandbox.copy  # the submission's folder, as the child names it
        self.walls = walls_of(sandbox.limits)
        self.clock = _Waiting(share)
        self.fresh = sandbox.fresh
        self.printed = b""  # the error output, up to the limit
        self._child = list(child)
        self._sandbox = sandbox
        self._share = share
        self._busy = False  # True if other programs had a part's core for too long
        self._watched: Watched | None = None
        self._status: Status = "finished"

    @property
    def disturbed(self) -> bool:
        """True if other programs kept the sandbox's core busy for too long, or if the machine ran
        out of memory.
        """
        return self._busy or self._status in ("short", "busy")

    @contextlib.contextmanager
    def child(self, part: Part, root: str) -> Iterator[Child[Any]]:
        """Do the same as the method `Host.child`, but raise `Gone` if the sandbox has already been
        stopped, for example because a limit was exceeded.
        """
        if self._status != "finished":
            raise Gone({}, reason=self._reason(self._status))
        before = signal.signal(signal.SIGVTALRM, _thought_too_long)
        try:
            with super().child(part, root) as child:
                signal.setitimer(signal.ITIMER_VIRTUAL, THINKING, 1)
                yield child
        except Gone as gone:
            self._busy = self._busy or gone.busy
            # If nothing says how the part's own process ended, the whole sandbox has ended.
            if self._share.exceeded:
                gone.reason = self._reason("memory")
            elif not (gone.disturbed or gone.reason or child.ended):
                gone.reason = self._reason(self._status)
            raise
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the sandbox with an empty scratch directory."""
        self._make_empty(self._sandbox.scratch)
        self._watched = Watched(self._child, self._sandbox, self.clock, self._share)
        self.private = self._watched.private
        return self._watched.process

    def stop(self, process: "subprocess.Popen[bytes]") -> None:
        """Stop the sandbox, and store its final status and its error output."""
        assert self._watched is not None
        self._watched.stop()
        assert self._watched.status is not None
        self._status = self._watched.status
        self.printed = bytes(self._watched.printed)

    def _make_empty(self, scratch: Path) -> None:
        """Delete the scratch directory, or rename it if that fails, and create a new, empty one."""
        parent = open_folder(scratch.parent)
        try:
            if delete(scratch.name, parent):
                scratch.rename(first_free(scratch, ".left-"))
        finally:
            os.close(parent)
        scratch.mkdir()

    def _reason(self, status: Status) -> str:
        limits = self._sandbox.limits
        reason = {
            "finished": "the sandbox in which it runs came to an end",
            "time": f"the archive had not finished after {limits.seconds:g} s",
            "memory": f"the archive took more than {limits.memory / 2**30:g} GiB of memory",
            "processes": f"the archive ran more than {limits.processes} processes",
            "disk": f"the archive wrote more than {limits.disk / 2**30:g} GiB",
            "short": "this machine had no memory left",
            "busy": "other programs of this machine had its core for too long",
        }[status]
        return f"The code was stopped: {reason}."


def _thought_too_long(*_: object) -> NoReturn:
    raise Gone({}, reason=f"What this part does was too much to think about in {THINKING} s.")
