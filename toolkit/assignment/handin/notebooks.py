"""Converts a notebook's code cells to one Python file, and records which cell each line came from.

The module reads notebooks as JSON, without nbformat. Only the source of each cell is used; the
outputs, which may contain large pictures, are ignored. Versions 3 and 4 of the notebook format are
supported.
"""

import ast
import io
import json
import re
import tokenize
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from toolkit.assignment.handin.syntax import UNREADABLE

SUFFIX = ".ipynb"
MAX_SOURCE = 300 * 2**10  # characters of code: its syntax tree takes up to 500 times as many bytes
MAX_NAME = 200  # bytes of the name of a file that a cell writes
# Cell magics that run the rest of the cell as Python; under other magics, the rest is not Python.
PYTHON_MAGICS = {"time", "timeit", "capture", "prun", "python", "python3", "debug"}
FILE_MAGICS = {"writefile", "file"}
STATEMENT_MAGICS = {"time", "timeit", "prun", "memit", "mprun", "lprun"}
IPYTHON = "from unittest.mock import MagicMock as get_ipython, MagicMock as display"
BEGINS = re.compile(r"^(?P<before>\s*(?:[\w.,][\w., ]*=\s*)?)(?P<sign>%%?(?=\w)|!+)(?P<rest>.*)$")
SHELL = re.compile(r"^\s*(pip3?|conda|cd|ls|pwd|mkdir|wget|git)(\s+[\w./~-].*)?$")  # without `!`
# The beginning of a cell that belongs to the tutor: an exercise is not part of the hand-in.
TUTORS = re.compile(r"\s*(# Exercise \S|(from toolkit\.assignment )?import tutor\b|tutor\.\w+\()")
ASKS = re.compile(r"^\s*(\?{1,2}[\w.*]+|[\w.*]+\?{1,2})\s*(#.*)?$")


@dataclass(frozen=True)
class Cell:
    """A code cell with a syntax error: the cell's number, the number of the faulty line, and
    Python's error message.
    """

    number: int
    line: int
    problem: str


@dataclass
class Notebook:
    """The Python code that was extracted from a notebook."""

    source: str = ""  # all code cells, one after the other
    places: list[tuple[int, int]] = field(default_factory=list)  # cell and line, for each line
    broken: list[Cell] = field(default_factory=list)  # left out of `source`
    files: dict[str, "Notebook"] = field(default_factory=dict)  # files from %%writefile, by name


class BrokenNotebook(ValueError):
    """Raised for a notebook that cannot be read.

    The message, such as "is not a notebook that can be read", is worded to follow the file's name.
    """


def code_of(path: PurePosixPath, data: bytes) -> str:
    """Return the Python code in a Python file or in a notebook.

    The code of a notebook consists of its code cells and of the Python files that the cells write,
    for example with `%%writefile`. The code of an unreadable notebook is "".
    """
    if path.suffix.lower() != SUFFIX:
        return decoded(data)
    try:
        notebook = read_notebook(data)
    except BrokenNotebook:
        return ""
    written = [file.source for file in notebook.files.values()]
    return "".join([notebook.source, *written])


def decoded(data: bytes) -> str:
    """Return the text of a Python file, with all line endings converted to newlines."""
    try:
        text = data.decode(encoding_of(data), errors="replace")
    except ValueError:  # an encoding without errors="replace"
        text = data.decode(errors="replace")
    return _encodable(text).replace("\r\n", "\n").replace("\r", "\n")


