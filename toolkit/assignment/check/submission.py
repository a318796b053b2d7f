"""A submission as the check looks at it: a copy, and which file in it is which part."""

import shutil
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from toolkit.assignment.check.findings import Finding
from toolkit.assignment.evidence import Candidate, Code
from toolkit.assignment.locate import Found, locate, read_code
from toolkit.assignment.notebooks import SUFFIX, Notebook, decoded, encoding_of
from toolkit.assignment.parts import FILES, PARTS, Part, list_files, list_folders
from toolkit.assignment.syntax import marked
from toolkit.common.errors import UsageError

MAX_USERS = 2  # scripts that may show how a network is called
MAX_COPIED = 64 << 20  # bytes, the smallest files first: the check brings MNIST with it
WHAT: dict[Part, str] = {
    "dataset": "the data set of palindromes",
    "lstm": "the LSTM",
    "train": "the training of the LSTM",
    "gan": "the GAN",
}


Said = tuple[str, dict[str, Any]]  # a rule, and what its sentence mentions


@dataclass(frozen=True)
class Located:
    """Where a part is."""

    file: str  # in the copy, relative to it; a Python file
    name: str | None = None  # the class that makes it this part, where that is known
    files: tuple[str, ...] = ()  # this one, and all of theirs that it imports
    users: tuple[str, ...] = ()  # their files that import this one: notebooks, scripts
    network: str | None = None  # the class of the LSTM, where that is known
    witnesses: tuple[str, ...] = ()  # their scripts that may show how its networks are called
    there: tuple[str, ...] = ()  # all files and folders of the copy, before anything ran


