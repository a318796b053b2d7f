"""Right solutions rewritten, and what the check says: python benchmarks/check/metamorphic.py

    python benchmarks/check/metamorphic.py --right 1000 --faulty 1000 --jobs 2
    python benchmarks/check/metamorphic.py --real FOLDER   # hand-ins that were judged by hand
    python benchmarks/check/metamorphic.py --details       # what it found besides the fault

`rewritings/` has the kinds of rewriting: each leaves the meaning of a program as it is, where it
fits. A right solution of the tests is rewritten by one of them or by three, and the verdict must
not change. Then the same with a misconception in it, from the table of the tests: it is named, or
*not seen*, and nothing false is said.

Original and rewritten run side by side, without the check (`behaviour.py`): one that does something
else is thrown away and counted, and says nothing about the check. What a program never calls is
not compared so. Each line of `--log` is a result; the same command goes on where it was ended.
"""

import argparse
import ast
import hashlib
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

STEPS = {"train": 12, "gan": 10}  # of optimisers, until a run has shown enough
CHAIN = 3  # rewritings, one after the other, in every second program
BROKEN = (cst.ParserSyntaxError, cst.CSTValidationError, SyntaxError)
NOT_HERE = {"missing-file", "not-written", "time-limit", "doubtful-record"}  # no run can show them
# What a short run on this machine need not show.
UNSHOWN = {"fixed-device", "fixed-batch-size", "fixed-sequence-length", "clipping-without-effect",
           "wrong-interpolation", "interpolation-repeats-ends", "missing-interpolation",
           "same-class-ends", "missing-folder", "length-overflow", "split-leak"}  # fmt: skip
STOPPING = {"does-not-run", "does-not-import", "fixed-device", "missing-detach", "not-watched"}


class Check:
    """Solutions, and what programs do and what the check says about them, each once.

    Args:
        host: where the check runs code.
        folder: with hand-ins that were judged by hand; None for the solutions of the tests.
    """

    def __init__(self, host: Any, folder: Path | None) -> None:
        torch.set_num_threads(1)
        self.host = host
        self.right = [*(real(folder) if folder else own())]
        self.traces: dict[tuple[Any, ...], Trace] = {}
        self.reports: dict[tuple[Any, ...], dict[str, Any]] = {}

    def trace(self, program: Program, parts: Iterable[str], mirrored: bool = False) -> list[Trace]:
        """The behaviour of its scripts: the GAN's, the training of the LSTM."""
        found = []
        for script in dict.fromkeys("gan" if part == "gan" else "train" for part in parts):
            key = (key_of(program), script, mirrored)
            if key not in self.traces:
                with tempfile.TemporaryDirectory(prefix="run-") as directory:
                    root = Path(directory).resolve()
                    write(program, root)
                    file = program.parts.get(script)
                    trace = behaviour(root, file, STEPS[script], mirrored) if file else []
                self.traces[key] = trace
            found.append(self.traces[key])
        return found

    def report(self, program: Program, parts: Iterable[str]) -> dict[str, Any]:
        """The check's report about some parts."""
        from toolkit.assignment.check.parent import judge
        from toolkit.assignment.check.submission import prepare
        from toolkit.assignment.check.verify import is_proved

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
            keys = ("id", "equation", "file", "cell", "line", "message", "part")
            self.reports[key] = {
                "findings": [{k: getattr(f, k) for k in keys} for f in report.findings],
                "not seen": [f"{f.part}: {f.message}" for f in report.not_seen],
                # a question is known by its sentence without what was measured
                "right": [f"{f.part}: {_plain(f.message)}" for f in report.right],
            }
        return self.reports[key]


def _plain(sentence: str) -> str:
    return re.sub(r"(?<!\()\b\d[\d.,]*%?", "#", sentence)


def key_of(program: Program) -> str:
    """The key that identifies a program."""
    text = json.dumps([sorted(program.files.items()), sorted(program.parts.items())])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# -- making programs


def rewritten(
    program: Program, parts: Iterable[str], first: str, length: int, rng: random.Random
) -> tuple[Program, list[str], list[str]] | None:
    """A program after some rewritings: the first one is given, the others fit by chance.

    Returns:
        The program, the kinds, and the parts that they were applied to; None if nothing fits.
    """
    used: list[str] = []
    changed: list[str] = []
    kinds = [k for k in KINDS if k != first]
    rng.shuffle(kinds)
    for kind in [first, *kinds]:
        fitting = [p for p in parts if p in KINDS[kind].parts and program.parts[p].endswith(".py")]
        rng.shuffle(fitting)
        for part in fitting[:2]:
            try:
                new = KINDS[kind].rewrite(program, part, rng)
                for path, text in new.files.items() if new else ():
                    if path.endswith(".py") and text != program.files.get(path):
                        ast.parse(text)
            except BROKEN:
                new = None
            if new is not None and new != program:
                program, used, changed = new, [*used, kind], [*changed, part]
                break
        if not used or len(used) == length:
            break
    return (program, used, changed) if used else None


