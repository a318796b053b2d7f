"""Small faults in right code, and which of them the check names: python benchmarks/mutations.py

    python benchmarks/mutations.py --sample 200 --seed 0 --jobs 2
    python benchmarks/mutations.py --code DIR     # right files of others too, see wild.md
    python benchmarks/mutations.py --details      # those that were not named

Every kind of fault in faults/ is put into every right solution where it fits, once in each; a
mutant counts only if a short run of its own, without the check, differs from the solution's. Such
a run compares what networks return, in which mode, and the parameters after each step.
"""

import argparse
import json
import random
import re
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import torch
from faults import KINDS, mutants
from faults.behaviour import behaviour
from faults.kind import Mutant
from faults.solutions import FILES, Solution, own_solutions, wild_solutions, write
from public_code.placing import submission
from public_code.score import rate

NEAR = 3  # lines between the fault and the line that is named
STEPS = {"train": 40, "gan": 14}  # of optimisers, until a run has shown enough


class Job(NamedTuple):
    solution: Solution
    part: str
    mutant: Mutant


# -- the check on mutants


def judged(job: Job) -> tuple[str, ...]:
    """The parts to judge: a softmax in the model is a fault only beside the loss."""
    more = ("train",) if "softmax-before-loss" in KINDS[job.mutant.kind].ids else ()
    return tuple(dict.fromkeys((job.part, *more)))


def report_of(
    host: Any, solution: Solution, parts: tuple[str, ...], changed: dict[str, str]
) -> dict[str, Any]:
    """What the check says: its findings, and what it has not seen."""
    from toolkit.assignment.check.parent import judge

    with tempfile.TemporaryDirectory(prefix="mutant-") as directory:
        root = Path(directory).resolve()
        write(solution, root, changed)
        places = {
            p: (file, solution.kind or None if p == "lstm" else None)
            for p, file in solution.parts.items()
        }
        report = judge(submission(root, places), host, str(root), parts=parts)
    found = [
        {"id": f.id, "equation": f.equation, "file": f.file, "line": f.line}
        for f in report.findings
    ]
    return {"findings": found, "not_seen": [f.message for f in report.not_seen]}


