"""Grading a folder of archives; every archive, even a broken one, gets a result.

graded/
  class.csv                 a line for each archive
  class.html                what the class did not understand, all archives, and similar pairs
  pairs/1.html              the most similar pair side by side, and so on
  12345678_assignment3.zip/
    results.json            for Gradescope; a restarted command reuses the verdict in this file
    feedback.html           for the student; every command writes this file again
    viva.html               if asked for: questions for an oral examination, and the answers
"""

import functools
import json
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import joblib
from pydantic import ValidationError

from toolkit.assignment.grade.copies.pairs import write_pairs
from toolkit.assignment.grade.pages import class_csv, class_page, student_page, viva_page
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import Rubric
from toolkit.assignment.grade.verdict import CHECK, Check, give_points, grade_archive, ungraded
from toolkit.assignment.grade.versions import installed, toolkit_files, versions
from toolkit.assignment.handin.archive import hash_archive, read_archive, student_number
from toolkit.assignment.sandbox.choice import find_isolation
from toolkit.assignment.sandbox.isolation import Isolation, Limits
from toolkit.assignment.sandbox.scratch import clear_left_over
from toolkit.common.errors import ToolkitError, UsageError, nearest
from toolkit.common.files import atomic_write, make_directory, read_bytes, sha256, write_changed
from toolkit.common.texts.language import Language
from toolkit.common.workers import ask_workers, workers

# Only zip archives are unpacked; other archives get a result that says so.
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".rar", ".7z")

NO_NUMBER = "The student number is unknown: the file name has no number before '_assignment3'."


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
    regrade: bool = False,
    outdated: Callable[[int], None] = lambda number: None,
    begin: Callable[[int, int], None] = lambda done, total: None,
    report: Callable[[int, int, str, Result], None] = lambda done, total, name, result: None,
) -> dict[str, Result]:
    """Grade all archives in `folder`.

    An archive with a valid earlier result is not judged again; only its points are recomputed if
    the rubric has changed.

    Args:
        out: the folder for the results; see the docstring of this module.
        check: the settings of the check: the function that judges a submission, the program that
            runs its code, and, if questions for an oral examination are wanted, their language.
        isolation: how to isolate the submissions' code; None to use the best safe method that works
            on this machine or, on a cluster, on each worker's machine. If the isolation is not
            safe, earlier results are not reused, because a submission could have written them.
        cluster: the address of a Dask scheduler; None to use the cores of this machine.
        num_workers: the number of processes on this machine; -1 for one process per core.
        language: the language of the feedback pages, and of any pages with questions for an oral
            examination.
        only: a student number or an archive's name, to grade only the matching archives; all others
            keep their results.
        regrade: True to grade even archives that already have a result.
        outdated: if any results are no longer valid, this function is called with the number of
            archives that have such a result.
        begin: called with the number of archives that already have a result, and the total number
            of archives.
        report: called after each archive with the number of archives that have a result, the total
            number of archives, and the name and result of this archive.

    Returns:
        the result of each archive, keyed and sorted by the archive's name. With `only`, archives
        without a result are left out.

    Raises:
        UsageError: `folder` contains no archives, no archive matches `only`, or `folder` and `out`
            are the same.
        ToolkitError: the submissions cannot be isolated safely on this machine, or `out` cannot be
            written to.
    """
    archives = find_archives(folder)
    refuse_same(folder, out)
    make_directory(out)
    clear_left_over(kept=(folder, out))
    if isolation is None and cluster is None:
        isolation = find_isolation()
    judging = Judging(rubric, limits, check, isolation)
    chosen = _chosen(archives, only)
    identities = _identities(judging, cluster)
    reusable = _reusable(archives, chosen, isolation, regrade)
    results = _kept_results(out, reusable, identities, rubric)
    num_outdated = _num_outdated(out, set(reusable).intersection(chosen), results)
    if num_outdated:
        outdated(num_outdated)
    todo = [path for path in chosen if path.name not in results]
    total = len(results) + len(todo)
    begin(len(results), total)

    def job(path: Path) -> Any:
        # The other machines of a cluster cannot read the file, so the job contains the archive.
        archive = read_archive(path) if cluster else path.absolute()
        return joblib.delayed(_grade)(path.name, archive, judging)

    with workers(cluster, num_workers):
        for name, result in _in_turn(todo, job):
            write_changed(_files(result, rubric, out / name, language))
            results[name] = result
            report(len(results), total, name, result)
    in_order = {path.name: results[path.name] for path in archives if path.name in results}
    _write_pages(folder, in_order, rubric, out, language)
    return in_order


