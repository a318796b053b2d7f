"""Formats the log of the search for the GAN's recipe as tables, without importing torch."""

import json
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev
from typing import Any

Entry = dict[str, Any]
LOG = Path(__file__).with_name("gan_recipe.jsonl")


def table() -> str:
    """Return the log as two Markdown tables, each with the best trials first: trials with error
    bars, and trials of which only single draws were measured.
    """
    measured, single = [], []
    for line in LOG.read_text().splitlines():
        entry = json.loads(line)
        if "distance" in entry:
            measured.append(entry)
        else:
            single.append(entry)
    return f"{_with_error_bars(measured)}\n\n{_of_one_draw(single)}"


def _with_error_bars(entries: list[Entry]) -> str:
    """Return a table with one row for each recipe, averaged over its seeds."""
    recipes = defaultdict(list)
    for entry in entries:
        changes = dict(entry["changes"])
        changes.pop("seed", None)
        recipes[entry["name"], _words(changes), entry["num_steps"]].append(entry)
    rows = [_row_of_recipe(*recipe, seeds) for recipe, seeds in recipes.items()]
    lines = [
        "| name | what was changed | steps | seeds | 10,000 samples | 50,000 | unsure "
        "| processor seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [row for _, row in sorted(rows)]
    return "\n".join(lines)


def _row_of_recipe(
    name: str, changes: str, num_steps: int, seeds: list[Entry]
) -> tuple[float, str]:
    """Return the distance of 50,000 samples, by which the rows are sorted, and the row.

    The number after ± is the standard deviation of the seeds' means or, if there is only one seed,
    of its draws.
    """
    distances = _values(seeds, "distance")
    spread = stdev(distances) if len(seeds) > 1 else seeds[0]["distance_sd"]
    all_draws = mean(_values(seeds, "all_draws"))
    return all_draws, (
        f"| {name} | {changes} | {num_steps:,} | {len(seeds)} "
        f"| {mean(distances):.2f} ± {spread:.2f} | {all_draws:.2f} "
        f"| {mean(_values(seeds, 'unsure')):.1%} | {mean(_values(seeds, 'seconds')):.0f} |"
    )


def _values(entries: list[Entry], key: str) -> list[float]:
    return [entry[key] for entry in entries]


def _of_one_draw(entries: list[Entry]) -> str:
    """Return a table with one row for each training run of which only single draws were scored."""
    lines = [
        "| name | what was changed | steps | one draw at 1/3, 2/3 and the end | shares "
        "| ms a step |",
        "|---|---|---|---|---|---|",
    ]
    for entry in sorted(entries, key=_last_distance):
        distances = ", ".join(map("{:.1f}".format, entry["distances"]))
        if "sd" in entry:  # of the last distance, which is then the mean of several draws
            distances += f" ± {entry['sd']:.1f}"
        low, high = entry["class_shares"]
        lines.append(
            f"| {entry['name']} | {_words(entry['changes'])} | {entry['num_steps']:,} "
            f"| {distances} | {low:.1%} to {high:.1%} | {entry['milliseconds'] or ''} |"
        )
    return "\n".join(lines)


def _last_distance(entry: Entry) -> float:
    return float(entry["distances"][-1])


def _words(changes: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in changes.items()) or "nothing"
