"""Tests the tutor on planted faults: python benchmarks/check/tutor.py [NAME ...]

Each misconception of tests/assignment/judging/corpus is planted in the first right solution that it
fits. The tutor then checks the exercises that belong to its part and list its id. In one of them,
the verdict should be "wrong" with this id, and the next hint should end with a question mark. If
names are given, only the misconceptions with these names are planted.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.assignment.judging.corpus import cases
from toolkit.assignment.asking.host import Host
from toolkit.assignment.tutor.exercises import exercises
from toolkit.assignment.tutor.session import check_exercise, next_hint


def outcome(name: str, host: Host) -> str:
    """Return in words whether the tutor caught a planted fault."""
    wrong = cases.WRONG[name]
    ids = ids_of(wrong)
    fitting = exercises_for(wrong)
    if not fitting:
        return "no exercise"
    replies = []
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory).resolve()
        cases.write_planted(name, folder)
        for exercise in fitting:
            answer, text = check_exercise(exercise, folder, host=host)
            if answer.verdict == "wrong" and answer.id in ids:
                has_hint = next_hint(exercise, folder).endswith(("?", "\uff1f"))
                return "caught" if has_hint else "caught, and no hint"
            last_line = text.splitlines()[-1]
            replies.append(f"{exercise}: {answer.verdict} {answer.id} {last_line[:200]}")
    return f"NOT CAUGHT ({'; '.join(sorted(ids))}): {' | '.join(replies)}"


def ids_of(wrong: Any) -> set[str]:
    """Return the ids that name a planted fault."""
    return {fault.id for fault in wrong.faults} | set(wrong.instead)


def exercises_for(wrong: Any) -> list[str]:
    """Return the exercises about a planted fault; an exercise's ids may contain an equation."""
    ids = ids_of(wrong)
    for fault in wrong.faults:
        ids.add(f"{fault.id} {fault.equation}")
    for id in wrong.instead:
        ids.update(f"{id} {equation}" for equation in range(1, 10))
    fitting = []
    for exercise in exercises().values():
        if exercise.part in wrong.parts and not ids.isdisjoint(exercise.ids):
            fitting.append(exercise.name)
    return fitting


def main() -> None:
    names = sys.argv[1:] or [name for name, wrong in cases.WRONG.items() if wrong.first]
    counts: Counter[str] = Counter()
    with Host() as host:
        for name in names:
            words = outcome(name, host)
            kind = words.partition(" (")[0]
            counts[kind] += 1
            if kind != "caught":
                print(f"{name}: {words}", flush=True)
    print("\n| planted faults | number |\n|---|---|")
    for kind, number in sorted(counts.items()):
        print(f"| {kind.lower()} | {number} |")


if __name__ == "__main__":
    main()
