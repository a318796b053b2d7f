"""Whether the tests notice faults: python benchmarks/faults.py run --seed 1 [--selection all]

    python benchmarks/faults.py plant --seed 1 --count 40    # chooses, and writes the list
    python benchmarks/faults.py run --seed 1                 # by what `make test` runs
    python benchmarks/faults.py run --seed 1 --selection all # by what `make test-all` runs

`plant` draws modules of `toolkit/`, `demos/` and `playground/src/`, and for each a kind of fault
and a place. The list is `benchmarks/faults/seed-N.json`. There a person gives a fault that changes
nothing, or that cannot be built, its reason ("thrown out"); the next `plant` with the same seed
keeps the list and draws another module for it.

`run` copies the last commit, plants one fault after the other, and runs the tests up to the first
that fails: the nearest files first, then the others, so that a fault that is noticed costs little.
A copy with a fault in the page's scripts is built anew, so that no comparison of built text notices
it. It prints a Markdown table and adds what it saw to the list.
"""

import argparse
import ast
import importlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parents[1]
LISTS = ROOT / "benchmarks" / "faults"
FOLDERS = ("toolkit", "demos", "playground/src")
SELECTIONS = {"quick": "not slow and not nightly", "all": "not nightly"}
# What git does not have, and the tests use.
INSTALLED = (".venv", "playground/node_modules", "exports/js/node_modules")
BROKEN = 99  # the exit code of a run in which no test is to blame
STAGES = (0, 1, 5)  # files of tests: the nearest, a few more, and the others


