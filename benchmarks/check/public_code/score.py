"""Compares what a check said about a public file with what was written about it by hand."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Entry = dict[str, Any]  # a line of wild_lstm.jsonl or wild_gan.jsonl
Found = dict[str, Any]  # a finding: `id`, `equation`, `file`, `cell`, `line`
NEAR = 2  # lines between the one that was written down and the one that is named
STOPS = {"does-not-run", "does-not-import"}  # one name is as good as the other at the right line
STANDS_FOR = {  # a narrower or a newer name for what was written down
    "does-not-run": {"missing-folder", "not-written"},
}


@dataclass
class Outcome:
    """One file."""

    key: str
    half: str
    named: list[str] = field(default_factory=list)  # expected, and found
    off_line: list[str] = field(default_factory=list)  # of these, with a line that does not help
    missed: list[str] = field(default_factory=list)
    missed_new: list[str] = field(default_factory=list)  # with an id that no check of ours has
    false: list[str] = field(default_factory=list)  # found, and said to be right
    unlisted: list[str] = field(default_factory=list)  # found, and nothing was said about it
    right: int = 0  # how many things are said to be right
    not_seen: list[str] = field(default_factory=list)
    said: int = 0  # verdicts in the report
    found: int = 0  # findings in the report
    blind: bool = False  # nothing was found out

    @property
    def exact(self) -> bool:
        """True if a check saw something and named all that was expected and nothing else."""
        return not (self.missed or self.false or self.unlisted or self.blind)

    @property
    def all_seen(self) -> bool:
        """Exactly right, and nothing was left open."""
        return self.exact and not self.not_seen

    @property
    def passed_though_faulty(self) -> bool:
        """Something is wrong, and nothing at all was said."""
        return bool(self.missed) and not (
            self.named or self.false or self.unlisted or self.not_seen
        )


def score(entry: Entry, record: dict[str, Any], supplies: Iterable[str] = ()) -> Outcome:
    """Compare a report with an entry.

    Args:
        entry: what was written down by hand.
        record: `findings`, `not_seen` and `right` of the report.
        supplies: ids that the wrapper mends, because it has to.
    """
    outcome = Outcome(f"{entry['repository']}:{entry['path']}", entry["half"])
    expected = [
        x for x in entry["expected"] if x["id"] not in set(supplies) and not x.get("hidden")
    ]
    allowed = [x for name in ("may", "either", "behind") for x in entry.get(name) or []]
    allowed += [x for x in entry["expected"] if x.get("hidden") or x["id"] in set(supplies)]
    right = dict(_right(entry["right"]))
    outcome.right = len(right)
    left = list(record["findings"])
    for wanted in expected:
        fitting = [found for found in left if fits(found, wanted)]
        if not fitting:
            new = wanted["id"].startswith("new:")
            (outcome.missed_new if new else outcome.missed).append(wanted["id"])
            continue
        outcome.named.append(wanted["id"])
        if not any(on_line(found, wanted) for found in fitting):
            outcome.off_line.append(wanted["id"])
    for found in left:
        if any(fits(found, wanted) for wanted in expected + allowed):
            continue
        if found["id"] == "missing-interpolation" and "interpolation" in (
            entry.get("absent") or []
        ):
            continue
        said = found["id"] + (f" ({found['equation']})" if found.get("equation") else "")
        equations = right.get(found["id"])
        is_right = found["id"] in right and (
            not equations or not found.get("equation") or found["equation"] in equations
        )
        if is_right or entry["verdict"] != "other design":
            (outcome.false if is_right else outcome.unlisted).append(f"{said} @{found['line']}")
    outcome.not_seen = list(record["not_seen"])
    outcome.said = sum(len(record[name]) for name in ("findings", "not_seen", "right"))
    outcome.found = len(record["findings"])
    outcome.blind = not record["findings"] and not record["right"]
    return outcome


def _right(sentences: list[str]) -> Iterable[tuple[str, set[int]]]:
    """The ids that must not be reported, with the equations for which that holds."""
    equations: set[int] = set()
    for sentence in sentences:
        word, _, rest = sentence.replace(":", " ").partition(" ")
        if word in ("equations", "equation"):
            first, _, last = rest.split()[0].partition("-")
            equations |= set(range(int(first), int(last or first) + 1))
        else:
            yield word, set()
    if equations:
        yield "wrong-equation", equations


def fits(found: Found, wanted: dict[str, Any]) -> bool:
    """True if a finding is what was written down, in whatever line."""
    names = {name.removeprefix("new:") for name in (wanted["id"], *(wanted.get("or") or []))}
    for name in list(names):
        names |= STANDS_FOR.get(name, set())
    if found["id"] in STOPS and names & STOPS and on_line(found, wanted):
        return True
    if found["id"] not in names:
        return False
    equations = wanted.get("equation")
    if found["id"] != "wrong-equation" or not equations or not found.get("equation"):
        return True
    return found["equation"] in (equations if isinstance(equations, list) else [equations])


def on_line(found: Found, wanted: dict[str, Any]) -> bool:
    """True if the line of a finding was written down, or is within two of such a line."""
    if found["line"] is None:
        return False
    cell = wanted.get("cell")
    places = [(cell, wanted.get("line"))]
    places += [(cell, line) for line in wanted.get("lines") or []]
    also_cells = wanted.get("also_cells") or [cell] * len(wanted.get("also") or [])
    places += list(zip(also_cells, wanted.get("also") or [], strict=False))
    places.append((wanted.get("raised_cell", cell), wanted.get("raised")))
    return any(
        line is not None
        and (where is None or where == found.get("cell"))
        and abs(line - found["line"]) <= NEAR
        for where, line in places
    )


def interval(hits: int, of: int) -> tuple[float, float]:
    """The 95% interval of a rate, by Wilson."""
    if not of:
        return 0.0, 1.0
    z, p = 1.96, hits / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def rate(hits: int, of: int) -> str:
    """A rate as the tables show it, such as `31 of 38, 82% (67 to 91)`."""
    low, high = interval(hits, of)
    share = f"{hits / of:.0%}" if of else "-"
    return f"{hits} of {of}, {share} ({100 * low:.0f} to {100 * high:.0f})"


def summary(outcomes: list[Outcome]) -> dict[str, str]:
    """The rows of the table about these files."""
    files = len(outcomes)
    named = sum(len(o.named) for o in outcomes)
    missed = sum(len(o.missed) for o in outcomes)
    right = sum(o.right for o in outcomes)
    said = sum(o.said for o in outcomes)
    return {
        "files": str(files),
        "exactly right": rate(sum(o.exact for o in outcomes), files),
        "exactly right, nothing left open": rate(sum(o.all_seen for o in outcomes), files),
        "files with a false alarm": rate(sum(bool(o.false) for o in outcomes), files),
        "false alarms on what is right": rate(sum(len(o.false) for o in outcomes), right),
        "found, and nothing written about it": str(sum(len(o.unlisted) for o in outcomes)),
        "files with a miss": rate(sum(bool(o.missed) for o in outcomes), files),
        "faults named": rate(named, named + missed),
        "of these in the right line": rate(named - sum(len(o.off_line) for o in outcomes), named),
        "faulty, and nothing said": rate(sum(o.passed_though_faulty for o in outcomes), files),
        "files of which nothing was seen": rate(sum(o.blind for o in outcomes), files),
        "verdicts that are 'not seen'": rate(sum(len(o.not_seen) for o in outcomes), said),
        "missed, for which there is no id": str(sum(len(o.missed_new) for o in outcomes)),
    }


def causes(outcomes: list[Outcome]) -> Counter[str]:
    """Count how often each id was missed, false or unlisted."""
    return Counter(
        f"{what}: {name.partition(' ')[0]}"
        for o in outcomes
        for what, names in (("missed", o.missed), ("false", o.false), ("unlisted", o.unlisted))
        for name in names
    )
