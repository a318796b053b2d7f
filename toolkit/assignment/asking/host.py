"""The judge's side of the pipe: starts the child, asks, and says how it ended."""

import contextlib
import os
import secrets
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil

import toolkit
from toolkit.assignment.running.parts import Part
from toolkit.assignment.running.wire import (
    ANSWERS,
    ERROR,
    Closed,
    Disturbed,
    fits,
    receive,
    send,
)

LIMITS: dict[Part, int] = {"dataset": 15, "lstm": 40, "train": 20, "gan": 25}  # CPU seconds
MAX_BYTES = 4 << 30  # of memory, for each part
CHILD = ("-m", "toolkit.assignment.running")
# What the code may not do here and may elsewhere: sentences by the names in `process.walls`.
WALLS = (
    {"ENOMEM": f"it may take {MAX_BYTES >> 30} GiB of memory"} if sys.platform == "linux" else {}
)
# What is missing on this system, as a sentence; "" on Linux.
NOT_LIMITED = (
    ""
    if sys.platform == "linux"
    else "This system does not limit the memory and the time of your code, so they are looked at "
    "twice a second: code that takes very much at once can slow the computer before it is ended."
)
# Bytes of an answer: ten times what a right submission needs, where that can be read.
MOST = dict.fromkeys(
    ("items", "run", "run_also", "run_drawing", "record", "look_up", "unpickle"), 64 << 20
)
FEW = 4 << 20  # of all others
MAX_ROWS = 2000  # images that a question in return may be about
# What reading something raises that is not as the child sends it.
MALFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError)


class StudentError(Exception):
    """An exception of a student's code; `Disturbed` if the child would not describe it so."""

    def __init__(self, described: Mapping[str, Any]) -> None:
        if not (fits(described, ERROR) and described["types"]):
            raise Disturbed
        self.types: list[str] = described["types"]  # its own and those that it derives from
        self.text: str = described["text"]
        self.module: str | None = described["module"]  # that an import did not find
        self.file: str | None = described["file"]  # relative to the root; None: not in their code
        self.line: int | None = described["line"]
        self.walls: list[str] = described["walls"]  # names of those that it shows
        self.missing: str | None = described["missing"]  # the path of a file that it did not find
        super().__init__(f"{self.types[0]}: {self.text}")


class Gone(Exception):
    """The process has ended, or can no longer be believed, in the middle of a question."""

    def __init__(self, ended: Mapping[str, Any], disturbed: bool = False, reason: str = "") -> None:
        self.status = int(ended.get("status", 0))
        self.seconds = float(ended.get("seconds", 0.0))  # that the judge has waited for answers
        self.cpu = float(ended.get("cpu", 0.0))  # CPU seconds
        self.last = float(ended.get("last", 0.0))  # of these, for the last one
        self.late: bool = ended.get("late", False)  # it was killed, because it took too long
        self.starved = float(ended.get("starved", 0.0))  # seconds that others had its core
        self.limit = float(ended.get("limit", 0.0))  # CPU seconds that it may take
        self.walls: list[str] = list(ended.get("walls", []))  # names of those that it met
        self.disturbed = disturbed  # something that was no answer came through the pipe
        self.reason = reason  # why the sandbox ended; "" if this part's process alone did
        super().__init__(f"status {self.status} after {self.cpu:.1f} CPU seconds")

    @property
    def busy(self) -> bool:
        """True if it was late because others had its core, or because the judge thought."""
        answering = self.seconds - self.starved
        return self.late and self.cpu < 0.9 * self.limit and answering < 1.5 * self.limit


class Unwatched(Gone):
    """The process has ended while it watched how a script calls a network: ask another without."""


class Clock:
    """The time that a submission has been waited for; it stands still while the judge thinks."""

    def __init__(self) -> None:
        # Seconds in all, and since when more are counted; one pair, since another thread looks.
        self._times: tuple[float, float | None] = (0.0, None)

    def __enter__(self) -> None:
        self._times = (self._times[0], time.monotonic())

    def __exit__(self, *_: object) -> None:
        self._times = (self.seconds, None)

    @property
    def seconds(self) -> float:
        """So far."""
        before, since = self._times
        return before if since is None else before + time.monotonic() - since


