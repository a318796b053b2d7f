"""What a check finds: faults with stable names, what is right, and what could not be seen."""

import json
from dataclasses import asdict, dataclass, field
from typing import Literal, get_args

Part = Literal["dataset", "lstm", "train", "gan"]
PARTS: tuple[Part, ...] = get_args(Part)
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


@dataclass(frozen=True)
class Finding:
    """One fault."""

    id: str  # stable, e.g. "wrong-equation"
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

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def add(self, finding: Finding) -> None:
        """Add a fault, unless the same one is there already."""
        known = {(f.id, f.part, f.equation, f.file, f.line) for f in self.findings}
        if (finding.id, finding.part, finding.equation, finding.file, finding.line) not in known:
            self.findings.append(finding)

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
            lines += [f"  note   {sentence}" for p, sentence in self.notes if p == part]
            lines.append("")
        unwritten = sum(f.id == "not-written" for f in self.findings)
        if wrong := len(self.findings) - unwritten:
            things = "1 thing is" if wrong == 1 else f"{wrong} things are"
            lines.append(f"{things} wrong. Mend the first and check again: faults hide others.")
        elif unwritten:
            pieces = "1 piece is" if unwritten == 1 else f"{unwritten} pieces are"
            lines.append(f"{pieces} still to be written; what is written has no fault yet.")
        else:
            lines.append("Nothing wrong was found.")
        return "\n".join(lines)


def _place(finding: Finding) -> str:
    if finding.file is None:
        return ""
    line = "" if finding.line is None else f":{finding.line}"
    equation = "" if finding.equation is None else f", equation ({finding.equation})"
    return f"{finding.file}{line}{equation}: "
