"""Accuracy against T, for the pages: python benchmarks/accuracy_curve.py [OUT]

The script tests each exported network that reads digits on 500 palindromes of every length from 5
to 1,000. This takes about twenty minutes on one thread. The script writes the number of correct
answers at each length to playground/data/curve.json, keyed by the network's identity, a SHA-256.
The page draws no curve for a network with another identity.
"""

import argparse
import json
from pathlib import Path

import torch

from toolkit.common.device import make_rng
from toolkit.common.files import atomic_write
from toolkit.export import loading
from toolkit.export.manifest import entry_of, identity
from toolkit.lstm.data import palindromes, split_last

ROOT = Path(__file__).parents[1]
OUT = ROOT / "playground" / "data" / "curve.json"
NAMES = ("lstm", "rnn", "lstm_plain", "rnn_plain")
SHORTEST, LONGEST, COUNT = 5, 1000, 500


@torch.no_grad()
def main(out: Path) -> None:
    torch.set_num_threads(1)
    networks = [(name, loading.load(name, ROOT / "exports")) for name in NAMES]
    right: dict[str, list[int]] = {name: [] for name in NAMES}
    for length in range(SHORTEST, LONGEST + 1):
        asked = palindromes(COUNT, length, split="test", rng=make_rng(length, "accuracy curve"))
        digits, label = split_last(asked)
        for name, network in networks:
            right[name].append(int((network(digits).argmax(dim=1) == label).sum()))
    curves = {}
    for name in NAMES:
        curves[identity(entry_of(name, ROOT / "exports"))] = right[name]
    content = {"shortest": SHORTEST, "count": COUNT, "right": curves}
    atomic_write(out, (json.dumps(content, separators=(",", ":")) + "\n").encode())
    print("| network | T = 9 | 36 | 60 | 100 | 212 | 1,000 | T at which at least 90% are right |")
    print("|---|---|---|---|---|---|---|---|")
    for name, counts in right.items():
        shares = [f"{counts[T - SHORTEST] / COUNT:.0%}" for T in (9, 36, 60, 100, 212, 1000)]
        num_lengths = sum(100 * count >= 90 * COUNT for count in counts)
        print(f"| {name} | {' | '.join(shares)} | {num_lengths} of {len(counts)} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=OUT)
    main(parser.parse_args().out)
