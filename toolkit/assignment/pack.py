"""From a student's folder to `<studentnumber>_assignment3.zip`, tried the way the grader does."""

import ast
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from toolkit.assignment.check.host import NOT_LIMITED
from toolkit.assignment.check.rules import rules
from toolkit.assignment.check.static import still_to_write
from toolkit.assignment.check.submission import unclear
from toolkit.assignment.grade.archive import student_number, unpack, zipped
from toolkit.assignment.grade.points import free
from toolkit.assignment.grade.result import Extra, describe
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.sandbox.choice import find_isolation
from toolkit.assignment.grade.sandbox.isolation import Limits
from toolkit.assignment.grade.verdict import CHECK, Check, grade_archive
from toolkit.assignment.locate import find_parts, locate, read_code
from toolkit.assignment.notebooks import (
    SUFFIX,
    BrokenNotebook,
    code_cells,
    code_of,
    is_tutors,
)
from toolkit.assignment.parts import FILES, list_files
from toolkit.assignment.records.files import FOLDER, gaps, is_record, read_records
from toolkit.assignment.report.prompts import ReportKind, find_prompts, one_report
from toolkit.assignment.skeleton import copied_from_solution
from toolkit.assignment.syntax import UNREADABLE
from toolkit.assignment.tutor.journal import JOURNAL
from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.files import atomic_write, make_directory, read_bytes, set_aside

SUFFIXES = {
    *(".py", ".ipynb", ".sh", ".toml", ".yaml", ".yml", ".md", ".txt"),
    *(".tex", ".bib", ".bst", ".cls", ".sty", ".pdf", ".docx"),
    *(".png", ".jpg", ".jpeg", ".gif", ".svg", ".csv", ".json", ".jsonl"),
}
DATA_FOLDERS = {"data", "dataset", "datasets", "mnist"}
IN_DATA_FOLDERS = {".py", ".md", ".txt"}
LEFT_OUT = {"build", "dist", "env"}  # folders
MAX_FILE = 20 * 2**20  # bytes; a larger file is a data set or a checkpoint
FATAL = ("missing-file", "does-not-import")

Files = dict[PurePosixPath, bytes]


class Packed(NamedTuple):
    """An archive, and what its author should know about it."""

    path: Path
    files: Files
    costs: list[tuple[str, str]]  # what would cost points: in a word or two, and in a sentence
    unseen: list[str]  # what the check could not see
    hints: list[str]  # what else could be better

    def as_text(self) -> str:
        """The first line says what would cost points."""
        words = ", ".join(dict.fromkeys(short for short, _ in self.costs))
        first = "unpacks and runs, and nothing that costs points was found in it"
        if words:
            first = f"is packed, but this would cost points: {words}"
        if self.unseen:
            first += f"; what the check could not see: {len(self.unseen)}"
        lines = [f"Costs points: {cost}" for _, cost in self.costs]
        lines += [f"Have another look: {hint}" for hint in (*self.hints, *self.unseen)]
        lines += [f"{len(content):>12,}  {name}" for name, content in self.files.items()]
        last = f"{self.path}: {len(self.files)} files, {self.path.stat().st_size:,} bytes."
        return "\n".join([f"{self.path.name} {first}.", *lines, last])


def pack(
    folder: Path,
    number: str,
    out: Path,
    limits: Limits,
    check: Check = CHECK,
    report: ReportKind | None = None,
    ask: Callable[[str], bool] | None = None,
) -> Packed:
    """Make the archive, after unpacking it elsewhere and checking it the way the grader does.

    Args:
        folder: has the code, the notebook and the report, at any depth.
        number: the student's.
        out: where the archive goes. An older one of the same name is set aside.
        report: the one that is meant, if there is one in Word and one in LaTeX.
        ask: answers a question with yes or no, if nothing says which one is meant.

    Raises:
        UsageError: `number` is not a student number, `folder` is not a folder, or there are two
            reports and nobody to ask.
        ToolkitError: something is missing, empty or unfinished, or cannot be imported.
    """
    if not re.fullmatch(r"[0-9]{4,12}", number):
        raise UsageError(f"{number!r} is not a student number: give its 4 to 12 digits.")
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: give the one with your code and report.")
    everything = collect(folder)
    files = one_report(everything, report, ask)
    if problems := find_problems(files):
        raise ToolkitError("Nothing was packed.\n" + "\n".join(f"- {line}" for line in problems))
    prompts, leftovers = find_prompts(files), find_leftovers(files)
    data = zipped({str(path): content for path, content in files.items()})
    path = out / f"{number}_assignment3.zip"
    tried = _try(path.name, data, limits, check)
    broken = [describe(finding) for finding in tried.findings if finding.id in FATAL]
    if broken := [tried.problem] if tried.problem else broken:
        raise ToolkitError(
            "Nothing was packed: unpacked into an empty folder, your code does not run.\n"
            + "\n".join(f"- {line}" for line in broken)
        )
    make_directory(out)
    if path.exists() and read_bytes(path) != data:
        set_aside(path)
    atomic_write(path, data)
    costly, cheap = tried.report.findings, free(tried.report, read_rubric())
    costs = [(str(one.id), describe(one)) for one in costly if one not in cheap]
    other = [f"{one} stays out: it is of the other report." for one in everything.keys() - files]
    hints = [*sorted(other), *leftovers, *map(describe, cheap)]
    return Packed(path, files, [*costs, *prompts], [*map(describe, tried.not_seen)], hints)


def collect(folder: Path) -> Files:
    """What goes into the archive: no data sets, checkpoints, caches or virtual environments."""
    paths = list_files(folder)
    parts = find_parts(read_code(folder)).values()
    return {
        path: read_bytes(folder / path)
        for path in sorted(paths)
        if path in parts or (_is_wanted(path) and (folder / path).stat().st_size <= MAX_FILE)
    }


