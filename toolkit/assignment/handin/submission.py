"""Copies a student's folder, so that code may run and write files in the copy, and finds the file
for each part of the assignment.
"""

import re
import shutil
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from toolkit.assignment.handin.evidence import Candidate, Code
from toolkit.assignment.handin.locate import Found, locate, read_code
from toolkit.assignment.handin.notebooks import SUFFIX, Notebook, decoded, encoding_of
from toolkit.assignment.handin.syntax import marked
from toolkit.assignment.running.parts import FILES, PARTS, Part, list_files, list_folders
from toolkit.common.errors import UsageError

CHOSEN: tuple[Part, ...] = ("gan",)  # for these, several files may be judged, and one is taken
READ_FIRST = (".md", ".rst", ".txt")  # suffixes of texts that may name the file to judge
MAX_READ = 1 << 20  # bytes of such a text
MAX_USERS = 2  # scripts that may show how a network is called
GATES = {"sigmoid", "tanh"}  # names that a function which computes an LSTM uses
MAX_COPIED = 64 << 20  # bytes, the smallest files first; the check has its own MNIST
WHAT: dict[Part, str] = {
    "dataset": "the data set of palindromes",
    "lstm": "the LSTM",
    "train": "the training of the LSTM",
    "gan": "the GAN",
}


Said = tuple[str, dict[str, Any]]  # a rule, and the fields of its sentence


@dataclass(frozen=True)
class Located:
    """The Python file that contains a part of the assignment, with the files that it imports and
    the files that import it.
    """

    file: str  # a Python file, relative to the copy
    name: str | None = None  # the class that is the part, if known
    files: tuple[str, ...] = ()  # this file, and all submitted files that it imports
    users: tuple[str, ...] = ()  # submitted notebooks and scripts that import this file
    network: str | None = None  # the class of the LSTM, if known
    witnesses: tuple[str, ...] = ()  # scripts that may show how the networks are called
    existing: tuple[str, ...] = ()  # all files and folders of the copy, before any code ran


