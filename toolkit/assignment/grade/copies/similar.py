"""Pairs of submissions with nearly identical code; the toolkit reports these pairs to the teacher,
but does not decide whether anybody has copied.

A program is represented by its runs of `GRAM` consecutive tokens. Comments, docstrings and layout
are left out. All names count as the same token, so renaming has no effect. No run extends past the
start of a function or a class, so moving functions and classes has no effect. Runs that also occur
in the skeleton, the code that students start from, do not count. The similarity of two submissions
is the fraction of the smaller submission's runs that also occur in the other submission. The HTML
page for a class of students also lists the code that was not compared: compiled files, files that
cannot be read, and the code of a submission beyond its first `MAX_TOKENS` tokens. (The use of runs
of tokens as fingerprints comes from Schleimer, Wilkerson and Aiken, Winnowing, SIGMOD 2003; this
module keeps all runs.)

The tool compare50 also finds similar code, but its licence is the GPL. It also requires a version
of attrs below 21, which recent versions of jsonschema and Jupyter do not support. In addition,
compare50 reads files of any size and writes pages that need scripts; both are unacceptable for
untrusted archives.
"""

import functools
import io
import keyword
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, combinations
from pathlib import PurePosixPath
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from toolkit.assignment.handin.archive import BrokenArchive, members
from toolkit.assignment.handin.evidence import is_code, is_compiled
from toolkit.assignment.handin.notebooks import SUFFIX, BrokenNotebook, code_of, read_notebook
from toolkit.assignment.running.parts import is_theirs
from toolkit.common.package_data import package_data

GRAM = 12  # tokens of a run: two or three short lines
SAME = 0.9  # a pair is named if its similarity is at least this,
ABOVE = 1 / 3  # or if it is beyond this part of the way from the usual similarity to 1
MIN_GRAMS = 100  # of a submission's own; all shorter programs look alike
MAX_PAIRS = 50  # pairs that are named
MAX_TOKENS = 150_000  # tokens read in a submission: an archive may have about as many
LAYOUT = (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)
Grams = NDArray[np.int64]  # sorted hashes without duplicates


@dataclass(frozen=True)
class Pair:
    """Two submissions with nearly the same code.

    Attributes:
        share: the fraction, 0 to 1, of the smaller submission's code that also occurs in the other
            submission. The code of the skeleton is not counted, and all names count as the same
            token.
        share_with_names: the same fraction as `share`, but computed with different names treated as
            different tokens.
        usual: the fraction to be expected for this pair. For each of the two submissions, the
            median of its fractions in the comparisons with all other submissions is computed;
            `usual` is the larger median.
    """

    first: str
    second: str
    share: float
    share_with_names: float
    usual: float


@dataclass(frozen=True)
class Prints:
    """The fingerprints of a submission: the hashes of its short token sequences, leaving out those
    that also occur in the skeleton.
    """

    plain: Grams  # all names count as the same token
    named: Grams  # different names count as different
    left_out: tuple[str, ...] = ()  # clauses about code that was not compared


Block = list[tuple[str, int]]  # tokens, each with its line number, from 1


class Code(NamedTuple):
    """The text of each Python file and notebook in a submission, keyed by path, and notes about any
    code that could not be read.
    """

    files: dict[str, str]
    left_out: list[str]  # a clause each


def read_code(data: bytes) -> Code:
    """Return the text of all Python files and notebooks in an archive.

    Compiled files are not read, but the result names these files.
    """
    code = Code({}, [])
    files = {}
    try:
        for path, pieces in members(data):
            if is_theirs(path) and is_code(path):
                files[path] = b"".join(pieces)
            elif is_theirs(path) and is_compiled(path):
                code.left_out.append(f"{path} is compiled code")
    except BrokenArchive as error:
        sentence = str(error)
        reason = sentence[:1].lower() + sentence[1:].removesuffix(".")
        code.left_out.append(f"the archive was not unpacked, because {reason}")
        return code
    for path in sorted(files):
        code.files[str(path)] = code_of(path, files[path])
        code.left_out.extend(_not_python(path, files[path]))
    return code


def _not_python(path: PurePosixPath, data: bytes) -> Iterator[str]:
    """Yield notes about a notebook: a single note if it is unreadable, or else a note about each
    cell that is not Python.
    """
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
    """Return the fingerprints of a submission, without the skeleton's fingerprints."""
    blocks_of_files, left_out = blocks_of(code.files)
    blocks = list(chain.from_iterable(blocks_of_files.values()))
    plain = own_grams(blocks, names=False)
    clauses = [*code.left_out, *left_out]
    if not clauses and len(plain) < MIN_GRAMS:
        clauses.append("it has too little code of its own")
    return Prints(plain, own_grams(blocks, names=True), tuple(clauses))


