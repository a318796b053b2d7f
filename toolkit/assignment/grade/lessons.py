"""What a class did not understand: its findings by how many have them, with lines of theirs."""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from toolkit.assignment.check.findings import Finding, Id
from toolkit.assignment.check.text import place_of
from toolkit.assignment.grade.result import Result

NUM_EXAMPLES = 3


@dataclass
class Lesson:
    """One kind of finding."""

    id: Id
    number: int | None  # of the equation
    archives: list[str]  # who has it
    examples: list[tuple[str, int]]  # source lines without names, and how many have each


def lessons(results: Collection[Result]) -> list[Lesson]:
    """Each kind of finding, the most frequent first; an equation is a kind of its own."""
    archives: dict[tuple[Id, int | None], list[str]] = {}
    lines: dict[tuple[Id, int | None], Counter[str]] = {}
    for result in results:
        extra = result.extra_data
        for kind, finding in {(f.id, f.equation): f for f in reversed(extra.findings)}.items():
            if kind[0] is None:
                continue
            key = (kind[0], kind[1])
            archives.setdefault(key, []).append(extra.archive)
            if line := _nameless(extra.lines.get(place_of(finding), ""), extra.student_number):
                lines.setdefault(key, Counter())[line] += 1
    found = [
        Lesson(*key, names, lines.get(key, Counter()).most_common(NUM_EXAMPLES))
        for key, names in archives.items()
    ]
    return sorted(found, key=lambda lesson: (-len(lesson.archives), lesson.id, lesson.number or 0))


def unseen(results: Collection[Result]) -> list[tuple[Finding, list[str]]]:
    """What the check could not see, each kind with the archives; the most frequent first."""
    found: dict[tuple[str, str], tuple[Finding, list[str]]] = {}
    for result in results:
        for finding in result.extra_data.not_seen:
            key = (finding.part, finding.id or finding.message)
            names = found.setdefault(key, (finding, []))[1]
            if result.extra_data.archive not in names:
                names.append(result.extra_data.archive)
    return sorted(found.values(), key=lambda entry: -len(entry[1]))


def _nameless(line: str, number: str) -> str:
    """A source line without its comment and without what may name its author."""
    line = re.sub(r"#.*", "", line).strip()
    return line.replace(number, "...") if number else line
