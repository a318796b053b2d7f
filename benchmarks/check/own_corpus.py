"""Tests the check on faults that we planted: python benchmarks/check/own_corpus.py

The script checks the faulty and the right submissions of tests/assignment/judging/corpus, with one
warm process for all of them. By default, each edit of a misconception is planted only in the first
right solution that it fits; with `--everywhere`, it is planted in all right solutions that it fits.
The script then runs the command `check` on each right submission, and measures the processor time.

With `--without-training`, the script checks only LSTMs, without the scripts that train them, and
measures no time. The verdicts must be the same as with these scripts.

Code by others shows better how reliable the check is: see benchmarks/check/wild.py.
"""

import argparse
import functools
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
from tests.assignment.judging.corpus import build, cases
from toolkit.assignment.asking.host import Host
from toolkit.assignment.findings.verify import is_proved
from toolkit.assignment.handin.submission import prepare
from toolkit.assignment.judging.parent import judge
from toolkit.assignment.running.parts import PARTS


def judged(
    host: Host, write: Callable[[Path], None], parts: list[str], without_training: bool
) -> tuple[Any, Path]:
    """Write a submission into a new folder and check it; return the report and the folder.

    Args:
        write: writes the files of the submission into a folder.
        parts: the parts to check.
        without_training: delete the files named train.* before the check.
    """
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


def planted(host: Host, everywhere: bool, without: bool) -> dict[bool, Counter[str]]:
    """Check the planted faults, and count the results.

    Args:
        everywhere: plant each edit in all right solutions that it fits.
        without: check only the faults that concern nothing but the LSTM, without its training.

    Returns:
        the counts "planted", "named", "in its line" and "false". The key True stands for the first
        right solution that an edit fits, and the key False for further solutions.
    """
    counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for name, wrong in cases.WRONG.items():
        is_asked = wrong.first or everywhere
        if is_asked and not (without and set(wrong.parts) != {"lstm"}):
            write = functools.partial(cases.write_planted, name)
            report, folder = judged(host, write, list(wrong.parts), without)
            counts[wrong.first].update(count_findings(name, wrong, report, folder))
    return counts


def count_findings(name: str, wrong: Any, report: Any, folder: Path) -> Counter[str]:
    """Count the findings for one planted misconception, and print the errors of the check."""
    counts: Counter[str] = Counter()
    known = {*wrong.also, *wrong.instead, *(fault.id for fault in wrong.faults)}
    false = [finding.id for finding in report.findings if finding.id not in known]
    if false:
        print(f"{name}: {', '.join(false)} is a false alarm")
        counts["false"] += 1
    for fault in wrong.faults:
        counts["planted"] += 1
        naming = naming_findings(fault, wrong, report)
        allowed = build.places(folder, fault.at)
        places = {(finding.file, finding.cell, finding.line) for finding in naming}
        if not naming:
            print(f"{name}: {fault.id} is not named")
            continue
        counts["named"] += 1
        if places.isdisjoint(allowed):
            print(f"{name}: {fault.id} is not at its line")
        else:
            counts["in its line"] += 1
    return counts


def naming_findings(fault: Any, wrong: Any, report: Any) -> list[Any]:
    """Return the findings that name a fault."""
    naming = []
    for finding in report.findings:
        exact = (finding.id, finding.equation) == (fault.id, fault.equation)
        if exact or finding.id in wrong.instead:
            naming.append(finding)
    return naming


def alarms(host: Host, without: bool) -> tuple[int, int, int]:
    """Return the number of right parts, of parts with a false alarm, and of parts in which
    something was not seen.
    """
    parts = cases.right_parts()
    if without:  # an LSTM that returns probabilities cannot be judged without its training
        parts = {name: case for name, case in parts.items() if case[1] == ["lstm"]}
    wrong = unseen = 0
    for name, (submission, checked) in parts.items():
        write = functools.partial(cases.write_right, submission)
        report, _ = judged(host, write, checked, without)
        if report.findings:
            wrong += 1
        if any(finding.id != "same-class-ends" for finding in report.not_seen):
            unseen += 1
        for finding in report.findings:
            print(f"{name}: {finding.id} is a false alarm")
        for finding in report.not_seen:
            print(f"{name}: {finding.id or finding.message} is not seen")
    return len(parts), wrong, unseen


def costs() -> list[float]:
    """Measure the processor time of the command `check` on each right submission, in seconds.

    The time of its child processes is included.
    """
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


def print_counts(counts: Counter[str], solutions: str) -> None:
    total = counts["planted"]
    print(f"| planted faults that are named{solutions} | {counts['named']} of {total} |")
    print(
        f"| at a line where a student would change something{solutions} | "
        f"{counts['in its line']} of {total} |"
    )
    print(f"| submissions with a false alarm beside it{solutions} | {counts['false']} |")


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
    print_counts(counts[True], "")
    if options.everywhere:
        print_counts(counts[False], ", in further solutions")
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