@dataclass(frozen=True)
class Submission:
    """A copy of a student's folder that may be run and written to.

    Attributes:
        root: where it is; the notebooks are there as Python files too, and functions that are still
            to be written say so when they are called.
        parts: those that were found.
        unclear: for each part that more than one file could be, the rule and what it mentions.
        missing: for each other part the same, about where it was looked for.
        files: all their Python files, also those made from notebooks.
        notebooks: of such a file the notebook's name, and its code.
        broken: of such a file, why the notebook cannot be read.
        left_out: files that were too large to copy.
        there: all files and folders of the copy, before anything ran.
    """

    root: Path
    parts: dict[Part, Located]
    unclear: dict[Part, Said] = field(default_factory=dict)
    missing: dict[Part, Said] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    notebooks: dict[str, tuple[str, Notebook]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    there: tuple[str, ...] = ()

    def original(self, file: str) -> str:
        """The student's name for a file of the copy."""
        return self.notebooks[file][0] if file in self.notebooks else file

    def placed(self, finding: Finding) -> Finding:
        """A finding whose place is one of this submission, whatever their process has said.

        A file that is not in it becomes the file of the part, a line that the file does not have
        none.
        """
        file, line = finding.file, finding.line
        if self.has_place(file, line):
            return finding
        if file is not None and not self.has_place(file, None):
            located = self.parts.get(finding.part)
            file = located.file if located else None
        return finding.model_copy(update={"file": file, "line": None})

    def has_place(self, file: str | None, line: int | None) -> bool:
        """Whether a file was handed in and has this line; None for no file, or for no line of it.

        Nothing is opened that was not handed in, and no link is followed: there is none.
        """
        if file is None:
            return line is None
        if file not in self.there or not (self.root / file).is_file():
            return False
        return line is None or 1 <= line <= self._number_of_lines(file)

    def _number_of_lines(self, file: str) -> int:
        text = decoded((self.root / file).read_bytes())
        return text.count("\n") + (not text.endswith("\n"))

    def in_notebook(self, finding: Finding) -> Finding:
        """A finding as the student sees it: in a cell of the notebook, if it is in one."""
        if finding.file not in self.notebooks:
            return finding
        name, notebook = self.notebooks[finding.file]
        cell = line = None
        if finding.line is not None and 1 <= finding.line <= len(notebook.places):
            cell, line = notebook.places[finding.line - 1]
        own, shown = PurePosixPath(finding.file).name, PurePosixPath(name).name
        message = finding.message.replace(own, shown)
        update = {"file": name, "cell": cell, "line": line, "message": message}
        return finding.model_copy(update=update)


def prepare(source: Path, target: Path, chosen: str | None = None) -> Submission:
    """Copy what is a student's own into the empty folder `target`, and find the parts.

    Args:
        chosen: the name of a file in it that is meant, whatever else could be the same part.

    Raises:
        UsageError: `source` is not a folder, or has none of the parts.
    """
    names = ", ".join(FILES.values())
    if not source.is_dir():
        raise UsageError(f"{source} is not a folder. Give the folder that contains {names}.")
    found = locate(read_code(source), PurePosixPath(chosen) if chosen else None)
    if not found.parts and not found.equal:
        raise UsageError(
            f"{source} contains none of {names}, nor anything like them under other names. Give "
            "the folder that has them."
        )
    using = _users_of_lstm(found) | _lstm_in_archive(found, source)
    left_out = _copy(source, target)
    code = found.code
    python = _write_code(target, code)
    there = tuple(path.relative_to(target).as_posix() for path in target.rglob("*"))
    return Submission(
        target,
        {
            part: _located(found, candidate, python, there)
            for part, candidate in found.parts.items()
        },
        {part: unclear(part, candidates) for part, candidates in found.equal.items()} | using,
        {
            part: _missing(part, found)
            for part in PARTS
            if part not in found.parts and part not in found.equal and part not in using
        },
        tuple(python.values()),
        {python[p]: (str(own), book) for p, (own, book) in code.notebooks.items() if p in python},
        {python[path]: why for path, why in code.broken.items()},
        tuple(left_out),
        there,
    )


def _copy(source: Path, target: Path) -> list[str]:
    """Copy a folder, the smallest files first, as long as there is room; returns those left out."""
    for folder in list_folders(source):  # the empty ones too: their code may write there
        (target / folder).mkdir()
    sizes = {file: (source / file).stat().st_size for file in list_files(source)}
    left, left_out = MAX_COPIED, []
    for file, size in sorted(sizes.items(), key=lambda item: item[1]):
        left -= size
        if left < 0:
            left_out.append(str(file))
        else:
            shutil.copyfile(source / file, target / file)
    return left_out


def _write_code(target: Path, code: Code) -> dict[PurePosixPath, str]:
    """Write notebooks as Python files beside them, and mark what is still to be written.

    Returns:
        the Python file of each file of the submission.
    """
    python = {}
    for path, text in code.text.items():
        file = path
        while file.suffix.lower() == SUFFIX or (file != path and (target / file).exists()):
            file = file.with_name(f"{file.stem}{'_notebook' if file != path else ''}.py")
        python[path] = str(file)
        changed = marked(text)
        if changed != text or path in code.notebooks:
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            own = target / path  # not there if a notebook writes it, or if it was left out
            encoding = encoding_of(own.read_bytes()) if own.exists() else "utf-8"
            (target / file).write_bytes(changed.encode(encoding, errors="replace"))
    return python


def _located(
    found: Found, taken: Candidate, python: dict[PurePosixPath, str], there: tuple[str, ...]
) -> Located:
    code = found.code
    reached = sorted(code.reached.get(taken.path, ()))
    using = sorted(path for path, files in code.reached.items() if taken.path in files)
    users = tuple(python[path] for path in using)
    return Located(
        python[taken.path],
        taken.name,
        (python[taken.path], *(python[path] for path in reached)),
        users,
        found.parts["lstm"].name if "lstm" in found.parts else None,
        (*users[:MAX_USERS], python[taken.path]),
        there,
    )


def unclear(part: Part, candidates: list[Candidate]) -> Said:
    """What to say where several files, or classes of one, could be one part."""
    files = dict.fromkeys(str(candidate.path) for candidate in candidates)
    seen = {"what": WHAT[part], "file": FILES[part], "where": next(iter(files))}
    if len(files) > 1:
        return "unclear-files", seen | {"which": " and ".join(files)}
    classes = " and ".join(str(candidate.name) for candidate in candidates)
    return "unclear-classes", seen | {"which": classes}


def _users_of_lstm(found: Found) -> dict[Part, Said]:
    """What to say where no training was found, and another file uses the LSTM."""
    taken = {candidate.path for candidate in found.parts.values()}
    lstm = found.parts["lstm"].path if "lstm" in found.parts else None
    users = [str(p) for p, files in found.code.reached.items() if lstm in files and p not in taken]
    if not users or {"train"} & {*found.parts, *found.equal}:
        return {}
    seen = {"file": FILES["train"], "what": WHAT["train"], "which": " and ".join(users)}
    return {"train": ("unclear-users", seen)}


def _lstm_in_archive(found: Found, source: Path) -> dict[Part, Said]:
    """What to say where the training imports an LSTM that may lie in an archive in the folder."""
    if not found.elsewhere or {"lstm"} & {*found.parts, *found.equal}:
        return {}
    archives = [file for file in list_files(source) if _holds_python(source / file)]
    if not archives:
        return {}
    where = str(found.parts["train"].path)
    seen = {"what": WHAT["lstm"], "where": where, "which": str(archives[0])}
    return {"lstm": ("in-archive", seen | {"name": found.elsewhere})}


def _holds_python(path: Path) -> bool:
    """Whether a file is an archive that Python can import from."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith((".py", ".pyc")) for name in archive.namelist())
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return False


def _missing(part: Part, found: Found) -> Said:
    """What to say about a part that is not there, and where it was looked for."""
    number = len(found.code.text)
    looked = "the only file" if number == 1 else f"{number} files"
    near = list(dict.fromkeys(str(c.path) for c in found.close.get(part, [])))[:3]
    seen = {"file": FILES[part], "looked": looked, "what": WHAT[part]}
    rule = "missing-file.near" if near else "missing-file.none"
    return rule, seen | {"nearest": " or ".join(near)}
