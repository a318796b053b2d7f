"""Small faults that are put into right code mechanically, one at a time."""

import ast
import re
from collections.abc import Iterator

from faults import equations, gan, scripts, states
from faults.kind import Mutant

KINDS = equations.KINDS | states.KINDS | scripts.KINDS | gan.KINDS


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def mutants(part: str, text: str) -> Iterator[Mutant]:
    """All mutants of one file."""
    for name, kind in KINDS.items():
        if kind.part != part or (kind.unless and re.search(kind.unless, text)):
            continue
        for match in re.finditer(kind.old, text):
            new = kind.new(match) if callable(kind.new) else match.expand(kind.new)
            changed = text[: match.start()] + new + text[match.end() :]
            if changed == text or not _parses(changed):
                continue
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            yield Mutant(name, changed, text.count("\n", 0, start) + 1)
