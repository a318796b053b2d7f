"""Submissions that are right, others with planted faults, and some that cannot be seen whole.

A right one is made of files of `right/`. The others are a right one in which somebody has one of
the misconceptions: each misconception in each right one where it fits.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from . import build
from .build import FILES, Place, Right
from .misconceptions import TABLE, Fault, Misconception, Texts
from .right_cases import RIGHT

__all__ = ["CHOSEN_BY_CODE", "FILES", "RIGHT", "TABLE", "UNSEEN", "WRONG", "Place", "Right"]

# GANs of which a function chooses the ends of the interpolation; elsewhere somebody looked at them.
CHOSEN_BY_CODE = {"mlp_tanh", "mlp_sigmoid"}
# One hides the other, or stands beside it.
TOGETHER = (
    ("four steps", "h without o"),
    ("states for 128 sequences", "g with a sigmoid"),
    ("c without the forget gate", "h without tanh"),
    ("h is hidden by hidden", "a bias that is a tensor"),
)


class Planted(NamedTuple):
    """A right submission with a misconception in it."""

    base: str
    texts: Texts
    faults: tuple[Fault, ...]  # all of them should be named
    parts: tuple[str, ...]  # whose check should find it, all together
    instead: tuple[str, ...]  # other ids that would do as well, with any equation
    also: tuple[str, ...]  # ids that are true as well: they may be named, and need not
    first: bool = True  # nothing else has this edit


def _planted(row: Misconception, base: str, texts: Texts) -> Iterator[tuple[int, Planted]]:
    """A misconception in one submission, once for each edit that fits, with its number."""
    for number, edit in enumerate(row.edits):
        done = row.applied(edit, texts)
        if done:
            faults = tuple(f._replace(at=f.at + done[1]) for f in row.faults)
            yield number, Planted(base, done[0], faults, row.parts, row.instead, row.also)


def _everywhere() -> Iterator[tuple[str, Planted]]:
    """All misconceptions in all right submissions, those that are the same to the judge once."""
    solutions = {base: build.texts(right) for base, right in RIGHT.items()}
    for row in TABLE.values():
        seen: set[tuple[str, ...]] = set()
        edits: set[int] = set()
        for base, texts in solutions.items():
            for number, one in _planted(row, base, texts):
                judged = tuple(
                    text for file, text in one.texts.items() if _is_read(file, row.parts)
                )
                if judged not in seen:
                    name = f"{row.name} in {base}" + f" ({number + 1})" * (number > 0)
                    yield name if seen else row.name, one._replace(first=number not in edits)
                seen.add(judged)
                edits.add(number)
    for one_name, other_name in TOGETHER:
        one, both = next(
            (one, both)
            for base, texts in solutions.items()
            for _, one in _planted(TABLE[one_name], base, texts)
            for _, both in _planted(TABLE[other_name], base, one.texts)
        )
        faults, also = one.faults + both.faults, one.also + both.also
        yield f"{one_name} and {other_name}", both._replace(faults=faults, also=also)


def _is_read(file: str, parts: tuple[str, ...]) -> bool:
    """Whether a verdict on these parts depends on a file: a training uses all but the GAN."""
    return file in parts or file not in FILES or ("train" in parts and file != "gan")


_ALL = dict(_everywhere())
WRONG = {name: one for name, one in _ALL.items() if one.faults}
UNSEEN = {name: one for name, one in _ALL.items() if not one.faults and one.first}


def write_right(name: str, folder: Path) -> None:
    """Put the files of a right submission into `folder`."""
    build.write(RIGHT[name], build.texts(RIGHT[name]), folder)


def write_planted(name: str, folder: Path) -> None:
    """Put a submission with planted faults, or one that cannot be seen, into `folder`."""
    build.write(RIGHT[_ALL[name].base], _ALL[name].texts, folder)


def right_parts() -> dict[str, tuple[str, list[str]]]:
    """Each part of `RIGHT` once: what to call it, the name of a submission, what to check.

    A data set, an LSTM or a GAN is the same one beside whatever else; a training depends on all
    that it imports.
    """
    found: dict[tuple[object, ...], tuple[str, str]] = {}
    for name, right in RIGHT.items():
        paths = dict(right.paths)
        for part in FILES:
            own = [change for change in right.changes if part in ("train", change[0])]
            places = [paths.get(file) for file in (part, *right.helpers)]
            stems = right[:3] if part == "train" else (getattr(right, part),)
            found.setdefault((part, *stems, *own, *places), (name, part))
    together = ["lstm", "train"]
    return {
        f"{part} of {name}": (
            name,
            together if part == "lstm" and RIGHT[name].probabilities else [part],
        )
        for name, part in found.values()
    }
