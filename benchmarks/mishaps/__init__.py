"""Mishaps of runs and exports, each in a module of its own, and how they are counted."""

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

    what: str  # the line of the table that it belongs to
    outcome: str
    detail: str = ""  # for a loss: how to see it again


def table(outcomes: Iterable[Outcome]) -> tuple[str, bool]:
    """The outcomes as Markdown, with the details of losses below, and whether there are none."""
    counts: dict[str, Counter[str]] = {}
    losses = []
    for what, outcome, detail in outcomes:
        counts.setdefault(what, Counter())[outcome] += 1
        if outcome not in GOOD:
            losses.append(f"- {what}: {outcome}: {detail}")
    lines = ["| what | times | outcome |", "|---|---|---|"]
    for what, counter in counts.items():
        said = ", ".join(
            f"{count:,} {outcome}" if outcome in GOOD else f"**{count:,} {outcome}**"
            for outcome, count in counter.most_common()
        )
        lines.append(f"| {what} | {counter.total():,} | {said} |")
    return "\n".join([*lines, *(["", *losses] if losses else [])]), not losses
