"""Pairs of submissions whose code is nearly the same: pointed out, never judged.

A program becomes a string with a letter for each token. Comments, docstrings and layout are dropped
and all names become one letter, so that renaming changes nothing; functions and classes are sorted,
so that moving them changes nothing. rapidfuzz finds the longest common subsequence of two strings.
"""

import io
import keyword
import tokenize
from dataclasses import dataclass
from itertools import combinations, islice
from statistics import median

from rapidfuzz.distance import Indel

from toolkit.assignment.grade.archive import CODE, BrokenArchive, code_folder, members

THRESHOLD = 0.9  # pairs from here on are named
MIN_TOKENS = 150  # below that everything is like everything
# What is looked at of a file: enough for an assignment, and too little to keep the tokenizer busy.
MAX_LINES, MAX_LINE, MAX_TOKENS = 3000, 400, 5000
FIRST_LETTER = 0x4E00  # where Unicode has room for thousands of letters
LAYOUT = (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)


@dataclass(frozen=True)
class Pair:
    """Two submissions, and how much of their code is the same, 0 to 1."""

    first: str
    second: str
    share: float  # with all names the same
    share_with_names: float  # with the names as they are


def read_code(data: bytes) -> list[str]:
    """The assignment's files in an archive, those that can be read; [] for a broken archive."""
    try:
        files = dict(members(data))
    except BrokenArchive:
        return []
    folder = code_folder(list(files))
    return [files.get(folder / name, b"").decode(errors="replace") for name in CODE]


def find_similar(code: dict[str, list[str]]) -> tuple[list[Pair], float]:
    """Compare each submission with each.

    Args:
        code: its files, for each submission.

    Returns:
        the pairs above the threshold, the most similar first, and the median of all pairs: what is
        usual in this class, where everybody began with the same skeleton.
    """
    letters: dict[str, str] = {}
    plain, named = (
        {
            name: "".join(_letters(text, letters, names) for text in files)
            for name, files in code.items()
        }
        for names in (False, True)
    )
    pairs, shares = [], []
    for first, second in combinations(sorted(code), 2):
        if min(len(plain[first]), len(plain[second])) < MIN_TOKENS:
            continue
        share = Indel.normalized_similarity(plain[first], plain[second])
        shares.append(share)
        if share >= THRESHOLD:
            with_names = Indel.normalized_similarity(named[first], named[second])
            pairs.append(Pair(first, second, share, with_names))
    pairs.sort(key=lambda pair: (-pair.share, -pair.share_with_names, pair.first, pair.second))
    return pairs, median(shares) if shares else 0.0


def _letters(text: str, letters: dict[str, str], names: bool) -> str:
    """A program as a string, a letter for each token; what follows an error in it is dropped.

    Args:
        letters: the letter of each token; new ones are added.
        names: whether names keep a letter of their own.
    """
    blocks, line_start = [""], True
    lines = "".join(line[:MAX_LINE] + "\n" for line in text.splitlines()[:MAX_LINES])
    tokens = tokenize.generate_tokens(io.StringIO(lines).readline)
    try:
        for token in islice(tokens, MAX_TOKENS):
            if token.type in LAYOUT:
                line_start = True
                continue
            if token.type in (tokenize.COMMENT, tokenize.ENDMARKER):
                continue
            docstring = token.type == tokenize.STRING and line_start
            if line_start and token.string in ("def", "class"):
                blocks.append("")
            line_start = False
            if docstring:
                continue
            word = token.string
            if token.type == tokenize.NAME and not keyword.iskeyword(word) and not names:
                word = "a name"
            elif token.type == tokenize.STRING:
                word = "a string"
            blocks[-1] += letters.setdefault(word, chr(FIRST_LETTER + len(letters) % 20_000))
    except (tokenize.TokenError, SyntaxError):
        pass
    return "".join(sorted(blocks))
