"""Measures the cost of cuts, for the pages' findings: python benchmarks/cut_costs.py

The script tests the exported LSTMs on the gate microscope's 500 palindromes of length T = 36, with
a forget gate that is fixed at 0 or 1 from some step on. It writes the numbers of correct answers to
playground/data/cuts.json, keyed by the SHA-256 of the LSTMs' files. The pages do not show these
numbers for other networks.
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
