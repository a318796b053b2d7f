"""Simulated mishaps of runs, exports and hand-ins, and the table of their outcomes."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

GOOD = (  # all other outcomes are losses
    "equal after resuming",
    "clean",
    "old or new state loadable",
    "refused",
    "named",
    "nothing changed",
    "one sentence",
    "was right after all",
)


class Outcome(NamedTuple):
    """The outcome of one mishap."""

    mishap: str  # the name of its row in the table
    outcome: str
    detail: str = ""  # for a loss: how to reproduce it


def table(outcomes: Iterable[Outcome]) -> tuple[str, bool]:
    """Return the outcomes as Markdown, with details of each loss, and True if there is no loss."""
    counts: dict[str, Counter[str]] = {}
    losses = []
    for mishap, outcome, detail in outcomes:
        counts.setdefault(mishap, Counter())[outcome] += 1
        if outcome not in GOOD:
            losses.append(f"- {mishap}: {outcome}: {detail}")
    lines = ["| what | times | outcome |", "|---|---|---|"]
    for mishap, counter in counts.items():
        cells = []
        for outcome, count in counter.most_common():
            cell = f"{count:,} {outcome}"
            cells.append(cell if outcome in GOOD else f"**{cell}**")
        lines.append(f"| {mishap} | {counter.total():,} | {', '.join(cells)} |")
    if losses:
        lines += ["", *losses]
    return "\n".join(lines), not losses
