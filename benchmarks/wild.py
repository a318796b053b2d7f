"""The check against other people's code, judged by hand: python benchmarks/wild.py MODE --code DIR

    python benchmarks/wild.py fetch --code DIR                   # from GitHub, with git
    python benchmarks/wild.py run --code DIR --half mend         # what the check says about each
    python benchmarks/wild.py run --code DIR --half mend --whole # GANs by `check` on their folder

`fetch` writes DIR/KIND/HALF/OWNER+NAME+COMMIT/PATH, with the files that a file imports, and
compares the sums. `run` judges each file alone and in its place, an LSTM in a wrapper of ours
(wild_wrappers.py), and prints the table; `--records FILE` keeps what was said, `--details` shows
what is not exact, and `--from FILE` scores again what was kept. See wild.md.
"""

import argparse
import ast
import contextlib
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import wild_score
from placing import files_of_modules, submission
from wild_wrappers import NAME, RECIPES, Recipe, wrapper

HERE = Path(__file__).parent
KINDS = ("lstm", "gan")
Entry = wild_score.Entry


def entries(kind: str, half: str) -> list[Entry]:
    """The entries of one kind and half, in the order of the file."""
    with (HERE / f"wild_{kind}.jsonl").open() as lines:
        return [entry for entry in map(json.loads, lines) if entry["half"] == half]


def folder(code: Path, entry: Entry) -> Path:
    """Where the code of an entry lies."""
    name = f"{entry['repository'].replace('/', '+')}+{entry['commit'][:8]}"
    return code / entry["kind"] / entry["half"] / name


# -- fetching


def git(repository: Path, *arguments: str) -> bytes:
    """What git prints."""
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def fetch(code: Path, entry: Entry) -> None:
    """Write the file of an entry and those that it imports.

    Raises:
        subprocess.CalledProcessError: the repository or the commit is gone.
        ValueError: the file is not the one that was read.
    """
    target = folder(code, entry)
    if (target / entry["path"]).is_file():
        return
    with tempfile.TemporaryDirectory() as directory:
        repository = Path(directory)
        url = f"https://github.com/{entry['repository']}"
        options = ["--filter=blob:none", "--no-checkout", "--quiet"]
        subprocess.run(["git", "clone", *options, url, directory], check=True)
        extract(repository, entry, target)


def extract(repository: Path, entry: Entry, target: Path) -> None:
    """Write the file of an entry and those that it imports, from a clone."""
    commit = entry["commit"]
    listed = git(repository, "ls-tree", "-rz", "--name-only", commit).decode().split("\0")
    recipe = RECIPES.get(entry["repository"]) if entry["kind"] == "lstm" else None
    waiting = [entry["path"], *(recipe.also if recipe else ())]
    done: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in done or path not in listed:
            continue
        done.add(path)
        data = git(repository, "show", f"{commit}:{path}")
        if path == entry["path"] and hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise ValueError(f"{entry['repository']}:{path} is not the file that was judged")
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(data)
        waiting += imported(data, PurePosixPath(path), set(listed))


def imported(data: bytes, path: PurePosixPath, listed: set[str]) -> list[str]:
    """The files of a repository that one of its files imports."""
    found = []
    for text in [text for _, text in code_cells(data)] if path.suffix == ".ipynb" else [data]:
        with contextlib.suppress(SyntaxError, ValueError):
            found += files_of_modules(ast.parse(text), path, listed)
    return found


# -- arranging a submission


def code_cells(data: bytes) -> list[tuple[int, str]]:
    """The code cells of a notebook that are not empty: their place among all cells, their text."""
    cells = [
        (k, c["cell_type"], "".join(c["source"])) for k, c in enumerate(json.loads(data)["cells"])
    ]
    return [(k, text) for k, kind, text in cells if kind == "code" and text.strip()]


@dataclass
class Place:
    """A file that is judged, and where its lines come from."""

    file: str  # relative to the submission
    cells: list[tuple[int, int]]  # of each line of a notebook: the cell and the line in it

    def original(self, line: int | None) -> dict[str, int | None]:
        """Where a line of the submission is in their file."""
        if line is None or not self.cells:
            return {"cell": None, "line": line}
        cell, inside = self.cells[min(line, len(self.cells)) - 1]
        return {"cell": cell, "line": inside}


def flatten(data: bytes, wanted: tuple[int, ...]) -> tuple[str, list[tuple[int, int]]]:
    """The code cells of a notebook as one file, and the cell and line of each of its lines.

    Lines that only IPython understands do nothing.
    """
    lines, places = [], []
    for cell, text in code_cells(data):
        if wanted and cell not in wanted:
            continue
        for number, line in enumerate(text.split("\n"), start=1):
            magic = line.lstrip().startswith(("%", "!"))
            lines.append(line[: len(line) - len(line.lstrip())] + "pass" if magic else line)
            places.append((cell, number))
    return "\n".join(lines) + "\n", places


def arrange(entry: Entry, code: Path, root: Path) -> Place:
    """Copy the code of an entry to `root` and make a Python file of what is to be judged.

    Returns:
        where it is; an LSTM is the class `Wrapped` in it.
    """
    shutil.copytree(folder(code, entry), root, dirs_exist_ok=True)
    recipe = RECIPES[entry["repository"]] if entry["kind"] == "lstm" else Recipe("")
    path = PurePosixPath(recipe.main or entry["path"])
    data = (root / path).read_bytes()
    places: list[tuple[int, int]] = []
    if path.suffix == ".ipynb":
        text, places = flatten(data, recipe.cells)
        (root / path).unlink()
        path = path.with_name("notebook.py")
    else:
        text = data.decode()
    if recipe.until:
        text = "\n".join(text.split("\n")[: recipe.until]) + "\n"
    for name, content in recipe.modules.items():
        file = root / path.parent / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    if recipe.build:
        text += wrapper(recipe)
    (root / path).write_text(text)
    return Place(str(path), places)


