"""Plants faults in the code, and shows which of them the tests notice.

    python benchmarks/faults.py plant --seed 1 --count 40    # chooses, and writes the list
    python benchmarks/faults.py run --seed 1                 # by what `make test` runs
    python benchmarks/faults.py run --seed 1 --selection all # by what `make test-all` runs

`plant` draws modules of `toolkit/`, `demos/` and `playground/src/` and, for each module, a kind of
fault and a place. It writes the list of faults to `benchmarks/faults/seed-N.json`. If a fault
changes nothing or cannot be built, a person enters the reason there as "thrown_out". The next
`plant` with the same seed keeps the list and draws another module to replace this fault.

`run` copies the last commit and plants one fault after the other. For each fault, it runs the tests
until one fails. It runs the nearest test files first and then all tests, so that a fault that is
noticed takes little time. Before the first fault is planted, all tests must pass. If the fault is
in a script of the page, the copy's page is built anew, so that no test notices the fault merely
because it compares built text. `run` prints a Markdown table and adds the results to the list.
"""

import argparse
import ast
import importlib
import itertools
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parents[1]
LISTS = ROOT / "benchmarks" / "faults"
FOLDERS = ("toolkit", "demos", "playground/src")
SELECTIONS = {"quick": "not slow and not nightly", "all": "not nightly"}
# Files that the tests use and that are not in git.
INSTALLED = (".venv", "playground/node_modules", "exports/js/node_modules")
BROKEN = 99  # the exit code of a run that failed for a reason other than a test
STAGES = (0, 1, 5)  # the nearest test file, then the next four; afterwards all tests run


@dataclass
class Fault:
    """One fault, and the tests that noticed it.

    Attributes:
        file: the module's path, relative to the root of the project.
        line: the first line that the fault changes, counted from 1.
        kind: the kind of fault, such as "wrong sign".
        before, after: the full text of the changed lines, without and with the fault.
        thrown_out: why the fault does not count, in a person's words; "" if it counts.
        noticed: for each selection of tests, the first test that failed; "" if all passed.
    """

    file: str
    line: int
    kind: str
    before: str
    after: str
    thrown_out: str
    noticed: dict[str, str]


@dataclass(frozen=True)
class Edit:
    """The replacement of a text from `start` to `end` by the text `new`."""

    kind: str
    start: int
    end: int
    new: str


# --- Python: places are found in the syntax tree, so no edit begins inside a string or comment ---


class Python:
    """The possible edits in one Python module."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self.bytes = text.encode()
        self.begins = [0]  # where each line begins, in bytes
        for line in self.bytes.splitlines(keepends=True):
            self.begins.append(self.begins[-1] + len(line))

    def edits(self) -> Iterator[Edit]:
        """Yield the possible edits in the order of the syntax tree."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.BinOp):
                yield from self._sign(node)
            elif isinstance(node, ast.Compare):
                yield from self._comparison(node)
            elif isinstance(node, ast.Subscript | ast.Call):
                yield from self._numbers(node)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                yield from self._dropped(node, node.value)
            if isinstance(node, ast.Call):
                yield from self._swapped(node)
            if isinstance(node, ast.With):
                yield from self._unlocked(node)

    def at(self, line: int, column: int) -> int:
        return self.begins[line - 1] + column

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno, node.end_col_offset)

    def source(self, node: ast.expr | ast.stmt) -> str:
        start, end = self.span(node)
        return self.bytes[start:end].decode()

    def _sign(self, node: ast.BinOp) -> Iterator[Edit]:
        signs = {ast.Add: ("+", "-"), ast.Sub: ("-", "+")}
        if type(node.op) not in signs or self._is_text(node):
            return
        old, new = signs[type(node.op)]
        between = self.span(node.left)[1], self.span(node.right)[0]
        place = self.bytes.find(old.encode(), *between)
        if place >= 0:
            yield Edit("wrong sign", place, place + 1, new)

    def _is_text(self, node: ast.expr) -> bool:
        """Return True if a sum contains strings, lists or tuples, which cannot be subtracted."""
        for part in ast.walk(node):
            if isinstance(part, ast.JoinedStr | ast.List | ast.ListComp | ast.Tuple):
                return True
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                return True
        return False

    def _comparison(self, node: ast.Compare) -> Iterator[Edit]:
        nearly = {
            ast.Lt: ("<", "<="),
            ast.LtE: ("<=", "<"),
            ast.Gt: (">", ">="),
            ast.GtE: (">=", ">"),
        }
        if len(node.ops) != 1 or type(node.ops[0]) not in nearly:
            return
        old, new = nearly[type(node.ops[0])]
        between = self.span(node.left)[1], self.span(node.comparators[0])[0]
        place = self.bytes.find(old.encode(), *between)
        yield Edit("off by one", place, place + len(old), new)

    def _numbers(self, node: ast.Subscript | ast.Call) -> Iterator[Edit]:
        """Yield an edit for each bound of a slice or a range; the edit increases the bound by 1."""
        bounds: list[ast.expr | None] = []
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id == "range":
                bounds += node.args
        elif isinstance(node.slice, ast.Slice):
            bounds += [node.slice.lower, node.slice.upper]
        for bound in bounds:
            if isinstance(bound, ast.Constant) and isinstance(bound.value, int):
                yield Edit("off by one", *self.span(bound), str(bound.value + 1))
            elif bound is not None:
                yield Edit("off by one", *self.span(bound), f"({self.source(bound)}) + 1")

    def _dropped(self, node: ast.Expr, call: ast.Call) -> Iterator[Edit]:
        kind = "dropped call"
        called = self.source(call.func)
        if re.search(r"\.(close|release|unlink|stop|shutdown|kill|terminate|join)$", called):
            kind = "lost lock or close"
        yield Edit(kind, *self.span(node), "pass")

    def _swapped(self, node: ast.Call) -> Iterator[Edit]:
        arguments = node.args[:2]
        if len(arguments) < 2 or any(isinstance(a, ast.Starred) for a in arguments):
            return
        first, second = arguments
        texts = self.source(first), self.source(second)
        if texts[0] == texts[1]:
            return
        start, end = self.span(first)[0], self.span(second)[1]
        between = self.bytes[self.span(first)[1] : self.span(second)[0]].decode()
        yield Edit("swapped arguments", start, end, f"{texts[1]}{between}{texts[0]}")

    def _unlocked(self, node: ast.With) -> Iterator[Edit]:
        item = node.items[0]
        manager = self.source(item.context_expr)
        plain = len(node.items) == 1 and item.optional_vars is None
        if plain and re.search(r"lock|alone|LOCK|no_grad|FORKING", manager):
            start = self.at(node.lineno, node.col_offset)
            yield Edit("lost lock or close", start, self.span(item.context_expr)[1], "if True")


