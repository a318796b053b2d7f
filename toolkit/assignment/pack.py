"""The command `pack`, which makes and tests the archive `<studentnumber>_assignment3.zip`."""

import ast
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from toolkit.assignment.asking.host import NOT_LIMITED
from toolkit.assignment.findings.rules import rules
from toolkit.assignment.grade.points import free
from toolkit.assignment.grade.result import Extra, describe
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.verdict import CHECK, Check, grade_archive
from toolkit.assignment.handin.archive import check_student_number, student_number, unpack, zipped
from toolkit.assignment.handin.locate import find_parts, locate, read_code
from toolkit.assignment.handin.notebooks import (
    SUFFIX,
    BrokenNotebook,
    code_cells,
    code_of,
    is_tutors,
)
from toolkit.assignment.handin.records import FOLDER, gaps, is_record, read_records
from toolkit.assignment.handin.submission import unclear
from toolkit.assignment.handin.syntax import UNREADABLE
from toolkit.assignment.judging.static import still_to_write
from toolkit.assignment.report.prompts import ReportKind, find_prompts, one_report
from toolkit.assignment.running.parts import FILES, list_files
from toolkit.assignment.sandbox.choice import find_isolation
from toolkit.assignment.sandbox.isolation import Limits
from toolkit.assignment.scratch.directory import scratch_directory
from toolkit.assignment.skeleton import copied_from_solution
from toolkit.assignment.tutor.journal import JOURNAL
from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.files import atomic_write, make_directory, read_bytes, set_aside
from toolkit.common.record import MADE_BY

SUFFIXES = {
    *(".py", ".ipynb", ".sh", ".toml", ".yaml", ".yml", ".md", ".txt"),
    *(".tex", ".bib", ".bst", ".cls", ".sty", ".pdf", ".docx"),
    *(".png", ".jpg", ".jpeg", ".gif", ".svg", ".csv", ".json", ".jsonl"),
}
DATA_FOLDERS = {"data", "dataset", "datasets", "mnist"}
IN_DATA_FOLDERS = {".py", ".md", ".txt"}
LEFT_OUT = {"build", "dist", "env"}  # folders to leave out
MANIFEST = "manifest.json"  # the manifest of exports
MAX_FILE = 20 * 2**20  # bytes; a larger file is a data set or a checkpoint
FATAL = ("missing-file", "does-not-import")

Files = dict[PurePosixPath, bytes]


class Packed(NamedTuple):
    """An archive, and remarks about it for the student."""

    path: Path
    files: Files
    costs: list[tuple[str, str]]  # what would cost points: in a word or two, and in a sentence
    unseen: list[str]  # things that the check could not see
    hints: list[str]  # things that could be better
    left_out: list[str]  # the files of the report that is not handed in

    def as_text(self) -> str:
        """Return the results of the check and the list of packed files as text; whatever would cost
        points comes first.
        """
        first = "unpacks and runs, and nothing that costs points was found in it"
        if self.costs:
            words = ", ".join(dict(self.costs))
            first = f"is packed, but this would cost points: {words}"
        if self.unseen:
            first += f"; what the check could not see: {len(self.unseen)}"
        lines = [f"{self.path.name} {first}."]
        lines += [f"Costs points: {cost}" for _, cost in self.costs]
        for hint in (*self.hints, *self.unseen):
            lines.append(f"Have another look: {hint}")
        for file in self.left_out:
            lines.append(f"Left out, with the other report: {file}")
        for name, content in self.files.items():
            lines.append(f"{len(content):>12,}  {name}")
        lines.append(f"{self.path}: {len(self.files)} files, {self.path.stat().st_size:,} bytes.")
        return "\n".join(lines)


def pack(
    folder: Path,
    number: str,
    out: Path,
    limits: Limits,
    check: Check = CHECK,
    report: ReportKind | None = None,
    ask: Callable[[str], bool] | None = None,
) -> Packed:
    """Make the archive, and check an unpacked copy of it as the grader would.

    Args:
        folder: the folder that contains, at any depth, the code, the notebook and the report.
        number: the student number.
        out: the folder for the archive. An existing archive with the same name but different
            contents is renamed.
        report: which report to hand in, if there is both a Word and a LaTeX report.
        ask: asks the user a yes-or-no question; None if nobody can answer.

    Raises:
        UsageError: `number` is not a student number, `folder` is not a folder, or there are two
            reports and no way to ask which one to hand in.
        ToolkitError: a part is missing, empty or unfinished, or cannot be imported.
    """
    check_student_number(number)
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: give the one with your code and report.")
    everything = collect(folder)
    try:
        files = one_report(everything, report, ask)
    except UsageError as two_reports:
        problems = find_problems(everything)
        if problems:
            _refuse("Nothing was packed.", [*problems, str(two_reports)])
        raise
    _refuse("Nothing was packed.", find_problems(files))
    prompts, leftovers = find_prompts(files), find_leftovers(files)
    data = zipped({str(path): content for path, content in files.items()})
    path = out / f"{number}_assignment3.zip"
    trial = _try(path.name, data, limits, check)
    if trial.problem:
        fatal = [trial.problem]
    else:
        fatal = [describe(finding) for finding in trial.findings if finding.id in FATAL]
    first = "Nothing was packed: unpacked into an empty folder, your code does not run."
    _refuse(first, fatal)
    make_directory(out)
    if path.exists() and read_bytes(path) != data:
        set_aside(path)
    atomic_write(path, data)
    costs, free_faults = _sorted_by_cost(trial)
    unseen = list(map(describe, trial.not_seen))
    left_out = sorted(map(str, everything.keys() - files.keys()))
    return Packed(path, files, costs + prompts, unseen, [*leftovers, *free_faults], left_out)


