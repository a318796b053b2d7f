"""Two submissions side by side, line by line, with what they share."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import Indel

from toolkit.assignment.grade.copies.similar import (
    GRAM,
    Block,
    anonymous,
    blocks_of,
    grams_of,
    runs_of,
    skeleton,
)

MAX_LINE = 400  # characters of one that are shown


class Line(NamedTuple):
    """A line of a file that is not blank: its number, from 1, its text, and whether both have it.

    `words` are its tokens, all names as one.
    """

    number: int
    text: str
    shared: bool
    words: tuple[str, ...]


Row = tuple[Line | None, Line | None]  # None where one of them has no line for the other's


def side_by_side(
    first: Mapping[str, str], second: Mapping[str, str]
) -> Iterator[tuple[str, str, list[Row]]]:
    """The files of two submissions, each beside the one that it shares most with.

    Args:
        first, second: the text of their files, by path, the files of `similar.read_code`.

    Yields:
        both paths, and the rows. A file that shares nothing with any is left out.
    """
    blocks = blocks_of(first)[0], blocks_of(second)[0]
    left, right = (
        {
            path: np.setdiff1d(grams_of(found, False), skeleton(False), assume_unique=True)
            for path, found in files.items()
        }
        for files in blocks
    )
    ours, theirs = ({run for grams in side.values() for run in grams.tolist()}
                    for side in (left, right))  # fmt: skip
    for path, mine in left.items():
        common = {
            other: len(np.intersect1d(mine, grams, assume_unique=True))
            for other, grams in right.items()
        }
        best = max(common, key=common.__getitem__, default="")
        if common.get(best):
            mine_lines = _lines(first[path], blocks[0][path], theirs)
            yield path, best, _rows(mine_lines, _lines(second[best], blocks[1][best], ours))


def _lines(text: str, blocks: list[Block], shared: set[int]) -> list[Line]:
    """The lines of a file; shared are those that a run of the other submission covers."""
    words: dict[int, list[str]] = {}
    covered: set[int] = set()
    for block in blocks:
        for word, line in block:
            words.setdefault(line, []).append(anonymous(word))
        for k, run in enumerate(runs_of(block, names=False)):
            if run in shared:
                covered.update(line for _, line in block[k : k + GRAM])
    return [
        Line(number, _shown(line), number in covered, tuple(words.get(number, ())))
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]


def _shown(line: str) -> str:
    """A line as the page shows it: all of it was compared."""
    text = line.expandtabs(4)
    return text if len(text) <= MAX_LINE else f"{text[:MAX_LINE]} ..."


def _rows(first: list[Line], second: list[Line]) -> list[Row]:
    """Lines with equal tokens beside each other, in order, and between them the others."""
    rows: list[Row] = []
    before: tuple[list[Line], list[Line]] = ([], [])
    steps = Indel.opcodes([line.words for line in first], [line.words for line in second])
    for step in steps:
        pieces = first[step.src_start : step.src_end], second[step.dest_start : step.dest_end]
        if step.tag == "equal":
            rows += [*zip_longest(*before), *zip(*pieces, strict=True)]
            before = ([], [])
        else:
            for waiting, piece in zip(before, pieces, strict=True):
                waiting.extend(piece)
    return rows + list(zip_longest(*before))
