"""Small faults in right code, and which of them the check names: python benchmarks/mutations.py

    python benchmarks/mutations.py --sample 200 --seed 0 --jobs 2
    python benchmarks/mutations.py --code DIR     # right files of others too, see wild.md
    python benchmarks/mutations.py --details      # those that were not named

Every kind of fault in mutants.py is put into every right solution where it fits, once in each; a
mutant counts only if a short run of its own, without the check, differs from the solution's. Such
a run compares what networks return, in which mode, and the parameters after each step.
"""

import argparse
import json
import os
import random
import re
import runpy
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import torch
import wild
import wild_score
from mutants import KINDS, Mutant, mutants
from placing import submission
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.data import DataLoader
from torchvision import datasets

ROOT = Path(__file__).parents[1]
RIGHT = ROOT / "tests" / "assignment" / "check" / "corpus" / "right"
NEAR = 3  # lines between the fault and the line that is named
FILES = {"dataset": "dataset.py", "lstm": "lstm.py", "train": "train.py", "gan": "my_gan.py"}
STEPS = {"train": 40, "gan": 14}  # of optimisers, until a run has shown enough
SECONDS = 60  # of CPU time for a run
JUDGED = {  # the parts that are judged when a file has a fault
    "dataset": ("dataset",),
    "lstm": ("lstm",),
    "train": ("train",),
    "gan": ("gan",),
}


class Solution(NamedTuple):
    """A right submission: where it is, and which file is which part."""

    name: str
    files: dict[str, str]  # a file's path -> its text
    parts: dict[str, str]  # a part -> its file
    kind: str = ""  # the class to judge, for an LSTM in a wrapper
    until: int = 10**9  # lines from here on are ours


class Job(NamedTuple):
    solution: Solution
    part: str
    mutant: Mutant


# -- right solutions


def own_solutions() -> Iterator[Solution]:
    """The right ones of the tests, as far as they are Python files."""
    sys.path.insert(0, str(RIGHT.parents[1]))
    from corpus import cases

    for name in cases.RIGHT:
        with tempfile.TemporaryDirectory() as directory:
            cases.write_right(name, Path(directory))
            paths = [p for p in Path(directory).rglob("*.py") if p.is_file()]
            files = {str(p.relative_to(directory)): p.read_text() for p in paths}
        parts = {part: file for part, file in FILES.items() if file in files}
        yield Solution(name, files, parts)


def wild_solutions(code: Path, half: str) -> Iterator[Solution]:
    """Right ones of others: LSTMs with our data and training, GANs as they are."""
    for kind in wild.KINDS:
        for entry in wild.entries(kind, half):
            if entry["verdict"] != "right":
                continue
            with tempfile.TemporaryDirectory() as directory:
                root = Path(directory)
                place = wild.arrange(entry, code, root)
                paths = [p for p in root.rglob("*.py") if p.is_file()]
                files = {str(p.relative_to(root)): p.read_text() for p in paths}
            parts = {kind: place.file}
            name = f"{entry['repository']}:{entry['path']}"
            if kind == "gan":
                yield Solution(name, files, parts)
                continue
            folder, until = Path(place.file).parent, files[place.file].count("\n")
            until -= wild.wrapper(wild.RECIPES[entry["repository"]]).count("\n")
            train = (RIGHT / "train_split.py").read_text()
            module = Path(place.file).stem
            train = train.replace("from lstm import LSTM", f"from {module} import Wrapped as LSTM")
            parts["train"] = str(folder / "our_train.py")
            files[parts["train"]] = train
            files[str(folder / "dataset.py")] = (RIGHT / "dataset_digits.py").read_text()
            yield Solution(name, files, parts, wild.NAME, until)


def write(solution: Solution, root: Path, changed: dict[str, str]) -> None:
    """Put a solution into an empty folder, with other texts for some files."""
    for name, text in (solution.files | changed).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


# -- what a program does, without the check


class Enough(BaseException):
    """A run has shown what it does."""


class Pictures(datasets.MNIST):
    """192 pictures from nowhere in place of MNIST."""

    def __init__(self, root: Any = None, train: bool = True, transform: Any = None, **_: Any):
        rng = torch.Generator().manual_seed(int(train))
        self.data = torch.randint(0, 256, (192, 28, 28), generator=rng, dtype=torch.uint8)
        self.targets = torch.randint(0, 10, (192,), generator=rng)
        self.transform, self.target_transform, self.train = transform, None, train


def run(file: Path, steps: int) -> list[Any]:
    """Run a script for a few optimiser steps, in this process, and list what happened."""
    trace: list[Any] = []

    def called(module: nn.Module, given: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple | list) else output
        if isinstance(first, torch.Tensor) and not isinstance(module, nn.Sequential | nn.Linear):
            value = first.detach().double()
            mode = (type(module).__name__, module.training, torch.is_grad_enabled())
            trace.append((*mode, value.mean().item(), value.abs().mean().item()))

    def stepped(optimizer: Any, *_: Any) -> None:
        values = [p.detach().double() for g in optimizer.param_groups for p in g["params"]]
        sums = [(p.sum() + p.abs().sum()).item() for p in values]
        trace.append((type(optimizer).__name__, sums))
        if sum(isinstance(t[1], list) for t in trace) >= steps:
            raise Enough

    torch.nn.modules.module.register_module_forward_hook(called)
    register_optimizer_step_post_hook(stepped)
    torch.manual_seed(0)
    random.seed(0)
    begin = DataLoader.__init__
    DataLoader.__init__ = lambda self, *a, **k: begin(self, *a, **k | {"num_workers": 0})
    datasets.MNIST = datasets.mnist.MNIST = Pictures
    sys.path.insert(0, str(file.parent))
    sys.argv = [str(file)]
    try:
        runpy.run_path(str(file), run_name="__main__")
    except Enough:
        pass
    except BaseException as error:  # whatever a mutant raises
        trace.append(("raises", type(error).__name__))
    return trace


def behaviour(root: Path, file: str, steps: int) -> str:
    """What `run` lists, from a process of its own."""
    read, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        signal.alarm(4 * SECONDS)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        try:
            os.chdir(root)
            text = repr(run(root / file, steps))
            with os.fdopen(write_end, "w") as pipe:
                pipe.write(text)
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    if not text:
        raise RuntimeError(f"a run of {file} has no trace")
    return text


# -- the check on mutants


def report_of(host: Any, solution: Solution, part: str, changed: dict[str, str]) -> dict[str, Any]:
    """What the check says: its findings, and what it has not seen."""
    from toolkit.assignment.check.parent import judge

    with tempfile.TemporaryDirectory(prefix="mutant-") as directory:
        root = Path(directory).resolve()
        write(solution, root, changed)
        places = {
            p: (file, solution.kind or None if p == "lstm" else None)
            for p, file in solution.parts.items()
        }
        report = judge(submission(root, places), host, str(root), parts=JUDGED[part])
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
    reports: dict[tuple[str, str], dict[str, Any]] = {}
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
            if key not in reports:
                reports[key] = report_of(host, job.solution, job.part, {})
            after = report_of(host, job.solution, job.part, changed)
            one = verdict(job, reports[key], after)
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
        print(f"| {what} | {wild_score.rate(sum(o['what'] == what for o in counted), total)} |")
    near = sum(one["what"] == "named" and one["near"] for one in counted)
    print(f"| named, with a usable line | {wild_score.rate(near, total)} |")
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
