"""What a kind of fault is."""

import re
from collections.abc import Callable
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of fault: what is replaced, and what a teacher would call the result."""

    part: str  # whose file is changed
    old: str  # a regular expression
    new: str | Callable[[re.Match[str]], str]
    ids: tuple[str, ...]  # any of these names it
    equation: tuple[int, ...] = ()  # for wrong-equation
    unless: str = ""  # it makes no difference in a file where this is found
    sure: bool = False  # changes behaviour that a short run on this machine does not show
    also: str = ""  # lines with this are as good as the one with the fault


class Mutant(NamedTuple):
    """A file with one fault."""

    kind: str
    text: str
    line: int  # where it was put