def _in_turn(todo: list[Path], job: Callable[[Path], Any]) -> Iterator[tuple[str, Result]]:
    """Grade each archive and yield its result. At the end, regrade each archive whose grading was
    disturbed, for example by other programs. For each regraded archive, yield a second, final
    result.

    Grading counts as disturbed only if the check is incomplete. In addition, one of two things must
    have happened. Either the archive's code was too slow, or other programs occupied the sandbox's
    processor core or used up the machine's memory during the check. Such an archive is graded again
    on its own, and the more complete result counts.
    """
    disturbed = {}
    for name, result in joblib.Parallel(return_as="generator_unordered")(map(job, todo)):
        if result.extra_data.disturbed:
            disturbed[name] = result
        yield name, result
    for path in todo:
        if path.name not in disturbed:
            continue
        for name, second in joblib.Parallel(return_as="generator_unordered")([job(path)]):
            result = _fuller(second, disturbed[name])
            result.extra_data.disturbed = False
            yield name, result


def _fuller(second: Result, first: Result) -> Result:
    """Return the more complete of two results, or `second` if they are equally complete."""

    def unjudged(result: Result) -> tuple[bool, float]:
        return result.extra_data.problem != "", result.open

    return first if unjudged(first) < unjudged(second) else second


def _write_pages(
    folder: Path, results: dict[str, Result], rubric: Rubric, out: Path, language: Language
) -> None:
    """Write the files for each result, the CSV table and the HTML page for the class, and pages
    about the pairs of similar submissions.
    """
    files: dict[Path, bytes] = {}
    paths = {}
    for name, result in results.items():
        files |= _files(result, rubric, out / name, language)
        paths[result.extra_data.archive] = folder / name
    write_changed(files)
    similar = write_pairs(paths, out / "pairs")
    atomic_write(out / "class.csv", class_csv(list(results.values()), similar.pairs).encode())
    page = class_page(results, similar.pairs, similar.usual, rubric, similar.not_compared)
    atomic_write(out / "class.html", page.encode())


