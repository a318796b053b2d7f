"""Compares the check's report on a public file with the verdict that was written by hand."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Entry = dict[str, Any]  # a line of wild_lstm.jsonl or wild_gan.jsonl
Finding = dict[str, Any]  # with the keys `id`, `equation`, `file`, `cell`, `line`
NEAR = 2  # the largest distance in lines from an expected line to the reported one
STOPS = {"does-not-run", "does-not-import"}  # at an expected line, each of them counts as the other
STANDS_FOR = {  # narrower or newer ids that count as an expected id
    "does-not-run": {"missing-folder", "not-written"},
}


@dataclass
class Outcome:
    """The result of the comparison for one file."""

    key: str
    half: str
    named: list[str] = field(default_factory=list)  # expected faults that were reported
    off_line: list[str] = field(default_factory=list)  # named, but at a wrong line
    missed: list[str] = field(default_factory=list)  # expected faults that were not reported
    missed_new: list[str] = field(default_factory=list)  # missed; the check has no id for it
    false: list[str] = field(default_factory=list)  # reported, but listed as right
    unlisted: list[str] = field(default_factory=list)  # reported, but not listed at all
    num_right: int = 0  # things that are listed as right
    not_seen: list[str] = field(default_factory=list)
    num_verdicts: int = 0  # in the report
    num_findings: int = 0  # in the report
    blind: bool = False  # the report has neither findings nor right answers

    @property
    def exact(self) -> bool:
        """True if the check saw something, named every expected fault for which it has an id, and
        reported nothing false or unlisted.
        """
        return not (self.missed or self.false or self.unlisted or self.blind)

    @property
    def all_seen(self) -> bool:
        """True if the report is exact and leaves nothing open."""
        return self.exact and not self.not_seen

    @property
    def passed_though_faulty(self) -> bool:
        """True if an expected fault was missed, and the check neither found anything else that
        counts nor left anything open.
        """
        return bool(self.missed) and not (
            self.named or self.false or self.unlisted or self.not_seen
        )


def score(entry: Entry, record: dict[str, Any], supplies: Iterable[str] = ()) -> Outcome:
    """Compare a report with an entry.

    Args:
        entry: the verdict that was written by hand.
        record: the items `findings`, `not_seen` and `right` of the report.
        supplies: the ids of faults that the wrapper has to mend.
    """
    outcome = Outcome(f"{entry['repository']}:{entry['path']}", entry["half"])
    expected, allowed = _faults_of(entry, set(supplies))
    for fault in expected:
        _look_for(fault, record["findings"], outcome)
    right = _right(entry["right"])
    for finding in record["findings"]:
        if _is_known(finding, expected + allowed, entry):
            continue
        if _is_right(finding, right):
            outcome.false.append(_label(finding))
        elif entry["verdict"] != "other design":
            outcome.unlisted.append(_label(finding))

    outcome.num_right = len(right)
    outcome.not_seen = list(record["not_seen"])
    outcome.num_verdicts = sum(len(record[name]) for name in ("findings", "not_seen", "right"))
    outcome.num_findings = len(record["findings"])
    outcome.blind = not record["findings"] and not record["right"]
    return outcome


def _faults_of(
    entry: Entry, supplied: set[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the faults that must be named, and those that may be named."""
    expected = []
    allowed = []
    for fault in entry["expected"]:
        if fault["id"] in supplied or fault.get("hidden"):
            allowed.append(fault)
        else:
            expected.append(fault)
    for name in ("may", "either", "behind"):
        allowed += entry.get(name) or []
    return expected, allowed


def _look_for(fault: dict[str, Any], findings: list[Finding], outcome: Outcome) -> None:
    """Look for an expected fault among the findings, and add the result to `outcome`."""
    fitting = [finding for finding in findings if fits(finding, fault)]
    if fitting:
        outcome.named.append(fault["id"])
        if not any(on_line(finding, fault) for finding in fitting):
            outcome.off_line.append(fault["id"])
    elif fault["id"].startswith("new:"):
        outcome.missed_new.append(fault["id"])
    else:
        outcome.missed.append(fault["id"])


def _is_known(finding: Finding, faults: list[dict[str, Any]], entry: Entry) -> bool:
    """Return True if a finding names one of the faults, or an interpolation that is known to be
    absent.
    """
    if finding["id"] == "missing-interpolation" and "interpolation" in (entry.get("absent") or []):
        return True
    return any(fits(finding, fault) for fault in faults)