@dataclass
class Fault:
    """One fault, and what became of it.

    Attributes:
        file: the module, from the root of the project.
        line: where it is, from 1.
        kind: one of KINDS.
        before, after: the whole text of the lines that it changes.
        thrown_out: why it is none, in a person's words; "" where it is one.
        noticed: for each selection the first test that failed, "" where none did.
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
    """A piece of a text, from `start` to `end`, and what takes its place."""

    kind: str
    start: int
    end: int
    new: str


# --- Python: places are found in the syntax tree, so that a text or a comment is never changed ---


class Python:
    """The edits that are possible in one module."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        lines = text.encode().splitlines(keepends=True)
        self.begins = [sum(map(len, lines[:k])) for k in range(len(lines) + 1)]
        self.bytes = text.encode()

    def edits(self) -> Iterator[Edit]:
        """All of them, in the order of the tree."""
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
        """Whether a sum has texts or lists in it: these cannot be subtracted."""
        no_numbers = (ast.JoinedStr, ast.List, ast.ListComp, ast.Tuple)
        inside = list(ast.walk(node))
        texts = [n for n in inside if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        return bool(texts) or any(isinstance(n, no_numbers) for n in inside)

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
        """The bounds of a slice or of a range."""
        if isinstance(node, ast.Call):
            is_range = isinstance(node.func, ast.Name) and node.func.id == "range"
            numbers: list[ast.expr | None] = list(node.args) if is_range else []
        else:
            is_slice = isinstance(node.slice, ast.Slice)
            numbers = [node.slice.lower, node.slice.upper] if is_slice else []  # type: ignore[attr-defined]
        for number in numbers:
            if isinstance(number, ast.Constant) and isinstance(number.value, int):
                yield Edit("off by one", *self.span(number), str(number.value + 1))
            elif number is not None:
                yield Edit("off by one", *self.span(number), f"({self.source(number)}) + 1")

    def _dropped(self, node: ast.Expr, call: ast.Call) -> Iterator[Edit]:
        called = self.source(call.func)
        closes = re.search(r"\.(close|release|unlink|stop|shutdown|kill|terminate|join)$", called)
        yield Edit("lost lock or close" if closes else "dropped call", *self.span(node), "pass")

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
        what = self.source(item.context_expr)
        plain = len(node.items) == 1 and item.optional_vars is None
        if plain and re.search(r"lock|alone|LOCK|no_grad|FORKING", what):
            start = self.at(node.lineno, node.col_offset)
            yield Edit("lost lock or close", start, self.span(item.context_expr)[1], "if True")


# --- JavaScript: line by line ---

JAVASCRIPT: list[tuple[str, str, Callable[[re.Match[str]], str]]] = [
    ("wrong sign", r"(?<=[\w)\]] )\+(?= [\w(])", lambda m: "-"),
    ("wrong sign", r"(?<=[\w)\]] )-(?= [\w(])", lambda m: "+"),
    ("off by one", r"(?<= )<=(?= )", lambda m: "<"),
    ("off by one", r"(?<= )<(?= )", lambda m: "<="),
    ("off by one", r"(?<=let [a-z] = )0\b", lambda m: "1"),
    ("swapped arguments", r"(?<!function )\b(\w+)\((\w+), (\w+)\)(?! [{=])",
     lambda m: f"{m[1]}({m[3]}, {m[2]})"),
    ("lost lock or close", r"^\s*(?:clear\w+|[\w.]+\.(?:close|pause|removeEventListener))\(.*\);$",
     lambda m: ";"),
    ("dropped call", r"^\s*(?!return|function|if|for|while)[\w.]+\([^{]*\);$", lambda m: ";"),
]  # fmt: skip


def javascript_edits(text: str) -> Iterator[Edit]:
    """The edits that are possible in a script; no line with a text or a comment is changed."""
    begin = 0
    for line in text.splitlines(keepends=True):
        if not re.search(r"[\"'`]|//|^\s*/?\*|^import|^export \{", line):
            for kind, pattern, new in JAVASCRIPT:
                for match in re.finditer(pattern, line.rstrip("\n")):
                    yield Edit(kind, begin + match.start(), begin + match.end(), new(match))
        begin += len(line)


# --- Choosing ---


def edits_of(file: str, text: str) -> list[Edit]:
    """In characters for a script, in bytes for Python."""
    return list(javascript_edits(text) if file.endswith(".js") else Python(text).edits())


def modules() -> list[str]:
    """The files that may get a fault, in order."""
    tracked = subprocess.run(
        ["git", "ls-files", *FOLDERS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return sorted(name for name in tracked.stdout.split() if name.endswith((".py", ".js")))


def drawn(file: str, rng: random.Random) -> Fault | None:
    """A fault for a module: first its kind, then its place; None where none fits."""
    text = (ROOT / file).read_text(encoding="utf-8")
    edits = edits_of(file, text)
    if not edits:
        return None
    kind = rng.choice(sorted({edit.kind for edit in edits}))
    edit = rng.choice([edit for edit in edits if edit.kind == kind])
    content = text if file.endswith(".js") else text.encode()
    new = edit.new if file.endswith(".js") else edit.new.encode()
    begin = content.rfind("\n" if file.endswith(".js") else b"\n", 0, edit.start) + 1  # type: ignore[arg-type]
    end = content.find("\n" if file.endswith(".js") else b"\n", edit.end)  # type: ignore[arg-type]
    before = content[begin:end]
    after = content[begin : edit.start] + new + content[edit.end : end]  # type: ignore[operator]
    line = content[:begin].count("\n" if file.endswith(".js") else b"\n") + 1  # type: ignore[arg-type]
    if isinstance(before, bytes):
        before, after = before.decode(), after.decode()
    return Fault(file, line, kind, before, after, "", {})


def plant(seed: int, count: int) -> list[Fault]:
    """So many faults, each in another module; those of an earlier list stay."""
    kept = {fault.file: fault for fault in read(seed)}
    rng, faults = random.Random(seed), []
    for file in rng.sample(modules(), len(modules())):
        fault = drawn(file, random.Random(f"{seed} {file}"))
        fault = kept.get(file, fault)
        if fault is not None and sum(not one.thrown_out for one in faults) < count:
            faults.append(fault)
    write(seed, faults)
    return faults


def read(seed: int) -> list[Fault]:
    path = LISTS / f"seed-{seed}.json"
    return [Fault(**entry) for entry in json.loads(path.read_text())] if path.exists() else []


def write(seed: int, faults: list[Fault]) -> None:
    LISTS.mkdir(exist_ok=True)
    text = json.dumps([asdict(fault) for fault in faults], indent=1, ensure_ascii=False)
    (LISTS / f"seed-{seed}.json").write_text(f"{text}\n", encoding="utf-8")


# --- Running ---


def copy_of_commit(directory: Path) -> Path:
    """A clone of the last commit, with what is installed here."""
    clone = directory / "clone"
    subprocess.run(["git", "clone", "--quiet", "--shared", ROOT, clone], check=True)
    for name in INSTALLED:
        if (ROOT / name).exists():
            (clone / name).parent.mkdir(exist_ok=True)
            (clone / name).symlink_to(ROOT / name)
    return clone


def near(file: str, clone: Path) -> list[str]:
    """All files of tests, those first that name the module or lie where it lies."""
    path = Path(file)
    parts = [part for part in path.with_suffix("").parts if part not in ("src", "__init__")]
    dotted = ".".join(parts).removeprefix("demos.")
    parent, _, stem = dotted.rpartition(".")
    users = [
        ".".join(user.relative_to(clone).with_suffix("").parts)
        for user in (clone / "toolkit").rglob("*.py")
        if re.search(rf"from {re.escape(dotted)} import", user.read_text(encoding="utf-8"))
    ]

    def distance(test: Path) -> tuple[int, str]:
        text = test.read_text(encoding="utf-8")
        here = test.relative_to(clone / "tests")
        score = 0
        score -= 8 * (dotted in text or f"from {parent} import {stem}" in text)
        score -= 8 * (f"{stem}.js" in text)
        score -= 3 * any(user in text for user in users)
        score -= 4 * (here.stem == f"test_{stem}" or here.stem == f"test_{parts[-2]}")
        score -= 2 * len(set(here.parts) & set(parts))
        score -= (f"{stem}" in text) + (parts[0] == "playground" and here.parts[0] == "demos")
        return score, str(here)

    tests = sorted((clone / "tests").rglob("test_*.py"), key=distance)
    return [str(test.relative_to(clone)) for test in tests]


def first_failure(clone: Path, tests: list[str], selection: str) -> str:
    """The name of the first test that fails; "" where none does.

    A few tests run in a fork of this process, which has imported what is dear to import.
    """
    words = ["-x", "-q", "-m", SELECTIONS[selection], "-p", "no:cacheprovider", "--tb=line"]
    words += ["-W", "ignore:Module already imported"]  # before the fork
    words += ["-n", "2" if len(tests) > STAGES[-1] else "0", *tests]
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
    """Run pytest in the copy, and end with its exit code."""
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
    """Nothing of ours: that is another in each copy."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name in ("torch", "torchvision", "gradio", "matplotlib.pyplot", "pytest", "hypothesis"):
        importlib.import_module(name)


def with_fault(text: str, fault: Fault) -> str:
    """The text of a module with a fault in it; the lines may have moved since it was chosen."""
    lines = text.split("\n")
    before = fault.before.split("\n")
    places = [k for k in range(len(lines)) if lines[k : k + len(before)] == before]
    if not places:
        sys.exit(f"{fault.file} has changed since faults were chosen: plant them again.")
    place = min(places, key=lambda k: abs(k + 1 - fault.line))
    lines[place : place + len(before)] = [fault.after]
    return "\n".join(lines)


def planted(fault: Fault, clone: Path) -> None:
    """Change the copy, and build its pages anew where scripts of theirs have changed."""
    path = clone / fault.file
    path.write_text(with_fault(path.read_text(encoding="utf-8"), fault), encoding="utf-8")
    if fault.file.endswith(".js"):
        environment = os.environ | {"PYTHONPATH": str(clone)}
        page = [".venv/bin/python", "-m", "toolkit.train", "playground"]
        for command, folder in ((["npm", "run", "--silent", "build"], "playground"), (page, ".")):
            subprocess.run(command, cwd=clone / folder, env=environment, check=True)


def notice(fault: Fault, clone: Path, selection: str, first: Sequence[str], is_short: bool) -> str:
    """The first test that notices a fault; "" where none does.

    Args:
        first: files of tests that are run before all others.
        is_short: the rest, beyond the nearest ones, is not run.
    """
    planted(fault, clone)
    tests = [*first, *(test for test in near(fault.file, clone) if test not in first)]
    try:
        for begin, end in zip(STAGES, (*STAGES[1:], None), strict=True):
            if end is None and is_short:
                break
            if failed := first_failure(clone, tests[begin:end], selection):
                return failed
        return ""
    finally:
        subprocess.run(["git", "checkout", "--quiet", "."], cwd=clone, check=True)


def table(faults: list[Fault], selection: str) -> str:
    """Return the noticed faults as Markdown."""
    tried = [fault for fault in faults if selection in fault.noticed]
    rows = [
        f"| {f.file}:{f.line} | {f.kind} | {f.noticed[selection] or '**not noticed**'} |"
        for f in tried
    ]
    count = sum(fault.noticed[selection] != "" for fault in tried)
    head = ["| where | fault | noticed by |", "|---|---|---|"]
    return "\n".join([*head, *rows, "", f"{count} of {len(tried)} faults were noticed."])


def main() -> None:
    parser = argparse.ArgumentParser(description="Whether the tests notice faults.")
    parser.add_argument("what", choices=["plant", "run", "show"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--selection", choices=SELECTIONS, default="quick")
    parser.add_argument("--only", default="", help="only files with this in their name")
    parser.add_argument("--first", nargs="*", default=[], help="files of tests to begin with")
    parser.add_argument("--again", action="store_true", help="also those that were noticed before")
    parser.add_argument("--short", action="store_true", help="no more than the nearest tests")
    options = parser.parse_args()
    if options.what == "plant":
        for fault in plant(options.seed, options.count):
            print(f"{fault.file}:{fault.line}  {fault.kind}  {fault.thrown_out}")
            print(f"    {fault.before.strip()}\n    {fault.after.strip()}")
        return
    faults = read(options.seed)
    if not faults:
        sys.exit(f"There is no list: python {sys.argv[0]} plant --seed {options.seed}")
    valid = [fault for fault in faults if not fault.thrown_out]
    todo = [fault for fault in valid if options.only in fault.file and options.what == "run"]
    if not options.again:
        todo = [fault for fault in todo if not fault.noticed.get(options.selection)]
    with tempfile.TemporaryDirectory() as directory:
        clone = copy_of_commit(Path(directory)) if todo else ROOT
        import_what_is_dear()
        for fault in todo:
            failed = notice(fault, clone, options.selection, options.first, options.short)
            fault.noticed[options.selection] = failed
            write(options.seed, faults)
            print(f"{fault.file}:{fault.line}: {failed or 'not noticed'}", flush=True)
    print(table(valid, options.selection))


if __name__ == "__main__":
    main()
