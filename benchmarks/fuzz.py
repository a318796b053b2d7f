"""Simulates hundreds of mishaps of each kind: python benchmarks/fuzz.py

    python benchmarks/fuzz.py                             # everything; takes an hour on two cores
    python benchmarks/fuzz.py --part flips --count 5000
    python benchmarks/fuzz.py --part kills --count 16 --seed 7

The benchmark prints a table of the outcomes and, below it, how to reproduce each loss. The exit
code is 1 if there is a loss. The modules in `mishaps/` contain these parts:

    kills     SIGKILL at random moments of each training; the command is repeated until it ends
    pairs     two processes that save exports, or run the same training, at the same time
    disk      a disk that is full from one write on, for every write: no file can grow any more
    flips     a flipped bit, or a missing end, in each kind of file
    commands  wrong commands
    folders   a temporary directory with other people's folders whose names look like the kit's
    archives  damaged hand-ins, which are only read
    frames    answers of the sandbox with damage in their text
    replies   all answers about a part of a correct hand-in, judged with damage in their values

The same seed gives the same mishaps, except for their timing, which depends on the machine.
"""

import argparse
import sys

from mishaps import GOOD, Outcome, table
from mishaps.commands import commands
from mishaps.disk import disk
from mishaps.flips import flips
from mishaps.folders import folders
from mishaps.kills import kills
from mishaps.pairs import pairs
from mishaps.strangers import archives, frames, replies

PARTS = {
    "kills": (kills, 200),
    "pairs": (pairs, 150),
    "disk": (disk, 200),
    "flips": (flips, 2000),
    "commands": (commands, 400),
    "folders": (folders, 1000),
    "archives": (archives, 2000),
    "frames": (frames, 20_000),
    "replies": (replies, 20_000),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Try to lose runs and exports.")
    parser.add_argument("--part", choices=PARTS, help="instead of all")
    parser.add_argument("--count", type=int, help="how many mishaps")
    parser.add_argument("--seed", type=int, default=0, help="another one makes other mishaps")
    options = parser.parse_args()
    outcomes: list[Outcome] = []
    for name in [options.part] if options.part else PARTS:
        part, usual = PARTS[name]
        for outcome in part(usual if options.count is None else options.count, options.seed):
            outcomes.append(outcome)
            if outcome.outcome not in GOOD:
                print(*outcome, sep=": ", file=sys.stderr, flush=True)
            if sys.stderr.isatty():
                print(f"\r{len(outcomes):,}  {outcome.mishap[:70]:70}", end="", file=sys.stderr)
    text, lossless = table(outcomes)
    print(text)
    sys.exit(not lossless)


if __name__ == "__main__":
    main()
