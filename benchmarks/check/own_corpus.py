"""The check on what we planted ourselves, and its cost: python benchmarks/check/own_corpus.py

Judges every faulty and every right submission of tests/assignment/check/corpus by one warm child,
with `--everywhere` each misconception in all right solutions where it fits, and then runs the
command `check` on each right one, for its processor time and memory. Code by others says more about
how right the check is: benchmarks/check/wild.py.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.assignment.check.corpus import build, cases
from toolkit.assignment.check.host import Host
from toolkit.assignment.check.parent import judge
from toolkit.assignment.check.submission import prepare
from toolkit.assignment.check.verify import is_proved
from toolkit.assignment.parts import PARTS


def judged(host: Host, write: Callable[[Path], None], parts: list[str]) -> tuple[Any, Path]:
    """The report on a submission, and the folder that it was written to."""
    folder = Path(tempfile.mkdtemp(prefix="submission-")).resolve()
    write(folder)
    with tempfile.TemporaryDirectory() as copy:
        submission = prepare(folder, Path(copy).resolve())
        chosen = [part for part in PARTS if part in parts]
        report = judge(submission, host, str(submission.root), parts=chosen)
    assert all(map(is_proved, report.findings))
    return report, folder


def planted(host: Host, everywhere: bool) -> Counter[tuple[bool, str]]:
    """The findings for each misconception where it was written first (True), and elsewhere."""
    counts: Counter[tuple[bool, str]] = Counter()
    for name, wrong in cases.WRONG.items():
        if not (wrong.first or everywhere):
            continue
        report, folder = judged(host, lambda to, n=name: cases.write_planted(n, to), [*wrong.parts])
        known = {*wrong.also, *wrong.instead, *(fault.id for fault in wrong.faults)}
        others = [finding.id for finding in report.findings if finding.id not in known]
        if others:
            print(f"{name}: {', '.join(others)} is a false alarm")
        counts[wrong.first, "false"] += bool(others)
        for fault in wrong.faults:
            found = [
                one
                for one in report.findings
                if (one.id, one.equation) == (fault.id, fault.equation) or one.id in wrong.instead
            ]
            allowed = build.places(folder, fault.at)
            there = [one for one in found if (one.file, one.cell, one.line) in allowed]
            counts[wrong.first, "planted"] += 1
            counts[wrong.first, "named"] += bool(found)
            counts[wrong.first, "there"] += bool(there)
            if not there:
                print(f"{name}: {fault.id} is {'not at its line' if found else 'not named'}")
    return counts


def alarms(host: Host) -> tuple[int, int]:
    """Count the right parts, and those with a finding."""
    parts = cases.right_parts()
    wrong = 0
    for name, (submission, checked) in parts.items():
        report, _ = judged(host, lambda to, n=submission: cases.write_right(n, to), checked)
        wrong += bool(report.findings)
        for finding in report.findings:
            print(f"{name}: {finding.id} is a false alarm")
    return len(parts), wrong


def costs() -> list[float]:
    """Seconds of processor time of the command `check`, its child included, on each right one."""
    seconds = []
    for name in cases.RIGHT:
        with tempfile.TemporaryDirectory() as directory:
            cases.write_right(name, Path(directory))
            command = [sys.executable, "-m", "toolkit.assignment", "check", directory]
            before = os.times()
            subprocess.run(command, check=False, capture_output=True)
            after = os.times()
        used = after.children_user + after.children_system
        seconds.append(used - before.children_user - before.children_system)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="The check against planted faults.")
    parser.add_argument("--everywhere", action="store_true", help="in each solution where one fits")
    options = parser.parse_args()
    with Host() as host:
        counts = planted(host, options.everywhere)
        parts, wrong = alarms(host)
    seconds = costs()
    print("\n| what | measured |")
    print("|---|---|")
    for first, where in ((True, ""), (False, ", in further solutions"))[: 1 + options.everywhere]:
        count = {what: counts[first, what] for what in ("planted", "named", "there", "false")}
        print(f"| planted faults that are named{where} | {count['named']} of {count['planted']} |")
        print(
            f"| at a line where a student would change something{where} | "
            f"{count['there']} of {count['planted']} |"
        )
        print(f"| submissions with a false alarm beside it{where} | {count['false']} |")
    print(
        f"| parts of {len(cases.RIGHT)} right submissions with a false alarm | {wrong} of {parts} |"
    )
    print(
        "| processor time of `check` on a right submission | "
        f"median {statistics.median(seconds):.1f} s, {min(seconds):.1f} to {max(seconds):.1f} s |"
    )


if __name__ == "__main__":
    main()