def find_similar(prints: Mapping[str, Prints]) -> tuple[list[Pair], float]:
    """Compare every submission with every other submission.

    Args:
        prints: the fingerprints of each submission, keyed by the submission's name.

    Returns:
        the pairs of nearly identical or unusually similar submissions, and the median similarity of
        all pairs in the class. The list begins with the pair whose similarity most exceeds the
        similarity expected for its two submissions.
    """
    names = sorted(name for name in prints if len(prints[name].plain) >= MIN_GRAMS)
    shares: dict[tuple[str, str], float] = {}
    shares_of_each: dict[str, list[float]] = {name: [] for name in names}
    for first, second in combinations(names, 2):
        share = _share(prints[first].plain, prints[second].plain)
        shares[first, second] = share
        shares_of_each[first].append(share)
        shares_of_each[second].append(share)
    if not shares:
        return [], 0.0
    usual = {name: median(shares_of_each[name]) for name in names}
    pairs = []
    for (first, second), share in shares.items():
        expected = max(usual[first], usual[second])
        if share >= SAME or share - expected > ABOVE * (1 - expected):
            with_names = _share(prints[first].named, prints[second].named)
            pairs.append(Pair(first, second, share, with_names, expected))
    pairs.sort(key=_farthest_first)
    return pairs, median(shares.values())


def _farthest_first(pair: Pair) -> tuple[float, float, float, str, str]:
    """Return a sort key that puts the pair with the most unusual similarity first."""
    excess = pair.share - pair.usual
    return (-excess, -pair.share, -pair.share_with_names, pair.first, pair.second)


def blocks_of(files: Mapping[str, str]) -> tuple[dict[str, list[Block]], list[str]]:
    """Return the tokens of each file, split into blocks at the start of each function or class.

    Returns:
        the blocks of each file, and notes about the code that is left out. The function leaves out
        code after the first error in a file, and code beyond a total of `MAX_TOKENS` tokens.
    """
    blocks_of_files = {}
    left_out = []
    remaining = MAX_TOKENS
    for path, text in files.items():
        blocks: list[Block] = [[]]
        blocks_of_files[path] = blocks
        last_line = 0
        try:
            for starts_block, token in _code_tokens(text):
                line, _ = token.start
                if remaining == 0:
                    reason = f"more than {MAX_TOKENS:,} words of code are not read"
                    left_out.append(f"{path}, line {line}: {reason}")
                    break
                remaining -= 1
                if starts_block:
                    blocks.append([])
                word = "'" if token.type == tokenize.STRING else token.string
                blocks[-1].append((word, line))
                last_line = line
        except (tokenize.TokenError, SyntaxError):
            left_out.append(f"{path} is not Python somewhere after line {last_line}")
    return blocks_of_files, left_out


def _code_tokens(text: str) -> Iterator[tuple[bool, tokenize.TokenInfo]]:
    """Yield the tokens of a file, leaving out comments, docstrings, and tokens that only represent
    line breaks or indentation.

    Yields:
        pairs of a flag and a token; the flag is True if the token begins a function or a class.

    Raises:
        SyntaxError, tokenize.TokenError: the file is not valid Python, so no further tokens can be
            read.
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
    """Return the token itself, or "a" if the token is a name."""
    is_name = word.isidentifier() and not keyword.iskeyword(word)
    return "a" if is_name else word


def runs_of(block: Block, names: bool) -> list[int]:
    """Return the hash of each run of `GRAM` tokens in a block, in order; a block with fewer tokens
    counts as a single run.

    Args:
        names: True if different names count as different tokens, False if all names count as the
            same token.
    """
    words = [word if names else anonymous(word) for word, _ in block]
    if not words:
        return []
    hashes = []
    last = max(len(words) - GRAM, 0)
    for start in range(last + 1):
        run = "\0".join(words[start : start + GRAM])
        digest = blake2b(run.encode(), digest_size=7).digest()
        hashes.append(int.from_bytes(digest))
    return hashes


def grams_of(blocks: list[Block], names: bool) -> Grams:
    """Return the sorted hashes, without duplicates, of the runs of consecutive tokens in the given
    blocks of code.
    """
    runs: list[int] = []
    for block in blocks:
        runs += runs_of(block, names)
    return np.unique(np.array(runs, dtype=np.int64))


def own_grams(blocks: list[Block], names: bool) -> Grams:
    """Return the hashes of the runs of consecutive tokens that occur in `blocks` but not in the
    skeleton, the code that students start from.
    """
    return np.setdiff1d(grams_of(blocks, names), skeleton(names), assume_unique=True)


@functools.cache
def skeleton(names: bool) -> Grams:
    """Return the hashes of the runs of consecutive tokens that `grams_of` finds in the skeleton's
    files.
    """
    files = {}
    for path in package_data("skeleton").glob("*.py"):
        files[str(path)] = path.read_text(encoding="utf-8")
    blocks_of_files, _ = blocks_of(files)
    return grams_of(list(chain.from_iterable(blocks_of_files.values())), names)


def _share(first: Grams, second: Grams) -> float:
    common = len(np.intersect1d(first, second, assume_unique=True))
    return common / max(1, min(len(first), len(second)))
