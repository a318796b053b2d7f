"""The cost of cuts, for the findings of the pages: python benchmarks/cut_costs.py

Asks the exported LSTMs about the 500 palindromes of the gate microscope, T = 36, with a forget
gate that stands still, and writes how many they get right to playground/data/cuts.json, by the
SHA-256 of their files: of other networks the pages state no such number.
"""

import json
import sys
from pathlib import Path

from toolkit.common.files import atomic_write

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "demos"))
from gate_microscope.events import NUM_ASKED, GateMicroscope  # noqa: E402

OUT = ROOT / "playground" / "data" / "cuts.json"
LENGTH = 36
CUTS = (("f0", 1), ("f0", 9), ("f1", 1))


def main() -> None:
    microscope = GateMicroscope(ROOT / "exports")
    right = {}
    for name in ("lstm", "lstm_plain"):
        counts = {}
        for wires, step in CUTS:
            count = microscope.right(name, LENGTH, wires, step, 0, NUM_ASKED)
            counts[f"{wires} {step}"] = count
        right[microscope.described[name]["sha256"]] = counts
    content = {"length": LENGTH, "count": NUM_ASKED, "right": right}
    atomic_write(OUT, (json.dumps(content, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
