"""Starts the child process that runs a student's code, and sends it questions through a pipe.

The declared type of the property `child.ask` is the class of the object that replies in the child
process. Type checkers can therefore check every call to one of this object's methods. For an LSTM,
for example, `child.ask.build(...)` calls the method `LSTMAnswers.build` in the child process.
"""

import contextlib
import os
import secrets
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar, cast, overload

import psutil

import toolkit
from toolkit.assignment.running.parts import Part
from toolkit.assignment.running.replies import FEW, REPLIES, ErrorDescription, fits
from toolkit.assignment.running.wire import Closed, Disturbed, receive, send

if TYPE_CHECKING:
    from toolkit.assignment.running.answers.dataset import DatasetAnswers
    from toolkit.assignment.running.answers.gan import GANAnswers
    from toolkit.assignment.running.answers.lstm import LSTMAnswers
    from toolkit.assignment.running.answers.train import TrainAnswers
    from toolkit.assignment.running.record.script.running import Runs
else:  # these imports would load torchvision and all code for students' code
    DatasetAnswers = GANAnswers = LSTMAnswers = TrainAnswers = Runs = Any

LIMITS: dict[Part, int] = {"dataset": 15, "lstm": 40, "train": 20, "gan": 25}  # CPU seconds
MAX_BYTES = 4 << 30  # bytes of memory for each part
CHILD = ("-m", "toolkit.assignment.running")
# Sentences about limits that ordinary machines lack, by their names in `process.walls`.
WALLS = (
    {"ENOMEM": f"it may take {MAX_BYTES >> 30} GiB of memory"} if sys.platform == "linux" else {}
)
# A sentence about the limits that this system does not have; "" on Linux.
NOT_LIMITED = (
    ""
    if sys.platform == "linux"
    else "This system does not limit the memory and the time of your code, so they are looked at "
    "twice a second: code that takes very much at once can slow the computer before it is ended."
)
MAX_ROWS = 2000  # images in one request of the child
# The errors that occur when the judge reads a malformed reply.
MALFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError)


class StudentError(Exception):
    """An exception that a student's code raised in the child process, with the details that the
    child process sent.

    Raises:
        Disturbed: `described`, the data from the child process, is malformed.
    """

    def __init__(self, described: Mapping[str, Any]) -> None:
        if not (fits(described, ErrorDescription) and described["types"]):
            raise Disturbed
        self.types: list[str] = described["types"]  # the exception's class and its base classes
        self.text: str = described["text"]
        self.module: str | None = described["module"]  # the module that was not found
        self.file: str | None = described["file"]  # relative to the root, or None
        self.line: int | None = described["line"]
        self.walls: list[str] = described["walls"]  # names of the limits that it indicates
        self.missing: str | None = described["missing"]  # the path of a missing file
        super().__init__(f"{self.types[0]}: {self.text}")


class Gone(Exception):
    """The error for a child process that ended before it replied, or whose replies can no longer be
    trusted, for example because one of them was malformed.
    """

    def __init__(self, ended: Mapping[str, Any], disturbed: bool = False, reason: str = "") -> None:
        self.status = int(ended.get("status", 0))
        self.seconds = float(ended.get("seconds", 0.0))  # for which the judge waited for replies
        self.cpu = float(ended.get("cpu", 0.0))  # CPU seconds
        self.last = float(ended.get("last", 0.0))  # seconds for the last reply
        self.late: bool = ended.get("late", False)  # True if it was killed because it took too long
        self.starved = float(ended.get("starved", 0.0))  # seconds lost to other programs
        self.limit = float(ended.get("limit", 0.0))  # CPU seconds that it may take
        self.walls: list[str] = list(ended.get("walls", []))  # names of the limits that it met
        self.disturbed = disturbed  # the data in the pipe was not a reply
        self.reason = reason  # why the sandbox ended; "" if only the child ended
        super().__init__(f"status {self.status} after {self.cpu:.1f} CPU seconds")

    @property
    def busy(self) -> bool:
        """True if the child process timed out only because it had to wait for other programs or for
        this process.

        Other programs may have used the child process's processor core, or this process may have
        been busy with computations of its own.
        """
        answering = self.seconds - self.starved
        return self.late and self.cpu < 0.9 * self.limit and answering < 1.5 * self.limit


class Unwatched(Gone):
    """The error raised when a child process ends while it is running a student's training script,
    which it runs to find out how the script calls a network.

    After this error, the network can still be tested in a new child process that does not run the
    script.
    """