def with_fault(check: Check, rng: random.Random) -> Iterator[Solution]:
    """Solutions with one fault that a run shows, or that no run can show, in an order of chance."""
    while True:
        solution = rng.choice(check.right)
        part = rng.choice(solution.right)
        if made := [one for one in faulty(solution, part) if not one.ids & NOT_HERE]:
            wrong = rng.choice(made)
            parts = [part, *wrong.parts]
            ran = [check.trace(program, parts) for program in (wrong.program, solution.program)]
            stops = any(what.startswith("raises ") and what != STARVED for what, _ in ran[0][0])
            if stops and not wrong.ids & STOPPING:
                continue  # a fault of another kind than it was to be
            if wrong.ids & UNSHOWN or not all_same(*ran):
                yield wrong


def all_same(one: list[Trace], two: list[Trace]) -> bool:
    return all(same(a, b) for a, b in zip(one, two, strict=True))


def judged(solution: Solution, old: Program, new: Program, begun: Iterable[str]) -> list[str]:
    """The parts whose verdict may depend on what was changed."""
    before = {p: (f, old.files[f]) for p, f in old.parts.items()}
    after = {p: (f, new.files[f]) for p, f in new.parts.items()}
    parts = {*begun, *(p for p in after if before[p] != after[p])}
    if solution.right:
        parts &= {*solution.right}
    if solution.together and "lstm" in parts and "train" in new.parts:
        parts |= {"train"}
    return [p for p in ("dataset", "lstm", "train", "gan") if p in parts]


# -- one result


def result(check: Check, what: str, number: int, seed: int) -> dict[str, Any]:
    """Make the program of this number, prove it, judge it."""
    rng = random.Random(f"{seed} {what} {number}")
    first = list(KINDS)[number % len(KINDS)]
    length = 1 if number // len(KINDS) % 2 == 0 else CHAIN
    one: dict[str, Any] = {"what": what, "number": number, "seed": seed, "kinds": [first]}
    choices = (
        iter(rng.sample(check.right, len(check.right)))
        if what == "right"
        else with_fault(check, rng)
    )
    for _, solution in zip(range(40), choices, strict=False):
        parts = solution.right or solution.parts
        parts = [p for p in parts if p in solution.program.parts]
        made = rewritten(solution.program, parts, first, length, rng)
        if made is not None:
            break
    else:
        return one | {"outcome": "nothing fits"}
    program, kinds, begun = made
    one |= {"name": solution.program.name, "kinds": kinds, "key": key_of(program), "begun": begun}
    listed = judged(solution, solution.program, program, begun)
    ran = [*dict.fromkeys((*listed, *solution.parts))]
    mirrored = any(KINDS[kind].mirrored for kind in kinds)
    before, after = check.trace(solution.program, ran), check.trace(program, ran, mirrored)
    shown = [t for t in before if t and (solution.ids or sum(w == "loss" for w, _ in t) > 2)]
    if len(shown) < len(before) or not listed:
        return one | {"outcome": "does not run here"}
    if not all_same(before, after):
        return one | {"outcome": "thrown away"}
    parts = [*dict.fromkeys((*listed, *solution.parts))]
    after_report = check.report(program, parts)
    findings = after_report["findings"]
    one |= {"parts": parts, "not seen": after_report["not seen"]}
    if what == "right":
        report = check.report(solution.program, parts)
        known = {f["id"] for f in report["findings"]} | solution.may
        had, has = Counter(report["right"]), Counter(after_report["right"])
        new = [f for f in findings if f["id"] not in known]
        return one | {
            "outcome": "judged",
            "false": new,
            "had": had.total(),
            "kept": (had & has).total(),
            "lost": sorted((had - has).elements()),
        }
    naming = [f for f in findings if f["id"] in solution.ids]
    others = [f for f in findings if f["id"] not in solution.ids | solution.may]
    if others or not naming:
        report = check.report(solution.program, parts)
        one["before"] = sorted({f["id"] for f in report["findings"]})
    return one | {
        "outcome": "judged",
        "ids": sorted(solution.ids),
        "false": others,
        "named": bool(naming),
        "passed": not findings and not after_report["not seen"],
    }


_check: Check


def _begin(folder: Path | None) -> None:
    global _check
    from toolkit.assignment.check.host import Host

    _check = Check(Host(), folder)


def _work(what: str, number: int, seed: int) -> dict[str, Any]:
    begun = time.perf_counter()
    one = result(_check, what, number, seed)
    return one | {"seconds": round(time.perf_counter() - begun, 1)}