def find_archives(folder: Path) -> list[Path]:
    """Return the archives in `folder`, sorted by name; symbolic links are left out.

    Raises:
        UsageError: `folder` is not a folder, or contains no archive.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: name the one that holds the archives.")
    archives = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in ARCHIVES and path.is_file() and not path.is_symlink():
            archives.append(path)
    if not archives and any(folder.glob("*_assignsubmission_file*/")):
        raise UsageError(
            f"{folder} has a folder for each student, as Moodle makes them. Download the "
            "submissions again without 'Download submissions in folders'."
        )
    if not archives:
        raise UsageError(f"{folder} has no archives such as 12345678_assignment3.zip.")
    return archives


def find_links(folder: Path) -> list[Path]:
    """Return the symbolic links in `folder` whose names have an archive's suffix, such as .zip;
    `grade` does not follow links.
    """
    links = []
    for path in folder.iterdir():
        if path.suffix.lower() in ARCHIVES and path.is_symlink():
            links.append(path)
    return links


def find_others(folder: Path, out: Path) -> list[str]:
    """Return the sorted names of all visible files and folders in `folder` that are not archives.

    Args:
        out: the results folder. The list of names that the function returns leaves out this results
            folder, and any symbolic link whose name has an archive's suffix.
    """
    archives = {*find_archives(folder), *find_links(folder)}
    others = []
    for path in sorted(folder.iterdir()):
        is_hidden = path.name.startswith(".")
        if path not in archives and not is_hidden and path.resolve() != out.resolve():
            others.append(path.name)
    return others


def refuse_same(folder: Path, out: Path) -> None:
    """Raise an error if the results would be written to the folder that contains the archives.

    Raises:
        UsageError: the two folders are the same.
    """
    if out.resolve() == folder.resolve():
        raise UsageError(
            f"--out {out} is the folder of the archives. Give another folder, such as --out graded."
        )


def _chosen(archives: list[Path], only: str | None) -> list[Path]:
    """Return the archives to grade: those that match `only`, or all archives if `only` is None.

    Raises:
        UsageError: no archive matches `only`.
    """
    if only is None:
        return archives
    chosen = [path for path in archives if only in (student_number(path.name), path.name)]
    if not chosen:
        numbers = [student_number(path.name) or path.name for path in archives]
        raise UsageError(
            f"No archive is from {only}. {nearest(only, numbers)}; give a number or a file's name."
        )
    return chosen


def _reusable(
    archives: list[Path], chosen: list[Path], isolation: Isolation | None, regrade: bool
) -> list[Path]:
    """Return the archives whose earlier results may be reused."""
    if isolation is not None and not isolation.safe:
        return []  # a submission could have written the results
    if regrade:
        return [path for path in archives if path not in chosen]
    return archives


@dataclass(frozen=True)
class Judging:
    """The grading conditions that, together with the archive, determine the verdict."""

    rubric: Rubric
    limits: Limits
    check: Check
    isolation: Isolation | None  # None on a cluster, where each worker finds its own

    def on_this_machine(self) -> "Judging":
        """Return a copy of the grading conditions in which an `isolation` of None is replaced by
        the best safe method of isolation that works on this machine.
        """
        return replace(self, isolation=self.isolation or _own_isolation())

    def identity(self) -> str:
        """Return the SHA-256 of the settings and software that can affect the verdict; the parts of
        the rubric that cannot affect it are left out.

        The hash covers the resource limits for running a submission and the packages that the
        rubric allows. It covers the toolkit's files and the packages that are installed on this
        machine. It also covers the way in which this machine isolates submissions.
        """
        isolation = self.isolation or _own_isolation()
        depends = [
            toolkit_files(),
            platform.python_version(),
            installed(),
            versions(),
            sorted(set(self.rubric.packages)),
            self.check.child,
            self.check.viva,
            asdict(self.limits),
            isolation.describe(),
        ]
        return sha256(json.dumps(depends).encode())


_own_isolation = functools.cache(find_isolation)  # trying each isolation takes a second


def _identities(judging: Judging, cluster: str | None) -> set[str]:
    """Return the hashes of the settings and software that can affect the check's verdict, for this
    machine or, on a cluster, for each worker that has a working sandbox.
    """
    if cluster is None:
        return {judging.identity()}
    replies = ask_workers(cluster, _worker_identity, judging)
    return {identity for identity in replies if identity is not None}


def _worker_identity(judging: Judging) -> str | None:
    """Return a hash of the settings and software on a worker that can affect the check's verdict,
    or None if the worker has no sandbox.
    """
    try:
        return judging.identity()
    except ToolkitError:
        return None


def _grade(name: str, archive: bytes | Path, judging: Judging) -> tuple[str, Result]:
    """Grade an archive; the result contains hashes of the archive and of the grading conditions."""
    digest = hash_archive(archive)
    try:
        judging = judging.on_this_machine()
        settings = judging.identity()
        result = grade_archive(
            name, archive, judging.rubric, judging.limits, judging.check, judging.isolation
        )
    except Exception as error:  # one archive must not stop the others
        problem = f"The grader failed: {error}"
        return name, ungraded(name, problem, judging.rubric)  # no hashes: graded again next time
    if not result.extra_data.student_number:
        result.extra_data.hints.append(NO_NUMBER)
        result.extra_data.needs_a_look.append(NO_NUMBER)
    result.extra_data.archive_sha256 = digest
    result.extra_data.settings_sha256 = settings
    return name, result


def _num_outdated(out: Path, archives: Iterable[Path], results: Mapping[str, Result]) -> int:
    """Return the number of archives whose result from an earlier run cannot be reused."""
    number = 0
    for path in archives:
        number += path.name not in results and _result_path(out, path).exists()
    return number


def _result_path(out: Path, archive: Path) -> Path:
    """Return the path of an archive's result file."""
    return out / archive.name / "results.json"


def _kept_results(
    out: Path, archives: list[Path], identities: set[str], rubric: Rubric
) -> dict[str, Result]:
    """Return the valid earlier results, keyed by the names of their archives."""
    results = {}
    for archive in archives:
        result = _kept_result(out, archive, identities, rubric)
        if result is not None:
            results[archive.name] = result
    return results


def _kept_result(out: Path, archive: Path, identities: set[str], rubric: Rubric) -> Result | None:
    """Return an archive's valid earlier result, with points computed from the current rubric.

    The function returns None if there is no valid earlier result. It also returns None if the
    earlier result is incomplete and is marked for grading again. A result gets this mark if other
    programs may have slowed down the check or used up the memory.
    """
    path = _result_path(out, archive)
    if not path.exists():
        return None
    try:
        result = Result.model_validate_json(read_bytes(path))
    except ValidationError:
        return None  # not ours, or from an older toolkit
    extra = result.extra_data
    if extra.disturbed or extra.settings_sha256 not in identities:
        return None
    if extra.archive_sha256 != hash_archive(archive):
        return None
    if extra.rubric_sha256 != rubric.sha256:
        return give_points(extra, rubric, result.execution_time)
    return result


def _files(
    result: Result, rubric: Rubric, directory: Path, language: Language
) -> dict[Path, bytes]:
    """Make the folder for an archive's result, and return the contents of the files to write there,
    keyed by path.
    """
    make_directory(directory)
    extra = result.extra_data
    files = {}
    if extra.viva:
        page = viva_page(extra.viva, extra.archive, language)
        files[directory / "viva.html"] = page.encode()
    files[directory / "feedback.html"] = student_page(result, rubric, language).encode()
    files[directory / "results.json"] = f"{result.model_dump_json(indent=2)}\n".encode()
    return files
