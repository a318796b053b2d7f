"""From a student's folder to `<studentnumber>_assignment3.zip`, tried the way the grader does."""

import ast
import io
import re
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from toolkit.assignment.check.host import NOT_LIMITED
from toolkit.assignment.check.static import still_to_write
from toolkit.assignment.check.submission import unclear_sentence
from toolkit.assignment.grade.archive import MAX_ARCHIVE, MAX_UNPACKED, student_number, unpack
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
    decoded,
    read_notebook,
)
from toolkit.assignment.parts import FILES, list_files
from toolkit.assignment.records.files import FOLDER, gaps, is_record, read_records
from toolkit.assignment.report.prompts import REMARK, prompts_in, text_of
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


def pack(
    folder: Path, number: str, out: Path, limits: Limits, check: Check = CHECK
) -> tuple[Path, Files, list[str]]:
    """Make the archive, after unpacking it elsewhere and checking it the way the grader does.

    Args:
        folder: has the code, the notebook and the report, at any depth.
        number: the student's.
        out: where the archive goes. An older one of the same name is set aside.

    Returns:
        the archive, the files in it, and hints about what could be better.

    Raises:
        UsageError: `number` is not a student number, or `folder` is not a folder.
        ToolkitError: something is missing, empty or unfinished, or cannot be imported.
    """
    if not re.fullmatch(r"[0-9]{4,12}", number):
        raise UsageError(f"{number!r} is not a student number: give its 4 to 12 digits.")
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: give the one with your code and report.")
    files = collect(folder)
    if problems := find_problems(files):
        raise ToolkitError("Nothing was packed.\n" + "\n".join(f"- {line}" for line in problems))
    leftovers = find_leftovers(files)
    data = to_zip(files)
    if len(data) > MAX_ARCHIVE or sum(map(len, files.values())) > MAX_UNPACKED:
        raise ToolkitError(
            f"Nothing was packed: the archive may have {MAX_ARCHIVE // 2**20} MiB, and its files "
            f"{MAX_UNPACKED // 2**20} MiB together. Leave out large pictures."
        )
    path = out / f"{number}_assignment3.zip"
    tried = _try(path.name, data, limits, check)
    if broken := _failures(tried):
        raise ToolkitError(
            "Nothing was packed: unpacked into an empty folder, your code does not run.\n"
            + "\n".join(f"- {line}" for line in broken)
        )
    make_directory(out)
    if path.exists() and read_bytes(path) != data:
        set_aside(path)
    atomic_write(path, data)
    found = [describe(finding) for finding in (*tried.findings, *tried.not_seen)]
    return path, files, [*leftovers, *found]


def collect(folder: Path) -> Files:
    """What goes into the archive: no data sets, checkpoints, caches or virtual environments."""
    paths = list_files(folder)
    parts = find_parts(read_code(folder)).values()
    environments = {path.parent for path in paths if path.name == "pyvenv.cfg"}
    return {
        path: read_bytes(folder / path)
        for path in sorted(paths)
        if path in parts
        or (
            _is_wanted(path)
            and environments.isdisjoint(path.parents)
            and (folder / path).stat().st_size <= MAX_FILE
        )
    }


def _is_wanted(path: PurePosixPath) -> bool:
    folders = path.parent.parts
    in_data = any(folder.lower() in DATA_FOLDERS for folder in folders)
    return (
        path.suffix.lower() in (IN_DATA_FOLDERS if in_data else SUFFIXES)
        and LEFT_OUT.isdisjoint(folders)
        and not path.name.startswith("~$")  # Word's, while a document is open
    )


def to_zip(files: Files) -> bytes:
    """A zip archive; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(str(path))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


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
    leftovers = [unclear_sentence(part, candidates) for part, candidates in equal.items()]
    compiled = any(path.suffix == ".pdf" for path in files)
    for path, content in files.items():
        if path.suffix == ".tex" and not compiled:
            leftovers.append(f"{path} was not compiled: add its PDF, which is easier to read.")
        if path.suffix in (".tex", ".docx") and (prompts := prompts_in(str(path), content)):
            first = f"[[ {prompts[0][:70]} ]]"
            leftovers.append(f"{path} still has {len(prompts)} prompts; the first is {first}")
        if path.suffix in (".tex", ".docx") and REMARK in text_of(str(path), content):
            leftovers.append(f"{path} shows what the toolkit made: fill it without --reference.")
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
    if path.suffix.lower() == SUFFIX:
        try:
            source = read_notebook(content).source
        except BrokenNotebook:
            return []  # said of all notebooks
    else:
        source = decoded(content)
    if not source.strip():
        return [f"{path} is empty."]
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return [f"{path} is not valid Python: {error}."]
    if path.suffix.lower() == SUFFIX:
        functions = [said for _, said in still_to_write(tree, source)]
        return [f"{path} is not finished: {', '.join(functions)}."] if functions else []
    lines = [str(line) for line, _ in still_to_write(tree, source)]
    return [f"{path} is not finished: see line {', '.join(lines)}."] if lines else []


def _notebook_problems(path: PurePosixPath, content: bytes) -> list[str]:
    if not content.strip():
        return [f"{path} is empty."]
    try:
        code = list(enumerate(code_cells(content), start=1))
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


def _failures(tried: Extra) -> list[str]:
    """Why the unpacked archive does not run at all."""
    if tried.problem:
        return [tried.problem]
    return [describe(finding) for finding in tried.findings if finding.id in FATAL]
