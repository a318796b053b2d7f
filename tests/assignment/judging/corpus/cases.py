"""Submissions that are right, others with planted faults, and some that cannot be seen whole.

A right one is made of files of `right/`. The others are a right one in which somebody has one of
the misconceptions: each misconception in each right one where it fits.
"""

from collections.abc import Iterator, Mapping
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


def _planted(
    misconception: Misconception, base: str, texts: Texts
) -> Iterator[tuple[int, Planted]]:
    """A misconception in one submission, once for each edit that fits, with its number."""
    for number, edit in enumerate(misconception.edits):
        applied = misconception.applied(edit, texts)
        if applied is None:
            continue
        changed_texts, made_lines = applied
        planted = Planted(
            base=base,
            texts=changed_texts,
            faults=tuple(
                fault._replace(at=fault.at + made_lines) for fault in misconception.faults
            ),
            parts=misconception.parts,
            instead=misconception.instead,
            also=misconception.also,
        )
        yield number, planted


def _everywhere(
    misconception: Misconception, solutions: Mapping[str, Texts]
) -> Iterator[tuple[str, Planted]]:
    """A misconception in all right submissions, those that are the same to the judge once."""
    judged: set[tuple[str, ...]] = set()
    edits: set[int] = set()
    for base, texts in solutions.items():
        for number, planted in _planted(misconception, base, texts):
            judged_texts = _judged_texts(planted)
            if judged_texts not in judged:
                name = misconception.name
                if judged:
                    name += f" in {base}"
                    if number > 0:
                        name += f" ({number + 1})"
                yield name, planted._replace(first=number not in edits)
            judged.add(judged_texts)
            edits.add(number)


def _judged_texts(planted: Planted) -> tuple[str, ...]:
    """The texts on which the verdict depends: that on a training, on all but the GAN."""
    texts = []
    for file, text in planted.texts.items():
        if (
            file in planted.parts
            or file not in FILES
            or ("train" in planted.parts and file != "gan")
        ):
            texts.append(text)
    return tuple(texts)


def _two(first: Misconception, second: Misconception, solutions: Mapping[str, Texts]) -> Planted:
    """Two misconceptions in the first right submission in which both fit."""
    for base, texts in solutions.items():
        for _, with_first in _planted(first, base, texts):
            for _, with_both in _planted(second, base, with_first.texts):
                return with_both._replace(
                    faults=with_first.faults + with_both.faults,
                    also=with_first.also + with_both.also,
                )
    raise ValueError(f"{first.name!r} and {second.name!r} fit in no right submission together")


def _all_planted() -> dict[str, Planted]:
    """Each misconception in all right submissions, and the pairs of `TOGETHER`."""
    solutions = {base: build.texts(right) for base, right in RIGHT.items()}
    submissions: dict[str, Planted] = {}
    for misconception in TABLE.values():
        submissions.update(_everywhere(misconception, solutions))
    for first, second in TOGETHER:
        submissions[f"{first} and {second}"] = _two(TABLE[first], TABLE[second], solutions)
    return submissions


PLANTED = _all_planted()
WRONG = {name: planted for name, planted in PLANTED.items() if planted.faults}
UNSEEN = {
    name: planted for name, planted in PLANTED.items() if not planted.faults and planted.first
}


def write_right(name: str, folder: Path) -> None:
    """Put the files of a right submission into `folder`."""
    right = RIGHT[name]
    build.write(right, build.texts(right), folder)


def write_planted(name: str, folder: Path) -> None:
    """Put a submission with planted faults, or one that cannot be seen, into `folder`."""
    planted = PLANTED[name]
    build.write(RIGHT[planted.base], planted.texts, folder)


def right_parts() -> dict[str, tuple[str, list[str]]]:
    """Each part of `RIGHT` once: what to call it, the name of a submission, what to check."""
    known: set[tuple[object, ...]] = set()
    checks: dict[str, tuple[str, list[str]]] = {}
    for name, right in RIGHT.items():
        for part in FILES:
            made_of = _made_of(part, right)
            if made_of in known:
                continue
            known.add(made_of)
            parts = [part]
            if part == "lstm" and right.probabilities:
                parts = ["lstm", "train"]
            checks[f"{part} of {name}"] = (name, parts)
    return checks


def _made_of(part: str, right: Right) -> tuple[object, ...]:
    """The files of a part, what is changed in them, and where they are.

    A data set, an LSTM or a GAN is the same one beside whatever else; a training depends on all
    that it imports.
    """
    stems = [getattr(right, part)]
    if part == "train":
        stems = [right.dataset, right.lstm, right.train]
    changes = [change for change in right.changes if part in ("train", change[0])]
    paths = dict(right.paths)
    places = [paths.get(file) for file in (part, *right.helpers)]
    return (part, *stems, *changes, *places)
