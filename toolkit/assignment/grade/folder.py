"""Grade a folder of archives: each gets a result, whatever is in it.

graded/
  class.csv                 a line for each archive
  class.html                what the class did not understand, all archives, and similar pairs
  pairs/1.html              the most similar pair side by side, and so on
  12345678_assignment3.zip/
    results.json            for Gradescope; a restarted command keeps what was judged in it
    feedback.html           for the student; written again by each command
    viva.html               if asked for: questions for an oral examination, and the answers
"""

import functools
import json
import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import joblib
from pydantic import ValidationError

from toolkit.assignment.grade.archive import hash_archive, read_archive, student_number
from toolkit.assignment.grade.copies.pairs import write_pairs
from toolkit.assignment.grade.pages import class_csv, class_page, student_page, viva_page
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import Rubric
from toolkit.assignment.grade.sandbox.choice import find_isolation
from toolkit.assignment.grade.sandbox.isolation import Isolation, Limits
from toolkit.assignment.grade.sandbox.scratch import clear_left_over
from toolkit.assignment.grade.verdict import CHECK, Check, give_points, grade_archive, ungraded
from toolkit.assignment.grade.versions import installed, toolkit_files, versions
from toolkit.common.errors import ToolkitError, UsageError, nearest
from toolkit.common.files import atomic_write, make_directory, read_bytes, sha256, write_changed
from toolkit.common.texts.language import Language
from toolkit.common.workers import ask_workers, workers

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
    """Grade all archives in `folder`; what was judged in the same way before only gets its points.

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
    clear_left_over(kept=(folder, out))
    isolation = isolation or (None if cluster else find_isolation())
    given = (rubric, limits, check)
    settings = _identities(*given, isolation, cluster)
    chosen = _chosen(archives, only)
    anew = archives if isolation and not isolation.safe else chosen if again else []
    results = _kept_results(out, archives, settings, rubric, without=anew)
    todo = [path for path in chosen if path.name not in results]
    begin(len(results), total := len(results) + len(todo))
    sent = read_archive if cluster else Path.absolute  # other machines have no such file
    job = lambda path: joblib.delayed(_grade)(path.name, sent(path), *given, isolation)  # noqa: E731
    with workers(cluster, num_workers):
        for name, result in _in_turn(todo, job):
            write_changed(_files(result, rubric, out / name, language))
            results[name] = result
            report(len(results), total, name, result)
    results = {path.name: results[path.name] for path in archives if path.name in results}
    _write_pages(folder, results, rubric, out, language)
    return results


def _in_turn(todo: list[Path], job: Callable[[Path], Any]) -> Iterator[tuple[str, Result]]:
    """The results of all; then, each alone, of those whom others have disturbed, who keep what saw
    more of them."""
    disturbed = {}
    for name, result in joblib.Parallel(return_as="generator_unordered")(map(job, todo)):
        if result.extra_data.disturbed:
            disturbed[name] = result
        yield name, result
    for path in [path for path in todo if path.name in disturbed]:
        for name, again in joblib.Parallel(return_as="generator_unordered")([job(path)]):
            both = again, disturbed[name]
            result = min(both, key=lambda one: (one.extra_data.problem != "", one.open))
            result.extra_data.disturbed = False
            yield name, result


def _write_pages(
    folder: Path, results: dict[str, Result], rubric: Rubric, out: Path, language: Language
) -> None:
    """All results, those too that are from an earlier command, the class, and similar pairs."""
    for_each = [_files(one, rubric, out / name, language) for name, one in results.items()]
    write_changed({path: data for files in for_each for path, data in files.items()})
    paths = {one.extra_data.archive: folder / name for name, one in results.items()}
    found = write_pairs(paths, out / "pairs")
    atomic_write(out / "class.csv", class_csv(list(results.values()), found.pairs).encode())
    page = class_page(results, found.pairs, found.usual, rubric, found.not_compared)
    atomic_write(out / "class.html", page.encode())


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
        raise UsageError(
            f"No archive is from {only}. {nearest(only, numbers)}; give a number or a file's name."
        )
    return chosen


def identity(rubric: Rubric, limits: Limits, check: Check, isolation: Isolation) -> str:
    """SHA-256 of all that a verdict depends on besides the archive: the toolkit, the packages that
    are installed and those that the rubric allows, the limits, the sandbox; all of them here.
    """
    packages = [platform.python_version(), installed(), versions(), sorted({*rubric.packages})]
    how = [check.child, check.viva, asdict(limits), isolation.describe()]
    return sha256(json.dumps([toolkit_files(), packages, *how]).encode())


def _identities(
    rubric: Rubric,
    limits: Limits,
    check: Check,
    isolation: Isolation | None,
    cluster: str | None,
) -> set[str]:
    """With what an archive may be judged: here, or on the workers that the cluster has now."""
    if cluster is None:
        return {identity(rubric, limits, check, isolation or find_isolation())}
    told = ask_workers(cluster, _own_identity, rubric, limits, check, isolation)
    return {settings for settings in told if settings is not None}


_own_isolation = functools.cache(find_isolation)  # trying each way takes a second


def _own_identity(
    rubric: Rubric, limits: Limits, check: Check, isolation: Isolation | None
) -> str | None:
    """What a worker of a cluster judges with; None if it has no sandbox, and so refuses."""
    try:
        return identity(rubric, limits, check, isolation or _own_isolation())
    except ToolkitError:
        return None


def _grade(
    name: str,
    archive: bytes | Path,
    rubric: Rubric,
    limits: Limits,
    check: Check,
    isolation: Isolation | None,
) -> tuple[str, Result]:
    """`grade_archive`, for a worker, with the hashes of what it was made from."""
    digest = hash_archive(archive)
    try:
        way = isolation or _own_isolation()  # on a cluster each worker finds its own
        settings = identity(rubric, limits, check, way)
        result = grade_archive(name, archive, rubric, limits, check, way)
    except Exception as error:  # one archive must not stop the others
        problem = f"The grader failed: {error}"
        return name, ungraded(name, problem, rubric)  # without hashes: tried again next time
    result.extra_data.archive_sha256, result.extra_data.settings_sha256 = digest, settings
    return name, result


def _kept_results(
    out: Path, archives: list[Path], settings: set[str], rubric: Rubric, without: list[Path]
) -> dict[str, Result]:
    """What earlier commands judged in the same way, by the archives' names, with today's points."""
    kept = {}
    for archive in archives:
        path = out / archive.name / "results.json"
        if archive in without or not path.exists():
            continue
        try:
            result = Result.model_validate_json(read_bytes(path))
        except ValidationError:
            continue  # not ours, or from an older toolkit
        extra = result.extra_data
        is_same = extra.settings_sha256 in settings and extra.archive_sha256 == hash_archive(
            archive
        )
        if is_same and not extra.disturbed:
            if extra.rubric_sha256 != rubric.sha256:
                result = give_points(extra, rubric, result.execution_time)
            kept[archive.name] = result
    return kept


def _files(
    result: Result, rubric: Rubric, directory: Path, language: Language
) -> dict[Path, bytes]:
    """What is written for one archive."""
    make_directory(directory)
    extra = result.extra_data
    sheet = viva_page(extra.viva, extra.archive, language).encode() if extra.viva else b""
    return {
        **({directory / "viva.html": sheet} if sheet else {}),
        directory / "feedback.html": student_page(result, rubric, language).encode(),
        directory / "results.json": f"{result.model_dump_json(indent=2)}\n".encode(),
    }