def _refuse(first: str, problems: list[str]) -> None:
    """Raise a ToolkitError with a list of problems, if there are any."""
    if problems:
        raise ToolkitError("\n- ".join([first, *problems]))


def _sorted_by_cost(trial: Extra) -> tuple[list[tuple[str, str]], list[str]]:
    """Return two lists: the findings that cost points, as pairs of an id and a sentence, and the
    other findings, as sentences.
    """
    free_findings = free(trial.report, read_rubric())
    costly = []
    for finding in trial.report.findings:
        if finding not in free_findings:
            costly.append((str(finding.id), describe(finding)))
    return costly, list(map(describe, free_findings))


def collect(folder: Path) -> Files:
    """Return the files for the archive, leaving out data sets, checkpoints, caches and virtual
    environments.

    Subfolders with the student's exported networks are also left out, as are pictures made by
    `toolkit curve` that do not appear in any report.
    """
    parts = find_parts(read_code(folder)).values()
    files = {}
    for path in sorted(list_files(folder)):
        is_small = (folder / path).stat().st_size <= MAX_FILE
        if path in parts or (_is_wanted(path) and is_small):
            files[path] = read_bytes(folder / path)
    exports = [path.parent for path, data in files.items() if _lists_own_exports(path, data)]
    return {
        path: data
        for path, data in files.items()
        if path in parts
        or not (_is_curve(path, data, files) or set(exports).intersection(path.parents))
    }


def _lists_own_exports(path: PurePosixPath, data: bytes) -> bool:
    """Return True if a file is the manifest of a subfolder with the student's exported networks."""
    return path.name == MANIFEST and path.parent.parts != () and b'"whose"' in data


def _is_curve(path: PurePosixPath, data: bytes, files: Files) -> bool:
    """Return True if a file is a picture that was made by `toolkit curve` and is not mentioned in
    any LaTeX report.
    """
    if not path.name.endswith("-curve.png") or MADE_BY.encode() not in data[:4096]:
        return False
    reports = [text for name, text in files.items() if name.suffix == ".tex"]
    return not any(path.stem.encode() in text for text in reports)


def _is_wanted(path: PurePosixPath) -> bool:
    folders = path.parent.parts
    suffixes = SUFFIXES
    if not DATA_FOLDERS.isdisjoint(map(str.lower, folders)):
        suffixes = IN_DATA_FOLDERS
    return (
        path.suffix.lower() in suffixes
        and LEFT_OUT.isdisjoint(folders)
        and not path.name.startswith("~$")  # Word's file for an open document
        and path.name != JOURNAL
    )


def find_problems(files: Files) -> list[str]:
    """Return one sentence for each problem, such as a missing, empty or unfinished file."""
    problems = _part_problems(files)
    notebooks = [path for path in files if path.suffix.lower() == SUFFIX]
    if not notebooks:
        problems.append("The notebook (.ipynb) with the results is missing.")
    for path in notebooks:
        problems += _notebook_problems(path, files[path])
    reports = [path for path in files if path.suffix in (".tex", ".docx", ".pdf")]
    if not reports:
        problems.append("The report (.tex with its .pdf, or .docx) is missing.")
    for path in read_records(files).foreign:
        problems.append(f"{path} was made by the toolkit, not by you: take it out.")
    for path in reports:
        if not files[path].strip():
            problems.append(f"{path} is empty.")
    return problems


def _part_problems(files: Files) -> list[str]:
    """Return a sentence for each part that is missing, empty, invalid Python, unfinished or copied
    from the toolkit's solution.
    """
    problems = []
    located = locate(files)
    code = {}
    for part, name in FILES.items():
        if part in located.parts:
            path = located.parts[part].path
            content = files.get(path, b"")
            problems += _code_problems(path, content)
            code[path] = code_of(path, content)
        elif part not in located.equal:
            problems.append(f"{name} is missing.")
    for name in copied_from_solution(code.values()):
        problems.append(
            f"Your code equals the toolkit's solution for {name}, whatever its names are. Hand in "
            "your own; the tutor helps with each step: toolkit tutor --help"
        )
    return list(dict.fromkeys(problems))  # one file may contain several parts


