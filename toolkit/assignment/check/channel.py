"""What a checking process tells its parent, a JSON line at a time."""

import json
from pathlib import Path
from typing import Any, Protocol, TextIO

from toolkit.assignment.check.findings import Id, Part
from toolkit.assignment.check.student.submission import explain


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
        word: stands before each, so that it is known from what others write there.
        part: what is being checked.
        root: the student's folder.
        file: the file of this part, relative to the root.
    """

    def __init__(self, stream: TextIO, word: str, part: Part, root: Path, file: str) -> None:
        self.stream = stream
        self.word = word
        self.part = part
        self.root = root
        self.file = file
        self.faults: list[tuple[Id, int | None]] = []  # (id, equation)

    def doing(self, what: str, stopped: Id = "time-limit") -> None:
        """Say what comes next, and the finding that it is if the code never comes back."""
        self._send(doing=what, stopped=stopped)

    def right(self, sentence: str) -> None:
        """Something is as the assignment wants it."""
        self._send(right=sentence)

    def note(self, sentence: str) -> None:
        """Something could not be found out."""
        self._send(note=sentence)

    def unfinished(self, sentence: str) -> None:
        """The check itself failed; this is no verdict on the student's code."""
        self._send(unfinished=sentence)

    def fact(self, name: str) -> None:
        """Something that another part's check wants to know."""
        self._send(fact=name)

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
        self._send(id=id, message=message, equation=equation, line=line, file=file or self.file)

    def has(self, *ids: Id) -> bool:
        """Whether a fault with one of these names was found."""
        return any(id in ids for id, _ in self.faults)

    def error(self, error: BaseException, importing: bool = False) -> None:
        """The student's code raised something."""
        fault = explain(error, self.root, importing)
        self.fault(fault.id, fault.message, at=fault)

    def finished(self) -> None:
        """Nothing more will come."""
        self._send(finished=True)

    def _send(self, **content: Any) -> None:
        self.stream.write(f"{self.word} {json.dumps(content)}\n")
        self.stream.flush()
