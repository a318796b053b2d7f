"""Grade a folder of archives: each gets a result, whatever is in it.

graded/
  class.csv                 a line for each archive
  class.html                what the class did not understand, all archives, and similar pairs
  pairs/1.html              the most similar pair side by side, and so on
  12345678_assignment3.zip/
    results.json            for Gradescope; a restarted command keeps it
    feedback.html           for the student; written again by each command
"""

import difflib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import joblib
from pydantic import ValidationError

from toolkit.assignment.grade.archive import MAX_ARCHIVE, student_number
from toolkit.assignment.grade.copies.beside import side_by_side
from toolkit.assignment.grade.copies.similar import MAX_PAIRS, find_similar, prints_of, read_code
from toolkit.assignment.grade.pages import class_csv, class_page, pair_page, student_page
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import Rubric
from toolkit.assignment.grade.sandbox.choice import find_isolation
from toolkit.assignment.grade.sandbox.isolation import Isolation, Limits
from toolkit.assignment.grade.sandbox.scratch import clear_left_over
from toolkit.assignment.grade.verdict import CHECK, Check, grade_archive, ungraded
from toolkit.common.errors import UsageError
from toolkit.common.files import atomic_write, make_directory, read_bytes, sha256
from toolkit.common.package_data import PACKAGE, package_data
from toolkit.common.texts.language import Language
from toolkit.common.workers import workers

NUM_NEAREST = 3  # student numbers that are offered in the place of an unknown one
# Only zip is unpacked; the others get a result that says so.
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".rar", ".7z")


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
    language: Language = "en",
    only: str | None = None,
    again: bool = False,
    begin: Callable[[int, int], None] = lambda done, total: None,
    report: Callable[[int, int, str, Result], None] = lambda done, total, name, result: None,
) -> dict[str, Result]:
    """Grade all archives in `folder` that have no result yet for this rubric and this check.

    Args:
        out: where the results go; see the head of this module.
        check: what judges and what runs a submission.
        isolation: None for the best that is safe; on a cluster each worker finds its own. With one
            that is not, earlier results are not kept, since a submission could have written them.
        cluster: the address of a Dask scheduler; None for the cores of this machine.
        num_workers: processes on this machine; -1 for one on each core.
        language: of the students' pages.
        only: a student number or the name of an archive; the others just keep their results.
        again: grade also what has a result.
        begin: called with the number that have a result, and the number of archives.
        report: called with the number done, the number of archives, and the newest name and result.

    Returns:
        a result for each archive, by its name, in order; with `only` for each that has one.

    Raises:
        UsageError: the folder has no archives, or none of this student.
        ToolkitError: there is no safe isolation here, or `out` cannot be written to.
    """
    archives = find_archives(folder)
    make_directory(out)
    clear_left_over()
    isolation = isolation or (None if cluster else find_isolation())
    settings = identity(rubric, limits, check)
    chosen = _chosen(archives, only)
    anew = archives if isolation and not isolation.safe else chosen if again else []
    results = _kept_results(out, archives, settings, without=anew)
    todo = [path for path in chosen if path.name not in results]
    begin(len(results), total := len(results) + len(todo))
    jobs = (
        joblib.delayed(_grade)(path.name, *_read(path), rubric, limits, check, isolation)
        for path in todo
    )
    with workers(cluster, num_workers):
        for name, digest, result in joblib.Parallel(return_as="generator_unordered")(jobs):
            _save(result, (digest, settings), rubric, out / name, language)
            results[name] = result
            report(len(results), total, name, result)
    graded = {path: results[path.name] for path in archives if path.name in results}
    _write_pages(graded, rubric, out, language)
    return {path.name: result for path, result in graded.items()}


