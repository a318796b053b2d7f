"""Data classes for the findings of a check, from which JSON, text and HTML pages are generated."""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Protocol, Self, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)

from toolkit.assignment.running.parts import PARTS, Part
from toolkit.common.errors import printable

Verdict = Literal["right", "wrong", "not seen"]
# What makes a fault certain: a reference with this deviation computes the student's numbers; the
# numbers satisfy a relation that only this fault makes true; the code fails after one change; the
# syntax shows the fault.
Kind = Literal["reproduced", "identity", "experiment", "read"]
Id = Literal[
    # of any part
    "missing-file", "does-not-import", "not-written", "does-not-run", "time-limit",
    "forbidden-module", "fixed-device", "missing-folder", "doubtful-record",
    # of the data set
    "not-a-palindrome", "wrong-label", "answer-in-input", "missing-digits", "length-overflow",
    "split-leak",
    # of the LSTM
    "wrong-equation", "nonzero-initial-state", "state-not-carried", "fixed-batch-size",
    "fixed-sequence-length", "parameter-not-learnable", "dead-parameter", "broken-gradient",
    "uninitialised-weight",
    # of training, in either part of the assignment
    "not-watched", "wrong-loss", "loss-not-last-step", "softmax-before-loss", "wrong-optimiser",
    "gradients-not-cleared", "clipping-without-effect", "tests-on-training-data", "does-not-learn",
    # of the GAN
    "wrong-noise", "wrong-shape", "output-range", "sigmoid-twice", "missing-detach",
    "wrong-direction", "one-sided-loss", "batchnorm-mode", "missing-interpolation",
    "wrong-interpolation", "interpolation-repeats-ends", "same-class-ends",
]  # fmt: skip
IDS: tuple[Id, ...] = get_args(Id)
# The questions of each judge. At most one of the faults of a question is present.
QUESTIONS: dict[Part, tuple[tuple[Id, ...], ...]] = {
    "dataset": (("not-a-palindrome", "wrong-label", "answer-in-input"), ("missing-digits",),
                ("length-overflow",)),
    "lstm": (("wrong-equation", "nonzero-initial-state", "state-not-carried", "loss-not-last-step"),
             ("fixed-batch-size", "fixed-sequence-length"), ("fixed-device",),
             ("parameter-not-learnable", "dead-parameter", "broken-gradient"), ("does-not-learn",)),
    "train": (("wrong-loss", "loss-not-last-step", "softmax-before-loss"), ("wrong-optimiser",),
              ("gradients-not-cleared", "does-not-learn")),
    "gan": (("wrong-noise",), ("wrong-shape", "output-range"), ("wrong-loss", "sigmoid-twice"),
            ("missing-detach", "gradients-not-cleared", "dead-parameter", "wrong-optimiser"),
            ("wrong-direction", "one-sided-loss"), ("batchnorm-mode",), ("same-class-ends",),
            ("missing-interpolation", "wrong-interpolation", "interpolation-repeats-ends")),
}  # fmt: skip


MAX_TEXT = 2000  # characters that are kept of a text


def _printable(text: object) -> object:
    """Return the first `MAX_TEXT` characters of a text, with a space in place of each unprintable
    character.

    The text may come from a student, so it may have any length and contain any characters.
    """
    if not isinstance(text, str):
        return text
    return printable(text[:MAX_TEXT])


Text = Annotated[str, BeforeValidator(_printable)]


class Placed(Protocol):
    """An object that names a file and a line; the path is relative to the student's folder."""

    @property
    def file(self) -> str | None: ...

    @property
    def line(self) -> int | None: ...


class Proof(BaseModel):
    """The proof of a finding: a named condition, called a claim, and the observed values that
    satisfy it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Kind
    claim: str  # its name in `rules.claims`; in reports of earlier versions, a sentence
    says: str = ""  # the claim as a sentence
    seen: dict[str, JsonValue]


class Raised(BaseModel):
    """An exception that the student's code raised."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    types: tuple[Text, ...]  # names of its class and of the base classes
    message: Text
    missing: Text | None = None  # the path of a file that was not found