def verdict(job: Job, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Whether a report on a mutant names its fault.

    Args:
        before: the report on the right solution; what it says already does not count.
    """
    kind = KINDS[job.mutant.kind]
    known = {(f["id"], f["equation"]) for f in before["findings"]}
    new = [f for f in after["findings"] if (f["id"], f["equation"]) not in known]
    naming = [f for f in new if f["id"] in kind.ids]
    naming = [
        f
        for f in naming
        if f["id"] != "wrong-equation"
        or not kind.equation
        or f["equation"] in (None, *kind.equation)
    ]
    file = job.solution.parts[job.part]
    lines = good_lines(job)
    near = any(
        f["file"] == file and f["line"] and min(abs(f["line"] - k) for k in lines) <= NEAR
        for f in naming
    )
    unseen = set(after["not_seen"]) - set(before["not_seen"])
    what = "named" if naming else "misnamed" if new else "not seen" if unseen else "passed"
    return {
        "kind": job.mutant.kind,
        "solution": job.solution.name,
        "part": job.part,
        "line": job.mutant.line,
        "what": what,
        "near": near,
        "said": [f"{f['id']} ({f['equation']}) @{f['line']}" for f in new] or sorted(unseen)[:2],
    }


def good_lines(job: Job) -> set[int]:
    """The line of the fault, those that `also` names, and in a script those that use its name."""
    text = job.mutant.text.split("\n")
    patterns = [KINDS[job.mutant.kind].also]
    assigned = re.match(r"\s*(\w+) = ", text[min(job.mutant.line, len(text)) - 1])
    if assigned and job.part in ("train", "gan"):
        patterns.append(rf"\b{assigned[1]}\b")
    used = [p for p in patterns if p]
    return {job.mutant.line} | {
        number for number, line in enumerate(text, 1) if any(re.search(p, line) for p in used)
    }


def work(jobs: list[Job]) -> list[dict[str, Any]]:
    """Judge some mutants, one after the other, with one warm child."""
    from toolkit.assignment.check.host import plain_host

    torch.set_num_threads(1)
    runs: dict[tuple[str, str], str] = {}
    reports: dict[tuple[str, ...], dict[str, Any]] = {}
    done = []
    with plain_host() as host:
        for job in jobs:
            begun = time.perf_counter()
            key = (job.solution.name, job.part)
            changed = {job.solution.parts[job.part]: job.mutant.text}
            if not KINDS[job.mutant.kind].sure:
                script = "gan" if job.part == "gan" else "train"
                if script not in job.solution.parts:
                    continue
                ways = []
                for texts in ({}, changed):
                    if not texts and key in runs:
                        ways.append(runs[key])
                        continue
                    with tempfile.TemporaryDirectory(prefix="run-") as directory:
                        root = Path(directory).resolve()
                        write(job.solution, root, texts)
                        ways.append(behaviour(root, job.solution.parts[script], STEPS[script]))
                runs[key] = ways[0]
                same = ways[0] == ways[1]
                names = [name for name in ("NameError", "UnboundLocalError") if name in ways[1]]
                stops = "('raises'" in ways[1] and "('raises'" not in ways[0]
                if same or names or (stops and "does-not-run" not in KINDS[job.mutant.kind].ids):
                    what = "no difference" if same else "no mutant"
                    done.append({"kind": job.mutant.kind, "solution": key[0], "what": what})
                    continue
            parts = judged(job)
            usual = (key[0], *parts)
            if usual not in reports:
                reports[usual] = report_of(host, job.solution, parts, {})
            after = report_of(host, job.solution, parts, changed)
            one = verdict(job, reports[usual], after)
            done.append(one | {"seconds": round(time.perf_counter() - begun, 1)})
            print(".", end="", file=sys.stderr, flush=True)
    return done


def all_jobs(solutions: list[Solution], everywhere: bool, rng: random.Random) -> list[Job]:
    """Each kind of fault in each different file, at one place or at all."""
    found: dict[tuple[str, str, str], list[Job]] = defaultdict(list)
    for solution in solutions:
        for part, file in solution.parts.items():
            if solution.kind and part == "train":
                continue  # ours, and there already
            text = solution.files[file]
            for mutant in mutants(part, text):
                if mutant.line <= solution.until:
                    found[part, text, mutant.kind].append(Job(solution, part, mutant))
    places = [jobs for _, jobs in sorted(found.items())]
    return [job for jobs in places for job in (jobs if everywhere else [rng.choice(jobs)])]


def main() -> None:
    parser = argparse.ArgumentParser(description="Small faults in right code.")
    parser.add_argument("--code", type=Path, help="the folder with other people's code")
    parser.add_argument("--half", choices=("mend", "final"), default="mend")
    parser.add_argument("--sample", type=int, help="so many mutants, chosen at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--part", choices=tuple(FILES), help="faults in one part only")
    parser.add_argument("--kind", default="", help="kinds with this in their name")
    parser.add_argument("--everywhere", action="store_true", help="a fault at each place it fits")
    parser.add_argument("--details", action="store_true", help="show what was not named")
    parser.add_argument("--records", type=Path, help="keep a line a mutant")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    solutions = [] if options.code else list(own_solutions())
    if options.code:
        solutions += wild_solutions(options.code, options.half)
    jobs = all_jobs(solutions, options.everywhere, rng)
    jobs = [j for j in jobs if options.part in (None, j.part) and options.kind in j.mutant.kind]
    if options.sample and options.sample < len(jobs):
        jobs = rng.sample(jobs, options.sample)
    jobs.sort(key=lambda job: (job.solution.name, job.part))
    shares = [jobs[k :: options.jobs] for k in range(options.jobs)]
    with ProcessPoolExecutor(options.jobs) as pool:
        done = [one for share in pool.map(work, shares) for one in share]
    if options.records:
        options.records.write_text("".join(json.dumps(one) + "\n" for one in done))
    print_tables(done, options.details)


def print_tables(done: list[dict[str, Any]], details: bool) -> None:
    """Print the rates over all mutants, and a row for each kind."""
    counted = [one for one in done if one["what"] not in ("no difference", "no mutant")]
    if details:
        for one in counted:
            if one["what"] != "named" or not one["near"]:
                where = f"{one['kind']} in {one['solution']} @{one['line']}"
                print(f"{one['what']}: {where}: {one['said']}")
    total = len(counted)
    print("\n| what | mutants |\n|---|---|")
    print(f"| kinds of fault | {len({one['kind'] for one in counted})} |")
    print(f"| mutants that behave differently | {total} |")
    print(f"| set aside, the same behaviour | {sum(o['what'] == 'no difference' for o in done)} |")
    for what in ("named", "misnamed", "not seen", "passed"):
        print(f"| {what} | {rate(sum(o['what'] == what for o in counted), total)} |")
    near = sum(one["what"] == "named" and one["near"] for one in counted)
    print(f"| named, with a usable line | {rate(near, total)} |")
    print("\n| kind | mutants | named | usable line | misnamed | not seen | passed |")
    print("|---|---|---|---|---|---|---|")
    for kind in KINDS:
        of = [one for one in counted if one["kind"] == kind]
        if of:
            count = {
                w: sum(o["what"] == w for o in of)
                for w in ("named", "misnamed", "not seen", "passed")
            }
            lines = sum(o["what"] == "named" and o["near"] for o in of)
            cells = [
                len(of),
                count["named"],
                lines,
                count["misnamed"],
                count["not seen"],
                count["passed"],
            ]
            print(f"| {kind} | {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