# -- running the check


def said(report: Any, place: Place | None, numbers: list[int]) -> dict[str, Any]:
    """What a record keeps of a report.

    Args:
        place: what was judged; None for a whole folder.
        numbers: for a whole folder with a notebook, where its code cells are among all.
    """
    findings = []
    for one in report.findings:
        where: dict[str, Any] = {"cell": one.cell, "line": one.line}
        if place is not None and one.file == place.file:
            where = place.original(one.line)
        elif one.cell is not None and numbers:
            where["cell"] = numbers[min(one.cell, len(numbers)) - 1]
        findings.append(
            {"id": one.id, "equation": one.equation, "file": one.file}
            | where
            | {"message": one.message}
        )
    return {
        "findings": findings,
        "not_seen": [one.message for one in report.not_seen],
        "right": [one.message for one in report.right],
    }


def judge_all(chosen: list[Entry], code: Path, whole: bool) -> Iterator[dict[str, Any]]:
    """What the check says about each entry, one after the other, by one warm child."""
    from toolkit.assignment.check.host import plain_host
    from toolkit.assignment.check.parent import check, judge

    with plain_host() as host:
        for entry in chosen:
            begun = time.perf_counter()
            kind = entry["kind"]
            record = {key: entry[key] for key in ("kind", "half", "repository", "path")}
            with tempfile.TemporaryDirectory(prefix="wild-") as directory:
                root = Path(directory).resolve() / "submission"
                if whole and kind == "gan":
                    shutil.copytree(folder(code, entry), root)
                    data = (root / entry["path"]).read_bytes()
                    notebook = entry["path"].endswith(".ipynb")
                    numbers = [k for k, _ in code_cells(data)] if notebook else []
                    record |= said(check(root, parts=(kind,)), None, numbers)
                else:
                    place = arrange(entry, code, root)
                    name = NAME if kind == "lstm" else None
                    parts = submission(root, {kind: (place.file, name)})
                    report = judge(parts, host, str(root), parts=(kind,))
                    record |= said(report, place, [])
            yield record | {"seconds": round(time.perf_counter() - begun, 1)}


def show(outcomes: list[wild_score.Outcome]) -> None:
    """What is not exact, a line each."""
    for o in outcomes:
        if not o.exact or o.not_seen or o.off_line or o.missed_new:
            parts = {
                "missed": o.missed,
                "false": o.false,
                "unlisted": o.unlisted,
                "line": o.off_line,
                "no id": o.missed_new,
                "not seen": o.not_seen,
            }
            print(f"{o.key}: " + "; ".join(f"{k} {v}" for k, v in parts.items() if v))


def main() -> None:
    parser = argparse.ArgumentParser(description="The check against code that others wrote.")
    parser.add_argument("mode", choices=("fetch", "run"))
    parser.add_argument("--code", type=Path, required=True, help="the folder with their code")
    parser.add_argument("--half", choices=("mend", "final"), default="mend")
    parser.add_argument("--kind", choices=KINDS, help="one kind only")
    parser.add_argument("--only", default="", help="repositories with this in their name")
    parser.add_argument("--whole", action="store_true", help="GANs: `check` on the whole folder")
    parser.add_argument("--details", action="store_true", help="show what is not exact")
    parser.add_argument("--records", type=Path, help="keep what the check said, a line a file")
    parser.add_argument("--from", type=Path, dest="kept", help="score the records in this file")
    options = parser.parse_args()
    outcomes: dict[str, list[wild_score.Outcome]] = {}
    kept = {}
    if options.kept:
        lines = options.kept.read_text().splitlines()
        kept = {(r["repository"], r["path"]): r for r in map(json.loads, lines)}
    for kind in KINDS if options.kind is None else (options.kind,):
        chosen = [e for e in entries(kind, options.half) if options.only in e["repository"]]
        if options.mode == "fetch":
            for entry in chosen:
                fetch(options.code, entry)
            continue
        if options.kept:
            records = [kept.get((e["repository"], e["path"])) for e in chosen]
        else:
            records = []
            for record in judge_all(chosen, options.code, options.whole):
                records.append(record)
                if options.records:
                    with options.records.open("a") as file:
                        file.write(json.dumps(record) + "\n")
        outcomes[kind] = [
            wild_score.score(entry, record, _supplies(entry))
            for entry, record in zip(chosen, records, strict=True)
            if record is not None
        ]
    if options.mode == "fetch":
        return
    if options.details:
        for listed in outcomes.values():
            show(listed)
    print_table(outcomes)


def _supplies(entry: Entry) -> tuple[str, ...]:
    return RECIPES[entry["repository"]].supplies if entry["kind"] == "lstm" else ()


def print_table(outcomes: dict[str, list[wild_score.Outcome]]) -> None:
    """Print the rates, a column for each kind and one for all."""
    columns = {**outcomes, "all": [o for listed in outcomes.values() for o in listed]}
    rows = {kind: wild_score.summary(listed) for kind, listed in columns.items()}
    print(f"\n| what | {' | '.join(rows)} |")
    print("|---" * (1 + len(rows)) + "|")
    for name in rows["all"]:
        print(f"| {name} | {' | '.join(rows[kind][name] for kind in rows)} |")


if __name__ == "__main__":
    sys.exit(main())
