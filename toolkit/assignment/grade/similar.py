"""Pairs of submissions with nearly the same code: pointed out, never judged.

A program becomes a string with a letter for each token. Comments, docstrings and layout are
dropped, and all names become one letter, so renaming changes nothing. Functions and classes are
sorted, so moving them changes nothing. rapidfuzz finds the longest common subsequence of two
strings.
"""

import io
import keyword
import tokenize
from dataclasses import dataclass
from itertools import combinations, islice
from statistics import median

from rapidfuzz.distance import Indel

from toolkit.assignment.grade.archive import BrokenArchive, members
from toolkit.assignment.locate import find_parts
from toolkit.assignment.notebooks import code_of
from toolkit.assignment.parts import PARTS

THRESHOLD = 0.9  # pairs from here on are reported
MIN_TOKENS = 150  # shorter programs are all alike
# What is read of a file: enough for an assignment, and too little to keep the tokenizer busy.
MAX_LINES, MAX_LINE, MAX_TOKENS = 3000, 400, 5000
FIRST_LETTER = 0x4E00  # where Unicode has room for thousands of letters
LAYOUT = (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING)


@dataclass(frozen=True)
class Pair:
    """Two submissions and the share of their code that is the same, 0 to 1."""

    first: str
    second: str
    share: float  # when all names count as the same
    share_with_names: float  # when names count as they are


def read_code(data: bytes) -> list[str]:
    """The code of each part's file in an archive; [] for a broken archive.

    Of a notebook that is its cells. "" stands for a missing part, and for one that is in a file
    with another part, which is there already.
    """
    try:
        files = dict(members(data))
    except BrokenArchive:
        return []
    found = find_parts(files)
    code = dict.fromkeys(PARTS, "")
    for path in dict.fromkeys(found.values()):
        part = next(part for part in PARTS if found.get(part) == path)
        code[part] = code_of(path, files[path]) if path in files else ""
    return list(code.values())


def find_similar(code: dict[str, list[str]]) -> tuple[list[Pair], float]:
    """Compare every submission with every other.

    Args:
        code: the text of the files of each submission.

    Returns:
        the pairs above the threshold, the most similar first, and the median of all pairs: what is
        usual in this class, where everybody started from the same skeleton.
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
    """A program as a string, a letter for each token, up to the first error in it.

    Args:
        letters: the letter of each token; new ones are added.
        names: whether each name has its own letter.
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
