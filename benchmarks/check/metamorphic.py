"""Tests the check on rewritten programs: python benchmarks/check/metamorphic.py

    python benchmarks/check/metamorphic.py --right 1000 --faulty 1000 --jobs 2
    python benchmarks/check/metamorphic.py --real FOLDER   # hand-ins that were judged by hand
    python benchmarks/check/metamorphic.py --details       # list unexpected findings

`rewritings/` contains the kinds of rewriting. None of them changes the meaning of a program. A
right solution of the tests is rewritten once or up to three times, and the verdict must not change.
Other programs are rewritten with a fault: a misconception from the table of the tests is first put
into a right solution. The check must then name the fault or say that something was *not seen*, and
it must report nothing false.

The original and the rewritten program are both run without the check (`behaviour.py`). If they
behave differently, the pair is discarded, because it says nothing about the check; discarded pairs
are counted. Code that a program never calls is not compared. Each line of the log (`--log`) is one
result. After an interruption, the same command continues with the missing results.
"""

import argparse
import ast
import hashlib
import itertools
import json
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import libcst as cst
import torch
from behaviour import STARVED, Trace, behaviour, same
from public_code.score import rate
from rewritings import KINDS
from rewritings.program import Program
from solutions import Solution, faulty, own, real, write

STEPS = {"train": 12, "gan": 10}  # optimiser steps in a run
CHAIN = 3  # rewritings in a row, in half of the programs
TRIES = 40  # solutions that are tried until one can be rewritten
BROKEN = (cst.ParserSyntaxError, cst.CSTValidationError, SyntaxError)
NOT_HERE = {"missing-file", "not-written", "time-limit", "doubtful-record"}  # no run shows them
# A short run on this machine may not show these faults.
UNSHOWN = {"fixed-device", "fixed-batch-size", "fixed-sequence-length", "clipping-without-effect",
           "wrong-interpolation", "interpolation-repeats-ends", "missing-interpolation",
           "same-class-ends", "missing-folder", "length-overflow", "split-leak"}  # fmt: skip
# These faults may stop a program with an error.
STOPPING = {"does-not-run", "does-not-import", "fixed-device", "missing-detach", "not-watched"}


class Check:
    """The right solutions, with a cache of the traces and reports of programs.

    Args:
        host: runs code for the check.
        folder: the folder of hand-ins that were judged by hand; None for the solutions of the
            tests.
    """

    def __init__(self, host: Any, folder: Path | None) -> None:
        torch.set_num_threads(1)
        self.host = host
        self.right = list(real(folder) if folder else own())
        self.traces: dict[tuple[Any, ...], Trace] = {}
        self.reports: dict[tuple[Any, ...], dict[str, Any]] = {}

    def trace(self, program: Program, parts: Iterable[str], mirrored: bool = False) -> list[Trace]:
        """Return the traces of the scripts that use some parts: the GAN's script for the GAN, and
        the training script for all other parts.
        """
        scripts = ["gan" if part == "gan" else "train" for part in parts]
        traces = []
        for script in dict.fromkeys(scripts):
            key = (key_of(program), script, mirrored)
            if key not in self.traces:
                self.traces[key] = run_script(program, script, mirrored)
            traces.append(self.traces[key])
        return traces

    def report(self, program: Program, parts: Iterable[str]) -> dict[str, Any]:
        """Return the check's report on some parts of a program."""
        from toolkit.assignment.findings.verify import is_proved
        from toolkit.assignment.handin.submission import prepare
        from toolkit.assignment.judging.parent import judge

        key = (key_of(program), tuple(parts))
        if key not in self.reports:
            with (
                tempfile.TemporaryDirectory(prefix="submission-") as directory,
                tempfile.TemporaryDirectory(prefix="copy-") as copy,
            ):
                root = Path(directory).resolve()
                write(program, root)
                submission = prepare(root, Path(copy).resolve())
                report = judge(submission, self.host, str(submission.root), parts=tuple(parts))
            assert all(map(is_proved, report.findings))
            self.reports[key] = as_dict(report)
        return self.reports[key]


