"""What could not be deleted."""

import sys
from pathlib import Path

NAMED = 3  # in one message


def say_left_over(made: Path, left: list[str]) -> None:
    """Name what could not be deleted, once, for whoever looks after this machine."""
    if left:
        more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
        print(f"Left over: {made} ({'; '.join(left[:NAMED])}{more}).", file=sys.stderr, flush=True)
