"""Pairs of submissions with nearly the same code: pointed out, never judged.

A program becomes the runs of GRAM tokens in it. Comments, docstrings and layout are dropped, and
all names count as one, so renaming changes nothing; a run ends where a function or a class begins,
so moving them changes nothing. What the skeleton gives is taken away. How alike two submissions
are is the share of the smaller one's runs that the other has too. What is not compared, a file that
cannot be read or what is beyond a limit, is said beside the pairs. (The idea, runs of tokens as
fingerprints: Schleimer, Wilkerson and Aiken, Winnowing, SIGMOD 2003; all runs are kept here.)

Why not compare50, which does the same: it is under the GPL and wants attrs below 21, which no
recent jsonschema or Jupyter goes with. It also reads files of any size and writes pages that need
scripts, and both would have to be replaced for archives of strangers.
"""

import functools
import io
import keyword
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations
from pathlib import PurePosixPath
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from toolkit.assignment.evidence import is_code
from toolkit.assignment.grade.archive import BrokenArchive, members
from toolkit.assignment.notebooks import SUFFIX, BrokenNotebook, code_of, read_notebook
from toolkit.assignment.parts import is_theirs
from toolkit.common.package_data import package_data

GRAM = 12  # tokens of a run: two or three short lines
SAME = 0.9  # a pair is named from here on, whatever is usual,
ABOVE = 1 / 3  # or from this part of the way between what is usual and identical code
MIN_GRAMS = 100  # of a submission's own; shorter programs are all alike
MAX_PAIRS = 50  # that are named
MAX_TOKENS = (
    150_000  # of code that are read of a submission: what may be unpacked has about as many
)
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
    left_out: tuple[str, ...] = ()  # what could not be compared, a clause each


Block = list[tuple[str, int]]  # tokens, each with its line, from 1


class Code(NamedTuple):
    """The code of a submission: the text of each file, by path, and what could not be read."""

    files: dict[str, str]
    left_out: list[str]  # a clause each


def read_code(data: bytes) -> Code:
    """The text of all Python files and notebooks in an archive."""
    code = Code({}, [])
    try:
        files = {
            path: b"".join(pieces)
            for path, pieces in members(data)
            if is_theirs(path) and is_code(path)
        }
    except BrokenArchive as error:
        code.left_out.append(f"the archive was not unpacked ({error})")
        return code
    for path in sorted(files):
        code.files[str(path)] = code_of(path, files[path])
        code.left_out.extend(_not_python(path, files[path]))
    return code


def _not_python(path: PurePosixPath, data: bytes) -> Iterator[str]:
    """What of a notebook is not in its code, a clause each; nothing for another file."""
    if path.suffix.lower() != SUFFIX:
        return
    try:
        broken = read_notebook(data).broken
    except BrokenNotebook as error:
        yield f"{path} {error}"
        return
    for cell in broken:
        yield f"{path}, cell {cell.number} is not Python"


def prints_of(code: Code) -> Prints:
    """The runs of tokens in the files of a submission that are not in the skeleton."""
    found, left_out = blocks_of(code.files)
    blocks = [block for of_file in found.values() for block in of_file]
    plain, named = (
        np.setdiff1d(grams_of(blocks, names), skeleton(names), assume_unique=True)
        for names in (False, True)
    )
    clauses = [*code.left_out, *left_out]
    if not clauses and len(plain) < MIN_GRAMS:
        clauses.append("it has too little code of its own")
    return Prints(plain, named, tuple(clauses))


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


def blocks_of(files: Mapping[str, str]) -> tuple[dict[str, list[Block]], list[str]]:
    """The tokens of each file in pieces: functions, classes, rest.

    Returns:
        those of each file, up to the first error in it and to `MAX_TOKENS` of all files; and what
        is behind these, a clause each.
    """
    found, left_out, left = {}, [], MAX_TOKENS
    for path, text in files.items():
        blocks: list[Block] = [[]]
        found[path] = blocks
        try:
            for starts_block, token in _code_tokens(text):
                if left == 0:
                    reason = f"more than {MAX_TOKENS:,} words of code are not read"
                    left_out.append(f"{path}, line {token.start[0]}: {reason}")
                    break
                left -= 1
                if starts_block:
                    blocks.append([])
                word = "'" if token.type == tokenize.STRING else token.string
                blocks[-1].append((word, token.start[0]))
        except (tokenize.TokenError, SyntaxError):
            last = blocks[-1][-1][1] if blocks[-1] else 0
            left_out.append(f"{path} is not Python somewhere after line {last}")
    return found, left_out


def _code_tokens(text: str) -> Iterator[tuple[bool, tokenize.TokenInfo]]:
    """The tokens of a file but for layout, comments and docstrings.

    Yields:
        whether a function or a class begins, and the token.

    Raises:
        SyntaxError, tokenize.TokenError: the rest of the file is not Python.
    """
    at_line_start = True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in LAYOUT:
            at_line_start = True
        elif token.type not in (tokenize.COMMENT, tokenize.ENDMARKER):
            is_docstring = at_line_start and token.type == tokenize.STRING
            if not is_docstring:
                yield at_line_start and token.string in ("def", "class"), token
            at_line_start = False


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
    files = {
        str(path): path.read_text(encoding="utf-8")
        for path in package_data("skeleton").glob("*.py")
    }
    found, _ = blocks_of(files)
    return grams_of([block for of_file in found.values() for block in of_file], names)


def _share(first: Grams, second: Grams) -> float:
    common = len(np.intersect1d(first, second, assume_unique=True))
    return common / max(1, min(len(first), len(second)))
