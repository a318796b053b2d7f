"""Right solutions, which are rewritten, and what students get wrong in them."""

import json
import runpy
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rewritings.program import Program

ROOT = Path(__file__).parents[2]
SUFFIXES = (".py", ".ipynb")


class Solution(NamedTuple):
    """A submission, and what is known about it."""

    program: Program
    right: tuple[str, ...]  # the parts in which nothing is wrong
    ids: frozenset[str] = frozenset()  # of what is wrong: any of these names it
    may: frozenset[str] = frozenset()  # what may be said besides
    together: bool = False  # the LSTM can be judged only beside its loss
    parts: tuple[str, ...] = ()  # where what is wrong is to be found


def corpus() -> Any:
    """The cases of the tests."""
    sys.path.insert(0, str(ROOT))
    from tests.assignment.check.corpus import cases

    return cases


def read(root: Path) -> dict[str, str]:
    """The files of a folder that have code or settings."""
    paths = [p for p in sorted(root.rglob("*")) if p.suffix in SUFFIXES and p.is_file()]
    return {p.relative_to(root).as_posix(): p.read_text(errors="replace") for p in paths}


def write(program: Program, root: Path) -> None:
    """Put a program into an empty folder."""
    for name, text in program.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def own() -> Iterator[Solution]:
    """The right ones of the tests."""
    cases = corpus()
    for name, right in cases.RIGHT.items():
        with tempfile.TemporaryDirectory() as directory:
            cases.write_right(name, Path(directory))
            files = read(Path(directory))
        places = cases.FILES | dict(right.paths)
        program = Program(name, files, {p: places[p] for p in cases.FILES if places[p] in files})
        yield Solution(program, tuple(program.parts), together=right.probabilities)


def faulty(solution: Solution, part: str) -> list[Solution]:
    """A right solution with each misconception about one part of it that fits."""
    program = solution.program
    named = {file: part for part, file in program.parts.items()}
    texts = {named.get(f, f): text for f, text in program.files.items() if f.endswith(".py")}
    if part not in texts:
        return []
    found = []
    for row in corpus().TABLE.values():
        done = [row.applied(edit, texts) for edit in row.edits if row.part == part and row.faults]
        ids = frozenset((*(fault.id for fault in row.faults), *row.instead))
        for changed, _ in filter(None, done):
            files = {**program.files, **{program.parts.get(n, n): t for n, t in changed.items()}}
            name = f"{program.name}, {row.name}"
            wrong = program._replace(files=files, name=name)
            may = solution.may.union(row.also)
            found.append(Solution(wrong, (), ids, may, solution.together, row.parts))
    return found


def real(folder: Path) -> Iterator[Solution]:
    """Hand-ins that somebody has judged, as far as a part is right.

    Args:
        folder: has VERDICTS.json, and run.py with `extract(name, target)`.
    """
    from toolkit.assignment.check.submission import prepare

    extract = runpy.run_path(str(folder / "run.py"))["extract"]
    for name, verdict in json.loads((folder / "VERDICTS.json").read_text()).items():
        with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryDirectory() as copy:
            root = Path(directory).resolve()
            extract(name, root)
            files = read(root)
            submission = prepare(root, Path(copy).resolve())
        parts = {p: submission.original(where.file) for p, where in submission.parts.items()}
        wrong = " ".join(verdict["why"].values())
        right = tuple(
            part
            for part, file in parts.items()
            if file.endswith(".py")
            and file not in wrong
            and "not-written" not in verdict["acceptable"]
            and not (part == "gan" and verdict["part2"])
        )
        may = {id for ids in verdict["acceptable_by_part"].values() for id in ids}
        if right:
            yield Solution(Program(name, files, parts), right, may=frozenset(may), together=True)
