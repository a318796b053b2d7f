"""The message about files that the toolkit could not delete."""

import sys
from pathlib import Path

NAMED = 3  # files named in one message


def say_left_over(folder: Path, failures: list[str]) -> None:
    """Print one message that tells the administrator which files could not be deleted."""
    if not failures:
        return
    names = "; ".join(failures[:NAMED])
    if len(failures) > NAMED:
        names += f" and {len(failures) - NAMED} more"
    print(f"Left over: {folder} ({names}).", file=sys.stderr, flush=True)