def run_script(program: Program, script: str, mirrored: bool) -> Trace:
    """Run one script of a program, and return its trace, or [] if there is no such script."""
    file = program.parts.get(script)
    if not file:
        return []
    with tempfile.TemporaryDirectory(prefix="run-") as directory:
        root = Path(directory).resolve()
        write(program, root)
        return behaviour(root, file, STEPS[script], mirrored)


def as_dict(report: Any) -> dict[str, Any]:
    """Return a report's findings, and its sentences about what was not seen and what is right."""
    keys = ("id", "equation", "file", "cell", "line", "message", "part")
    findings = []
    for finding in report.findings:
        findings.append({key: getattr(finding, key) for key in keys})
    return {
        "findings": findings,
        "not seen": [f"{finding.part}: {finding.message}" for finding in report.not_seen],
        # Without its numbers, a sentence identifies the question that it answers.
        "right": [
            f"{finding.part}: {_without_numbers(finding.message)}" for finding in report.right
        ],
    }


def _without_numbers(sentence: str) -> str:
    return re.sub(r"(?<!\()\b\d[\d.,]*%?", "#", sentence)


def key_of(program: Program) -> str:
    """Return the key that identifies a program."""
    text = json.dumps([sorted(program.files.items()), sorted(program.parts.items())])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# -- making programs


def rewritten(
    program: Program, parts: Iterable[str], first: str, length: int, rng: random.Random
) -> tuple[Program, list[str], list[str]] | None:
    """Rewrite a program: first by the kind `first`, and then by random other kinds.

    Args:
        length: the largest number of rewritings.

    Returns:
        the program, the kinds, and the parts that were rewritten; None if `first` cannot be
        applied.
    """
    used: list[str] = []
    changed: list[str] = []
    kinds = [kind for kind in KINDS if kind != first]
    rng.shuffle(kinds)
    for kind in [first, *kinds]:
        rewriting = rewritten_by(program, kind, parts, rng)
        if rewriting is not None:
            program, part = rewriting
            used.append(kind)
            changed.append(part)
        if not used or len(used) == length:
            break
    if not used:
        return None
    return program, used, changed


def rewritten_by(
    program: Program, kind: str, parts: Iterable[str], rng: random.Random
) -> tuple[Program, str] | None:
    """Rewrite one of up to two randomly chosen parts, and return the program and the part, or None
    if none of these parts can be rewritten.
    """
    fitting = []
    for part in parts:
        if part in KINDS[kind].parts and program.parts[part].endswith(".py"):
            fitting.append(part)
    rng.shuffle(fitting)
    for part in fitting[:2]:
        new = rewritten_once(program, kind, part, rng)
        if new is not None:
            return new, part
    return None


def rewritten_once(program: Program, kind: str, part: str, rng: random.Random) -> Program | None:
    """Rewrite one part; return None if this is not possible or would not result in valid Python."""
    try:
        new = KINDS[kind].rewrite(program, part, rng)
        if new is None or new == program:
            return None
        for path, text in new.files.items():
            if path.endswith(".py") and text != program.files.get(path):
                ast.parse(text)
    except BROKEN:
        return None
    return new


def with_fault(check: Check, rng: random.Random) -> Iterator[Solution]:
    """Yield randomly chosen solutions with one fault.

    A run must show the fault, unless the fault is in `UNSHOWN`.
    """
    while True:
        solution = rng.choice(check.right)
        part = rng.choice(solution.right)
        candidates = [wrong for wrong in faulty(solution, part) if not wrong.ids & NOT_HERE]
        if candidates:
            wrong = rng.choice(candidates)
            if has_its_fault(check, solution, wrong, part):
                yield wrong


def has_its_fault(check: Check, right: Solution, wrong: Solution, part: str) -> bool:
    """Return True if a run of the wrong solution shows the fault, or if the fault is in `UNSHOWN`.

    The result is False if an error stops the run and the fault is not in `STOPPING`.
    """
    parts = [part, *wrong.parts]
    wrong_traces = check.trace(wrong.program, parts)
    right_traces = check.trace(right.program, parts)
    for event, _ in wrong_traces[0]:
        if event.startswith("raises ") and event != STARVED and not wrong.ids & STOPPING:
            return False  # this kind of fault does not stop a program
    return bool(wrong.ids & UNSHOWN) or not all_same(wrong_traces, right_traces)


