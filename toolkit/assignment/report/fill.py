"""Writes the report in LaTeX and Word with the numbers and pictures from a student's records; the
text is left for the student to write.

report/
  report.tex, report.docx   the same content twice; hand in the one that you prefer
  figures/                  the pictures of report.tex
  .made.json                hashes, from which a later command recognises edited files
"""

import contextlib
import json
from collections.abc import Mapping
from importlib.util import find_spec
from itertools import count
from pathlib import Path

from toolkit.assignment.report import latex, word
from toolkit.assignment.report.results import Results
from toolkit.common.errors import UsageError
from toolkit.common.files import atomic_write, make_directory, read_bytes, sha256
from toolkit.common.package_data import package_data

MADE = ".made.json"


def make_report(
    student_number: str, name: str, results: Results, out: Path
) -> tuple[Path, list[str]]:
    """Create the report from its templates, in both LaTeX and Word, or only in LaTeX if docxtpl is
    not installed.

    Args:
        student_number: a string of digits (see `check_student_number`).
        name: 1 to 200 printable characters, or "".
        results: the texts, numbers and pictures to put into the report.
        out: the directory for the report; edited files in this directory are never overwritten.

    Returns:
        the directory used, and the names of the report files in it. The directory is `out`, unless
        edited files in `out` would be lost. In that case, the function uses another directory, such
        as `<out>-2`.

    Raises:
        UsageError: the name consists only of whitespace, is too long or contains unprintable
            characters.
        ToolkitError: a template is missing, or a file cannot be written.
    """
    author = {
        "student_number": student_number,
        "name": one_line("name", name) if name else "",
    }
    templates = package_data("report")
    reports = {"report.tex": latex.render(templates / "report.tex", results=results, **author)}
    if find_spec("docxtpl") is not None:
        reports["report.docx"] = word.render(
            templates / "report.docx", results.figures, results=results, **author
        )
    files = reports | {f"figures/{file}": data for file, data in results.figures.items()}
    directory = place_for(files, out)
    write(files, directory)
    return directory, list(reports)


def one_line(label: str, text: str) -> str:
    """Return `text` on one line, with single spaces between the words.

    Raises:
        UsageError: the text is empty, is too long or contains unprintable characters.
    """
    line = " ".join(text.split())
    if not line or not line.isprintable() or len(line) > 200:
        raise UsageError(
            f"The {label} must have 1 to 200 printable characters on one line, not {text[:40]!r}."
        )
    return line


def place_for(files: Mapping[str, bytes], out: Path) -> Path:
    """Return the first of the folders `out`, `<out>-2`, ... where no edited file would be lost."""
    directory = out
    named = out.resolve() if out.name in ("", "..") else out
    for number in count(2):
        if not _would_lose(files, directory):
            break
        directory = named.with_name(f"{named.name}-{number}")
    return directory


def write(files: Mapping[str, bytes], directory: Path) -> None:
    """Record the hashes of the files, and then write the files.

    A file looks edited if the hash of its contents is not among the recorded hashes. Every hash is
    recorded before its file is written, so an unedited file never looks edited, even if the process
    is killed while writing.
    """
    made = _made(directory)
    for name, data in files.items():
        made[name] = sorted({sha256(data), *made.get(name, [])})
    make_directory(directory / "figures")
    atomic_write(directory / MADE, (json.dumps(made, indent=2) + "\n").encode())
    for name, data in files.items():
        atomic_write(directory / name, data)


def _would_lose(files: Mapping[str, bytes], directory: Path) -> bool:
    """Return True if the new files would overwrite contents that this command did not write."""
    made = _made(directory)
    for name, data in files.items():
        if not (directory / name).exists():
            continue
        if sha256(read_bytes(directory / name)) not in {sha256(data), *made.get(name, [])}:
            return True
    return False


def _made(directory: Path) -> dict[str, list[str]]:
    """Return the hashes of the files that this command wrote, by file name."""
    hashes = {}
    with contextlib.suppress(OSError, ValueError):
        made = json.loads((directory / MADE).read_bytes())
        if isinstance(made, dict):
            for name, of_file in made.items():
                if isinstance(of_file, list):
                    hashes[name] = of_file
    return hashes