# --- JavaScript: line by line ---

# For each edit: its kind, the pattern of the text that it changes, and the replacement.
JAVASCRIPT = [
    ("wrong sign", r"(?<=[\w)\]] )\+(?= [\w(])", "-"),
    ("wrong sign", r"(?<=[\w)\]] )-(?= [\w(])", "+"),
    ("off by one", r"(?<= )<=(?= )", "<"),
    ("off by one", r"(?<= )<(?= )", "<="),
    ("off by one", r"(?<=let [a-z] = )0\b", "1"),
    ("swapped arguments", r"(?<!function )\b(\w+)\((\w+), (\w+)\)(?! [{=])", r"\1(\3, \2)"),
    (
        "lost lock or close",
        r"^\s*(?:clear\w+|[\w.]+\.(?:close|pause|removeEventListener))\(.*\);$",
        ";",
    ),
    ("dropped call", r"^\s*(?!return|function|if|for|while)[\w.]+\([^{]*\);$", ";"),
]


def javascript_edits(text: str) -> Iterator[Edit]:
    """Yield the possible edits in a script; lines with strings or comments are never changed."""
    begin = 0
    for line in text.splitlines(keepends=True):
        if not re.search(r"[\"'`]|//|^\s*/?\*|^import|^export \{", line):
            for kind, pattern, new in JAVASCRIPT:
                for match in re.finditer(pattern, line.rstrip("\n")):
                    start, end = begin + match.start(), begin + match.end()
                    yield Edit(kind, start, end, match.expand(new))
        begin += len(line)


# --- Choosing ---


def edits_of(file: str, text: str) -> Iterator[Edit]:
    """Return the possible edits in a file; positions count characters in scripts, else bytes."""
    return javascript_edits(text) if file.endswith(".js") else Python(text).edits()


