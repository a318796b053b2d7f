"""What the judge says about one part, gathered as it goes along."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal

from toolkit.assignment.check.findings import Finding, Id, Placed, unanswered
from toolkit.assignment.check.host import LIMITS, MAX_BYTES, Gone, StudentError
from toolkit.assignment.check.rules import rules
from toolkit.assignment.check.verify import is_pending, is_proved, proof_of, proof_of_right
from toolkit.assignment.parts import Part
from toolkit.common.errors import in_short

Stopped = Literal["time-limit", "length-overflow"]  # the ids of what never comes back

NAMED = 3  # in one message
STOPS: tuple[Id, ...] = ("does-not-import", "does-not-run", "not-written", "time-limit")


class Verdicts:
    """The findings about one part.

    Args:
        part: what is judged.
        file: where it is, relative to the submission; "" if it is not there.
        progress: called with a sentence when a new piece of work begins.
        excused: modules whose absence is no fault of this part: the name, and the file of another
            part that is not there; "" where only this machine lacks it.
        notebooks: files that hold the cells of a notebook.
        walls: what the code may not do here and may elsewhere: as of a `Host`.
    """

    def __init__(
        self,
        part: Part,
        file: str,
        progress: Callable[[str], None] = lambda sentence: None,
        excused: Mapping[str, str] = {},
        walls: Mapping[str, str] = {},
        notebooks: Collection[str] = (),
    ) -> None:
        self.part = part
        self.file = file
        self.findings: list[Finding] = []
        self.excused = excused
        self._walls = walls
        self._notebooks = notebooks
        self.facts: set[str] = set()  # what the judges of other parts need to know
        self.reached: float | None = None  # accuracy at T = 5 after the check's own training
        self.work = "starting"
        self.stopped: Stopped = "time-limit"
        self._progress = progress
        self._rules = rules(part)

    def doing(self, what: str, stopped: Stopped = "time-limit") -> None:
        """Say what comes next, and which finding it is if the code never comes back from it."""
        self.work, self.stopped = what, stopped
        self._progress(f"{self.part}: {what}")

    def right(self, name: str, /, proof: Mapping[str, Any] | None = None, **seen: Any) -> None:
        """Something was seen and is as the assignment asks: `[right.NAME]` in the rules.

        Args:
            proof: what was seen, by the names in `verify.RIGHT`; what it does not prove is not
                seen.
            seen: what else the sentence mentions.
        """
        rule = self._rules[f"right.{name}"]
        finding = Finding(
            verdict="right",
            part=self.part,
            message=rule.says.format(**{**(proof or {}), **seen}),
            proof=None if proof is None else proof_of_right(rule.answers, proof),
            answers=rule.answers,
        )
        if proof is None or is_proved(finding):
            self.findings.append(finding)
        elif rule.answers:
            self.not_seen("in-part", id=rule.answers[0], said=finding.message)

    def unanswered(self) -> None:
        """Say which questions have no answer, where nothing else is said against this part, or
        where its code stopped in the middle."""
        right = [finding for finding in self.findings if finding.verdict == "right"]
        left = unanswered(self.part, self.findings)
        if len(right) == len(self.findings):
            for first, *_ in left:
                self.not_seen("unanswered", id=first)
        elif right and self.has(*STOPS):
            for first, *_ in left:
                self.not_seen("after-stop", id=first)

    def not_seen(
        self, name: str, /, *, id: Id | None = None, at: Placed | None = None, **seen: Any
    ) -> None:
        """Something could not be found out, and is neither right nor wrong: `[not-seen.NAME]`."""
        rule = self._rules[f"not-seen.{name}"]
        finding = Finding(
            verdict="not seen",
            part=self.part,
            id=id or rule.id,
            file=at.file if at else None,
            line=at.line if at else None,
            message=rule.says.format(id=id, **seen),
        )
        self.findings.append(finding)

    def fault(
        self,
        rule: str,
        /,
        *,
        equation: int | None = None,
        line: int | None = None,
        at: Placed | None = None,
        proof: Mapping[str, Any],
        **seen: Any,
    ) -> None:
        """Something is wrong, in a line of this part's file, or where something was seen.

        Args:
            rule: `ID.NAME`, as the rules have it.
            equation: the one that is wrong, where the rule may be about several.
            proof: what was seen, by the names in `verify.CLAIMS`; what it does not prove is not
                seen.
            seen: what else the sentence mentions.
        """
        id: Any = rule.partition(".")[0]  # the rules are valid, and so are their ids
        said = self._rules[rule]
        file, line = (at.file, at.line) if at else (None, line)
        finding = Finding(
            verdict="wrong",
            part=self.part,
            id=id,
            equation=equation or said.equation,
            file=file or self.file or None,
            line=line,
            message=said.says.format(**{**proof, **seen}),
            proof=proof_of(id, proof),
        )
        if not (is_pending(finding) or is_proved(finding)):
            finding = self.instead(finding, "unproved", id=id)
        self.findings.append(finding)

    def instead(
        self, finding: Finding, name: str, /, *, id: Id | None = None, **seen: Any
    ) -> Finding:
        """What there is to say in place of a finding: `[not-seen.NAME]`."""
        seen |= {"said": finding.message, "id": finding.id}
        message = self._rules[f"not-seen.{name}"].says.format(**seen)
        update = {"verdict": "not seen", "id": id, "message": message}
        return finding.model_copy(update=update | dict.fromkeys(("proof", "equation")))

    def wall(self, names: Sequence[str]) -> str | None:
        """The first wall of these that stands where the code runs, as a sentence; None if none."""
        return next((self._walls[name] for name in names if name in self._walls), None)

    def also(self, name: str, cause: Finding | None = None, /, **seen: Any) -> None:
        """Say inside a fault, or the first, what it accounts for: `[also.NAME]` in the rules."""
        cause = cause or self.faults[0]
        rule = self._rules[f"also.{name}"]
        sentence = rule.says.format(**seen)
        if sentence not in cause.message:
            answers = (*cause.answers, *rule.answers)
            update = {"message": f"{cause.message} {sentence}", "answers": answers}
            self.findings[self.findings.index(cause)] = cause.model_copy(update=update)

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
        text = in_short(f"{kinds[0]}: {error.text}", 300)
        once: dict[str, Any] = {"said": text, "where": [error.file, error.line]}
        if "NotImplementedError" in kinds:
            what = f": {error.text}" if error.text else ""
            self.fault("not-written.raised", at=error, proof={"happened": kinds[0]}, what=what)
        elif "UnknownParameter" in kinds:
            self.not_seen("parameter", at=error, parameter=error.text)
        elif (wall := self.wall(error.walls)) is not None:
            self.not_seen("wall", at=error, wall=wall, problem=f"The code stops with {text}.")
        elif any(word in text for word in ("CUDA", "cuda", "NVIDIA")):
            self.fault("fixed-device.asked", at=error, proof={"happened": text})
        elif "FileNotFoundError" in kinds:
            self.not_seen("not-handed-in", at=error, problem=text)
        elif "ModuleNotFoundError" in kinds and _package(error) in self.excused:
            package = _package(error)
            name = "counted" if self.excused[package] else "lacking"
            self.not_seen(name, at=error, package=package, file=self.excused[package])
        elif error.module and "ModuleNotFoundError" in kinds:
            self.fault("does-not-import.module", at=error, proof=once, problem=text)
        elif error.file in self._notebooks and "SystemExit" not in kinds:
            self.fault("does-not-run.cell", at=error, proof=once)
        elif importing:
            proof = {"happened": text} if "SystemExit" in kinds else once  # exit is no error
            self.fault("does-not-import.raised", at=error, proof=proof, problem=text)
        else:
            self.fault("does-not-run.raised", at=error, proof=once)

    def gone(self, gone: Gone) -> None:
        """Their process ended before its last answer: say what that means."""
        limit = LIMITS[self.part]
        if gone.reason:
            self.not_seen("judge", reason=gone.reason, work=self.work)
        elif gone.disturbed:
            self.not_seen("disturbed", work=self.work)
        elif (wall := self.wall(gone.walls)) is not None:
            self.not_seen("wall", wall=wall, problem=f"The code ended during this: {self.work}.")
        elif gone.busy:
            self.not_seen("busy", work=self.work)
        elif self.stopped == "time-limit" and not gone.late and gone.cpu < 0.9 * limit:
            proof: dict[str, Any] = {"happened": f"status {gone.status}"}
            self.fault("time-limit.ended", proof=proof, work=self.work, memory=MAX_BYTES >> 30)
        elif gone.last < gone.seconds / 2:  # many answers take long, and not one of them
            self.not_seen("too-slow", work=self.work)
        else:
            cpu = max(gone.cpu, gone.late * limit)  # waiting without end takes none
            proof = {"cpu": cpu, "limit": limit}
            self.fault(f"{self.stopped}.reached", proof=proof, work=self.work)


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _package(error: StudentError) -> str:
    return (error.module or "").partition(".")[0]
