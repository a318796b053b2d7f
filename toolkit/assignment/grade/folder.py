"""Grade a folder of archives: each gets a result, whatever is in it.

graded/
  class.csv                 a line for each archive
  class.html                the same, and the pairs with similar code
  12345678_assignment3.zip/
    results.json            for Gradescope; a restarted command keeps it
    feedback.html           for the student
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import joblib
from pydantic import ValidationError

from toolkit.assignment.grade.archive import MAX_ARCHIVE
from toolkit.assignment.grade.pages import class_csv, class_page, student_page
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import Rubric
from toolkit.assignment.grade.sandbox.isolation import Isolation, Limits, find_isolation
from toolkit.assignment.grade.sandbox.scratch import clear_left_over
from toolkit.assignment.grade.similar import find_similar, prints_of, read_code
from toolkit.assignment.grade.verdict import CHECK, Check, grade_archive, ungraded
from toolkit.common.errors import UsageError
from toolkit.common.files import atomic_write, make_directory, read_bytes, sha256
from toolkit.common.package_data import PACKAGE, package_data
from toolkit.common.workers import workers

# Only zip is unpacked; the others get a result that says so.
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".rar", ".7z")
SOURCES = (".py", ".j2", ".md")  # of the toolkit; they decide results and feedback


def grade_folder(
    folder: Path,
    out: Path,
    rubric: Rubric,
    limits: Limits,
    *,
    check: Check = CHECK,
    isolation: Isolation | None = None,
    cluster: str | None = None,
    num_workers: int = -1,
    report: Callable[[int, int, str, Result], None] = lambda done, total, name, result: None,
) -> list[Result]:
    """Grade all archives in `folder` that have no result yet for this rubric and this check.

    Args:
        out: where the results go; see the head of this module.
        check: what judges and what runs a submission.
        isolation: None for the best that works here; on a cluster each worker finds its own.
        cluster: the address of a Dask scheduler; None for the cores of this machine.
        num_workers: processes on this machine; -1 for one on each core.
        report: called with the number done, the number of archives, and the newest name and result.

    Returns:
        a result for each archive, in the order of their names.

    Raises:
        UsageError: the folder has no archives.
        ToolkitError: there is no safe isolation here, or `out` cannot be written to.
    """
    archives = find_archives(folder)
    make_directory(out)
    clear_left_over()
    if isolation is None and cluster is None:
        isolation = find_isolation()
    settings = identity(rubric, limits, check)
    results: dict[str, Result] = {}
    for path in archives:
        if (kept := _kept(out / path.name, path, settings)) is not None:
            results[path.name] = kept

    def jobs() -> Iterator[Any]:
        for path in archives:
            if path.name not in results:
                yield joblib.delayed(_grade)(
                    path.name, *_read(path), rubric, limits, check, isolation
                )

    with workers(cluster, num_workers):
        for name, digest, result in joblib.Parallel(return_as="generator_unordered")(jobs()):
            result.extra_data.archive_sha256 = digest
            result.extra_data.settings_sha256 = settings
            _save(result, rubric, out / name)
            results[name] = result
            report(len(results), len(archives), name, result)
    ordered = [results[path.name] for path in archives]
    prints = {
        results[path.name].extra_data.archive: prints_of(read_code(_read(path)[0]))
        for path in archives
    }
    pairs, usual = find_similar(prints)
    atomic_write(out / "class.csv", class_csv(ordered, pairs).encode())
    atomic_write(out / "class.html", class_page(ordered, pairs, usual, rubric).encode())
    return ordered


def find_archives(folder: Path) -> list[Path]:
    """The archives in `folder`, by name.

    Raises:
        UsageError: it is not a folder, or has none.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: name the one that holds the archives.")
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in ARCHIVES and path.is_file() and not path.is_symlink()
    )
    if not found:
        raise UsageError(f"{folder} has no archives such as 12345678_assignment3.zip.")
    return found


def identity(rubric: Rubric, limits: Limits, check: Check) -> str:
    """SHA-256 of all that a result depends on besides the archive, the toolkit included."""
    sources = {
        str(path.relative_to(PACKAGE)): sha256(path.read_bytes())
        for path in sorted(PACKAGE.rglob("*"))
        if path.suffix in SOURCES
    }
    # The judge uses the exported models, whose hashes the manifest has.
    sources["manifest"] = sha256((package_data("exports") / "manifest.json").read_bytes())
    named = {word: sha256(Path(word).read_bytes()) for word in check.child if Path(word).is_file()}
    judge = f"{check.judge.__module__}.{check.judge.__qualname__}"
    content = [sources, named, check.child, judge, asdict(limits), rubric.sha256]
    return sha256(json.dumps(content).encode())


def _grade(
    name: str,
    data: bytes,
    digest: str,
    rubric: Rubric,
    limits: Limits,
    check: Check,
    isolation: Isolation | None,
) -> tuple[str, str, Result]:
    """`grade_archive`, with the archive's hash, for a worker."""
    if len(data) > MAX_ARCHIVE:
        problem = f"It is larger than {MAX_ARCHIVE // 2**20} MiB: leave out data and checkpoints."
        return name, digest, ungraded(name, problem, rubric)
    try:
        return name, digest, grade_archive(name, data, rubric, limits, check, isolation)
    except Exception as error:  # one archive must not stop the others
        problem = f"The grader failed: {type(error).__name__}: {error}"
        return name, "", ungraded(name, problem, rubric)  # without its hash: tried again next time


def _read(path: Path) -> tuple[bytes, str]:
    """An archive's content, cut off if it is too large, and the hash of that."""
    with open(path, "rb") as file:
        data = file.read(MAX_ARCHIVE + 1)
    return data, sha256(data)


def _kept(directory: Path, archive: Path, settings: str) -> Result | None:
    """The result of an earlier command, if it was made from this archive in the same way."""
    path = directory / "results.json"
    if not path.exists() or not (directory / "feedback.html").exists():
        return None
    try:
        result = Result.model_validate_json(read_bytes(path))
    except ValidationError:
        return None  # not ours, or from an older toolkit
    extra = result.extra_data
    same = (extra.archive_sha256, extra.settings_sha256) == (_read(archive)[1], settings)
    return result if same else None


def _save(result: Result, rubric: Rubric, directory: Path) -> None:
    make_directory(directory)
    atomic_write(directory / "feedback.html", student_page(result, rubric).encode())
    # Last, because the next command keeps a result that it finds.
    atomic_write(directory / "results.json", f"{result.model_dump_json(indent=2)}\n".encode())