def _write_pages(graded: dict[Path, Result], rubric: Rubric, out: Path, language: Language) -> None:
    """All feedback, the table and the page of the class, and the similar pairs side by side."""
    for path, result in graded.items():  # those too that are from an earlier command
        _write_feedback(result, rubric, out / path.name, language)
    paths = {result.extra_data.archive: path for path, result in graded.items()}

    def code(archive: str) -> dict[str, str]:
        return read_code(_read(paths[archive])[0])

    pairs, usual = find_similar({archive: prints_of(code(archive)) for archive in paths})
    make_directory(out / "pairs")
    for old in (out / "pairs").glob("*.html"):
        old.unlink()
    for number, pair in enumerate(pairs[:MAX_PAIRS], start=1):
        page = pair_page(pair, side_by_side(code(pair.first), code(pair.second)))
        atomic_write(out / "pairs" / f"{number}.html", page.encode())
    results = {path.name: result for path, result in graded.items()}
    atomic_write(out / "class.csv", class_csv(list(graded.values()), pairs).encode())
    atomic_write(out / "class.html", class_page(results, pairs, usual, rubric).encode())


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
    if not found and any(folder.glob("*_assignsubmission_file*/")):
        raise UsageError(
            f"{folder} has a folder for each student, as Moodle makes them. Download the "
            "submissions again without 'Download submissions in folders'."
        )
    if not found:
        raise UsageError(f"{folder} has no archives such as 12345678_assignment3.zip.")
    return found


def _chosen(archives: list[Path], only: str | None) -> list[Path]:
    """The archives to grade."""
    if only is None:
        return archives
    chosen = [path for path in archives if only in (student_number(path.name), path.name)]
    if not chosen:
        numbers = [student_number(path.name) or path.name for path in archives]
        nearest = difflib.get_close_matches(only, numbers, NUM_NEAREST, cutoff=0)
        raise UsageError(
            f"No archive is from {only}. The nearest are {', '.join(nearest)}; give a number or "
            "the name of a file."
        )
    return chosen


def identity(rubric: Rubric, limits: Limits, check: Check) -> str:
    """SHA-256 of all that a result depends on besides the archive, the toolkit included."""
    sources = {
        str(path.relative_to(PACKAGE)): sha256(path.read_bytes())
        for path in sorted(PACKAGE.rglob("*.py"))
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


def _kept_results(
    out: Path, archives: list[Path], settings: str, without: list[Path]
) -> dict[str, Result]:
    """The results of earlier commands that still hold, by the names of the archives."""
    kept = {
        path.name: _kept(out / path.name, path, settings)
        for path in archives
        if path not in without
    }
    return {name: result for name, result in kept.items() if result is not None}


def _read(path: Path) -> tuple[bytes, str]:
    """An archive's content, cut off if it is too large, and the hash of that."""
    with open(path, "rb") as file:
        data = file.read(MAX_ARCHIVE + 1)
    return data, sha256(data)


def _kept(directory: Path, archive: Path, settings: str) -> Result | None:
    """The result of an earlier command, if it was made from this archive in the same way."""
    path = directory / "results.json"
    if not path.exists():
        return None
    try:
        result = Result.model_validate_json(read_bytes(path))
    except ValidationError:
        return None  # not ours, or from an older toolkit
    extra = result.extra_data
    same = (extra.archive_sha256, extra.settings_sha256) == (_read(archive)[1], settings)
    return result if same else None


def _save(
    result: Result, hashes: tuple[str, str], rubric: Rubric, directory: Path, language: Language
) -> None:
    result.extra_data.archive_sha256, result.extra_data.settings_sha256 = hashes
    make_directory(directory)
    _write_feedback(result, rubric, directory, language)
    # Last, because the next command keeps a result that it finds.
    atomic_write(directory / "results.json", f"{result.model_dump_json(indent=2)}\n".encode())


def _write_feedback(result: Result, rubric: Rubric, directory: Path, language: Language) -> None:
    """The student's page, unless the very same is there."""
    path, page = directory / "feedback.html", student_page(result, rubric, language).encode()
    if not path.exists() or path.read_bytes() != page:
        atomic_write(path, page)