def find_leftovers(files: Files) -> list[str]:
    """Return one sentence for each detail that does not prevent packing but that the student may
    want to attend to before handing in the work.
    """
    leftovers = []
    for part, candidates in locate(files).equal.items():
        name, fields = unclear(part, candidates)
        leftovers.append(rules(part)[f"not-seen.{name}"].says.format(**fields))
    if ".pdf" not in {path.suffix for path in files}:
        for path in files:
            if path.suffix == ".tex":
                leftovers.append(f"{path} was not compiled: add its PDF, which is easier to read.")
    if any(map(is_record, files)):
        for gap in gaps(read_records(files), files):
            leftovers.append(f"{gap.what}. This makes it: {gap.command}")
    else:
        leftovers.append(
            f"There is no folder {FOLDER}/ with the records of your trainings: `toolkit report` "
            "says which records it could have, and which commands make them."
        )
    return leftovers


def _code_problems(path: PurePosixPath, content: bytes) -> list[str]:
    """Return the first problem found in a file, if any: the file may be empty, not valid Python, or
    unfinished.
    """
    source, is_notebook = code_of(path, content), path.suffix.lower() == SUFFIX
    if not source.strip():  # `_notebook_problems` reports an empty notebook
        if is_notebook:
            return []
        return [f"{path} is empty."]
    try:
        tree = ast.parse(source)
    except UNREADABLE as error:
        return [f"{path} is not valid Python: {error}."]
    unfinished = list(still_to_write(tree, source))
    if not unfinished:
        return []
    if is_notebook:
        functions = ", ".join(gap.function for gap in unfinished)
        return [f"{path} is not finished: {functions}."]
    numbers = sorted(gap.line for gap in unfinished)
    return [f"{path} is not finished: see line {', '.join(map(str, numbers))}."]


def _notebook_problems(path: PurePosixPath, content: bytes) -> list[str]:
    if not content.strip():
        return [f"{path} is empty."]
    try:
        runs = _runs_of_cells(content)
    except BrokenNotebook as error:
        return [f"{path} {error}."]
    except (KeyError, TypeError):
        return [f"{path} is not a notebook that can be read."]
    if not runs:
        return [f"{path} has no code."]
    not_run = [number for number, run in runs.items() if not run.has_run]
    failed = [number for number, run in runs.items() if run.failed]
    if len(not_run) == len(runs):
        return [f"{path} was never run: run all its cells, then save it."]
    problems = []
    if not_run:
        problems.append(f"{path}: these code cells were not run: {', '.join(not_run)}.")
    if failed:
        problems.append(f"{path}: these code cells end in an error: {', '.join(failed)}.")
    return problems


class _Run(NamedTuple):
    """The last run of a code cell."""

    has_run: bool
    failed: bool


def _runs_of_cells(content: bytes) -> dict[str, _Run]:
    """Return, by cell number, whether each code cell was run and whether it failed; cells with
    exercises for `toolkit tutor` are left out.
    """
    runs = {}
    for number, cell in enumerate(code_cells(content), start=1):
        if not is_tutors(cell):
            count = cell.get("execution_count", cell.get("prompt_number"))
            runs[str(number)] = _Run(count is not None, _ends_in_an_error(cell))
    return runs


def _ends_in_an_error(cell: dict[str, Any]) -> bool:
    return any(output["output_type"] in ("error", "pyerr") for output in cell["outputs"])


def _try(name: str, data: bytes, limits: Limits, check: Check) -> Extra:
    """Check the archive as the grader does, except that a sandbox is used only on Linux."""
    if sys.platform == "linux":
        print("Trying the archive the way the grader will: a minute or two.", file=sys.stderr)
        isolation = find_isolation(own_code=True)
        return grade_archive(name, data, read_rubric(), limits, check, isolation).extra_data
    else:
        from toolkit.assignment.judging.parent import (
            check as check_folder,  # here: it imports torch
        )

        print(
            "Trying the archive in an empty folder: a minute or two. The grader's sandbox needs "
            "Linux, so nobody will notice here if your code needs the network or a file elsewhere "
            f"on this computer, which the grader does not have. {NOT_LIMITED}",
            file=sys.stderr,
        )
        with scratch_directory("pack") as scratch:
            folder = scratch / "archive"
            unpack(data, folder)
            report = check_folder(folder)
        return Extra(
            archive=name,
            student_number=student_number(name),
            findings=report.findings,
            not_seen=report.not_seen,
        )