def _is_right(finding: Finding, right: dict[str, set[int]]) -> bool:
    """Return True if a finding is about something that is listed as right."""
    if finding["id"] not in right:
        return False
    equations = right[finding["id"]]
    return not equations or not finding.get("equation") or finding["equation"] in equations


def _label(finding: Finding) -> str:
    """Return a short text for a finding, with its id, its equation and its line."""
    equation = f" ({finding['equation']})" if finding.get("equation") else ""
    return f"{finding['id']}{equation} @{finding['line']}"


def _right(sentences: list[str]) -> dict[str, set[int]]:
    """Return the ids that must not be reported, each with the equations to which this applies; an
    empty set stands for all.
    """
    right: dict[str, set[int]] = {}
    equations: set[int] = set()
    for sentence in sentences:
        word, _, remainder = sentence.replace(":", " ").partition(" ")
        if word in ("equations", "equation"):
            first, _, last = remainder.split()[0].partition("-")
            equations |= set(range(int(first), int(last or first) + 1))
        else:
            right[word] = set()
    if equations:
        right["wrong-equation"] = equations
    return right


def fits(finding: Finding, fault: dict[str, Any]) -> bool:
    """Return True if a finding names an expected fault.

    The line matters only if one id in `STOPS` is reported in place of the other.
    """
    names = set()
    for name in (fault["id"], *(fault.get("or") or [])):
        name = name.removeprefix("new:")
        names.add(name)
        names |= STANDS_FOR.get(name, set())
    if finding["id"] in STOPS and names & STOPS and on_line(finding, fault):
        return True
    if finding["id"] not in names:
        return False
    equations = fault.get("equation")
    if finding["id"] != "wrong-equation" or not equations or not finding.get("equation"):
        return True
    if isinstance(equations, list):
        return finding["equation"] in equations
    return finding["equation"] == equations


def on_line(finding: Finding, fault: dict[str, Any]) -> bool:
    """Return True if a finding is at most `NEAR` lines away from a line of an expected fault."""
    if finding["line"] is None:
        return False
    for cell, line in _places(fault):
        in_cell = cell is None or cell == finding.get("cell")
        if line is not None and in_cell and abs(line - finding["line"]) <= NEAR:
            return True
    return False


def _places(fault: dict[str, Any]) -> list[tuple[int | None, int | None]]:
    """Return the cell and the line of each place of an expected fault; unknown ones are None."""
    cell = fault.get("cell")
    places = [(cell, fault.get("line"))]
    places += [(cell, line) for line in fault.get("lines") or []]
    also_lines = fault.get("also") or []
    also_cells = fault.get("also_cells") or [cell] * len(also_lines)
    places += zip(also_cells, also_lines, strict=False)
    places.append((fault.get("raised_cell", cell), fault.get("raised")))
    return places


def interval(hits: int, of: int) -> tuple[float, float]:
    """Return the 95% Wilson score interval of a rate."""
    if not of:
        return 0.0, 1.0
    z = 1.96
    p = hits / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def rate(hits: int, of: int) -> str:
    """Return a rate as the tables show it, such as `31 of 38, 82% (67 to 91)`."""
    low, high = interval(hits, of)
    share = f"{hits / of:.0%}" if of else "-"
    return f"{hits} of {of}, {share} ({100 * low:.0f} to {100 * high:.0f})"


def summary(outcomes: list[Outcome]) -> dict[str, str]:
    """Return the rows of the table for some files: name -> text."""
    files = len(outcomes)

    def total(name: str) -> int:
        """Return the sum of a number, or of the length of a list, over all files."""
        numbers = []
        for outcome in outcomes:
            value = getattr(outcome, name)
            numbers.append(len(value) if isinstance(value, list) else int(value))
        return sum(numbers)

    def files_with(name: str) -> str:
        """Return the rate of files in which a value is true or not empty."""
        return rate(sum(bool(getattr(outcome, name)) for outcome in outcomes), files)

    named = total("named")
    return {
        "files": str(files),
        "exactly right": files_with("exact"),
        "exactly right, nothing left open": files_with("all_seen"),
        "files with a false alarm": files_with("false"),
        "false alarms on what is right": rate(total("false"), total("num_right")),
        "found, and nothing written about it": str(total("unlisted")),
        "files with a miss": files_with("missed"),
        "faults named": rate(named, named + total("missed")),
        "of these in the right line": rate(named - total("off_line"), named),
        "faulty, and nothing said": files_with("passed_though_faulty"),
        "files of which nothing was seen": files_with("blind"),
        "verdicts that are 'not seen'": rate(total("not_seen"), total("num_verdicts")),
        "missed, for which there is no id": str(total("missed_new")),
    }
