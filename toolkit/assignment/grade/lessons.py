"""Lessons for a class: the most frequent mistakes, with lines from the students' code."""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from toolkit.assignment.findings.findings import Finding, Id
from toolkit.assignment.findings.text import place_of
from toolkit.assignment.grade.result import Result

NUM_EXAMPLES = 3


@dataclass
class Lesson:
    """One kind of mistake that the check found: the archives in which it occurs, and example lines
    of code.
    """

    id: Id
    number: int | None  # of the equation
    archives: list[str]  # the archives with this finding
    examples: list[tuple[str, int]]  # source lines, and the number of archives with each line


Kind = tuple[Id, int | None]  # the id of a finding, and the number of its equation


def lessons(results: Collection[Result]) -> list[Lesson]:
    """For each kind of finding, return a `Lesson` with the archives in which it occurs and examples
    of the students' code, the most frequent kind first.

    Two findings are of the same kind if they have the same id and are about the same equation.
    """
    archives: dict[Kind, list[str]] = {}
    lines: dict[Kind, Counter[str]] = {}
    for result in results:
        extra = result.extra_data
        for kind, finding in _first_of_each_kind(extra.findings).items():
            archives.setdefault(kind, []).append(extra.archive)
            counter = lines.setdefault(kind, Counter())
            line = _nameless(extra.lines.get(place_of(finding), ""), extra.student_number)
            if line:
                counter[line] += 1
    found_lessons = []
    for (id, number), names in archives.items():
        examples = lines[id, number].most_common(NUM_EXAMPLES)
        found_lessons.append(Lesson(id, number, names, examples))
    found_lessons.sort(key=lambda lesson: (-len(lesson.archives), lesson.id, lesson.number or 0))
    return found_lessons


def _first_of_each_kind(findings: Collection[Finding]) -> dict[Kind, Finding]:
    first: dict[Kind, Finding] = {}
    for finding in findings:
        if finding.id is not None:
            first.setdefault((finding.id, finding.equation), finding)
    return first


def unseen(results: Collection[Result]) -> list[tuple[Finding, list[str]]]:
    """Return the findings that say what the check could not examine, each with the archives in
    which it occurs.

    The finding that occurs in the most archives comes first.
    """
    kinds: dict[tuple[object, ...], tuple[Finding, list[str]]] = {}
    for result in results:
        for finding in result.extra_data.not_seen:
            key = (finding.part, *finding.reason)
            _, archives = kinds.setdefault(key, (finding, []))
            if result.extra_data.archive not in archives:
                archives.append(result.extra_data.archive)
    return sorted(kinds.values(), key=lambda kind: -len(kind[1]))


def _nameless(line: str, number: str) -> str:
    """Return a source line without its comment, and with each occurrence of the student number
    replaced by "...".
    """
    line = re.sub(r"#.*", "", line).strip()
    if number:
        line = line.replace(number, "...")
    return line
