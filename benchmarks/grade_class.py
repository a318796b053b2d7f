"""Grades a class of 100 archives, some hostile: python benchmarks/grade_class.py [--check stand-in]

    python benchmarks/grade_class.py --check real --size 200 --kills 3
    python benchmarks/grade_class.py --check real --size 60 --kills 3 --only dataset.py

Every archive must get a result. Every harmless archive must get the same points as it would get
alone; the printed table shows the points. The hostile archives loop, sleep, fork, allocate memory,
print, forge a report, keep a hundred processes busy, are malformed, or attack the judge (see
`HEAVY` in tests/assignment/grade/test_suspect.py). All of them are bounded; see
tests/assignment/submissions.py.

By default, a stand-in for the check only imports the four files, so the measured time is that of
the grader itself. `--check real` runs the real check. The harmless archives are then the correct
submissions of the tests, in turn. With `--only`, each harmless archive has only the named file.

Afterwards, `--kills` grades the class again with the command line. The command is killed at random
moments and run again each time. Every result is compared with the result of the first grading. The
printed memory is the largest resident set of a single process. It is measured for the command's own
processes, and for the processes that judge one archive or write one page. The memory of the
submissions' own processes is not included.
"""

import argparse
import collections
import contextlib
import difflib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psutil

from toolkit.assignment.grade.folder import grade_folder
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.verdict import CHECK
from toolkit.assignment.sandbox.choice import find_isolation
from toolkit.assignment.sandbox.isolation import Isolation, Limits
from toolkit.assignment.sandbox.supervise import LAUNCHED

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.assignment import submissions
from tests.assignment.grade.test_suspect import HEAVY
from tests.assignment.judging.corpus import cases

INTO_PIPES = """
import os
for descriptor in range(3, 40):
    try:
        os.write(descriptor, b"0" * 200)
    except OSError:
        pass
"""
BUSY = """
import os, time
for _ in range(100):
    if os.fork() == 0:
        end = time.time() + 60
        while time.time() < end:
            pass
        os._exit(0)
time.sleep(60)
"""
HOSTILE = {
    "loops": submissions.with_lstm(submissions.LOOP),
    "sleeps": submissions.with_lstm(submissions.SLEEP),
    "forks": submissions.with_lstm(submissions.FORK_BOMB),
    "takes 50 GB": submissions.with_lstm(submissions.MEMORY),
    "shared memory": submissions.with_lstm(submissions.MEMORY_BIT_BY_BIT.format(megabytes=2048)),
    "prints 1 GiB": submissions.with_lstm(submissions.PRINT.format(megabytes=1024)),
    "writes into the pipes": submissions.with_lstm(INTO_PIPES),
    "zip bomb": submissions.zip_bomb(),
    "path outside": submissions.pack({"../../lstm.py": "x"}),
    "link": submissions.symlink("/etc/passwd"),
    "a hundred busy": submissions.with_lstm(BUSY),
    **{name: submissions.pack(submissions.FINE | files) for name, files in HEAVY.items()},
}
FAULTY = 250  # how many of the tests' planted faults are used; they are evenly spread
Archive = tuple[str, dict[str, str | bytes]]  # the archive's kind, and path -> content


def harmless(number: int, real: bool, only: str) -> Archive:
    """Return the kind and the files of the harmless archive with this number."""
    if not real:
        lstm = {"lstm.py": f"class LSTM:\n    number = {number}\n"}
        return "fine", submissions.FINE | lstm
    name = list(cases.RIGHT)[number % len(cases.RIGHT)]
    return name, written_by(cases.write_right, name, only)


def written_by(
    write: Callable[[str, Path], None], name: str, only: str = "*"
) -> dict[str, str | bytes]:
    """Return the files of one of the tests' cases, keyed by path.

    Args:
        write: a function that writes the files of a case into a folder.
        name: the name of the case.
        only: a glob pattern that selects the files.
    """
    files: dict[str, str | bytes] = {}
    with tempfile.TemporaryDirectory() as directory:
        write(name, Path(directory))
        for path in Path(directory).rglob(only):
            if path.is_file():
                files[str(path.relative_to(directory))] = path.read_bytes()
    return files


