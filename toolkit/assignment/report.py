"""The report: filled from the run directories in LaTeX and in Word, for the student to go on with.

report/
  report.tex, report.docx   the same content twice; hand in the one that you like
  figures/                  the pictures of report.tex
  .made.json                hashes, by which a later command knows what has been edited
"""

import contextlib
import json
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Annotated, Literal

import typer

from toolkit import export
from toolkit.assignment import latex, word
from toolkit.assignment.reading import read_results
from toolkit.assignment.sources import Sources
from toolkit.commands import reports_errors
from toolkit.errors import ToolkitError, UsageError
from toolkit.files import atomic_write, make_directory, read_bytes, sha256

TEMPLATES = Path(__file__).parents[2] / "assignments" / "report"
MADE = ".made.json"


@reports_errors
def report(
    student_number: Annotated[str, typer.Option(help="As your university writes it.")],
    name: Annotated[str, typer.Option(help="Your name.", show_default="no name")] = "",
    preset: Annotated[
        Literal["smoke", "default", "long"], typer.Option(help="Of the runs to report.")
    ] = "default",
    runs_dir: Annotated[Path, typer.Option(help="The runs are in RUNS_DIR/PRESET.")] = Path("runs"),
    exports_dir: Annotated[
        Path | None,
        typer.Option(
            help="Where the .pt files and manifest.json are.",
            show_default="exports; with --preset smoke RUNS_DIR/smoke/exports",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The directory of the report; what was edited there stays.")
    ] = Path("report"),
) -> None:
    """Fill the report, in LaTeX and in Word, with the numbers and pictures of your runs."""
    author = {
        "student_number": one_line("student number", student_number),
        "name": one_line("name", name) if name else "",
    }
    exports_dir = exports_dir or export.default_directory(preset, runs_dir)
    sources = Sources(runs_dir, preset, exports_dir)
    results = read_results(sources)
    files = {
        "report.tex": latex.render(template("report.tex"), results=results, **author),
        "report.docx": word.render(
            template("report.docx"), results.figures, results=results, **author
        ),
        **{f"figures/{file}": data for file, data in results.figures.items()},
    }
    directory = place_for(files, out)
    write(files, directory)
    for gap in results.gaps:
        print(f"Missing: {gap.what}.\n  {gap.command}")
    if missing := latex.lacking("".join(author.values())):
        print(
            f"Note: pdfLaTeX has no {missing}; report.tex has the codes instead. "
            "Write it there yourself with the font of your choice; report.docx is right."
        )
    if directory != out:
        print(f"{out} has a report that was edited. It stays as it is; the new one is beside it.")
    print(f"{directory}/: report.tex, report.docx. Write your text in the place of each [[ ... ]].")


def one_line(what: str, text: str) -> str:
    """`text` with its white space made single.

    Raises:
        UsageError: it is empty, too long, or holds what cannot be printed.
    """
    line = " ".join(text.split())
    if not line or not line.isprintable() or len(line) > 200:
        raise UsageError(
            f"The {what} must be from 1 to 200 letters, digits and signs, not {text[:40]!r}."
        )
    return line


def template(name: str) -> Path:
    """A template of the report.

    Raises:
        ToolkitError: it is not there, since the toolkit was installed without its repository.
    """
    path = TEMPLATES / name
    if not path.exists():
        raise ToolkitError(
            f"There is no {path}. Clone the toolkit's repository and install it there with "
            "`python -m pip install -e '.[report]'`."
        )
    return path


def place_for(files: Mapping[str, bytes], out: Path) -> Path:
    """`out`, unless a file there would be lost; then the first of `<out>-2`, ... that is free."""
    named = out.resolve() if out.name in ("", "..") else out
    numbered = (named.with_name(f"{named.name}-{k}") for k in count(2))
    if not _would_lose(files, out):
        return out
    return next(path for path in numbered if not _would_lose(files, path))


def write(files: Mapping[str, bytes], directory: Path) -> None:
    """Write the files, and their hashes first, so that a kill leaves nothing that looks edited."""
    made = {
        name: sorted({sha256(data), *_made(directory).get(name, [])})
        for name, data in files.items()
    }
    make_directory(directory / "figures")
    atomic_write(directory / MADE, (json.dumps(made, indent=2) + "\n").encode())
    for name, data in files.items():
        atomic_write(directory / name, data)


def _would_lose(files: Mapping[str, bytes], directory: Path) -> bool:
    """Does `directory` have other files of these names, which this command did not make?"""
    made = _made(directory)
    return any(
        (directory / name).exists()
        and sha256(read_bytes(directory / name)) not in {sha256(data), *made.get(name, [])}
        for name, data in files.items()
    )


def _made(directory: Path) -> dict[str, list[str]]:
    """File name -> the hashes of what this command wrote; empty where it wrote nothing."""
    with contextlib.suppress(OSError, ValueError):
        made = json.loads((directory / MADE).read_bytes())
        if isinstance(made, dict):
            return {name: hashes for name, hashes in made.items() if isinstance(hashes, list)}
    return {}
