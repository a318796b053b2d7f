"""The log of the search for the GAN's recipe, as a table; nothing here needs torch."""

import json
from pathlib import Path

LOG = Path(__file__).with_name("gan_recipe.jsonl")


def table() -> str:
    """The log as a Markdown table, the best distance first."""
    entries = [json.loads(line) for line in LOG.read_text().splitlines()]
    rows = [
        "| name | what was changed | steps | at 1/3, 2/3 and the end | shares | ms a step |",
        "|---|---|---|---|---|---|",
    ]
    for entry in sorted(entries, key=lambda e: float(e["distances"][-1])):
        changes = ", ".join(f"{k} = {v}" for k, v in entry["changes"].items()) or "nothing"
        distances = ", ".join(f"{d:.1f}" for d in entry["distances"])
        if "sd" in entry:  # of the last, which is then the mean of several draws
            distances += f" ± {entry['sd']:.1f}"
        low, high = entry["class_shares"]
        rows.append(
            f"| {entry['name']} | {changes} | {entry['num_steps']:,} | {distances} "
            f"| {low:.1%} to {high:.1%} | {entry['milliseconds'] or ''} |"
        )
    return "\n".join(rows)
