"""Tests the check on other people's code: python benchmarks/check/wild.py MODE

    python benchmarks/check/wild.py fetch --code DIR             # from GitHub, or from --mirrors
    python benchmarks/check/wild.py run --code DIR --half mend   # check files, score the reports
    python benchmarks/check/wild.py run --code DIR --whole       # GANs: `check` whole folders

`fetch` writes each file, and the files that it imports, to DIR/KIND/HALF/OWNER+NAME+COMMIT/PATH,
and compares the file's SHA-256 with the recorded one. `run` checks each file on its own, in its
folder, compares the report with the verdict that was written by hand, and prints a table. An LSTM
is put into a wrapper of ours first (public_code/wrappers.py). `--records FILE` saves the reports,
`--from FILE` scores saved reports again, and `--details` lists the files on which the check was
wrong or left something open. See wild.md.
"""

import argparse
import itertools
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from public_code import score
from public_code.code import KINDS, Entry, Place, arrange, code_cells, entries, fetch, folder
from public_code.placing import submission
from public_code.wrappers import NAME, RECIPES


def as_record(report: Any, place: Place | None, numbers: list[int]) -> dict[str, Any]:
    """Return the parts of a report that are saved in a record.

    Args:
        place: the judged file; None if a whole folder was judged.
        numbers: for a whole folder with a notebook, the number of each code cell among all cells,
            counted from 0.
    """
    from toolkit.assignment.findings.verify import is_proved

    findings = []
    for finding in report.findings:
        assert is_proved(finding), finding
        cell_and_line: dict[str, Any] = {"cell": finding.cell, "line": finding.line}
        if place is not None and finding.file == place.file:
            cell_and_line = place.original(finding.line)
        elif finding.cell is not None and numbers:
            cell_and_line["cell"] = numbers[min(finding.cell, len(numbers)) - 1]
        findings.append(
            {
                "id": finding.id,
                "equation": finding.equation,
                "file": finding.file,
                **cell_and_line,
                "message": finding.message,
            }
        )
    return {
        "findings": findings,
        "not_seen": [finding.message for finding in report.not_seen],
        "right": [finding.message for finding in report.right],
    }


def judge_all(chosen: list[Entry], code: Path, whole: bool) -> Iterator[dict[str, Any]]:
    """Check the entries one after the other, and yield a record for each of them."""
    from toolkit.assignment.asking.host import Host

    with Host() as host:
        for entry in chosen:
            begun = time.perf_counter()
            record = {key: entry[key] for key in ("kind", "half", "repository", "path")}
            with tempfile.TemporaryDirectory(prefix="wild-") as directory:
                root = Path(directory).resolve() / "submission"
                if whole and entry["kind"] == "gan":
                    record |= judge_folder(entry, code, root)
                else:
                    record |= judge_file(entry, code, root, host)
            yield record | {"seconds": round(time.perf_counter() - begun, 1)}


def judge_folder(entry: Entry, code: Path, root: Path) -> dict[str, Any]:
    """Run `check` on the whole folder of an entry, and return the record."""
    from toolkit.assignment.judging.parent import check

    shutil.copytree(folder(code, entry), root)
    numbers = []
    if entry["path"].endswith(".ipynb"):
        numbers = [number for number, _ in code_cells((root / entry["path"]).read_bytes())]
    return as_record(check(root, parts=(entry["kind"],)), None, numbers)


def judge_file(entry: Entry, code: Path, root: Path, host: Any) -> dict[str, Any]:
    """Judge only the file of an entry, in its folder, and return the record."""
    from toolkit.assignment.judging.parent import judge

    place = arrange(entry, code, root)
    kind = entry["kind"]
    name = NAME if kind == "lstm" else None
    parts = submission(root, {kind: (place.file, name)})
    report = judge(parts, host, str(root), parts=(kind,))
    return as_record(report, place, [])


