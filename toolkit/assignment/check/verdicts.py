"""What the judge says about one part, gathered as it goes along."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, Protocol

from toolkit.assignment.check.findings import Finding, Id
from toolkit.assignment.check.host import LIMITS, MAX_BYTES, Gone, StudentError
from toolkit.assignment.check.verify import accepted, proof_of
from toolkit.assignment.parts import Part

Stopped = Literal["time-limit", "length-overflow"]  # the ids of what never comes back

STOPPED: dict[Stopped, str] = {
    "time-limit": "The code did not come back from this: {}. Look for an endless loop, or for work "
    'that is done when the file is imported and belongs under if __name__ == "__main__".',
    "length-overflow": "The code did not come back, or ran out of memory, when it was asked for "
    "palindromes longer than 36 digits. How large is 10 to the power of half the length? Does "
    "anything count up to that number, or store as many items?",
}
QUESTIONS: dict[Part, tuple[Id, ...]] = {  # that each judge answers, one way or another
    "dataset": ("not-a-palindrome", "wrong-label", "answer-in-input", "length-overflow"),
    "lstm": ("wrong-equation", "nonzero-initial-state", "state-not-carried", "fixed-batch-size",
             "fixed-sequence-length", "parameter-not-learnable", "dead-parameter",
             "broken-gradient", "fixed-device", "does-not-learn"),
    "train": ("wrong-loss", "loss-not-last-step", "softmax-before-loss", "wrong-optimiser",
              "gradients-not-cleared", "does-not-learn"),
    "gan": ("wrong-noise", "wrong-shape", "output-range", "wrong-loss", "sigmoid-twice",
            "missing-detach", "gradients-not-cleared", "dead-parameter", "wrong-optimiser",
            "wrong-direction", "one-sided-loss", "missing-interpolation", "wrong-interpolation",
            "interpolation-repeats-ends", "same-class-ends"),
}  # fmt: skip
ENDED = (
    "The process ended during this: {}. Look for a call of exit, or for something that needs more "
    "than the {} GiB of memory it has."
)


class Placed(Protocol):
    """Something in a student's code; the file is relative to their folder."""

    @property
    def file(self) -> str | None: ...

    @property
    def line(self) -> int | None: ...


class Place(NamedTuple):
    """A place in a student's code."""

    file: str | None
    line: int | None


