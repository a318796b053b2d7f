"""The tutor on planted faults: python benchmarks/check/tutor.py [NAME ...]

Each misconception of tests/assignment/check/corpus, in the right solution where it was written
first, is tried in the exercises of its part that have its id. It should be wrong there, under that
id, and the next hint should be a question. With names, only these.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.assignment.check.corpus import cases
from toolkit.assignment.check.host import Host
from toolkit.assignment.tutor.exercises import exercises
from toolkit.assignment.tutor.session import check_exercise, next_hint


def tried(name: str, host: Host) -> str:
    """The outcome of a planted fault."""
    wrong = cases.WRONG[name]
    told = {f.id for f in wrong.faults} | {*wrong.instead}
    exact = {f"{f.id} {f.equation}" for f in wrong.faults} | told
    exact |= {f"{id} {equation}" for id in wrong.instead for equation in range(1, 10)}
    own = [e.name for e in exercises().values() if e.part in wrong.parts and exact & {*e.ids}]
    if not own:
        return "no exercise"
    said = []
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory).resolve()
        cases.write_planted(name, folder)
        for exercise in own:
            answer, text = check_exercise(exercise, folder, host=host)
            if answer.verdict == "wrong" and answer.id in told:
                asked = next_hint(exercise, folder).endswith(("?", "\uff1f"))
                return "caught" if asked else "caught, and no hint"
            said.append(f"{exercise}: {answer.verdict} {answer.id} {text.splitlines()[-1][:200]}")
    return f"NOT CAUGHT ({'; '.join(sorted(told))}): {' | '.join(said)}"


def main() -> None:
    names = sys.argv[1:] or [name for name, one in cases.WRONG.items() if one.first]
    found = dict[str, int]()
    with Host() as host:
        for name in names:
            what = tried(name, host)
            kind = what.partition(" (")[0]
            found[kind] = found.get(kind, 0) + 1
            if kind != "caught":
                print(f"{name}: {what}", flush=True)
    print("\n| planted faults | number |\n|---|---|")
    print("\n".join(f"| {kind.lower()} | {number} |" for kind, number in sorted(found.items())))


if __name__ == "__main__":
    main()
