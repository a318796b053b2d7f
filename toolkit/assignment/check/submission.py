"""A submission as the check looks at it: a copy, and which file in it is which part."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from toolkit.assignment.parts import FILES, Part, find_parts, list_files
from toolkit.common.errors import UsageError


@dataclass(frozen=True)
class Located:
    """Where a part is."""

    file: str  # in the copy, relative to it; a Python file
    name: str | None = None  # the class that makes it this part, where that is known


@dataclass(frozen=True)
class Submission:
    """A copy of a student's folder that may be run and written to."""

    root: Path
    parts: dict[Part, Located]


def prepare(source: Path, target: Path) -> Submission:
    """Copy what is a student's own into the empty folder `target`, and find the parts.

    Raises:
        UsageError: `source` is not a folder, or has none of the parts.
    """
    names = ", ".join(FILES.values())
    if not source.is_dir():
        raise UsageError(f"{source} is not a folder. Give the folder that contains {names}.")
    files = list_files(source)
    found = find_parts(files)
    if not found:
        raise UsageError(f"{source} contains none of {names}. Give the folder that has them.")
    for file in files:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / file, target / file)
    return Submission(target, {part: Located(str(path)) for part, path in found.items()})