@dataclass
class Student:
    """One part of one submission, in a process that answers questions; `clock` times answers."""

    part: Part
    read: int
    write: int
    nonce: str  # of the whole part
    private: int | None  # where alone it is said how the process ended; None: where answers are
    helps: Mapping[str, Callable[..., Any]]  # what the child may ask whatever it is asked
    clock: Clock
    began: float  # on this clock
    ended: Mapping[str, Any] | None = None

    @property
    def is_over(self) -> bool:
        """True if it has ended, and nothing of it is left where the next part will run."""
        return bool(self.ended) and not (self.ended or {}).get("left")

    def ask(
        self,
        question: str,
        /,
        helps: Mapping[str, Callable[..., Any]] | None = None,
        reader: Callable[[Any], Any] = lambda value: value,
        **arguments: Any,
    ) -> Any:
        """Ask something, and wait for the answer, which is of the kind that `wire` names.

        Args:
            question: a method of the part's `Answers`.
            helps: what else the child may ask in return while it works on the answer.
            reader: what makes more of the answer; an answer that it cannot read is malformed.
            arguments: of the method.

        Raises:
            StudentError: their code raised something.
            Gone: there is no answer, and never will be.
        """
        if self.ended is not None:
            raise Gone(self.ended)
        try:
            reply = self._reply(question, arguments, {**self.helps, **(helps or {})})
            if "error" in reply:
                raise StudentError(reply["error"])
            if not fits(reply["value"], ANSWERS[self.part].get(question, object)):
                raise Disturbed
            return reader(reply["value"])
        except Closed:
            self.ended = {}
            raise Gone(self.ended) from None
        except (Disturbed, *MALFORMED) as error:
            self.ended = {}
            raise Gone(self.ended, disturbed=True) from error

    def _reply(
        self,
        question: str,
        arguments: Mapping[str, Any],
        helps: Mapping[str, Callable[..., Any]],
    ) -> Mapping[str, Any]:
        """Send a question, help the child while it works on it, and return its reply.

        Raises:
            Gone: the process has ended.
            Closed: the pipe has.
            Disturbed: what came is not from the child.
        """
        nonce, before = secrets.token_hex(16), self.clock.seconds
        send(self.write, nonce, {"ask": question, "arguments": arguments})
        while True:
            with self.clock:
                sender, reply = receive(self.read, MOST.get(question, FEW))
            if sender == self.nonce:
                self.ended = self._end(reply, before)
                raise Gone(self.ended)
            if sender != nonce:
                raise Disturbed
            if "call" not in reply:
                answer: Mapping[str, Any] = reply
                return answer
            help_with = helps[reply["call"]]
            for value in reply["arguments"].values():
                if getattr(value, "shape", ())[:1] > (MAX_ROWS,):
                    raise Disturbed
            send(self.write, nonce, help_with(**reply["arguments"]))

    def _end(self, reply: Mapping[str, Any], before: float) -> Mapping[str, Any]:
        """Return how the process has ended.

        Args:
            reply: what came where answers come.
            before: the time when the question was asked, on the clock.
        """
        if self.private is not None:  # where it was said before, unless one lives on
            if not select.select([self.private], [], [], 0)[0]:
                raise Disturbed
            _, reply = receive(self.private, FEW)
        now = self.clock.seconds
        times = {"seconds": now - self.began, "last": now - before}
        ended: dict[str, Any] = reply["ended"] | times | {"limit": LIMITS[self.part]}
        return ended


class Host:
    """The warm process that forks one for each part; it starts when it is needed, and again.

    This one runs on this machine, without a sandbox.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self.private: int | None = None  # as of a `Student`
        self.limits = LIMITS
        self.walls: Mapping[str, str] = WALLS
        self.helps: dict[str, Callable[..., Any]] = {}  # that every child may ask for
        self.clock = Clock()
        self.fresh: Mapping[str, Any] = {}  # `source` and `places`, as of `running.process.renewal`

    def __enter__(self) -> Self:
        """Start the child now: it gets ready while the judge reads, or imports what judges.

        Raises:
            OSError: it cannot be started.
        """
        self._process = self._process or self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def student(self, part: Part, root: str) -> Iterator[Student]:
        """A process that runs this part of the submission in `root`, as the child names it."""
        process = self._process = self._process or self.start()
        assert process.stdin is not None
        assert process.stdout is not None
        nonce = secrets.token_hex(16)
        pipes = process.stdout.fileno(), process.stdin.fileno()
        began = self.clock.seconds
        student = Student(part, *pipes, nonce, self.private, self.helps, self.clock, began)
        request = {"part": part, "root": root, "seconds": self.limits[part], "memory": MAX_BYTES}
        request |= {"fresh": self.fresh}
        try:
            with contextlib.suppress(Closed):  # the first question will find that out
                send(student.write, nonce, request)
            yield student
            if student.ended is None:
                with contextlib.suppress(Gone):
                    student.ask("no more")
            if not student.is_over:
                self.close()
        except BaseException:  # Ctrl-C too: there may be a question that was not answered
            if not student.is_over:
                self.close()
            raise

    def close(self) -> None:
        """End the process and all that it started; the next part starts another."""
        if self._process is not None:
            process, self._process = self._process, None
            self.stop(process)

    def start(self) -> "subprocess.Popen[bytes]":
        """Start `toolkit.assignment.running`, with unbuffered pipes to it and from it."""
        return subprocess.Popen(
            [sys.executable, *CHILD],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )

    def stop(self, process: "subprocess.Popen[bytes]") -> None:
        """End the child, and with it what it has started: on Linux the kernel sees to that."""
        started: list[psutil.Process] = []
        if sys.platform != "linux":
            with contextlib.suppress(psutil.NoSuchProcess):
                started = psutil.Process(process.pid).children(recursive=True)
        with process:
            process.kill()
        for child in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


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