def all_same(first: list[Trace], second: list[Trace]) -> bool:
    for first_trace, second_trace in zip(first, second, strict=True):
        if not same(first_trace, second_trace):
            return False
    return True


def judged(solution: Solution, old: Program, new: Program, begun: Iterable[str]) -> list[str]:
    """Return the parts whose verdict may depend on the rewriting.

    Args:
        begun: the parts to which a rewriting was applied; it may have changed other parts, too.
    """
    parts = set(begun)
    for part, file in new.parts.items():
        old_file = old.parts[part]
        if (old_file, old.files[old_file]) != (file, new.files[file]):
            parts.add(part)
    if solution.right:
        parts &= set(solution.right)
    if solution.together and "lstm" in parts and "train" in new.parts:
        parts.add("train")
    return [part for part in ("dataset", "lstm", "train", "gan") if part in parts]


# -- one result


def result(check: Check, what: str, number: int, seed: int) -> dict[str, Any]:
    """Make the program with this number, test that it behaves like the original, and judge it.

    Args:
        what: "right" or "faulty".
    """
    rng = random.Random(f"{seed} {what} {number}")
    first = list(KINDS)[number % len(KINDS)]
    length = 1 if number // len(KINDS) % 2 == 0 else CHAIN
    record: dict[str, Any] = {"what": what, "number": number, "seed": seed, "kinds": [first]}
    if what == "right":
        choices = iter(rng.sample(check.right, len(check.right)))
    else:
        choices = with_fault(check, rng)
    rewriting = first_rewriting(itertools.islice(choices, TRIES), first, length, rng)
    if rewriting is None:
        return record | {"outcome": "nothing fits"}
    solution, program, kinds, begun = rewriting
    record["name"] = solution.program.name
    record["kinds"] = kinds
    record["key"] = key_of(program)
    record["begun"] = begun
    listed = judged(solution, solution.program, program, begun)
    parts = list(dict.fromkeys((*listed, *solution.parts)))
    mirrored = any(KINDS[kind].mirrored for kind in kinds)
    before = check.trace(solution.program, parts)
    after = check.trace(program, parts, mirrored)
    if not listed or not all(shows_enough(trace, solution) for trace in before):
        return record | {"outcome": "does not run here"}
    if not all_same(before, after):
        return record | {"outcome": "thrown away"}
    report = check.report(program, parts)
    record["parts"] = parts
    record["not seen"] = report["not seen"]
    if what == "right":
        return record | compare_with_original(check, solution, parts, report)
    return record | compare_with_fault(check, solution, parts, report)


def first_rewriting(
    solutions: Iterable[Solution], first: str, length: int, rng: random.Random
) -> tuple[Solution, Program, list[str], list[str]] | None:
    """Rewrite the first solution that can be rewritten, and return it with the results of
    `rewritten`.
    """
    for solution in solutions:
        parts = solution.right or solution.parts
        present = [part for part in parts if part in solution.program.parts]
        rewriting = rewritten(solution.program, present, first, length, rng)
        if rewriting is not None:
            return solution, *rewriting
    return None


def shows_enough(trace: Trace, solution: Solution) -> bool:
    """Return True if the run of an original got far enough; a run with a fault may stop early."""
    if solution.ids:
        return bool(trace)
    losses = [event for event, _ in trace if event == "loss"]
    return len(losses) > 2


def compare_with_original(
    check: Check, solution: Solution, parts: list[str], report: dict[str, Any]
) -> dict[str, Any]:
    """Compare the report on a rewritten right program with the report on the original."""
    original = check.report(solution.program, parts)
    known = ids_of(original["findings"]) | solution.may
    before = Counter(original["right"])
    after = Counter(report["right"])
    return {
        "outcome": "judged",
        "false": [finding for finding in report["findings"] if finding["id"] not in known],
        "had": before.total(),
        "kept": (before & after).total(),
        "lost": sorted((before - after).elements()),
    }