def show(outcomes: list[score.Outcome]) -> None:
    """Print a line for each entry on which the check was wrong or left something open."""
    for outcome in outcomes:
        if outcome.exact and not (outcome.not_seen or outcome.off_line or outcome.missed_new):
            continue
        lists = {
            "missed": outcome.missed,
            "false": outcome.false,
            "unlisted": outcome.unlisted,
            "line": outcome.off_line,
            "no id": outcome.missed_new,
            "not seen": outcome.not_seen,
        }
        clauses = [f"{name} {listed}" for name, listed in lists.items() if listed]
        print(f"{outcome.key}: " + "; ".join(clauses))


def main() -> None:
    parser = argparse.ArgumentParser(description="The check against code that others wrote.")
    parser.add_argument("mode", choices=("fetch", "run"))
    parser.add_argument("--code", type=Path, required=True, help="the folder with their code")
    parser.add_argument("--mirrors", type=Path, help="clones, OWNER+NAME/repo, to fetch from")
    parser.add_argument("--half", choices=("mend", "final", "fresh"), default="mend")
    parser.add_argument("--kind", choices=KINDS, help="one kind only")
    parser.add_argument("--only", default="", help="repositories with this in their name")
    parser.add_argument("--whole", action="store_true", help="GANs: `check` on the whole folder")
    parser.add_argument("--details", action="store_true", help="show what is not exact")
    parser.add_argument("--records", type=Path, help="keep what the check said, a line a file")
    parser.add_argument("--from", type=Path, dest="kept", help="score the records in this file")
    options = parser.parse_args()
    kinds = KINDS if options.kind is None else (options.kind,)
    chosen = {kind: choose(kind, options.half, options.only) for kind in kinds}
    if options.mode == "fetch":
        for entry in itertools.chain.from_iterable(chosen.values()):
            fetch(options.code, entry, options.mirrors)
        return
    outcomes = {}
    for kind, listed in chosen.items():
        if options.kept:
            records = read_records(options.kept, listed)
        else:
            records = make_records(listed, options.code, options.whole, options.records)
        outcomes[kind] = score_all(listed, records)
    if options.details:
        show(list(itertools.chain.from_iterable(outcomes.values())))
    print_table(outcomes)


def choose(kind: str, half: str, only: str) -> list[Entry]:
    """Return the entries of one kind and half from repositories whose names contain a text."""
    return [entry for entry in entries(kind, half) if only in entry["repository"]]


Records = dict[tuple[str, str], dict[str, Any]]  # keyed by "repository" and "path"


def read_records(file: Path, chosen: list[Entry]) -> Records:
    """Read the records of some entries from a file, which may not contain all of them."""
    wanted = {(entry["repository"], entry["path"]) for entry in chosen}
    records: Records = {}
    for line in file.read_text().splitlines():
        record = json.loads(line)
        key = (record["repository"], record["path"])
        if key in wanted:
            records[key] = record
    return records


def make_records(chosen: list[Entry], code: Path, whole: bool, keep: Path | None) -> Records:
    """Judge some entries, and return their records.

    Args:
        keep: a file to which each record is appended.
    """
    records: Records = {}
    for record in judge_all(chosen, code, whole):
        records[record["repository"], record["path"]] = record
        if keep is not None:
            with keep.open("a") as file:
                file.write(json.dumps(record) + "\n")
    return records


def score_all(chosen: list[Entry], records: Records) -> list[score.Outcome]:
    """Score the entries that have a record."""
    outcomes = []
    for entry in chosen:
        record = records.get((entry["repository"], entry["path"]))
        if record is not None:
            outcomes.append(score.score(entry, record, _supplies(entry)))
    return outcomes


def _supplies(entry: Entry) -> tuple[str, ...]:
    if entry["kind"] != "lstm":
        return ()
    return RECIPES[entry["repository"]].supplies


def print_table(outcomes: dict[str, list[score.Outcome]]) -> None:
    """Print a table of the rates, with a column for each kind and a column for all kinds."""
    every: list[score.Outcome] = []
    for of_kind in outcomes.values():
        every += of_kind
    columns = [score.summary(of_kind) for of_kind in (*outcomes.values(), every)]
    print(f"\n| what | {' | '.join([*outcomes, 'all'])} |")
    print("|---" * (1 + len(columns)) + "|")
    for name in columns[-1]:
        print(f"| {name} | {' | '.join(column[name] for column in columns)} |")


if __name__ == "__main__":
    sys.exit(main())