def run(
    wanted: dict[str, int], seed: int, jobs: int, log: Path, folder: Path | None = None
) -> list[dict[str, Any]]:
    """Yield all results: first those in the log, then those that are still to be computed.

    Args:
        wanted: how many right ones, and how many with a fault.
        log: a line a result; it is appended to.
        folder: see `Check`.
    """
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    known = {(one["what"], one["number"], one["seed"]): one for one in done}
    jobs_left = [
        (what, number, seed)
        for what, count in wanted.items()
        for number in range(count)
        if (what, number, seed) not in known
    ]
    jobs_left.sort(key=lambda job: job[1])
    log.parent.mkdir(parents=True, exist_ok=True)
    context = get_context("forkserver")
    with (
        log.open("a") as file,
        ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(folder,)) as pool,
    ):
        for future in as_completed([pool.submit(_work, *job) for job in jobs_left]):
            one = future.result()
            known[one["what"], one["number"], one["seed"]] = one
            file.write(json.dumps(one) + "\n")
            file.flush()
            print(".", end="", file=sys.stderr, flush=True)
    return [one for key, one in sorted(known.items()) if key[2] == seed and key[1] < wanted[key[0]]]


# -- the table


def table(results: list[dict[str, Any]]) -> str:
    """The rates, and a row for each kind of rewriting."""
    different = {one["key"]: one for one in results if "key" in one}
    twice = sum("key" in one for one in results) - len(different)
    rows = ["| what | right | with one fault |", "|---|---|---|"]
    of = {
        what: [one for one in different.values() if one["what"] == what]
        for what in ("right", "faulty")
    }
    counted = {what: [o for o in listed if o["outcome"] == "judged"] for what, listed in of.items()}

    def row(name: str, right: object, faulty: object) -> None:
        rows.append(f"| {name} | {right} | {faulty} |")

    def share(what: str, key: str) -> str:
        return rate(sum(bool(one[key]) for one in counted[what]), len(counted[what]))

    row("different programs, rewritten and judged", *(len(counted[w]) for w in of))
    row(
        "of these by three rewritings",
        *(sum(len(o["kinds"]) == CHAIN for o in counted[w]) for w in of),
    )
    for outcome in ("thrown away", "does not run here"):
        row(
            {"thrown away": "thrown away: the two programs differ"}.get(
                outcome, "set aside: the original does not run here"
            ),
            *(sum(o["outcome"] == outcome for o in of[w]) for w in of),
        )
    row(
        "programs with a finding that is not theirs",
        share("right", "false"),
        share("faulty", "false"),
    )
    row("such findings", *(sum(len(o["false"]) for o in counted[w]) for w in of))
    had = sum(o["had"] for o in counted["right"])
    row(
        "questions that are still answered right",
        rate(sum(o["kept"] for o in counted["right"]), had),
        "",
    )
    named = sum(o["named"] for o in counted["faulty"])
    unseen = sum(not o["named"] and not o["false"] and not o["passed"] for o in counted["faulty"])
    row("the fault is named", "", rate(named, len(counted["faulty"])))
    row("the fault is not seen", "", rate(unseen, len(counted["faulty"])))
    row("the fault is passed as right", "", share("faulty", "passed"))
    rows += [
        "",
        "| kind of rewriting | programs | thrown away | with a finding that is not theirs | "
        "questions kept | faults named |",
        "|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        mine = [o for o in different.values() if kind in o["kinds"]]
        used = [o for o in mine if o["outcome"] == "judged"]
        right = [o for o in used if o["what"] == "right"]
        faulty = [o for o in used if o["what"] == "faulty"]
        had = sum(o["had"] for o in right)
        cells = [
            len(used),
            sum(o["outcome"] == "thrown away" for o in mine),
            sum(bool(o["false"]) for o in used),
            f"{sum(o['kept'] for o in right)} of {had}",
            f"{sum(o['named'] for o in faulty)} of {len(faulty)}",
        ]
        rows.append(f"| {kind} | {' | '.join(map(str, cells))} |")
    if twice:
        rows += ["", f"{twice} programs came twice and are counted once."]
    return "\n".join(rows)


def details(results: list[dict[str, Any]]) -> Iterator[str]:
    """Every finding that is not the program's, and what is no longer answered."""
    for one in results:
        where = f"{one['what']} {one['number']}: {one.get('name')}; {', '.join(one['kinds'])}"
        for f in one.get("false", ()):
            place = f"{f['file']}:{f['line']}"
            yield f"{where}: {f['id']} ({f['equation']}) @{place}: {f['message']}"
        for sentence in one.get("lost", ()):
            yield f"{where}: lost: {sentence} (not seen: {one['not seen'][:2]})"
        if one.get("passed"):
            yield f"{where}: passed, with {one['ids']}; before the rewriting: {one['before']}"


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