def compare_with_fault(
    check: Check, solution: Solution, parts: list[str], report: dict[str, Any]
) -> dict[str, Any]:
    """Compare the report on a rewritten program with the fault that was planted in it."""
    known = solution.ids | solution.may
    false = [finding for finding in report["findings"] if finding["id"] not in known]
    named = not solution.ids.isdisjoint(ids_of(report["findings"]))
    comparison = {
        "outcome": "judged",
        "ids": sorted(solution.ids),
        "false": false,
        "named": named,
        "passed": not report["findings"] and not report["not seen"],
    }
    if false or not named:
        original = check.report(solution.program, parts)
        comparison["before"] = sorted(ids_of(original["findings"]))
    return comparison


def ids_of(findings: list[dict[str, Any]]) -> set[str]:
    return {finding["id"] for finding in findings}


_check: Check


def _begin(folder: Path | None) -> None:
    global _check
    from toolkit.assignment.asking.host import Host

    _check = Check(Host(), folder)


def _work(what: str, number: int, seed: int) -> dict[str, Any]:
    begun = time.perf_counter()
    record = result(_check, what, number, seed)
    return record | {"seconds": round(time.perf_counter() - begun, 1)}


def run(
    wanted: dict[str, int], seed: int, jobs: int, log: Path, folder: Path | None = None
) -> list[dict[str, Any]]:
    """Compute the results that are missing in the log, and return all results that are wanted.

    Args:
        wanted: the number of "right" and of "faulty" programs.
        log: a file with one line for each result; new lines are appended.
        folder: see `Check`.
    """
    known = read_log(log)
    missing = []
    for what, count in wanted.items():
        for number in range(count):
            if (what, number, seed) not in known:
                missing.append((what, number, seed))
    missing.sort(key=lambda job: job[1])
    log.parent.mkdir(parents=True, exist_ok=True)
    context = get_context("forkserver")
    with (
        log.open("a") as file,
        ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(folder,)) as pool,
    ):
        for future in as_completed([pool.submit(_work, *job) for job in missing]):
            record = future.result()
            known[record["what"], record["number"], record["seed"]] = record
            file.write(json.dumps(record) + "\n")
            file.flush()
            print(".", end="", file=sys.stderr, flush=True)
    results = []
    for (what, number, seed_of_record), record in sorted(known.items()):
        if seed_of_record == seed and number < wanted[what]:
            results.append(record)
    return results


def read_log(log: Path) -> dict[tuple[str, int, int], dict[str, Any]]:
    """Read the results in a log, keyed by "what", "number" and "seed"; of several results with the
    same key, the last one counts.
    """
    records: dict[tuple[str, int, int], dict[str, Any]] = {}
    if log.exists():
        for line in log.read_text().splitlines():
            record = json.loads(line)
            records[record["what"], record["number"], record["seed"]] = record
    return records


# -- the table


class Results:
    """A list of results, and methods that count them."""

    def __init__(self, records: Iterable[dict[str, Any]]) -> None:
        self.records = list(records)

    def with_value(self, key: str, value: str) -> "Results":
        """Return the results that have this value under a key."""
        return Results(record for record in self.records if record.get(key) == value)

    def with_kind(self, kind: str) -> "Results":
        """Return the results for programs to which this kind of rewriting was applied."""
        return Results(record for record in self.records if kind in record["kinds"])

    def __len__(self) -> int:
        return len(self.records)

    def true(self, key: str) -> int:
        """Return the number of results in which a value is true or not empty."""
        return sum(bool(record[key]) for record in self.records)

    def total(self, key: str) -> int:
        """Return the sum of a value over all results."""
        return sum(record[key] for record in self.records)

    def share(self, key: str) -> str:
        """Return the rate of results in which a value is true or not empty."""
        return rate(self.true(key), len(self))

    def chains(self) -> int:
        """Return the number of programs that were rewritten three times."""
        return sum(len(record["kinds"]) == CHAIN for record in self.records)

    def false_findings(self) -> int:
        """Return the number of unexpected findings."""
        return sum(len(record["false"]) for record in self.records)

    def unseen(self) -> int:
        """Return the number of programs whose fault is neither named nor passed as right, and that
        have no unexpected finding.
        """
        unseen = 0
        for record in self.records:
            if not record["named"] and not record["false"] and not record["passed"]:
                unseen += 1
        return unseen


