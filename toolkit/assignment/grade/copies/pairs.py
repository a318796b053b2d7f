"""The similar pairs of a class with their pages, which are made again when an archive changes."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ValidationError

from toolkit.assignment.grade.archive import read_archive
from toolkit.assignment.grade.copies import similar
from toolkit.assignment.grade.copies.beside import side_by_side
from toolkit.assignment.grade.copies.similar import MAX_PAIRS, Pair
from toolkit.assignment.grade.pages import pair_page
from toolkit.assignment.grade.result import Result
from toolkit.assignment.grade.versions import toolkit_files
from toolkit.common.files import atomic_write, make_directory, sha256

KEPT = "similar.json"


class Similar(BaseModel):
    """What was found in a class."""

    made_of: str  # SHA-256 of the archives and the toolkit
    pairs: list[Pair]
    usual: float


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

    def code(archive: str) -> dict[str, str]:
        return similar.read_code(read_archive(paths[archive])[0])

    prints = {archive: similar.prints_of(code(archive)) for archive in paths}
    pairs, usual = similar.find_similar(prints)
    make_directory(directory)
    for old in (*directory.glob("*.html"), directory / KEPT):
        old.unlink(missing_ok=True)
    for number, pair in enumerate(pairs[:MAX_PAIRS], start=1):
        page = pair_page(pair, side_by_side(code(pair.first), code(pair.second)))
        atomic_write(directory / f"{number}.html", page.encode())
    found = Similar(made_of=made_of, pairs=pairs, usual=usual)
    atomic_write(directory / KEPT, found.model_dump_json().encode())  # last: all pages are there
    return found