@dataclass(frozen=True)
class Submission:
    """A copy of a student's folder, in which code may run and write files.

    Attributes:
        root: the folder into which the student's files were copied. Besides the student's files, it
            contains the Python files that were made from notebooks. Functions whose code the
            student has not yet written are changed so that they raise an error when they are
            called.
        parts: for each part that was found, its file, the files that it imports and the files that
            import it.
        unclear: for each part whose file could not be determined, the key of the message to report
            and the values for its placeholders.
        choices: the candidate files for each part in `CHOSEN` for which several files are equally
            likely; the check judges all of them before it chooses one.
        named: for each part in `choices`, the one candidate file that other files or a README
            mention; "" if they mention none or several of the candidates.
        missing: for each part that was not found, the key of the message to report and the values
            for its placeholders.
        files: all Python files of the submission, including files made from notebooks.
        notebooks: for each file made from a notebook, the notebook's name and code.
        broken: for each unreadable notebook, the reason why it could not be read. The key is the
            path of the empty Python file that was written in place of the notebook's code.
        left_out: the files that were not copied because the copy would have become too large.
        existing: all files and folders that the copy of the student's folder contained before any
            code ran.
    """

    root: Path
    parts: dict[Part, Located]
    unclear: dict[Part, Said] = field(default_factory=dict)
    choices: dict[Part, tuple[Located, ...]] = field(default_factory=dict)
    named: dict[Part, str] = field(default_factory=dict)
    missing: dict[Part, Said] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    notebooks: dict[str, tuple[str, Notebook]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    existing: tuple[str, ...] = ()

    def original(self, file: str) -> str:
        """Given a file in the copy of the student's folder, return the name of the student's
        original file (for example, a notebook) that it was made from.
        """
        return self.notebooks[file][0] if file in self.notebooks else file

    def has_place(self, file: str | None, line: int | None) -> bool:
        """Return True if a file was handed in and has a line with the given number.

        If `line` is None, the method only checks that the file was handed in. If `file` is None,
        the result is True only if `line` is also None. The method opens only files that were in the
        copy of the student's folder before any of the student's code ran. These files were ordinary
        files, because links are not copied.
        """
        if file is None:
            return line is None
        if file not in self.existing or not (self.root / file).is_file():
            return False
        return line is None or 1 <= line <= self._number_of_lines(file)

    def _number_of_lines(self, file: str) -> int:
        text = decoded((self.root / file).read_bytes())
        return text.count("\n") + (not text.endswith("\n"))


def prepare(source: Path, target: Path, chosen: str | None = None) -> Submission:
    """Copy a student's own files into the empty folder `target`, and find the file for each part.

    Args:
        chosen: the name of a file in `source` that is preferred to all other candidates.

    Raises:
        UsageError: `source` is not a folder, or contains no file for any part of the assignment.
    """
    search = _search(source, chosen)
    unclear_parts = {part: unclear(part, equal) for part, equal in search.equal.items()}
    unclear_parts |= _lstm_in_function(search)
    unclear_parts |= _users_of_lstm(search) | _lstm_in_archive(search, source)
    left_out = _copy(source, target)
    code = search.code
    python = _write_code(target, code)
    existing = tuple(path.relative_to(target).as_posix() for path in target.rglob("*"))

    def located(candidate: Candidate) -> Located:
        return _located(search, candidate, python, existing)

    parts = {part: located(candidate) for part, candidate in search.parts.items()}
    choices: dict[Part, tuple[Located, ...]] = {}
    named: dict[Part, str] = {}
    for part in CHOSEN:
        candidates = search.equal.get(part, [])
        if _are_files(candidates):
            del unclear_parts[part]
            choices[part] = tuple(map(located, candidates))
            named[part] = python.get(_named(candidates, code, source), "")
    return Submission(
        root=target,
        parts=parts,
        unclear=unclear_parts,
        choices=choices,
        named=named,
        missing=_missing_parts(search, known=[*unclear_parts, *choices]),
        files=tuple(python.values()),
        notebooks=_notebooks_of(code, python),
        broken={python[path]: reason for path, reason in code.broken.items()},
        left_out=tuple(left_out),
        existing=existing,
    )


def check_folder(path: Path) -> None:
    """Raise a UsageError if a path is not a folder."""
    if not path.is_dir():
        names = ", ".join(FILES.values())
        raise UsageError(f"{path} is not a folder. Give the folder that contains {names}.")


def _search(source: Path, chosen: str | None) -> Found:
    """Search a folder for the file that belongs to each part of the assignment.

    Raises:
        UsageError: `source` is not a folder, or contains no file for any part of the assignment.
    """
    check_folder(source)
    names = ", ".join(FILES.values())
    search = locate(read_code(source), PurePosixPath(chosen) if chosen else None)
    if not search.parts and not search.equal:
        raise UsageError(
            f"{source} contains none of {names}, nor anything like them under other names. Give "
            "the folder that has them."
        )
    return search


def _are_files(candidates: list[Candidate]) -> bool:
    """Return True if there are at least two candidates and no two of them are in the same file."""
    paths = {candidate.path for candidate in candidates}
    return len(paths) == len(candidates) > 1


def _missing_parts(search: Found, known: Collection[Part]) -> dict[Part, Said]:
    """Return a message for each part that was not found, except the parts in `known`, which have
    several candidate files or already have a message.
    """
    missing: dict[Part, Said] = {}
    for part in PARTS:
        if part not in search.parts and part not in known:
            missing[part] = _missing(part, search)
    return missing


def _notebooks_of(
    code: Code, python: Mapping[PurePosixPath, str]
) -> dict[str, tuple[str, Notebook]]:
    """Return, for each Python file made from a notebook, the notebook's name and code."""
    notebooks = {}
    for path, (original, notebook) in code.notebooks.items():
        if path in python:
            notebooks[python[path]] = (str(original), notebook)
    return notebooks


def _named(candidates: list[Candidate], code: Code, source: Path) -> PurePosixPath:
    """Return the path of the only candidate whose file name occurs in a text file (such as a
    README) or in a code file that is not a candidate.

    A candidate also matches if a file that is not itself a candidate imports it, directly or
    indirectly; the import statement need not contain the suffix ".py". Unless exactly one candidate
    matches, the function returns an empty path.
    """
    paths = [candidate.path for candidate in candidates]
    files_beside = [path for path in code.text if path not in paths]
    texts = _read_first(source)
    imported: set[PurePosixPath] = set()
    for path in files_beside:
        texts.append(code.text[path])
        imported |= code.reached.get(path, set())
    named = []
    for path in paths:
        name = re.compile(rf"(?<![\w.-]){re.escape(path.name)}(?!\w)")
        if path in imported or any(map(name.search, texts)):
            named.append(path)
    if len(named) == 1:
        return named[0]
    return PurePosixPath()


def _read_first(source: Path) -> list[str]:
    """Return the beginning of each text file in a folder, for example of a README."""
    texts = []
    for path in list_files(source):
        if path.suffix.lower() in READ_FIRST:
            texts.append(decoded((source / path).read_bytes()[:MAX_READ]))
    return texts


def _copy(source: Path, target: Path) -> list[str]:
    """Copy up to `MAX_COPIED` bytes, smallest files first; return the files that were left out."""
    for folder in list_folders(source):  # even empty ones: the code may write there
        (target / folder).mkdir()
    sizes = {file: (source / file).stat().st_size for file in list_files(source)}
    room, left_out = MAX_COPIED, []
    for file, size in sorted(sizes.items(), key=lambda item: item[1]):
        room -= size
        if room < 0:
            left_out.append(str(file))
        else:
            shutil.copyfile(source / file, target / file)
    return left_out


def _write_code(target: Path, code: Code) -> dict[PurePosixPath, str]:
    """Convert notebooks to Python files, and make each function that is still to be written raise
    an error.

    Returns:
        for each Python file and notebook of the submission, the path of the corresponding Python
        file in the copy of the submission.
    """
    python = {}
    for path, text in code.text.items():
        file = path
        while file.suffix.lower() == SUFFIX or _is_taken(file, path, target, code):
            stem = file.stem
            if file.suffix.lower() != SUFFIX:
                stem += "_notebook"
            file = file.with_name(f"{stem}.py")
        python[path] = str(file)
        changed = marked(text)
        if changed != text or path in code.notebooks:
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            copied = target / path  # absent if a notebook writes it, or if it was left out
            encoding = encoding_of(copied.read_bytes()) if copied.is_file() else "utf-8"
            (target / file).write_bytes(changed.encode(encoding, errors="replace"))
    return python


def _is_taken(file: PurePosixPath, path: PurePosixPath, target: Path, code: Code) -> bool:
    """Return True if the code from `path` cannot be written to `file` because another file or
    folder already has that name.
    """
    if file == path:
        return (target / file).is_dir()
    return file in code.text or (target / file).exists()


def _located(
    search: Found, taken: Candidate, python: dict[PurePosixPath, str], existing: tuple[str, ...]
) -> Located:
    """Describe the file that was chosen for a part of the assignment. The description contains the
    file's path in the copy of the student's folder, the files that it imports, and the files that
    import it.

    Args:
        taken: the file, class or function that was chosen as the implementation of this part of the
            assignment.
        python: for each of the student's Python files and notebooks, the path of the corresponding
            Python file in the copy of the student's folder.
        existing: see `Submission`.
    """
    reached_by = search.code.reached
    file = python[taken.path]
    imported = [python[path] for path in sorted(reached_by.get(taken.path, ()))]
    using = sorted(path for path, reached in reached_by.items() if taken.path in reached)
    users = tuple(python[path] for path in using)
    return Located(
        file=file,
        name=taken.name,
        files=(file, *imported),
        users=users,
        network=search.parts["lstm"].name if "lstm" in search.parts else None,
        witnesses=(*users[:MAX_USERS], file),
        existing=existing,
    )


def unclear(part: Part, candidates: list[Candidate]) -> Said:
    """Return a message saying that several files, or several classes in one file, may implement the
    part.
    """
    files = dict.fromkeys(str(candidate.path) for candidate in candidates)
    fields = {"what": WHAT[part], "file": FILES[part], "where": next(iter(files))}
    if len(files) > 1:
        return "unclear-files", fields | {"which": " and ".join(files)}
    classes = " and ".join(str(candidate.name) for candidate in candidates)
    return "unclear-classes", fields | {"which": classes}


def _users_of_lstm(search: Found) -> dict[Part, Said]:
    """If no training file was found, return a dictionary with a message. The message names the
    files that import the LSTM but were not chosen for any part of the assignment, because the
    training may be in one of them. Return {} if there are no such files or if a training file was
    found.
    """
    if "train" in search.parts or "train" in search.equal:
        return {}
    taken = {candidate.path for candidate in search.parts.values()}
    lstm = search.parts["lstm"].path if "lstm" in search.parts else None
    users = []
    for path, files in search.code.reached.items():
        if lstm in files and path not in taken:
            users.append(str(path))
    if not users:
        return {}
    fields = {"file": FILES["train"], "what": WHAT["train"], "which": " and ".join(users)}
    return {"train": ("unclear-users", fields)}


def _lstm_in_function(search: Found) -> dict[Part, Said]:
    """Return a message if no class looks like the LSTM, but a function may compute it, otherwise
    {}.
    """
    if "lstm" in search.parts or "lstm" in search.equal:
        return {}
    for path, facts in search.code.facts.items():
        for definition in facts.definitions:
            if not definition.is_class and definition.words >= GATES:
                fields = {"name": definition.name, "where": str(path), "what": WHAT["lstm"]}
                return {"lstm": ("in-function", fields)}
    return {}


def _lstm_in_archive(search: Found, source: Path) -> dict[Part, Said]:
    """Return a message if the LSTM that the training file imports may be in an archive in the
    folder, otherwise {}.
    """
    if not search.elsewhere or "lstm" in search.parts or "lstm" in search.equal:
        return {}
    archives = [file for file in list_files(source) if _holds_python(source / file)]
    if not archives:
        return {}
    training = str(search.parts["train"].path)
    fields = {"what": WHAT["lstm"], "where": training, "which": str(archives[0])}
    return {"lstm": ("in-archive", fields | {"name": search.elsewhere})}


def _holds_python(path: Path) -> bool:
    """Return True if a file is a zip archive from which Python can import modules."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith((".py", ".pyc")) for name in archive.namelist())
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return False


def _missing(part: Part, search: Found) -> Said:
    """Return a message saying that a part is missing and naming up to three files that come closest
    to it.
    """
    number = len(search.code.text)
    looked = "the only file" if number == 1 else f"{number} files"
    near = dict.fromkeys(str(candidate.path) for candidate in search.close.get(part, []))
    nearest = list(near)[:3]
    fields = {"file": FILES[part], "looked": looked, "what": WHAT[part]}
    if not nearest:
        return "missing-file.none", fields
    return "missing-file.near", fields | {"nearest": " or ".join(nearest)}
