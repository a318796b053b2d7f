"""The check against other people's code, judged by hand: python benchmarks/check/wild.py MODE

    python benchmarks/check/wild.py fetch --code DIR             # from GitHub, or from --mirrors
    python benchmarks/check/wild.py run --code DIR --half mend   # what the check says about each
    python benchmarks/check/wild.py run --code DIR --whole       # GANs by `check` on their folder

`fetch` writes DIR/KIND/HALF/OWNER+NAME+COMMIT/PATH, with the files that a file imports, and
compares the sums. `run` judges each file alone and in its place, an LSTM in a wrapper of ours
(public_code/wrappers.py), and prints the table; `--records FILE` keeps what was said, `--details`
shows what is not exact, and `--from FILE` scores again what was kept. See wild.md.
"""

import argparse
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


def said(report: Any, place: Place | None, numbers: list[int]) -> dict[str, Any]:
    """The part of a report that a record keeps.

    Args:
        place: what was judged; None for a whole folder.
        numbers: for a whole folder with a notebook, where its code cells are among all.
    """
    from toolkit.assignment.check.verify import is_proved

    findings = []
    for one in report.findings:
        assert is_proved(one), one
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
    """Check each entry, one after the other, with one warm child process."""
    from toolkit.assignment.check.host import Host
    from toolkit.assignment.check.parent import check, judge

    with Host() as host:
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


def show(outcomes: list[score.Outcome]) -> None:
    """List the entries that are not exact, a line each."""
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
    parser.add_argument("--mirrors", type=Path, help="clones, OWNER+NAME/repo, to fetch from")
    parser.add_argument("--half", choices=("mend", "final", "fresh"), default="mend")
    parser.add_argument("--kind", choices=KINDS, help="one kind only")
    parser.add_argument("--only", default="", help="repositories with this in their name")
    parser.add_argument("--whole", action="store_true", help="GANs: `check` on the whole folder")
    parser.add_argument("--details", action="store_true", help="show what is not exact")
    parser.add_argument("--records", type=Path, help="keep what the check said, a line a file")
    parser.add_argument("--from", type=Path, dest="kept", help="score the records in this file")
    options = parser.parse_args()
    outcomes: dict[str, list[score.Outcome]] = {}
    kept = {}
    if options.kept:
        lines = options.kept.read_text().splitlines()
        kept = {(r["repository"], r["path"]): r for r in map(json.loads, lines)}
    for kind in KINDS if options.kind is None else (options.kind,):
        chosen = [e for e in entries(kind, options.half) if options.only in e["repository"]]
        if options.mode == "fetch":
            for entry in chosen:
                fetch(options.code, entry, options.mirrors)
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
            score.score(entry, record, _supplies(entry))
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


def print_table(outcomes: dict[str, list[score.Outcome]]) -> None:
    """Print the rates, a column for each kind and one for all."""
    columns = {**outcomes, "all": [o for listed in outcomes.values() for o in listed]}
    rows = {kind: score.summary(listed) for kind, listed in columns.items()}
    print(f"\n| what | {' | '.join(rows)} |")
    print("|---" * (1 + len(rows)) + "|")
    for name in rows["all"]:
        print(f"| {name} | {' | '.join(rows[kind][name] for kind in rows)} |")


if __name__ == "__main__":
    sys.exit(main())
