"""The similar pairs of a class with their pages, which are made again when an archive changes."""

import contextlib
import io
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ValidationError

from toolkit.assignment.grade.archive import read_archive
from toolkit.assignment.grade.copies import similar
from toolkit.assignment.grade.copies.beside import side_by_side
from toolkit.assignment.grade.copies.similar import MAX_PAIRS, Pair, Prints
from toolkit.assignment.grade.pages import pair_page
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.sandbox.apart import Bounds, Exceeded, Failed, apart
from toolkit.assignment.grade.versions import toolkit_files
from toolkit.common.files import atomic_write, make_directory, sha256

KEPT = "similar.json"
BOUNDS = Bounds()  # of reading an archive, and of a page


class Similar(BaseModel):
    """What was found in a class."""

    made_of: str  # SHA-256 of the archives and the toolkit
    pairs: list[Pair]
    usual: float
    not_compared: dict[str, str] = {}  # archives that made trouble, and which


def write_pairs(graded: Mapping[Path, Result], directory: Path, anew: bool) -> Similar:
    """Find the similar pairs, and write a page for each.

    Args:
        graded: the archives, each with its result.
        anew: also if the pages are there already, of these very archives.
    """
    paths = {result.extra_data.archive: path for path, result in graded.items()}
    content = {one.extra_data.archive: one.extra_data.archive_sha256 for one in graded.values()}
    made_of = sha256(json.dumps([toolkit_files(), content]).encode())
    with contextlib.suppress(FileNotFoundError, ValidationError):
        kept = Similar.model_validate_json((directory / KEPT).read_bytes())
        if kept.made_of == made_of and all(content.values()) and not anew:
            return kept

    prints: dict[str, Prints] = {}
    not_compared: dict[str, str] = {}
    for archive, path in paths.items():
        try:
            packed = apart(partial(_packed_prints, path), BOUNDS)
            prints[archive] = Prints(*np.load(io.BytesIO(packed)).values())
        except (Exceeded, Failed) as error:
            not_compared[archive] = str(error)
    pairs, usual = similar.find_similar(prints)
    make_directory(directory)
    for old in (*directory.glob("*.html"), directory / KEPT):
        old.unlink(missing_ok=True)
    for number, pair in enumerate(pairs[:MAX_PAIRS], start=1):
        try:
            page = apart(partial(_page, pair, paths[pair.first], paths[pair.second]), BOUNDS)
        except (Exceeded, Failed) as error:
            page = pair_page(pair, []).encode()
            not_compared[f"{pair.first}, {pair.second}"] = str(error)
        atomic_write(directory / f"{number}.html", page)
    found = Similar(made_of=made_of, pairs=pairs, usual=usual, not_compared=not_compared)
    atomic_write(directory / KEPT, found.model_dump_json().encode())  # last: all pages are there
    return found


def _packed_prints(path: Path) -> bytes:
    """Both kinds of prints of an archive, as numpy saves them."""
    prints, buffer = similar.prints_of(similar.read_code(read_archive(path))), io.BytesIO()
    np.savez(buffer, plain=prints.plain, named=prints.named)
    return buffer.getvalue()


def _page(pair: Pair, first: Path, second: Path) -> bytes:
    codes = (similar.read_code(read_archive(path)) for path in (first, second))
    return pair_page(pair, side_by_side(*codes)).encode()
