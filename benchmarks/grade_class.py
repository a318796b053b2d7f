"""A class of 100 archives, ten of them hostile: python benchmarks/grade_class.py [--check stand-in]

Every archive must get a result, and every harmless one the points that it would get alone. The
hostile ones loop, sleep, fork, eat memory, print, forge a report, or are not proper archives; each
is bounded, see tests/assignment/submissions.py. The stand-in for the check only imports the four
files, so the time measured is that of the grader itself. `--check real` runs the real check, and
the harmless archives are the right submissions of the tests, in turn.
"""

import argparse
import collections
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from toolkit.assignment.grade.folder import grade_folder
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.rubric import read_rubric
from toolkit.assignment.grade.sandbox.choice import find_isolation
from toolkit.assignment.grade.sandbox.isolation import Limits
from toolkit.assignment.grade.verdict import CHECK

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.assignment import submissions
from tests.assignment.check.corpus import cases

INTO_PIPES = """
import os
for descriptor in range(3, 40):
    try:
        os.write(descriptor, b"0" * 200)
    except OSError:
        pass
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
}


def harmless(number: int, real: bool) -> tuple[str, dict[str, str | bytes]]:
    """The kind of the archive with this number, and its files."""
    if not real:
        own = {"lstm.py": f"class LSTM:\n    number = {number}\n"}
        return "fine", submissions.FINE | own
    name = list(cases.RIGHT)[number % len(cases.RIGHT)]
    with tempfile.TemporaryDirectory() as directory:
        cases.write_right(name, Path(directory))
        files = [path for path in Path(directory).rglob("*") if path.is_file()]
        return name, {str(path.relative_to(directory)): path.read_bytes() for path in files}


def write_class(folder: Path, size: int, real: bool) -> dict[str, str]:
    """Write the archives, with the hostile ones among them; return the kind of each file."""
    kinds = {}
    every = size // len(HOSTILE)
    hostile = iter(HOSTILE)
    for number in range(size):
        kind, files = harmless(number, real)
        if number % every == every // 2:
            kind = next(hostile, kind)
        name = f"{10_000_000 + number}_assignment3.zip"
        (folder / name).write_bytes(HOSTILE.get(kind) or submissions.pack(files))
        kinds[name] = kind
    return kinds


def main() -> None:
    parser = argparse.ArgumentParser(description="A class of archives, hostile ones among them.")
    parser.add_argument("--size", type=int, default=100, help="archives; a tenth is hostile")
    parser.add_argument("--workers", type=int, default=2, help="archives at a time")
    parser.add_argument("--time-limit", type=float, help="seconds for an archive [20, real: 300]")
    parser.add_argument("--check", choices=("stand-in", "real"), default="stand-in")
    options = parser.parse_args()
    if options.size < len(HOSTILE):
        parser.error(f"--size must be at least {len(HOSTILE)}")
    real = options.check == "real"
    limits = Limits() if real else Limits(seconds=20, memory=2**30)
    limits = replace(limits, seconds=options.time_limit or limits.seconds)
    check = CHECK if real else submissions.CHECK
    isolation = find_isolation()
    print(f"Isolation: {isolation.describe()}\n")
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory, "class")
        folder.mkdir()
        kinds = write_class(folder, options.size, real)
        start = time.perf_counter()
        results = grade_folder(
            folder,
            Path(directory, "graded"),
            read_rubric(),
            limits,
            check=check,
            isolation=isolation,
            num_workers=options.workers,
        )
        seconds = time.perf_counter() - start
        written = [json.loads(p.read_text()) for p in Path(directory).glob("graded/*/results.json")]
    if len(written) != options.size or len(results) != options.size:
        sys.exit(f"{len(written)} results of {options.size} archives.")
    print_table([*results.values()], kinds)
    print(f"\n{len(results)} results in {seconds:.0f} s, {options.workers} archives at a time")


def print_table(results: list[Result], kinds: dict[str, str]) -> None:
    """Print a line for each kind of archive and its result."""
    rows: collections.Counter[tuple[str, str, float, str]] = collections.Counter()
    seconds: dict[str, float] = collections.defaultdict(float)
    for result in results:
        extra = result.extra_data
        kind = kinds[extra.archive]
        found = " ".join(f"{one.id} ({one.file})" for one in extra.findings)
        said = (extra.problem or found or "nothing wrong was found").splitlines()[0][:70]
        rows[kind, said, result.score, extra.isolation.partition(":")[0]] += 1
        seconds[kind] += result.execution_time
    print("| archive | how many | points | result | isolation | seconds each |")
    print("|---|---|---|---|---|---|")
    for (kind, said, score, isolation), count in rows.items():
        each = seconds[kind] / count
        print(f"| {kind} | {count} | {score:g} | {said} | {isolation} | {each:.1f} |")


if __name__ == "__main__":
    main()
