"""What a checking process tells its parent, a JSON line at a time."""

from pathlib import Path
from typing import Literal, Protocol, TextIO

from pydantic import BaseModel, ConfigDict

from toolkit.assignment.check.findings import Finding, Id, Text
from toolkit.assignment.check.student.submission import diagnose
from toolkit.assignment.parts import Part

Stopped = Literal["time-limit", "length-overflow"]  # the ids of what never comes back


class Doing(BaseModel):
    """The work that begins, and what it means if the code never comes back from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    what: Text
    stopped: Stopped


class Message(BaseModel):
    """One line from the child; exactly one of its fields is set."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    finding: Finding | None = None
    unfinished: Finding | None = None  # the check itself failed
    doing: Doing | None = None
    fact: str | None = None  # something that another part's check wants to know
    finished: bool = False  # nothing more will come


class Placed(Protocol):
    """Something in a student's code; the file is relative to their folder."""

    @property
    def file(self) -> str | None: ...

    @property
    def line(self) -> int | None: ...


class Channel:
    """Passes findings on at once, so that code that never comes back loses only what follows.

    Args:
        stream: where the lines go.
        nonce: stands before each line; nobody else knows it, so the line comes from the check.
        part: what is being checked.
        root: the student's folder.
        file: the file of this part, relative to the root.
    """

    def __init__(self, stream: TextIO, nonce: str, part: Part, root: Path, file: str) -> None:
        self.stream = stream
        self.nonce = nonce
        self.part = part
        self.root = root
        self.file = file
        self.faults: list[tuple[Id, int | None]] = []  # (id, equation)

    def doing(self, what: str, stopped: Stopped = "time-limit") -> None:
        """Say what comes next, and which finding it is if the code never comes back."""
        self._send(Message(doing=Doing(what=what, stopped=stopped)))

    def right(self, sentence: str) -> None:
        """Something is as the assignment wants it."""
        self._send(Message(finding=Finding(verdict="right", part=self.part, message=sentence)))

    def not_seen(self, sentence: str) -> None:
        """Something could not be found out."""
        self._send(Message(finding=Finding(verdict="not seen", part=self.part, message=sentence)))

    def unfinished(self, sentence: str) -> None:
        """The check itself failed; this is not a verdict on the student's code."""
        self._send(
            Message(unfinished=Finding(verdict="not seen", part=self.part, message=sentence))
        )

    def fact(self, name: str) -> None:
        """Something that another part's check wants to know."""
        self._send(Message(fact=name))

    def fault(
        self,
        id: Id,
        message: str,
        *,
        equation: int | None = None,
        line: int | None = None,
        at: Placed | None = None,
    ) -> None:
        """Something is wrong, in a line of this part's file, or where something was seen."""
        self.faults.append((id, equation))
        file, line = (at.file, at.line) if at else (None, line)
        finding = Finding(
            verdict="wrong",
            part=self.part,
            id=id,
            equation=equation,
            file=file or self.file,
            line=line,
            message=message,
        )
        self._send(Message(finding=finding))

    def has(self, *ids: Id) -> bool:
        """Whether a fault with one of these names was found."""
        return any(id in ids for id, _ in self.faults)

    def error(self, error: BaseException, importing: bool = False) -> None:
        """The student's code raised something."""
        fault = diagnose(error, self.root, importing)
        self.fault(fault.id, fault.message, at=fault)

    def finished(self) -> None:
        """Nothing more will come."""
        self._send(Message(finished=True))

    def _send(self, message: Message) -> None:
        self.stream.write(f"{self.nonce} {message.model_dump_json(exclude_defaults=True)}\n")
        self.stream.flush()
