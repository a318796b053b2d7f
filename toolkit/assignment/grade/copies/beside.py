"""A line-by-line view of two submissions side by side, with the shared code marked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import Indel

from toolkit.assignment.grade.copies.similar import (
    GRAM,
    Block,
    Grams,
    anonymous,
    blocks_of,
    own_grams,
    runs_of,
)

MAX_LINE = 400  # characters of a line that are shown


class Line(NamedTuple):
    """A non-blank line of a file."""

    number: int  # from 1
    text: str
    shared: bool  # True if the line is shared with the other submission
    words: tuple[str, ...]  # the tokens, with all names as the same token


Row = tuple[Line | None, Line | None]  # None if only the other submission has a line here


def side_by_side(
    first: Mapping[str, str], second: Mapping[str, str]
) -> Iterator[tuple[str, str, list[Row]]]:
    """Yield each file of the first submission side by side with the most similar file of the
    second.

    Args:
        first, second: the two submissions; each is a mapping from file paths to the text of the
            files, as read by `similar.read_code`.

    Yields:
        the paths of the two files, and the rows of their side-by-side view. A file that shares no
        run of tokens with the other submission is left out.
    """
    first_side = Side.of(first)
    second_side = Side.of(second)
    first_runs = first_side.all_runs()
    second_runs = second_side.all_runs()
    for first_path in first:
        second_path = _most_shared(first_side.grams[first_path], second_side)
        if second_path is not None:
            first_lines = first_side.lines(first_path, shared=second_runs)
            second_lines = second_side.lines(second_path, shared=first_runs)
            yield first_path, second_path, _rows(first_lines, second_lines)


@dataclass(frozen=True)
class Side:
    """One submission of a pair; each attribute is a dictionary with file paths as keys."""

    files: Mapping[str, str]
    blocks: Mapping[str, list[Block]]
    grams: Mapping[str, Grams]  # runs of tokens, without the skeleton's runs

    @classmethod
    def of(cls, files: Mapping[str, str]) -> "Side":
        """Split the given files into tokens, and return a `Side` with the sequences of consecutive
        tokens that occur in each file but not in the skeleton.
        """
        blocks, _ = blocks_of(files)
        grams = {path: own_grams(blocks[path], names=False) for path in blocks}
        return cls(files, blocks, grams)

    def all_runs(self) -> set[int]:
        """Return the hashes of the token sequences that occur in any file of the submission but not
        in the skeleton.
        """
        runs: set[int] = set()
        for grams in self.grams.values():
            runs.update(grams.tolist())
        return runs

    def lines(self, path: str, shared: set[int]) -> list[Line]:
        """Return the lines of a file.

        A line counts as shared if at least one of its tokens is part of a sequence of tokens that
        also occurs in the other submission. `shared` contains the hashes of that submission's
        sequences.
        """
        words: dict[int, list[str]] = {}
        covered: set[int] = set()
        for block in self.blocks[path]:
            for word, number in block:
                words.setdefault(number, []).append(anonymous(word))
            for k, run in enumerate(runs_of(block, names=False)):
                if run in shared:
                    covered.update(number for _, number in block[k : k + GRAM])
        lines = []
        for number, text in enumerate(self.files[path].split("\n"), start=1):
            if text.strip():
                tokens = tuple(words.get(number, ()))
                lines.append(Line(number, _cut(text), number in covered, tokens))
        return lines


def _most_shared(grams: Grams, side: Side) -> str | None:
    """Return the path of the file in `side` that contains the most of the token sequences in
    `grams`, or None if no file contains any of them. These token sequences come from one file of
    the other submission.
    """
    best_path = None
    best_number = 0
    for path, candidate in side.grams.items():
        common = len(np.intersect1d(grams, candidate, assume_unique=True))
        if common > best_number:
            best_path = path
            best_number = common
    return best_path


def _cut(line: str) -> str:
    """Return a line as it appears on the page; very long lines are truncated."""
    text = line.expandtabs(4)
    return text if len(text) <= MAX_LINE else f"{text[:MAX_LINE]} ..."


def _rows(first: list[Line], second: list[Line]) -> list[Row]:
    """Return the rows of a side-by-side view: matching lines stand next to each other, and the
    other lines fill the rows between them.
    """
    rows: list[Row] = []
    first_waiting: list[Line] = []  # different lines that have no row yet
    second_waiting: list[Line] = []
    steps = Indel.opcodes([line.words for line in first], [line.words for line in second])
    for step in steps:
        first_piece = first[step.src_start : step.src_end]
        second_piece = second[step.dest_start : step.dest_end]
        if step.tag == "equal":
            rows += zip_longest(first_waiting, second_waiting)
            rows += zip(first_piece, second_piece, strict=True)
            first_waiting = []
            second_waiting = []
        else:
            first_waiting += first_piece
            second_waiting += second_piece
    rows += zip_longest(first_waiting, second_waiting)
    return rows
