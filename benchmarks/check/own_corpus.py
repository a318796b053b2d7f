"""The check on what we planted ourselves, and its cost: python benchmarks/check/own_corpus.py

Judges every faulty and every right submission of tests/assignment/check/corpus by one warm child,
with `--everywhere` each misconception in all right solutions where it fits, and then runs the
command `check` on each right one, for its processor time and memory. With `--without-training` only
what is about the LSTM alone, each without the script that trains it: the verdicts have to be the
same. Code by others says more about how right the check is: benchmarks/check/wild.py.
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


def judged(
    host: Host, write: Callable[[Path], None], parts: list[str], without_training: bool
) -> tuple[Any, Path]:
    """The report on a submission, and the folder that it was written to."""
    folder = Path(tempfile.mkdtemp(prefix="submission-")).resolve()
    write(folder)
    for training in folder.rglob("train.*") if without_training else ():
        training.unlink()
    with tempfile.TemporaryDirectory() as copy:
        submission = prepare(folder, Path(copy).resolve())
        chosen = [part for part in PARTS if part in parts]
        report = judge(submission, host, str(submission.root), parts=chosen)
    assert all(map(is_proved, report.findings))
    return report, folder


def planted(host: Host, everywhere: bool, without: bool) -> Counter[tuple[bool, str]]:
    """The findings for each misconception where it was written first (True), and elsewhere."""
    counts: Counter[tuple[bool, str]] = Counter()
    for name, wrong in cases.WRONG.items():
        if not (wrong.first or everywhere) or (without and set(wrong.parts) != {"lstm"}):
            continue
        parts = [*wrong.parts]
        report, folder = judged(host, lambda to, n=name: cases.write_planted(n, to), parts, without)
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


def alarms(host: Host, without: bool) -> tuple[int, int, int]:
    """Count the right parts, those with a finding, and those that were not seen."""
    parts = cases.right_parts()
    if without:  # of probabilities the training has to show that no softmax follows
        parts = {name: case for name, case in parts.items() if case[1] == ["lstm"]}
    wrong = unseen = 0
    for name, (submission, checked) in parts.items():
        report, _ = judged(
            host, lambda to, n=submission: cases.write_right(n, to), checked, without
        )
        wrong += bool(report.findings)
        unseen += any(finding.id != "same-class-ends" for finding in report.not_seen)
        for finding in report.findings:
            print(f"{name}: {finding.id} is a false alarm")
        for finding in report.not_seen:
            print(f"{name}: {finding.id or finding.message} is not seen")
    return len(parts), wrong, unseen


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
    parser.add_argument(
        "--without-training", action="store_true", help="only the LSTM, whose training is not there"
    )
    options = parser.parse_args()
    with Host() as host:
        counts = planted(host, options.everywhere, options.without_training)
        parts, wrong, unseen = alarms(host, options.without_training)
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
    print(f"| of them with something not seen | {unseen} of {parts} |")
    if options.without_training:
        return
    seconds = costs()
    print(
        "| processor time of `check` on a right submission | "
        f"median {statistics.median(seconds):.1f} s, {min(seconds):.1f} to {max(seconds):.1f} s |"
    )


if __name__ == "__main__":
    main()