def _is_wanted(path: PurePosixPath) -> bool:
    folders = path.parent.parts
    in_data = any(folder.lower() in DATA_FOLDERS for folder in folders)
    return (
        path.suffix.lower() in (IN_DATA_FOLDERS if in_data else SUFFIXES)
        and LEFT_OUT.isdisjoint(folders)
        and not path.name.startswith("~$")  # Word's, while a document is open
        and path.name != JOURNAL
    )


def find_problems(files: Files) -> list[str]:
    """What is missing, empty or unfinished, a sentence each."""
    problems = []
    records = read_records(files)
    found = locate(files)
    for part, name in FILES.items():
        if part in found.parts:
            path = found.parts[part].path
            problems += _code_problems(path, files.get(path, b""))
        elif part not in found.equal:
            problems.append(f"{name} is missing.")
    problems = list(dict.fromkeys(problems))  # one file may be several parts
    taken = {candidate.path for candidate in found.parts.values()}
    problems += [
        f"Your code equals the toolkit's solution for {name}, whatever its names are. Hand in your "
        "own; the tutor helps with each step: toolkit tutor --help"
        for name in copied_from_solution(code_of(path, files.get(path, b"")) for path in taken)
    ]
    notebooks = [path for path in files if path.suffix.lower() == SUFFIX]
    if not notebooks:
        problems.append("The notebook (.ipynb) with the results is missing.")
    for path in notebooks:
        problems += _notebook_problems(path, files[path])
    reports = [path for path in files if path.suffix in (".tex", ".docx", ".pdf")]
    if not reports:
        problems.append("The report (.tex with its .pdf, or .docx) is missing.")
    problems += [
        f"{path} was made by the toolkit, not by you: take it out." for path in records.foreign
    ]
    problems += [f"{path} is empty." for path in reports if not files[path].strip()]
    return problems


def find_leftovers(files: Files) -> list[str]:
    """What a student may want to finish before handing in, a sentence each."""
    equal = locate(files).equal
    leftovers = []
    for part, candidates in equal.items():
        name, seen = unclear(part, candidates)
        leftovers.append(rules(part)[f"not-seen.{name}"].says.format(**seen))
    if all(path.suffix != ".pdf" for path in files):
        sources = [path for path in files if path.suffix == ".tex"]
        leftovers += [
            f"{p} was not compiled: add its PDF, which is easier to read." for p in sources
        ]
    if any(map(is_record, files)):
        found = gaps(read_records(files), files)
        leftovers += [f"{what}. This makes it: {command}" for _, what, command in found]
    else:
        leftovers.append(
            f"There is no folder {FOLDER}/ with what your trainings did: `toolkit report` says "
            "which records it could have, and what makes them."
        )
    return leftovers


def _code_problems(path: PurePosixPath, content: bytes) -> list[str]:
    source, is_notebook = code_of(path, content), path.suffix.lower() == SUFFIX
    if not source.strip():  # what is wrong with a notebook is said of all
        return [] if is_notebook else [f"{path} is empty."]
    try:
        tree = ast.parse(source)
    except UNREADABLE as error:
        return [f"{path} is not valid Python: {error}."]
    if is_notebook:
        functions = [said for _, said in still_to_write(tree, source)]
        return [f"{path} is not finished: {', '.join(functions)}."] if functions else []
    lines = [str(line) for line, _ in still_to_write(tree, source)]
    return [f"{path} is not finished: see line {', '.join(lines)}."] if lines else []


def _notebook_problems(path: PurePosixPath, content: bytes) -> list[str]:
    if not content.strip():
        return [f"{path} is empty."]
    try:
        cells = enumerate(code_cells(content), start=1)
        code = [(number, cell) for number, cell in cells if not is_tutors(cell)]
        failed = [
            number
            for number, cell in code
            if any(output["output_type"] in ("error", "pyerr") for output in cell["outputs"])
        ]
        not_run = [
            number
            for number, cell in code
            if cell.get("execution_count", cell.get("prompt_number")) is None
        ]
    except (BrokenNotebook, KeyError, TypeError) as error:
        why = error if isinstance(error, BrokenNotebook) else "is not a notebook that can be read"
        return [f"{path} {why}."]
    if not code:
        return [f"{path} has no code."]
    if len(not_run) == len(code):
        return [f"{path} was never run: run all its cells, then save it."]
    problems = []
    if not_run:
        problems.append(f"{path}: these code cells were not run: {', '.join(map(str, not_run))}.")
    if failed:
        problems.append(f"{path}: these code cells end in an error: {', '.join(map(str, failed))}.")
    return problems


def _try(name: str, data: bytes, limits: Limits, check: Check) -> Extra:
    """What the grader will find in the archive: in its sandbox, which needs Linux, or without."""
    if sys.platform == "linux":
        print("Trying the archive the way the grader will: a minute or two.", file=sys.stderr)
        isolation = find_isolation(own_code=True)
        return grade_archive(name, data, read_rubric(), limits, check, isolation).extra_data
    else:
        from toolkit.assignment.check.parent import check as check_folder  # here: it imports torch

        print(
            "Trying the archive in an empty folder: a minute or two. The grader's sandbox needs "
            "Linux, so nobody will notice here if your code needs the network or a file elsewhere "
            f"on this computer, which the grader does not have. {NOT_LIMITED}",
            file=sys.stderr,
        )
        with tempfile.TemporaryDirectory(prefix="pack-", ignore_cleanup_errors=True) as scratch:
            folder = Path(scratch, "archive")
            unpack(data, folder)
            report = check_folder(folder)
        return Extra(
            archive=name,
            student_number=student_number(name),
            findings=report.findings,
            not_seen=report.not_seen,
        )
