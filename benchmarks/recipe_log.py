"""The log of the search for the GAN's recipe, as tables; nothing here needs torch."""

import json
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev
from typing import Any

LOG = Path(__file__).with_name("gan_recipe.jsonl")


def table() -> str:
    """The log as Markdown, the best first: trials with error bars, then those of one draw."""
    entries = [json.loads(line) for line in LOG.read_text().splitlines()]
    measured = [entry for entry in entries if "distance" in entry]
    single = [entry for entry in entries if "distance" not in entry]
    return f"{_with_error_bars(measured)}\n\n{_of_one_draw(single)}"


def _with_error_bars(entries: list[dict[str, Any]]) -> str:
    """One row for each recipe, over its seeds.

    ± is the standard deviation of the seeds' means, or of the draws where there is one seed.
    """
    recipes = defaultdict(list)
    for entry in entries:
        changes = {key: value for key, value in entry["changes"].items() if key != "seed"}
        recipes[entry["name"], _words(changes), entry["num_steps"]].append(entry)
    rows = []
    for (name, changes, num_steps), seeds in recipes.items():
        means = [entry["distance"] for entry in seeds]
        spread = stdev(means) if len(seeds) > 1 else seeds[0]["distance_sd"]
        together = mean(entry["all_draws"] for entry in seeds)
        unsure = mean(entry["unsure"] for entry in seeds)
        distance = f"{mean(means):.2f} ± {spread:.2f}"
        seconds = mean(entry["seconds"] for entry in seeds)
        row = (
            f"| {name} | {changes} | {num_steps:,} | {len(seeds)} | {distance} "
            f"| {together:.2f} | {unsure:.1%} | {seconds:.0f} |"
        )
        rows.append((together, row))
    lines = [
        "| name | what was changed | steps | seeds | 10,000 samples | 50,000 | unsure "
        "| processor seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [row for _, row in sorted(rows)]
    return "\n".join(lines)


def _of_one_draw(entries: list[dict[str, Any]]) -> str:
    """One row for each training of which only single draws were measured."""
    lines = [
        "| name | what was changed | steps | one draw at 1/3, 2/3 and the end | shares "
        "| ms a step |",
        "|---|---|---|---|---|---|",
    ]
    for entry in sorted(entries, key=_last_distance):
        distances = ", ".join(f"{d:.1f}" for d in entry["distances"])
        if "sd" in entry:  # of the last, which is then the mean of several draws
            distances += f" ± {entry['sd']:.1f}"
        low, high = entry["class_shares"]
        lines.append(
            f"| {entry['name']} | {_words(entry['changes'])} | {entry['num_steps']:,} "
            f"| {distances} | {low:.1%} to {high:.1%} | {entry['milliseconds'] or ''} |"
        )
    return "\n".join(lines)


def _last_distance(entry: dict[str, Any]) -> float:
    return float(entry["distances"][-1])


def _words(changes: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in changes.items()) or "nothing"
