"""Functions that find the pairs of similar submissions in a class, and write HTML pages about these
pairs.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from toolkit.assignment.grade.copies import similar
from toolkit.assignment.grade.copies.beside import side_by_side
from toolkit.assignment.grade.copies.similar import MAX_PAIRS, Pair, Prints
from toolkit.assignment.grade.pages import pair_page
from toolkit.assignment.handin.archive import read_archive
from toolkit.assignment.sandbox.apart import Bounds, Exceeded, Failed, apart
from toolkit.common.files import atomic_write, make_directory

BOUNDS = Bounds()  # for reading an archive, and for making a page
MADE_HERE = b'<meta name="generator" content="toolkit grade: two similar archives">'
MAX_CLAUSES, MAX_CLAUSE = 5, 300  # clauses about one archive, characters of a clause


@dataclass(frozen=True)
class Similar:
    """The pairs of similar submissions in a class."""

    pairs: list[Pair]
    usual: float  # the similarity that is usual in the class, 0 to 1
    not_compared: dict[str, list[str]]  # archive, not or partly compared -> reasons


def write_pairs(paths: Mapping[str, Path], directory: Path) -> Similar:
    """Find the pairs of similar submissions, and write a page for each of the `MAX_PAIRS` pairs
    whose similarity is furthest above the expected value.

    Args:
        paths: the path of each archive, keyed by the archive's name.
    """
    prints: dict[str, Prints] = {}
    not_compared: dict[str, list[str]] = {}
    for archive, path in paths.items():
        try:
            packed = apart(partial(_packed_prints, path), BOUNDS)
            plain, named, left_out = np.load(io.BytesIO(packed)).values()
            prints[archive] = Prints(plain, named, tuple(left_out.tolist()))
            if len(left_out):
                not_compared[archive] = left_out.tolist()
        except (Exceeded, Failed) as error:
            not_compared[archive] = [str(error)]
    pairs, usual = similar.find_similar(prints)
    make_directory(directory)
    delete_pages(directory)
    for number, pair in enumerate(pairs[:MAX_PAIRS], start=1):
        try:
            page = apart(partial(_page, pair, paths[pair.first], paths[pair.second]), BOUNDS)
        except (Exceeded, Failed) as error:
            page = pair_page(pair, []).encode()
            not_compared[f"{pair.first}, {pair.second}"] = [str(error)]
        atomic_write(directory / f"{number}.html", page)
    return Similar(pairs, usual, not_compared)


def delete_pages(directory: Path) -> None:
    """Delete the pages of an earlier comparison.

    Files that the toolkit did not make are kept.
    """
    for path in directory.glob("*.html"):
        if path.stem.isdecimal() and MADE_HERE in path.read_bytes():
            path.unlink()


def _packed_prints(path: Path) -> bytes:
    """Return the contents of a NumPy file with an archive's fingerprints and notes on any code in
    the archive that was left out of the comparison.

    Fingerprints are computed twice: once with all names treated as the same token, and once with
    the names as written.
    """
    prints = similar.prints_of(similar.read_code(read_archive(path)))
    buffer = io.BytesIO()
    clauses = [clause[:MAX_CLAUSE] for clause in prints.left_out[:MAX_CLAUSES]]
    if len(prints.left_out) > MAX_CLAUSES:
        clauses.append(f"{len(prints.left_out) - MAX_CLAUSES} places more")
    np.savez(buffer, plain=prints.plain, named=prints.named, left_out=np.array(clauses, dtype=str))
    return buffer.getvalue()


def _page(pair: Pair, first: Path, second: Path) -> bytes:
    first_code = similar.read_code(read_archive(first))
    second_code = similar.read_code(read_archive(second))
    return pair_page(pair, side_by_side(first_code.files, second_code.files)).encode()
