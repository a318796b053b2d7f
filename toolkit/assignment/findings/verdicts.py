"""Collects the check's findings about one part of the assignment."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from toolkit.assignment.asking.host import LIMITS, MAX_BYTES, Gone, StudentError
from toolkit.assignment.findings.findings import Finding, Id, Placed, Raised, unanswered
from toolkit.assignment.findings.rules import claims, rules
from toolkit.assignment.findings.verify import is_pending, is_proved, proof_of
from toolkit.assignment.running.parts import Part
from toolkit.common.errors import in_short

Stopped = Literal["time-limit", "length-overflow"]  # ids for code that never returns

NAMED = 3  # names in one message
STOPS: tuple[Id, ...] = ("does-not-import", "does-not-run", "not-written", "time-limit")


class Verdicts:
    """The findings about one part of the assignment.

    Args:
        part: the part of the assignment that the findings are about.
        file: the path, relative to the submission's folder, of the file chosen for this part of the
            assignment; "" if there is no such file.
        progress: called at the beginning of each step of the check with a short description of the
            step.
        excused: modules whose failed import is not reported as a fault of this part. Each module's
            name is mapped to the missing file that should contain the module. The name of a package
            is mapped to "" if the student may use the package but it need not be installed here.
        notebooks: for each Python file that was converted from a notebook, the name of that
            notebook.
        walls: sentences that describe limits, keyed by the limits' names, as in `Host.walls`. These
            limits apply to the student's code on this host but not on an ordinary machine.
    """

    def __init__(
        self,
        part: Part,
        file: str,
        progress: Callable[[str], None] = lambda sentence: None,
        excused: Mapping[str, str] = {},
        walls: Mapping[str, str] = {},
        notebooks: Mapping[str, str] = {},
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

    def shown(self, file: str) -> str:
        """Return the name that a file has in the student's own folder."""
        return self._notebooks.get(file, file)

    def doing(self, work: str, stopped: Stopped = "time-limit") -> None:
        """Announce the next step of the check, and choose the fault to report if the student's code
        never finishes this step.
        """
        self.work, self.stopped = work, stopped
        self._progress(f"{self.part}: {work}")

    def right(self, name: str, /, proof: claims.Evidence, **fields: Any) -> None:
        """Add a finding with the verdict "right" and the message of the rule `[right.NAME]`.

        Args:
            proof: a claim, i.e. a condition on numbers, and the numbers that the check observed. If
                the numbers do not satisfy the claim, the finding is not added. If the rule lists
                faults that the finding would have ruled out, a finding with the verdict "not seen"
                is then added instead.
            fields: the values that the message mentions besides the numbers in `proof`.
        """
        rule = self._rules[f"right.{name}"]
        finding = Finding(
            verdict="right",
            part=self.part,
            message=rule.says.format(**{**proof.seen, **fields}),
            rule=f"right.{name}",
            fields=_as_texts(fields),
            proof=proof_of("right", rule.answers, proof),
            answers=rule.answers,
        )
        if is_proved(finding):
            self.findings.append(finding)
        elif rule.answers:
            self.not_seen("in-part", id=rule.answers[0], said=finding.message)

    def unanswered(self) -> None:
        """Add findings with the verdict "not seen": one for each group of related faults in this
        part about which there is no finding yet.

        Nothing is added unless every existing finding has the verdict "right", or the code stopped
        early and at least one existing finding has the verdict "right".
        """
        right = self._with("right")
        questions = unanswered(self.part, self.findings)
        if len(right) == len(self.findings):
            rule = "unanswered"
        elif right and self.has(*STOPS):
            rule = "after-stop"
        else:
            return
        for first, *_ in questions:
            self.not_seen(rule, id=first)

    def not_seen(
        self,
        name: str,
        /,
        *,
        id: Id | None = None,
        at: Placed | None = None,
        raised: StudentError | None = None,
        **fields: Any,
    ) -> None:
        """Add a finding with the verdict "not seen" and the message of the rule `[not-seen.NAME]`.

        Args:
            raised: the exception that the message reports.
        """
        rule = self._rules[f"not-seen.{name}"]
        file, line = _place(at)
        finding = Finding(
            verdict="not seen",
            part=self.part,
            id=id or rule.id,
            file=file,
            line=line,
            message=rule.says.format(id=id, **fields),
            rule=f"not-seen.{name}",
            fields=_as_texts(fields),
            raised=_as_field(raised),
        )
        self.findings.append(finding)

    def fault(
        self,
        name: str,
        /,
        *,
        equation: int | None = None,
        line: int | None = None,
        at: Placed | None = None,
        proof: claims.Evidence,
        function: str | None = None,
        raised: StudentError | None = None,
        **fields: Any,
    ) -> None:
        """Add a fault, located at `at` or at `line` in this part's file.

        Args:
            name: the name of the rule, `ID.NAME`.
            equation: the number of the equation that the student's code gets wrong, if the rule
                does not specify it.
            proof: a claim, i.e. a condition on numbers, and the numbers that the check observed.
                The fault is added only if the numbers satisfy the claim, or if the claim is merely
                that the code failed once. If the code failed once, the fault still has to be
                confirmed by a second run.
            function: the name of a function that is still to be written.
            raised: the exception that the message reports.
            fields: the values that the message mentions besides the numbers in `proof`.
        """
        rule = self._rules[name]
        if at is None:
            file = None
        else:
            file, line = _place(at)
        finding = Finding(
            verdict="wrong",
            part=self.part,
            id=rule.id,
            equation=equation or rule.equation,
            file=file or self.file or None,
            line=line,
            message=rule.says.format(**{**proof.seen, **fields}),
            rule=name,
            fields=_as_texts(fields),
            proof=proof_of("wrong", [rule.id], proof),
            function=function,
            raised=_as_field(raised),
        )
        if is_pending(finding) or is_proved(finding):  # a mere suspicion is left out
            self.findings.append(finding)

    def instead(
        self, finding: Finding, name: str, /, *, id: Id | None = None, **fields: Any
    ) -> Finding:
        """Return the finding to report in place of `finding`: a copy with the verdict "not seen"
        and the message of the rule `[not-seen.NAME]`.
        """
        rule = f"not-seen.{name}"
        says = self._rules[rule].says
        update = {
            "verdict": "not seen",
            "id": id,
            "message": says.format(said=finding.message, id=finding.id, **fields),
            "rule": rule,
            "fields": finding.fields | _as_texts({"instead": finding.rule, **fields}),
            "proof": None,
            "equation": None,
        }
        return finding.model_copy(update=update)

    def wall(self, names: Sequence[str]) -> str | None:
        """Return the description of the first limit in `names` that this host imposes, or None if
        it imposes none of them.
        """
        for name in names:
            if name in self._walls:
                return self._walls[name]
        return None

    def also(self, name: str, cause: Finding | None = None, /, **fields: Any) -> None:
        """Append the sentence of the rule `[also.NAME]` to the message of a fault: `cause` or, if
        `cause` is None, the first fault found so far.

        The appended sentence adds a fact about the fault, such as a consequence or the sequence
        length at which it occurs.
        """
        cause = cause or self.faults[0]
        if name in cause.also:
            return
        rule = self._rules[f"also.{name}"]
        update = {
            "message": f"{cause.message} {rule.says.format(**fields)}",
            "answers": (*cause.answers, *rule.answers),
            "also": (*cause.also, name),
        }
        self.findings[self.findings.index(cause)] = cause.model_copy(update=update)

    def has(self, *ids: Id) -> bool:
        """True if there is a fault with one of these ids."""
        return any(fault.id in ids for fault in self.faults)

    @property
    def faults(self) -> list[Finding]:
        """The faults so far."""
        return self._with("wrong")

    def _with(self, verdict: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.verdict == verdict]

    def error(
        self,
        error: StudentError,
        importing: bool = False,
        proof: claims.Evidence | None = None,
        passed: bool = False,
    ) -> None:
        """Report an exception that the student's code raised.

        Args:
            importing: True if the exception was raised while the file was imported.
            passed: True if the code went on with the next statement after the exception.
            proof: the proof that the exception is the fault of the student's code; if it is None, a
                second run must still confirm this.
        """
        kinds = error.types
        text = in_short(f"{kinds[0]}: {error.text}", 300)
        wall = self.wall(error.walls)
        if "NotImplementedError" in kinds:
            rule = "not-written.read" if error.text else "not-written.raised"
            happened = claims.shared.was_seen(kinds[0])
            self.fault(rule, at=error, raised=error, proof=happened, what=error.text)
        elif "UnknownParameter" in kinds:
            self.not_seen("parameter", at=error, parameter=error.text)
        elif wall is not None:
            said = f"The code stops with {text}."
            self.not_seen("wall", at=error, raised=error, wall=wall, said=said)
        elif any(word in text for word in ("CUDA", "cuda", "NVIDIA")):
            happened = claims.shared.was_seen(text)
            self.fault("fixed-device.asked", at=error, raised=error, proof=happened)
        elif "FileNotFoundError" in kinds:
            self.not_seen("not-handed-in", at=error, raised=error, problem=text)
        elif "ModuleNotFoundError" in kinds and error.module:
            self._missing_module(error, text)
        else:
            once = claims.shared.failed_once(error=text, place=[error.file, error.line])
            self._stop(error, text, importing, passed, proof or once)

    def _missing_module(self, error: StudentError, text: str) -> None:
        """Report that a module could not be imported."""
        package = _package(error)
        if package in self.excused:
            name = "counted" if self.excused[package] else "lacking"
            self.not_seen(name, at=error, package=package, file=self.excused[package])
        else:
            proof = claims.shared.failed_once(error=text, place=[error.file, error.line])
            self.fault("does-not-import.module", at=error, raised=error, proof=proof, problem=text)

    def _stop(
        self,
        error: StudentError,
        text: str,
        importing: bool,
        passed: bool,
        proof: claims.Evidence,
    ) -> None:
        """Report an exception whose cause, as far as the check knows, is the student's code
        itself.
        """
        is_exit = "SystemExit" in error.types
        if passed:
            self.fault("does-not-run.passed", at=error, raised=error, proof=proof)
        elif error.file in self._notebooks and not is_exit:
            self.fault("does-not-run.cell", at=error, raised=error, proof=proof)
        elif importing:
            proof = claims.shared.was_seen(text) if is_exit else proof  # exit is no error
            self.fault("does-not-import.raised", at=error, raised=error, proof=proof, problem=text)
        else:
            self.fault("does-not-run.raised", at=error, raised=error, proof=proof)

    def gone(self, gone: Gone) -> None:
        """Report that the student's process ended before it sent the expected reply."""
        limit = LIMITS[self.part]
        wall = self.wall(gone.walls)
        has_ended = not gone.late and gone.cpu < 0.9 * limit
        if gone.reason:
            self.not_seen("judge", reason=gone.reason, work=self.work)
        elif gone.disturbed:
            self.not_seen("disturbed", work=self.work)
        elif wall is not None:
            self.not_seen("wall", wall=wall, said=f"The code ended during this: {self.work}.")
        elif gone.busy:
            self.not_seen("busy", work=self.work)
        elif self.stopped == "time-limit" and has_ended:
            proof = claims.shared.was_seen(f"status {gone.status}")
            self.fault("time-limit.ended", proof=proof, work=self.work, memory=MAX_BYTES >> 30)
        elif gone.last < gone.seconds / 2:  # many replies took the time, and no single one
            self.not_seen("too-slow", work=self.work)
        else:
            cpu = max(gone.cpu, gone.late * limit)  # endless waiting takes no CPU time
            proof = claims.shared.limit_is_used_up(cpu, limit)
            self.fault(f"{self.stopped}.reached", proof=proof, work=self.work)


def _place(at: Placed | None) -> tuple[str | None, int | None]:
    """Return the file and the line number stored in `at`, or (None, None) if `at` is None."""
    if at is None:
        return None, None
    return at.file, at.line


def listed(names: Sequence[str]) -> str:
    """Return text that lists the first few names and says how many more there are."""
    shown = ", ".join(names[:NAMED])
    further = len(names) - NAMED
    if further > 0:
        shown += f" and {further} more"
    return shown


def _as_texts(fields: Mapping[str, object]) -> dict[str, str]:
    """Convert the values in a message to strings, because a finding stores only strings."""
    return {name: str(value) for name, value in fields.items()}


def _as_field(error: StudentError | None) -> Raised | None:
    """Return an exception in the form in which a finding stores it."""
    if error is None:
        return None
    return Raised(types=tuple(error.types), message=error.text, missing=error.missing)


def _package(error: StudentError) -> str:
    return (error.module or "").partition(".")[0]
