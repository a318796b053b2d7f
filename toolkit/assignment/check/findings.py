"""What a check finds: faults with stable names, what is right, and what could not be seen."""

import json
from dataclasses import asdict, dataclass, field
from typing import Literal, get_args

from toolkit.common.errors import ToolkitError

Part = Literal["dataset", "lstm", "train", "gan"]
PARTS: tuple[Part, ...] = get_args(Part)
Id = Literal[
    # of any part
    "missing-file", "does-not-import", "not-written", "does-not-run", "time-limit",
    "forbidden-module", "fixed-device",
    # of the data set
    "not-a-palindrome", "wrong-label", "answer-in-input", "missing-digits", "length-overflow",
    "split-leak",
    # of the LSTM
    "wrong-equation", "nonzero-initial-state", "state-not-carried", "fixed-batch-size",
    "fixed-sequence-length", "parameter-not-learnable", "dead-parameter", "broken-gradient",
    # of training, in either part of the assignment
    "not-watched", "wrong-loss", "loss-not-last-step", "softmax-before-loss", "wrong-optimiser",
    "gradients-not-cleared", "does-not-learn",
    # of the GAN
    "wrong-noise", "wrong-shape", "output-range", "sigmoid-twice", "missing-detach",
    "batchnorm-mode", "missing-interpolation", "wrong-interpolation",
    "interpolation-repeats-ends", "same-class-ends",
]  # fmt: skip
IDS: tuple[Id, ...] = get_args(Id)
FILES: dict[Part, str] = {
    "dataset": "dataset.py",
    "lstm": "lstm.py",
    "train": "train.py",
    "gan": "my_gan.py",
}
TITLES: dict[Part, str] = {
    "dataset": "Part I, palindromes (dataset.py)",
    "lstm": "Part I, the LSTM (lstm.py)",
    "train": "Part I, training (train.py)",
    "gan": "Part II, the GAN (my_gan.py)",
}


class CheckFailed(ToolkitError):
    """A check could not be done to its end, for reasons of its own or of the machine."""

    exit_code = 2


@dataclass(frozen=True)
class Finding:
    """One fault."""

    id: Id  # stable
    part: Part
    equation: int | None  # 1 to 10, as the assignment numbers them
    file: str | None  # relative to what was checked
    line: int | None  # the likely one, from 1
    message: str  # plain words: what is wrong, and what to look at


@dataclass
class Report:
    """All that a check has to say about one submission."""

    findings: list[Finding] = field(default_factory=list)
    right: list[tuple[Part, str]] = field(default_factory=list)
    notes: list[tuple[Part, str]] = field(default_factory=list)  # not faults: could not be seen
    unfinished: list[tuple[Part, str]] = field(default_factory=list)  # where the check failed

    @property
    def passed(self) -> bool:
        """Whether all was looked at that can be, and nothing is wrong."""
        return not self.findings and not self.unfinished

    def add(self, finding: Finding) -> None:
        """Add a fault, unless the same one is there already."""
        known = {(f.id, f.part, f.equation, f.file, f.line) for f in self.findings}
        if (finding.id, finding.part, finding.equation, finding.file, finding.line) not in known:
            self.findings.append(finding)

    def raise_unfinished(self) -> None:
        """Raise a CheckFailed where not all could be looked at; the rest of the report stands."""
        if self.unfinished:
            sentences = " ".join(sentence for _, sentence in self.unfinished)
            raise CheckFailed(f"{sentences} This is no verdict on your code. Check again.")

    def as_json(self) -> str:
        """`{"passed": bool, "findings": [...]}`, each with the fields of `Finding`."""
        content = {"passed": self.passed, "findings": [asdict(f) for f in self.findings]}
        return json.dumps(content, indent=2)

    def as_text(self) -> str:
        """For people: part by part what is right, what is wrong and where, and the count."""
        lines: list[str] = []
        for part in PARTS:
            lines.append(TITLES[part])
            lines += [f"  right  {sentence}" for p, sentence in self.right if p == part]
            for finding in (f for f in self.findings if f.part == part):
                word = "to do" if finding.id == "not-written" else "WRONG"
                lines.append(f"  {word}  {_place(finding)}{finding.message}  [{finding.id}]")
            lines += [f"  note   {text}" for p, text in self.notes + self.unfinished if p == part]
            lines.append("")
        unwritten = sum(f.id == "not-written" for f in self.findings)
        if wrong := len(self.findings) - unwritten:
            things = "1 thing is" if wrong == 1 else f"{wrong} things are"
            lines.append(f"{things} wrong. Mend the first and check again: faults hide others.")
        elif unwritten:
            pieces = "1 piece is" if unwritten == 1 else f"{unwritten} pieces are"
            lines.append(f"{pieces} still to be written; what is written has no fault yet.")
        elif not self.unfinished:
            lines.append("Nothing wrong was found.")
        return "\n".join(lines)


def _place(finding: Finding) -> str:
    if finding.file is None:
        return ""
    line = "" if finding.line is None else f":{finding.line}"
    equation = "" if finding.equation is None else f", equation ({finding.equation})"
    return f"{finding.file}{line}{equation}: "