def table(results: list[dict[str, Any]]) -> str:
    """Return two Markdown tables: the rates, and a row for each kind of rewriting."""
    records = [record for record in results if "key" in record]
    by_program = {record["key"]: record for record in records}
    different = Results(by_program.values())
    rows = [*table_of_rates(different), "", *table_of_kinds(different)]
    twice = len(records) - len(different)
    if twice:
        rows += ["", f"{twice} programs came twice and are counted once."]
    return "\n".join(rows)


def table_of_rates(different: Results) -> list[str]:
    right = different.with_value("what", "right")
    faulty = different.with_value("what", "faulty")
    judged_right = right.with_value("outcome", "judged")
    judged_faulty = faulty.with_value("outcome", "judged")
    rows: list[tuple[str, object, object]] = [
        ("different programs, rewritten and judged", len(judged_right), len(judged_faulty)),
        ("of these by three rewritings", judged_right.chains(), judged_faulty.chains()),
        (
            "thrown away: the two programs differ",
            len(right.with_value("outcome", "thrown away")),
            len(faulty.with_value("outcome", "thrown away")),
        ),
        (
            "set aside: the original does not run here",
            len(right.with_value("outcome", "does not run here")),
            len(faulty.with_value("outcome", "does not run here")),
        ),
        (
            "programs with a finding that is not theirs",
            judged_right.share("false"),
            judged_faulty.share("false"),
        ),
        ("such findings", judged_right.false_findings(), judged_faulty.false_findings()),
        (
            "questions that are still answered right",
            rate(judged_right.total("kept"), judged_right.total("had")),
            "",
        ),
        ("the fault is named", "", judged_faulty.share("named")),
        ("the fault is not seen", "", rate(judged_faulty.unseen(), len(judged_faulty))),
        ("the fault is passed as right", "", judged_faulty.share("passed")),
    ]
    lines = ["| what | right | with one fault |", "|---|---|---|"]
    for name, of_right, of_faulty in rows:
        lines.append(f"| {name} | {of_right} | {of_faulty} |")
    return lines


def table_of_kinds(different: Results) -> list[str]:
    lines = [
        "| kind of rewriting | programs | thrown away | with a finding that is not theirs | "
        "questions kept | faults named |",
        "|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        of_kind = different.with_kind(kind)
        judged_ones = of_kind.with_value("outcome", "judged")
        right = judged_ones.with_value("what", "right")
        faulty = judged_ones.with_value("what", "faulty")
        cells = [
            kind,
            len(judged_ones),
            len(of_kind.with_value("outcome", "thrown away")),
            judged_ones.true("false"),
            f"{right.total('kept')} of {right.total('had')}",
            f"{faulty.total('named')} of {len(faulty)}",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def details(results: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for every unexpected finding, for every answer that was lost, and for every
    fault that was passed as right.
    """
    for record in results:
        kinds = ", ".join(record["kinds"])
        name = f"{record['what']} {record['number']}: {record.get('name')}; {kinds}"
        for finding in record.get("false", ()):
            place = f"{finding['file']}:{finding['line']}"
            label = f"{finding['id']} ({finding['equation']})"
            yield f"{name}: {label} @{place}: {finding['message']}"
        for sentence in record.get("lost", ()):
            yield f"{name}: lost: {sentence} (not seen: {record['not seen'][:2]})"
        if record.get("passed"):
            yield f"{name}: passed, with {record['ids']}; before the rewriting: {record['before']}"


def main() -> None:
    parser = argparse.ArgumentParser(description="The check on right solutions, rewritten.")
    parser.add_argument("--right", type=int, default=1000, help="so many right programs")
    parser.add_argument("--faulty", type=int, default=1000, help="so many with a fault")
    parser.add_argument("--seed", type=int, default=0, help="another one makes other programs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--log", type=Path, default=Path("runs/metamorphic.jsonl"))
    parser.add_argument("--real", type=Path, help="instead of the tests: has VERDICTS.json, run.py")
    parser.add_argument("--details", action="store_true", help="list what was found")
    options = parser.parse_args()
    wanted = {"right": options.right, "faulty": options.faulty}
    results = run(wanted, options.seed, options.jobs, options.log, options.real)
    if options.details:
        print("\n".join(details(results)))
    print(table(results))


if __name__ == "__main__":
    main()