class Finding(BaseModel):
    """The result of checking one property of a submission; the verdict is right, wrong or not seen.

    The message is for people. A program should read only the other fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    verdict: Verdict
    part: Part
    id: Id | None = None  # the stable name of what is wrong
    equation: Annotated[int, Field(ge=1, le=10)] | None = None  # as the assignment numbers them
    file: Text | None = None  # relative to the folder that was checked
    cell: int | None = None  # the number of a notebook's code cell, from 1
    line: int | None = None  # the likely line, from 1; in a notebook, within the cell
    message: Text  # one or two sentences for the student
    rule: str = ""  # the name of the sentence in `rules`; "" in reports of earlier versions
    fields: dict[str, Text] = {}  # values in the sentence that are not in the proof
    proof: Proof | None = None  # None in reports of earlier versions
    answers: tuple[Id, ...] = ()  # these faults are absent, or explained by this one
    function: Text | None = None  # the name of a function that is still to be written
    raised: Raised | None = None  # the exception that the message reports
    also: tuple[str, ...] = ()  # rules whose sentences were added to the message

    @model_validator(mode="after")
    def _wrong_has_a_name(self) -> Self:
        if self.verdict == "wrong" and self.id is None:
            raise ValueError("what is wrong needs an id")
        return self

    @property
    def reason(self) -> tuple[object, ...]:
        """A key for detecting duplicates; it is equal for findings that report the same fault or
        result.

        For a finding with an id, the key is this id. Otherwise, the key consists of the rule's
        name, the ids in `answers`, and the values in `fields`.
        """
        if self.id is not None:
            return (self.id,)
        return (self.rule, self.answers, *sorted(self.fields.items()))


def unanswered(part: Part, findings: Iterable[Finding]) -> list[tuple[Id, ...]]:
    """Return the questions about a part of the assignment that no finding answers. Each question is
    a tuple of the ids of several faults. The question asks which of these faults, if any, the code
    has.
    """
    answered: set[Id | None] = set()
    for finding in findings:
        if finding.part == part:
            answered |= {finding.id, *finding.answers}
    return [ids for ids in QUESTIONS[part] if answered.isdisjoint(ids)]


def _order(finding: Finding) -> tuple[int, str, int, int]:
    """Return a finding's sort key, which consists of its part, file, cell and line."""
    file, cell, line = finding.file or "", finding.cell or 0, finding.line or 0
    return PARTS.index(finding.part), file, cell, line


class Report(BaseModel):
    """All findings about one submission; `check --json` prints them as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    passed: bool  # everything was seen, and everything is right
    files: dict[Part, str] = {}  # which file was taken for which part
    findings: list[Finding]
    not_seen: list[Finding] = []
    right: list[Finding] = []

    def as_json(self) -> str:
        """Return the report as JSON in ASCII, which every console can show."""
        return json.dumps(self.model_dump(mode="json"), indent=2)

    @model_validator(mode="after")
    def _all_fits(self) -> Self:
        listed = {"wrong": self.findings, "not seen": self.not_seen, "right": self.right}
        for verdict, findings in listed.items():
            if any(finding.verdict != verdict for finding in findings):
                raise ValueError(f"these findings must all be {verdict!r}")
        if self.passed != (not self.findings and not self.not_seen):
            raise ValueError("passed contradicts the findings")
        return self

    @classmethod
    def of(cls, findings: Iterable[Finding], files: Mapping[Part, str] = {}) -> Self:
        """Create a report: sort the findings by verdict and location, and drop duplicates.

        Args:
            findings: the findings, in any order and with any verdicts.
            files: the file that was checked for each part.
        """
        by_verdict: dict[Verdict, list[Finding]] = {"right": [], "wrong": [], "not seen": []}
        known = set()
        for finding in findings:
            place = (finding.file, finding.cell, finding.line)
            key = (finding.verdict, finding.reason, finding.part, finding.equation, place)
            if key not in known:
                known.add(key)
                by_verdict[finding.verdict].append(finding)
        for listed in by_verdict.values():
            listed.sort(key=_order)
        wrong, not_seen = by_verdict["wrong"], by_verdict["not seen"]
        return cls(
            passed=not wrong and not not_seen,
            files=dict(files),
            findings=wrong,
            not_seen=not_seen,
            right=by_verdict["right"],
        )

    @property
    def exit_code(self) -> int:
        """The exit code: 0 if everything is right, 1 if something is wrong, and 3 if nothing is
        wrong but something could not be checked.
        """
        if self.findings:
            return 1
        return 3 if self.not_seen else 0