def _encodable(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot encode."""
    return text.encode(errors="replace").decode()


def encoding_of(data: bytes) -> str:
    """Return the encoding of a Python file (PEP 263).

    The encoding is determined by a byte order mark or by a declaration in the first two lines of
    the file. Without either of these, the encoding is UTF-8. The encoding is also UTF-8 if the file
    declares an unknown encoding or one that does not turn text into bytes, such as rot13.
    """
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        "".encode(encoding, errors="replace")
    # The encoding is unknown or not for text, or the text is not UTF-8: the file is not importable.
    except (SyntaxError, LookupError, UnicodeError):
        return "utf-8"
    return encoding


def code_cells(data: bytes) -> list[dict[str, Any]]:
    """Return the non-empty code cells of a notebook, each with its source under the key `text`.

    Raises:
        BrokenNotebook: the file is not a notebook, is in a language other than Python, or has more
            than `MAX_SOURCE` characters of code.
    """
    try:
        content = json.loads(data)
        sheets = content.get("worksheets", [content])  # version 3 of the format
        language = content.get("metadata", {}).get("kernelspec", {}).get("language", "python")
        cells = []
        for sheet in sheets:
            cells += [_with_text(cell) for cell in sheet["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenNotebook("is not a notebook that can be read") from error
    if not str(language).lower().startswith("python"):
        raise BrokenNotebook(f"is a notebook in {str(language)[:30]}, not in Python")
    if sum(len(cell["text"]) for cell in cells) > MAX_SOURCE:
        raise BrokenNotebook(f"has more than {MAX_SOURCE // 2**10} KiB of code")
    return [cell for cell in cells if cell["text"].strip()]


def _with_text(cell: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a code cell (notebook format 3 or 4) that has the cell's source under the
    key `text`.
    """
    lines = cell.get("source", cell.get("input", ""))
    return cell | {"text": _encodable("".join(lines))}


def is_tutors(cell: Mapping[str, Any]) -> bool:
    """Return True if a code cell belongs to the exercises that the toolkit's `tutor` checks. Such a
    cell begins with an `# Exercise` comment, an import of `tutor` or a call to one of the functions
    of `tutor`.
    """
    return TUTORS.match(cell["text"]) is not None


def read_notebook(data: bytes) -> Notebook:
    """Return the code cells of a notebook as one Python file, line for line.

    A line that only IPython understands becomes a no-op (`%matplotlib inline`, `!pip`, `name?`) or
    the equivalent Python (`%time f()`, `%run file.py`). Cells that are still not valid Python, and
    cells that belong to the exercises of the toolkit's `tutor`, become blank lines. Cells are
    numbered from 1, counting only non-empty code cells.

    Raises:
        BrokenNotebook: the file is not a notebook, is in a language other than Python, or has too
            much code.
    """
    notebook = Notebook()
    lines: list[str] = []
    cells = code_cells(data)
    everything = "\n".join(cell["text"] for cell in cells)
    if "get_ipython" in everything or "display" in everything:
        lines.append(IPYTHON)
        notebook.places.append((1, 1))
    for number, cell in enumerate(cells, start=1):
        text = _as_python(cell, number, notebook)
        lines += text
        notebook.places += [(number, line) for line in range(1, len(text) + 1)]
    notebook.source = "\n".join(lines) + "\n"
    return notebook


def _as_python(cell: Mapping[str, Any], number: int, notebook: Notebook) -> list[str]:
    """Return a cell's lines as plain Python. If the cell belongs to an exercise of the toolkit's
    `tutor` or is not valid Python, return the same number of blank lines instead.
    """
    text = [line.rstrip("\r") for line in cell["text"].split("\n")]
    blank = [""] * len(text)
    if is_tutors(cell):
        return blank
    text = _without_cell_magic(text, number, notebook.files)
    if _problem(text):
        text = _without_magics(text)
    problem = _problem(text)
    if problem:
        notebook.broken.append(Cell(number, *problem))
        return blank
    for k, line in enumerate(text):
        if line.startswith("from __future__"):
            text[k] = "pass"
    return text


def _problem(lines: list[str]) -> tuple[int, str] | None:
    """Return the line number and message of a syntax error, or None if the lines are valid
    Python.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse("\n".join(lines))
    except UNREADABLE as error:
        return getattr(error, "lineno", None) or 1, str(getattr(error, "msg", error))
    return None


def _without_cell_magic(lines: list[str], number: int, files: dict[str, Notebook]) -> list[str]:
    """Return a cell without its %%magic line.

    If the magic does not run the rest of the cell as Python, the whole cell is replaced by blank
    lines.
    """
    first = next(k for k, line in enumerate(lines) if line.strip())
    words = lines[first].strip().split()
    if not words[0].startswith("%%"):
        return lines
    name = words[0].removeprefix("%%")
    rest = lines[first + 1 :]
    if name in PYTHON_MAGICS:
        return [""] * (first + 1) + rest
    if name in FILE_MAGICS and len(words) > 1 and _is_python_file(words[-1]):
        places = [(number, first + 1 + k) for k in range(1, len(rest) + 1)]
        files.setdefault(words[-1], Notebook("\n".join(rest) + "\n", places))
    return [""] * len(lines)


def _is_python_file(name: str) -> bool:
    """Return True if `name`, the name of a file that a cell writes, ends in ".py", is printable and
    has at most `MAX_NAME` bytes.
    """
    is_name = name.isprintable() and len(name.encode()) <= MAX_NAME
    return is_name and PurePosixPath(name).suffix == ".py"


def _without_magics(lines: list[str]) -> list[str]:
    """Replace each line that only IPython understands with equivalent Python."""
    replaced, goes_on = [], False
    for line in lines:
        magic = BEGINS.match(line)
        if goes_on:  # a shell command that continues on the next line
            goes_on = line.rstrip().endswith("\\")
            replaced.append("")
        elif magic:
            goes_on = line.rstrip().endswith("\\")
            meaning = magic["before"] + _meaning(magic["sign"], magic["rest"].strip())
            replaced.append("" if meaning == "None" else meaning)
        elif ASKS.match(line) or SHELL.match(line):
            replaced.append(re.sub(r"\S.*", "pass", line))
        else:
            replaced.append(line)
    return replaced


def _meaning(sign: str, rest: str) -> str:
    """Translate an IPython line magic into a Python expression or statement."""
    name, _, arguments = rest.partition(" ")
    words = arguments.split()
    if sign == "!":
        return "None"
    if name in STATEMENT_MAGICS and words and not words[0].startswith("-"):
        return arguments.strip()
    if name == "run":
        for word in words:
            script = word.strip("'\"")
            if script.endswith(".py"):
                run = f'__import__("runpy").run_path({script!r}, None, "__main__")'
                return f"globals().update({run})"
    return "None"