class Clock:
    """A clock that measures the total time for which this process waits for replies from its child
    processes.

    The clock is paused while this process does its own computations.
    """

    def __init__(self) -> None:
        # The seconds so far, and the start of the present wait. Another thread reads this pair.
        self._times: tuple[float, float | None] = (0.0, None)

    def __enter__(self) -> None:
        self._times = (self._times[0], time.monotonic())

    def __exit__(self, *_: object) -> None:
        self._times = (self.seconds, None)

    @property
    def seconds(self) -> float:
        """The number of seconds for which this process has waited for replies so far."""
        before, since = self._times
        return before if since is None else before + time.monotonic() - since


Answers = TypeVar("Answers", covariant=True)  # the class that replies about the part


@dataclass
class Child(Generic[Answers]):
    """A child process that runs the code for one part of a submission, and replies to questions
    about this part.

    The attribute `clock` measures how long this process has waited for replies.
    """

    part: Part
    read: int
    write: int
    nonce: str  # the nonce for the whole part
    private: int | None  # the pipe for the child's end; None: the pipe for replies
    helps: Mapping[str, Callable[..., Any]]  # what the child may always request
    clock: Clock
    began: float  # the clock's time at the start
    ended: Mapping[str, Any] | None = None

    @property
    def is_over(self) -> bool:
        """True if the child process has ended and left no files in the folders that the next child
        process will use.
        """
        return bool(self.ended) and not (self.ended or {}).get("left")

    @property
    def ask(self) -> Answers:
        """A proxy for the object that replies to questions in the child process; each method call
        asks a question.

        Each method takes its arguments by keyword only, and returns the child process's reply.

        Raises:
            StudentError: the student's code raised an exception.
            Gone: the child ended before it replied, or its reply is malformed.
        """
        return cast(Answers, _Questions(self))

    def reply_to(self, question: str, /, **arguments: Any) -> Any:
        """Ask a question, and wait for the reply, whose type is given in `REPLIES`.

        Raises:
            StudentError, Gone: raised for the same reasons as by the methods of `ask`.
        """
        if self.ended is not None:
            raise Gone(self.ended)
        kind, max_bytes = REPLIES[self.part][question]
        with self.reading():
            frame = self._frame(question, arguments, max_bytes)
            if "error" in frame:
                raise StudentError(frame["error"])
            if not fits(frame["value"], kind):
                raise Disturbed
            return frame["value"]

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Turn any error that a malformed or missing reply causes in the `with` block into a
        `Gone`.

        Raises:
            Gone: the reply is malformed or missing; the child process cannot be asked anything else
                after that.
        """
        try:
            yield
        except Closed:
            self.ended = {}
            raise Gone(self.ended) from None
        except (Disturbed, *MALFORMED) as error:
            self.ended = {}
            raise Gone(self.ended, disturbed=True) from error

    @contextlib.contextmanager
    def helping(self, **functions: Callable[..., Any]) -> Iterator[None]:
        """During the `with` block, let the child process also call `functions`, which run in this
        process.
        """
        before = self.helps
        self.helps = {**before, **functions}
        try:
            yield
        finally:
            self.helps = before

    def finish(self) -> None:
        """Tell the child process to end, unless it has already ended."""
        if self.ended is None:
            with contextlib.suppress(Gone), self.reading():
                self._frame("no more", {}, FEW)

    def _frame(
        self, question: str, arguments: Mapping[str, Any], max_bytes: int
    ) -> Mapping[str, Any]:
        """Send a question to the child process, carry out the function calls that the child
        requests before it replies, and return the reply.

        Raises:
            Gone: the child has ended.
            Closed: the pipe is closed.
            Disturbed: the data in the pipe is malformed, too large or not from the child.
        """
        nonce, before = secrets.token_hex(16), self.clock.seconds
        send(self.write, nonce, {"ask": question, "arguments": arguments})
        while True:
            with self.clock:
                sender, frame = receive(self.read, max_bytes)
            if sender == self.nonce:
                self.ended = self._end(frame, before)
                raise Gone(self.ended)
            if sender != nonce:
                raise Disturbed
            if "call" not in frame:
                reply: Mapping[str, Any] = frame
                return reply
            help_with = self.helps[frame["call"]]
            for value in frame["arguments"].values():
                if getattr(value, "shape", ())[:1] > (MAX_ROWS,):
                    raise Disturbed
            send(self.write, nonce, help_with(**frame["arguments"]))

    def _end(self, reply: Mapping[str, Any], before: float) -> Mapping[str, Any]:
        """Return a description of how the child process ended.

        Args:
            reply: the report of how the child process ended, as received through the pipe for
                replies. If a private pipe exists, `reply` is ignored, and the report is read from
                the private pipe.
            before: the clock's reading when the question was asked.
        """
        if self.private is not None:  # the end is reported there first
            if not select.select([self.private], [], [], 0)[0]:
                raise Disturbed
            _, reply = receive(self.private, FEW)
        now = self.clock.seconds
        times = {"seconds": now - self.began, "last": now - before}
        ended: dict[str, Any] = reply["ended"] | times | {"limit": LIMITS[self.part]}
        return ended


class _Questions:
    """An object with one method for each question that can be asked about the child's part of the
    assignment (see `REPLIES`). Calling a method sends the question to the child process and returns
    the reply.
    """

    def __init__(self, child: Child[Any]) -> None:
        self._child = child

    def __getattr__(self, question: str) -> Callable[..., Any]:
        if question not in REPLIES[self._child.part]:
            raise AttributeError(f"there is no question {question} about {self._child.part}")
        return partial(self._child.reply_to, question)


DatasetChild = Child[DatasetAnswers]
LSTMChild = Child[LSTMAnswers]
TrainChild = Child[TrainAnswers]
GANChild = Child[GANAnswers]
ScriptChild = Child[Runs]  # a script that trains, an LSTM or a GAN


class Host:
    """Manages the warm process: a process that has already imported torch, and that starts a child
    process for each part of a submission.

    The host starts this process when it is first needed; once the process has been stopped, the
    next call of `child` starts a new one. This class does not use a sandbox.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self.private: int | None = None  # as in `Child`
        self.limits = LIMITS
        self.walls: Mapping[str, str] = WALLS
        self.helps: dict[str, Callable[..., Any]] = {}  # what every child may request
        self.clock = Clock()
        self.fresh: Mapping[str, Any] = {}  # `source` and `places` of `process.renewal`

    def __enter__(self) -> Self:
        """Start the warm process (see `Host`) now, so that it imports torch while this process does
        other work.

        Raises:
            OSError: the process cannot be started.
        """
        self._process = self._process or self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @overload
    def child(
        self, part: Literal["dataset"], root: str
    ) -> AbstractContextManager[DatasetChild]: ...
    @overload
    def child(self, part: Literal["lstm"], root: str) -> AbstractContextManager[LSTMChild]: ...
    @overload
    def child(self, part: Literal["train"], root: str) -> AbstractContextManager[TrainChild]: ...
    @overload
    def child(self, part: Literal["gan"], root: str) -> AbstractContextManager[GANChild]: ...
    @overload
    def child(self, part: Part, root: str) -> AbstractContextManager[Child[Any]]: ...
    @contextlib.contextmanager
    def child(self, part: Part, root: str) -> Iterator[Child[Any]]:
        """Start a child process for one part of a submission, and end the child process when the
        `with` block ends.

        Args:
            root: the path of the submission's folder as the child process sees it; in a sandbox, it
                may differ from the folder's path outside the sandbox.
        """
        process = self._process = self._process or self.start()
        assert process.stdin is not None
        assert process.stdout is not None
        nonce = secrets.token_hex(16)
        pipes = process.stdout.fileno(), process.stdin.fileno()
        began = self.clock.seconds
        child = Child[Any](part, *pipes, nonce, self.private, self.helps, self.clock, began)
        request = {"part": part, "root": root, "seconds": self.limits[part], "memory": MAX_BYTES}
        request |= {"fresh": self.fresh}
        try:
            with contextlib.suppress(Closed):  # the first question raises an error, too
                send(child.write, nonce, request)
            yield child
            child.finish()
            if not child.is_over:
                self.close()
        except BaseException:  # also Ctrl-C: a question may be without a reply
            if not child.is_over:
                self.close()
            raise

    def close(self) -> None:
        """End the process that has already imported torch (see `Host`), and all processes that it
        has started.

        The next call of `child` starts a new process that imports torch in advance.
        """
        if self._process is not None:
            process, self._process = self._process, None
            self.stop(process)

    def start(self) -> "subprocess.Popen[bytes]":
        """Start `toolkit.assignment.running` with unbuffered pipes for its input and output."""
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
        """Kill `process`, which is the warm process (it has already imported torch; see `Host`),
        and all processes that it has started.

        On Linux, the method kills only `process` itself, because the kernel then kills the
        processes that `process` has started.
        """
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
    """Return the environment variables for a child process, which limit it to one thread, hide any
    GPU and prevent plot windows.
    """
    package = str(Path(toolkit.__file__).parents[1])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "Agg",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    }