def modules() -> list[str]:
    """Return the files that may get a fault, in sorted order."""
    tracked = subprocess.run(
        ["git", "ls-files", *FOLDERS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return sorted(name for name in tracked.stdout.split() if name.endswith((".py", ".js")))


def drawn(file: str, rng: random.Random) -> Fault | None:
    """Draw a fault for a module, first its kind and then its place; return None if no edit is
    possible.
    """
    text = (ROOT / file).read_text(encoding="utf-8")
    edits = list(edits_of(file, text))
    if not edits:
        return None
    kind = rng.choice(sorted({edit.kind for edit in edits}))
    edit = rng.choice([edit for edit in edits if edit.kind == kind])
    start, end = edit.start, edit.end
    if file.endswith(".py"):  # from bytes to characters
        content = text.encode()
        start, end = len(content[:start].decode()), len(content[:end].decode())
    line_begin = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end)
    before = text[line_begin:line_end]
    after = text[line_begin:start] + edit.new + text[end:line_end]
    line = text[:line_begin].count("\n") + 1
    return Fault(file, line, kind, before, after, "", {})


def plant(seed: int, count: int) -> list[Fault]:
    """Draw faults, each in a different module, until `count` of them are valid, and write the list;
    faults of an earlier list are kept.
    """
    listed = {fault.file: fault for fault in read(seed)}
    names = modules()
    faults: list[Fault] = []
    num_valid = 0
    for file in random.Random(seed).sample(names, len(names)):
        fault = listed.get(file) or drawn(file, random.Random(f"{seed} {file}"))
        if fault is not None and num_valid < count:
            faults.append(fault)
            num_valid += not fault.thrown_out
    write(seed, faults)
    return faults


def read(seed: int) -> list[Fault]:
    """Return the list of a seed; the list is empty if nothing was planted."""
    path = LISTS / f"seed-{seed}.json"
    if not path.exists():
        return []
    return [Fault(**entry) for entry in json.loads(path.read_text())]


def write(seed: int, faults: list[Fault]) -> None:
    LISTS.mkdir(exist_ok=True)
    text = json.dumps([asdict(fault) for fault in faults], indent=1, ensure_ascii=False)
    (LISTS / f"seed-{seed}.json").write_text(f"{text}\n", encoding="utf-8")


# --- Running ---


def copy_of_commit(directory: Path) -> Path:
    """Clone the last commit into `directory`, and link the installed packages into the clone."""
    clone = directory / "clone"
    subprocess.run(["git", "clone", "--quiet", "--shared", ROOT, clone], check=True)
    for name in INSTALLED:
        if (ROOT / name).exists():
            (clone / name).parent.mkdir(exist_ok=True)
            (clone / name).symlink_to(ROOT / name)
    return clone


def near(file: str, clone: Path) -> list[str]:
    """Return all test files, sorted by their `nearness` to a module, the nearest file first."""
    parts = [part for part in Path(file).with_suffix("").parts if part not in ("src", "__init__")]
    dotted = ".".join(parts).removeprefix("demos.")
    users = users_of(dotted, clone)
    ranked = []
    for path in (clone / "tests").rglob("test_*.py"):
        test = path.relative_to(clone)
        ranked.append((-nearness(path, test, parts, dotted, users), str(test)))
    return [test for _, test in sorted(ranked)]


def users_of(dotted: str, clone: Path) -> list[str]:
    """Return the dotted names of the toolkit's modules that import a module."""
    users = []
    for path in (clone / "toolkit").rglob("*.py"):
        if re.search(rf"from {re.escape(dotted)} import", path.read_text(encoding="utf-8")):
            users.append(".".join(path.relative_to(clone).with_suffix("").parts))
    return users


def nearness(path: Path, test: Path, parts: list[str], dotted: str, users: list[str]) -> int:
    """Return points for how closely a test file is related to a module.

    Args:
        path, test: the test file's absolute path, and its path from the root of the project.
        parts, dotted: the parts of the module's path, and its dotted name.
        users: the modules that import the module.
    """
    text = path.read_text(encoding="utf-8")
    folders = test.relative_to("tests").parts
    parent, _, stem = dotted.rpartition(".")
    points = 2 * len(set(folders) & set(parts))
    if dotted in text or f"from {parent} import {stem}" in text:
        points += 8
    if f"{stem}.js" in text:
        points += 8
    if any(user in text for user in users):
        points += 3
    if test.stem in (f"test_{stem}", f"test_{parts[-2]}"):
        points += 4
    if stem in text:
        points += 1
    if parts[0] == "playground" and folders[0] == "demos":
        points += 1
    return points


def first_failure(clone: Path, tests: list[str], selection: str) -> str:
    """Run tests, and return the name of the first test that fails, or "" if none fails.

    The tests run in a fork of this process, which has already imported packages that are slow to
    import.

    Args:
        tests: the test files; if there are none, all tests run.
    """
    words = ["-x", "-q", "-m", SELECTIONS[selection], "-p", "no:cacheprovider", "--tb=line"]
    words += ["-W", "ignore:Module already imported"]  # they were imported before the fork
    words += ["-n", "0", *tests] if tests else ["-n", "2"]
    printed = clone.with_name("printed.txt")
    pid = os.fork()
    if pid == 0:
        try:
            _run_tests(clone, words, printed)
        except BaseException:
            traceback.print_exc()
        os._exit(BROKEN)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == BROKEN:
        sys.exit(printed.read_text(encoding="utf-8", errors="replace"))
    if code in (0, 5):  # passed, or nothing was selected
        return ""
    text = printed.read_text(encoding="utf-8", errors="replace")
    failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", text, flags=re.MULTILINE)
    return failed[1] if failed else f"exit code {code}: {text.strip().splitlines()[-1:]}"


def _run_tests(clone: Path, words: list[str], printed: Path) -> NoReturn:
    """Run pytest in the copy, and end this process with pytest's exit code."""
    out = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.chdir(clone)
    os.environ |= {"PYTHONPATH": str(clone), "PYTHONDONTWRITEBYTECODE": "1"}
    sys.path.insert(0, str(clone))
    import pytest

    code = pytest.main(words)
    sys.stdout.flush()
    os._exit(code)


def import_what_is_dear() -> None:
    """Import slow packages before the forks, but none of our modules, because each copy has its
    own.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name in ("torch", "torchvision", "gradio", "matplotlib.pyplot", "pytest", "hypothesis"):
        importlib.import_module(name)


def with_fault(text: str, fault: Fault) -> str:
    """Return a module's text with a fault in it; the lines may have moved since the fault was
    drawn.
    """
    lines = text.split("\n")
    before = fault.before.split("\n")
    distances = {}
    for k in range(len(lines)):
        if lines[k : k + len(before)] == before:
            distances[k] = abs(k + 1 - fault.line)
    if not distances:
        sys.exit(f"{fault.file} has changed since faults were chosen: plant them again.")
    place = min(distances, key=distances.__getitem__)
    lines[place : place + len(before)] = [fault.after]
    return "\n".join(lines)


def planted(fault: Fault, clone: Path) -> None:
    """Plant a fault in the copy; if the fault is in a script, build the copy's pages anew."""
    path = clone / fault.file
    path.write_text(with_fault(path.read_text(encoding="utf-8"), fault), encoding="utf-8")
    if fault.file.endswith(".js"):
        environment = os.environ | {"PYTHONPATH": str(clone)}
        page = [".venv/bin/python", "-m", "toolkit.train", "playground"]
        scripts = ["npm", "run", "--silent", "build"]
        subprocess.run(scripts, cwd=clone / "playground", env=environment, check=True)
        subprocess.run(page, cwd=clone, env=environment, check=True)


def notice(fault: Fault, clone: Path, selection: str) -> str:
    """Plant a fault, and return the first test that notices it, or "" if all tests pass."""
    planted(fault, clone)
    tests = near(fault.file, clone)
    try:
        for begin, end in itertools.pairwise(STAGES):
            failed = first_failure(clone, tests[begin:end], selection)
            if failed:
                return failed
        return first_failure(clone, [], selection)
    finally:
        subprocess.run(["git", "checkout", "--quiet", "."], cwd=clone, check=True)


def table(faults: list[Fault], selection: str) -> str:
    """Return a Markdown table of the faults that were tried with a selection of tests."""
    rows = ["| where | fault | noticed by |", "|---|---|---|"]
    num_tried = num_noticed = 0
    for fault in faults:
        if selection in fault.noticed:
            test = fault.noticed[selection]
            rows.append(
                f"| {fault.file}:{fault.line} | {fault.kind} | {test or '**not noticed**'} |"
            )
            num_tried += 1
            num_noticed += test != ""
    return "\n".join([*rows, "", f"{num_noticed} of {num_tried} faults were noticed."])


def run(seed: int, selection: str, only: str) -> None:
    """Try the faults of a list that no test has noticed so far, and print a table of all tried
    faults.
    """
    faults = read(seed)
    if not faults:
        sys.exit(f"There is no list: python {sys.argv[0]} plant --seed {seed}")
    valid = [fault for fault in faults if not fault.thrown_out]
    todo = []
    for fault in valid:
        if only in fault.file and not fault.noticed.get(selection):
            todo.append(fault)
    if todo:
        import_what_is_dear()
    with tempfile.TemporaryDirectory() as directory:
        clone = copy_of_commit(Path(directory))
        if todo and (failed := first_failure(clone, [], selection)):
            sys.exit(f"{failed} fails without a fault, so it says nothing about one.")
        for fault in todo:
            failed = notice(fault, clone, selection)
            fault.noticed[selection] = failed
            write(seed, faults)
            print(f"{fault.file}:{fault.line}: {failed or 'not noticed'}", flush=True)
    print(table(valid, selection))


def main() -> None:
    parser = argparse.ArgumentParser(description="Plant faults, and show what the tests notice.")
    parser.add_argument("command", choices=["plant", "run"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--selection", choices=SELECTIONS, default="quick")
    parser.add_argument("--only", default="", help="only files with this in their name")
    options = parser.parse_args()
    if options.command == "run":
        run(options.seed, options.selection, options.only)
        return
    for fault in plant(options.seed, options.count):
        print(f"{fault.file}:{fault.line}  {fault.kind}  {fault.thrown_out}")
        print(f"    {fault.before.strip()}\n    {fault.after.strip()}")


if __name__ == "__main__":
    main()