def harmless_in_part(number: int) -> Archive:
    """Return the kind and the files of a harmless archive; for odd numbers it has a planted fault,
    and for even numbers it is correct.

    Every fifth archive is complete. Each of the others has one file: a file that the fault changes
    or, in correct submissions, each of the files in turn.
    """
    if number % 2:
        every = len(cases.WRONG) // FAULTY
        name = list(cases.WRONG)[number // 2 % FAULTY * every]
        right = written_by(cases.write_right, cases.WRONG[name].base)
        files = written_by(cases.write_planted, name)
        names = [path for path, content in files.items() if content != right.get(path)]
    else:
        name = list(cases.RIGHT)[number // 2 % len(cases.RIGHT)]
        files = written_by(cases.write_right, name)
        names = sorted(files)
    if number % 5:
        kept = names[number // 2 % len(names)]
        files = {kept: files[kept]}
    return name, files


def write_class(folder: Path, archives: Iterable[Archive]) -> dict[str, str]:
    """Write archives, some of them replaced by hostile ones, and return the kind of each file."""
    archives = list(archives)
    kinds = {}
    every = len(archives) // len(HOSTILE)
    hostile = iter(HOSTILE)
    for number, (kind, files) in enumerate(archives):
        if number % every == every // 2:
            kind = next(hostile, kind)
        name = f"{10_000_000 + number}_assignment3.zip"
        (folder / name).write_bytes(HOSTILE.get(kind) or submissions.pack(files))
        kinds[name] = kind
    return kinds


def main() -> None:
    parser = argparse.ArgumentParser(description="A class of archives, hostile ones among them.")
    parser.add_argument("--size", type=int, default=100, help=f"archives; {len(HOSTILE)} hostile")
    parser.add_argument("--workers", type=int, default=2, help="archives at a time")
    parser.add_argument("--kills", type=int, default=0, help="of the command line; real check only")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    parser.add_argument("--check", choices=("stand-in", "real"), default="stand-in")
    parser.add_argument("--only", default="*", help="file of each harmless archive; real check")
    options = parser.parse_args()
    real = options.check == "real"
    if options.size < len(HOSTILE):
        parser.error(f"--size must be at least {len(HOSTILE)}")
    if options.kills and not real:
        parser.error("--kills needs --check real")
    isolation = find_isolation()
    print(f"Isolation: {isolation.describe()}\n")
    with tempfile.TemporaryDirectory() as directory:
        folder, out = Path(directory, "class"), Path(directory, "graded")
        folder.mkdir()
        archives = (harmless(number, real, options.only) for number in range(options.size))
        kinds = write_class(folder, archives)
        start = time.perf_counter()
        results = grade(folder, out, isolation, options.workers, real)
        seconds = time.perf_counter() - start
        expected = written(out)
        if len(expected) != options.size or len(results) != options.size:
            sys.exit(f"{len(expected)} results of {options.size} archives.")
        print_table([*results.values()], kinds)
        print(f"\n{len(results)} results in {seconds:.0f} s, {options.workers} archives at a time")
        if options.kills:
            moments = random_moments(options.kills, seconds, options.seed)
            out = Path(directory, "again")
            if not same_after_kills(folder, out, options.workers, moments, expected, kinds):
                sys.exit(1)


def grade(
    folder: Path, out: Path, isolation: Isolation, workers: int, real: bool
) -> dict[str, Result]:
    """Grade a folder with the real check or with its stand-in."""
    limits, check = Limits(seconds=20, memory=2**30), submissions.CHECK
    if real:
        limits, check = Limits(), CHECK
    return grade_folder(
        folder,
        out,
        read_rubric(),
        limits,
        check=check,
        isolation=isolation,
        num_workers=workers,
    )


def random_moments(count: int, seconds: float, seed: int) -> list[float]:
    """Return random moments, in seconds after each start, at which a command is killed.

    Args:
        count: the number of moments.
        seconds: how long the command takes without kills.
    """
    rng = random.Random(seed)
    return [seconds * rng.random() / count for _ in range(count)]


def same_after_kills(
    folder: Path,
    out: Path,
    workers: int,
    moments: list[float],
    expected: dict[str, object],
    kinds: dict[str, str],
) -> bool:
    """Grade again with kills; return True if all results exist and those of harmless archives have
    not changed.

    Args:
        moments: the moments of the kills, in seconds after each start.
        expected: the results without kills, keyed by archive.
    """
    command = [sys.executable, "-m", "toolkit.assignment", "grade", str(folder)]
    command += ["--out", str(out), "--jobs", str(workers)]
    seconds, peaks = kill_and_repeat(command, moments)
    results = written(out)
    num_harmless, num_hostile = count_differing(expected, results, kinds)
    kills = ", ".join(f"{moment:.0f} s" for moment in moments)
    print(
        f"\nKilled after {kills} and given again: {len(results)} results in {seconds:.0f} s. "
        f"Others than before: {num_harmless} of harmless archives, {num_hostile} of hostile ones, "
        "which meet a limit now here, now there. At most "
        f"{peaks[False] / 1e6:.0f} MB in a process of the command, {peaks[True] / 1e6:.0f} MB in "
        "one that judges."
    )
    return num_harmless == 0 and len(results) == len(expected)


def count_differing(
    expected: dict[str, object], results: dict[str, object], kinds: dict[str, str]
) -> tuple[int, int]:
    """Print the results that differ; return how many are of harmless and how many of hostile
    archives.
    """
    num_harmless = num_hostile = 0
    for name, result in expected.items():
        other_result = results.get(name)
        if other_result == result:
            continue
        print(f"{kinds[name]}: {differences(result, other_result)[:500]}")
        if kinds[name] in HOSTILE:
            num_hostile += 1
        else:
            num_harmless += 1
    return num_harmless, num_hostile


def written(out: Path) -> dict[str, object]:
    """Return the results in a folder, keyed by archive, without their execution times."""
    results = {}
    for path in out.glob("*/results.json"):
        results[path.parent.name] = result = json.loads(path.read_text(encoding="utf-8"))
        del result["execution_time"]
    return results


def differences(old: object, new: object) -> str:
    """Describe where and how two results differ."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        return differences_of_dicts(old, new)
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return differences_of_lists(old, new)
    if isinstance(old, str) and isinstance(new, str):
        lines = difflib.ndiff(old.splitlines(), new.splitlines())
        return " | ".join(line for line in lines if line[0] in "+-")
    return f"{old!r} -> {new!r}"


def differences_of_dicts(old: dict[str, object], new: dict[str, object]) -> str:
    parts = []
    for key, value in old.items():
        if value != new[key]:
            parts.append(f"{key}: {differences(value, new[key])}")
    return "; ".join(parts)


def differences_of_lists(old: list[object], new: list[object]) -> str:
    parts = []
    for value, new_value in zip(old, new, strict=True):
        if value != new_value:
            parts.append(differences(value, new_value))
    return ", ".join(parts)


def kill_and_repeat(command: list[str], moments: list[float]) -> tuple[float, dict[bool, int]]:
    """Run a command repeatedly: kill it after each number of seconds in `moments`, and then let one
    last run finish.

    Returns:
        the total seconds of all runs, and the largest resident sets in bytes: for the command's own
        processes (key False), and for the forks that judge (key True).
    """
    start, peaks = time.perf_counter(), {False: 0, True: 0}
    for moment in [*moments, None]:
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                if moment is not None and time.perf_counter() - began > moment:
                    process.kill()
                for judges, peak in own_peaks(process.pid):
                    peaks[judges] = max(peaks[judges], peak)
                time.sleep(0.2)
        if moment is None and process.returncode:
            sys.exit(f"{' '.join(command)} ended with {process.returncode}.")
    return time.perf_counter() - start, peaks


def own_peaks(pid: int) -> Iterator[tuple[bool, int]]:
    """Yield a pair for each of the grader's processes: True if the process judges, and its largest
    resident set so far in bytes.

    A process judges if it is a fork, that is, if it has the same command line as its parent.
    """
    parent = psutil.Process(pid)
    for process in (parent, *parent.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess, OSError, AttributeError):  # it has ended
            line = process.cmdline()
            judges = process != parent and line == process.parent().cmdline()
            judges &= not any(map(LAUNCHED.search, line))  # a submission's process
            if process == parent or judges or "loky" in " ".join(line):
                status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
                for row in status.splitlines():
                    if "VmHWM" in row:
                        yield judges, int(row.split()[1]) * 1024


def print_table(results: list[Result], kinds: dict[str, str]) -> None:
    """Print a table with a row for each kind of archive and each of its results."""
    rows: collections.Counter[tuple[str, str, float, str]] = collections.Counter()
    seconds: dict[str, float] = collections.defaultdict(float)
    for result in results:
        extra = result.extra_data
        kind = kinds[extra.archive]
        findings = [f"{finding.id} ({finding.file})" for finding in extra.findings]
        text = extra.problem or " ".join(findings) or "nothing wrong was found"
        first_line = text.splitlines()[0][:70]
        rows[kind, first_line, result.score, extra.isolation.partition(":")[0]] += 1
        seconds[kind] += result.execution_time
    print("| archive | how many | points | result | isolation | seconds each |")
    print("|---|---|---|---|---|---|")
    for (kind, text, score, isolation), count in rows.items():
        mean = seconds[kind] / count
        print(f"| {kind} | {count} | {score:g} | {text} | {isolation} | {mean:.1f} |")


if __name__ == "__main__":
    main()
