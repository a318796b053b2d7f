"""Pairs of submissions with nearly the same code: pointed out, never judged.

A program becomes the runs of GRAM tokens in it. Comments, docstrings and layout are dropped, and
all names count as one, so renaming changes nothing; a run ends where a function or a class begins,
so moving them changes nothing. What the skeleton gives is taken away. How alike two submissions
are is the share of the smaller one's runs that the other has too. (The idea, runs of tokens as
fingerprints: Schleimer, Wilkerson and Aiken, Winnowing, SIGMOD 2003; all runs are kept here.)

Why not compare50, which does the same: it is under the GPL and wants attrs below 21, which no
recent jsonschema or Jupyter goes with. It also reads files of any size and writes pages that need
scripts, and both would have to be replaced for archives of strangers.
"""

import functools
import io
import keyword
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations
from statistics import median

import numpy as np
from numpy.typing import NDArray

from toolkit.assignment.evidence import is_code
from toolkit.assignment.grade.archive import BrokenArchive, members
from toolkit.assignment.notebooks import code_of
from toolkit.assignment.parts import is_theirs
from toolkit.common.package_data import package_data

GRAM = 12  # tokens of a run: two or three short lines
SAME = 0.9  # a pair is named from here on, whatever is usual,
ABOVE = 1 / 3  # or from this part of the way between what is usual and identical code
MIN_GRAMS = 100  # of a submission's own; shorter programs are all alike
MAX_PAIRS = 50  # that are named
# What is read of an archive: enough for an assignment, and too little to keep the tokenizer busy.
MAX_LINES, MAX_LINE, MAX_TOKENS = 6000, 400, 15_000
LAYOUT = (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)
Grams = NDArray[np.int64]  # hashes, sorted, each once


@dataclass(frozen=True)
class Pair:
    """Two submissions that are more alike than others of their class.

    Attributes:
        share: of the smaller one's own code the part that the other has too, 0 to 1, when all
            names count as the same.
        share_with_names: the same when names count as they are.
        usual: the share that is usual for these two: the larger of their medians over the class.
    """

    first: str
    second: str
    share: float
    share_with_names: float
    usual: float


@dataclass(frozen=True)
class Prints:
    """What is compared of a submission, without what the skeleton gives."""

    plain: Grams  # when all names count as the same
    named: Grams


Block = list[tuple[str, int]]  # tokens, each with its line, from 1


def read_code(data: bytes) -> dict[str, str]:
    """The text of all Python files and notebooks in an archive, by path, up to the limits.

    {} for a broken archive.
    """
    try:
        files = {
            path: b"".join(pieces)
            for path, pieces in members(data)
            if is_theirs(path) and is_code(path)
        }
    except BrokenArchive:
        return {}
    code, left = {}, MAX_LINES
    for path in sorted(files):
        lines = code_of(path, files[path]).split("\n")[:left]
        left -= len(lines)
        code[str(path)] = "\n".join(line[:MAX_LINE] for line in lines)
    return code


def prints_of(code: Mapping[str, str]) -> Prints:
    """The runs of tokens in the files of a submission that are not in the skeleton."""
    blocks = [block for found in blocks_of(code).values() for block in found]
    plain, named = (
        np.setdiff1d(grams_of(blocks, names), skeleton(names), assume_unique=True)
        for names in (False, True)
    )
    return Prints(plain, named)


def find_similar(prints: Mapping[str, Prints]) -> tuple[list[Pair], float]:
    """Compare every submission with every other.

    Args:
        prints: of each submission, by its name.

    Returns:
        the pairs that lie far above the class, the farthest first, and the median of all pairs:
        what is usual in this class.
    """
    names = sorted(name for name in prints if len(prints[name].plain) >= MIN_GRAMS)
    shares = {
        pair: _share(prints[pair[0]].plain, prints[pair[1]].plain)
        for pair in combinations(names, 2)
    }
    of_each: dict[str, list[float]] = {name: [] for name in names}
    for pair, share in shares.items():
        for name in pair:
            of_each[name].append(share)
    usual = {name: median(found) for name, found in of_each.items() if found}
    pairs = []
    for (first, second), share in shares.items():
        expected = max(usual[first], usual[second])
        if share >= SAME or share - expected > ABOVE * (1 - expected):
            with_names = _share(prints[first].named, prints[second].named)
            pairs.append(Pair(first, second, share, with_names, expected))
    pairs.sort(key=lambda p: (p.usual - p.share, -p.share, -p.share_with_names, p.first, p.second))
    return pairs, median(shares.values()) if shares else 0.0


def blocks_of(code: Mapping[str, str]) -> dict[str, list[Block]]:
    """The tokens of each file, up to the first error in it, in pieces: functions, classes, rest."""
    found, left = {}, MAX_TOKENS
    for path, text in code.items():
        blocks: list[Block] = [[]]
        line_start = True
        try:
            for token in tokenize.generate_tokens(io.StringIO(text).readline):
                if left <= 0:
                    break
                left -= 1
                if token.type in LAYOUT:
                    line_start = True
                elif token.type not in (tokenize.COMMENT, tokenize.ENDMARKER):
                    if line_start and token.string in ("def", "class"):
                        blocks.append([])
                    if not (token.type == tokenize.STRING and line_start):  # a docstring
                        word = "'" if token.type == tokenize.STRING else token.string
                        blocks[-1].append((word, token.start[0]))
                    line_start = False
        except (tokenize.TokenError, SyntaxError):
            pass
        found[path] = blocks
    return found


def anonymous(word: str) -> str:
    """A token; all names are the same one."""
    return "a" if word.isidentifier() and not keyword.iskeyword(word) else word


def runs_of(block: Block, names: bool) -> list[int]:
    """The hash of each run of a block, in their order; a short block is one run.

    Args:
        names: whether names count as they are.
    """
    words = [word if names else anonymous(word) for word, _ in block]
    last = max(len(words) - GRAM, 0)
    runs = ("\0".join(words[k : k + GRAM]) for k in range(last + 1)) if words else ()
    return [int.from_bytes(blake2b(run.encode(), digest_size=7).digest()) for run in runs]


def grams_of(blocks: list[Block], names: bool) -> Grams:
    """The runs of all blocks."""
    return np.unique(
        np.array([run for block in blocks for run in runs_of(block, names)], dtype=np.int64)
    )


@functools.cache
def skeleton(names: bool) -> Grams:
    """The runs of the files that everybody begins with."""
    code = {
        str(path): path.read_text(encoding="utf-8")
        for path in package_data("skeleton").glob("*.py")
    }
    return grams_of([block for found in blocks_of(code).values() for block in found], names)


def _share(first: Grams, second: Grams) -> float:
    common = len(np.intersect1d(first, second, assume_unique=True))
    return common / max(1, min(len(first), len(second)))
