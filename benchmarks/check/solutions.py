"""Right solutions that can be rewritten, and copies of them with a typical student mistake."""

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
    """A submission and its verdict."""

    program: Program
    right: tuple[str, ...]  # the parts in which nothing is wrong
    ids: frozenset[str] = frozenset()  # ids of findings that name its fault
    may: frozenset[str] = frozenset()  # ids that may also be reported
    together: bool = False  # the LSTM must be judged together with its training
    parts: tuple[str, ...] = ()  # the parts whose check should find the fault


def corpus() -> Any:
    """Import and return the module with the cases of the tests."""
    sys.path.insert(0, str(ROOT))
    from tests.assignment.judging.corpus import cases

    return cases


def read(root: Path) -> dict[str, str]:
    """Return the texts of a folder's Python files and notebooks, keyed by path."""
    files = {}
    for path in sorted(root.rglob("*")):
        if path.suffix in SUFFIXES and path.is_file():
            files[path.relative_to(root).as_posix()] = path.read_text(errors="replace")
    return files


def write(program: Program, root: Path) -> None:
    """Write the files of a program into an empty folder."""
    for name, text in program.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def own() -> Iterator[Solution]:
    """Yield the right submissions of the tests."""
    cases = corpus()
    for name, right in cases.RIGHT.items():
        with tempfile.TemporaryDirectory() as directory:
            cases.write_right(name, Path(directory))
            files = read(Path(directory))
        paths = cases.FILES | dict(right.paths)
        parts = {part: paths[part] for part in cases.FILES if paths[part] in files}
        program = Program(name, files, parts)
        yield Solution(program, tuple(parts), together=right.probabilities)


def faulty(solution: Solution, part: str) -> list[Solution]:
    """Return copies of a right solution, each with a misconception about `part`."""
    texts = texts_of(solution.program)
    if part not in texts:
        return []
    solutions = []
    for row in corpus().TABLE.values():
        if row.part != part or not row.faults:
            continue
        for edit in row.edits:
            applied = row.applied(edit, texts)
            if applied:
                changed, _ = applied
                solutions.append(with_misconception(solution, row, changed))
    return solutions


def texts_of(program: Program) -> dict[str, str]:
    """Return the texts of the Python files, keyed by part, or by path if a file is not a part."""
    part_of = {file: part for part, file in program.parts.items()}
    texts = {}
    for file, text in program.files.items():
        if file.endswith(".py"):
            texts[part_of.get(file, file)] = text
    return texts


def with_misconception(solution: Solution, row: Any, changed: dict[str, str]) -> Solution:
    """Return a copy of a right solution that contains a misconception.

    Args:
        row: the misconception's row in the table of the tests.
        changed: the texts with the misconception, keyed by part or path.
    """
    program = solution.program
    files = dict(program.files)
    for part_or_path, text in changed.items():
        files[program.parts.get(part_or_path, part_or_path)] = text
    wrong = program._replace(files=files, name=f"{program.name}, {row.name}")
    ids = frozenset((*(fault.id for fault in row.faults), *row.instead))
    return Solution(wrong, (), ids, solution.may.union(row.also), solution.together, row.parts)


def real(folder: Path) -> Iterator[Solution]:
    """Yield the hand-ins that were judged by hand and have at least one right part.

    Args:
        folder: contains VERDICTS.json, and run.py with a function `extract(name, target)`.
    """
    from toolkit.assignment.handin.submission import prepare

    extract = runpy.run_path(str(folder / "run.py"))["extract"]
    for name, verdict in json.loads((folder / "VERDICTS.json").read_text()).items():
        with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryDirectory() as copy:
            root = Path(directory).resolve()
            extract(name, root)
            files = read(root)
            submission = prepare(root, Path(copy).resolve())
        parts = {}
        for part, located in submission.parts.items():
            parts[part] = submission.original(located.file)
        right = right_parts(parts, verdict)
        may: set[str] = set()
        for ids in verdict["acceptable_by_part"].values():
            may.update(ids)
        if right:
            yield Solution(Program(name, files, parts), right, may=frozenset(may), together=True)


def right_parts(parts: dict[str, str], verdict: dict[str, Any]) -> tuple[str, ...]:
    """Return the parts of a hand-in in which nothing is wrong.

    Args:
        parts: the file of each part.
        verdict: the verdict on the hand-in.
    """
    if "not-written" in verdict["acceptable"]:
        return ()
    sentences = " ".join(verdict["why"].values())  # that say what is wrong
    right = []
    for part, file in parts.items():
        if not file.endswith(".py") or file in sentences:
            continue
        if part == "gan" and verdict["part2"]:
            continue
        right.append(part)
    return tuple(right)