class Verdicts:
    """The findings about one part.

    Args:
        part: what is judged.
        file: where it is, relative to the submission.
        progress: called with a sentence when a new piece of work begins.
        excused: modules whose absence is no fault of this part, and why they are not there.
    """

    def __init__(
        self,
        part: Part,
        file: str,
        progress: Callable[[str], None],
        excused: Mapping[str, str] = {},
    ) -> None:
        self.part = part
        self.file = file
        self.findings: list[Finding] = []
        self.excused = excused
        self.facts: set[str] = set()  # what the judges of other parts need to know
        self.reached: float | None = None  # accuracy at T = 5 after the check's own training
        self.answered: set[str] = set()  # ids of what was looked for
        self.work = "starting"
        self.stopped: Stopped = "time-limit"
        self._progress = progress

    def doing(self, what: str, stopped: Stopped = "time-limit") -> None:
        """Say what comes next, and which finding it is if the code never comes back from it."""
        self.work, self.stopped = what, stopped
        self._progress(f"{self.part}: {what}")

    def right(self, sentence: str, answers: str = "") -> None:
        """Something was seen and is as the assignment asks: none of these ids is in it."""
        self.answered |= set(answers.split())
        self.findings.append(Finding(verdict="right", part=self.part, message=sentence))

    def unanswered(self) -> None:
        """Say which questions have no answer, where all seems to be right."""
        if self.answered and all(finding.verdict == "right" for finding in self.findings):
            for id in QUESTIONS[self.part]:
                if id not in self.answered:
                    self.not_seen(f"This was not looked at: {id}.", id=id)

    def not_seen(self, sentence: str, *, id: Id | None = None, at: Placed | None = None) -> None:
        """Something could not be found out; it is neither right nor wrong.

        Args:
            id: the one fault that it leaves open; None if it leaves open all of this part.
        """
        place: dict[str, Any] = {"file": at.file, "line": at.line} if at else {}
        self.findings.append(
            Finding(verdict="not seen", part=self.part, id=id, message=sentence, **place)
        )

    def fault(
        self,
        id: Id,
        message: str,
        *,
        equation: int | None = None,
        line: int | None = None,
        at: Placed | None = None,
        proof: Mapping[str, Any],
    ) -> None:
        """Something is wrong, in a line of this part's file, or where something was seen.

        Args:
            proof: what was seen, by the names in `verify.CLAIMS`; what it does not prove is not
                seen.
        """
        file, line = (at.file, at.line) if at else (None, line)
        finding = Finding(
            verdict="wrong",
            part=self.part,
            id=id,
            equation=equation,
            file=file or self.file,
            line=line,
            message=message,
            proof=proof_of(id, proof),
        )
        self.findings.append(accepted(finding))

    def also(self, sentence: str) -> None:
        """Say inside the first fault what it accounts for: one cause is one finding."""
        number = next(k for k, f in enumerate(self.findings) if f.verdict == "wrong")
        first = self.findings[number]
        message = f"{first.message} {sentence}"
        self.findings[number] = first.model_copy(update={"message": message})

    def has(self, *ids: Id) -> bool:
        """Whether a fault with one of these names was found."""
        return any(f.verdict == "wrong" and f.id in ids for f in self.findings)

    @property
    def faults(self) -> list[Finding]:
        """What is wrong so far."""
        return [finding for finding in self.findings if finding.verdict == "wrong"]

    def error(self, error: StudentError, importing: bool = False) -> None:
        """Their code raised something: say what that means for them."""
        kinds = error.types
        text = f"{kinds[0]}: {error.text}".strip().splitlines()[0][:300]
        once: dict[str, Any] = {"said": text, "where": [error.file, error.line]}
        if "NotImplementedError" in kinds:
            what = f": {error.text}" if error.text else ""
            self.fault(
                "not-written",
                f"This is still to be written{what}.",
                at=error,
                proof={"happened": kinds[0]},
            )
        elif "UnknownParameter" in kinds:
            self.not_seen(
                "This was not tried, because the check does not know what to pass for "
                f"{error.text}. Give this parameter a default, or a name from the assignment: "
                "seq_length, input_dim, hidden_dim, output_dim, batch_size, device.",
                at=error,
            )
        elif any(word in text for word in ("CUDA", "cuda", "NVIDIA")):
            self.fault(
                "fixed-device",
                f"The code asks for a GPU, and there is none ({text}). The same code should run on "
                "a CPU. What decides where a tensor goes?",
                at=error,
                proof={"happened": text},
            )
        elif "FileNotFoundError" in kinds:
            self.not_seen(
                f"The code needs something that was not handed in ({text}), so what follows was "
                "not seen.",
                at=error,
            )
        elif "ModuleNotFoundError" in kinds and _package(error) in self.excused:
            self.not_seen(f"This was not checked: {self.excused[_package(error)]}.", at=error)
        elif error.module and "ModuleNotFoundError" in kinds:
            self.fault(
                "does-not-import",
                f"Python cannot import this file: {text}. Is that module in the folder that you "
                "hand in?",
                at=error,
                proof=once,
            )
        elif importing:
            message = f"Python cannot import this file: {text}."
            proof = {"happened": text} if "SystemExit" in kinds else once  # exit is no error
            self.fault("does-not-import", message, at=error, proof=proof)
        else:
            self.fault("does-not-run", f"The code stops with {text}.", at=error, proof=once)

    def gone(self, gone: Gone) -> None:
        """Their process ended before its last answer: say what that means."""
        limit = LIMITS[self.part]
        if gone.reason:
            self.not_seen(f"{gone.reason} This was not looked at: {self.work}.")
        elif gone.disturbed:
            self.not_seen(
                "Something other than an answer came from the process that runs the code, during "
                f"this: {self.work}. What follows was not looked at."
            )
        elif gone.late and gone.cpu < 0.9 * limit and gone.seconds > 4 * limit:
            self.not_seen(f"This machine was too busy to finish this: {self.work}.")
        elif self.stopped == "time-limit" and not gone.late and gone.cpu < 0.9 * limit:
            message = ENDED.format(self.work, MAX_BYTES >> 30)
            self.fault("time-limit", message, proof={"happened": f"status {gone.status}"})
        else:
            cpu = max(gone.cpu, gone.late * limit)  # waiting without end takes none
            self.fault(
                self.stopped,
                STOPPED[self.stopped].format(self.work),
                proof={"cpu": cpu, "limit": limit},
            )


def _package(error: StudentError) -> str:
    return (error.module or "").partition(".")[0]
