"""Notebooks as Python: the code cells of one as a file whose lines know their cell.

Read as JSON, without nbformat: nothing but the sources of cells is looked at, so pictures in the
outputs, of whatever size, cost nothing and are never searched. Versions 3 and 4 of the format.
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

from toolkit.assignment.syntax import UNREADABLE

SUFFIX = ".ipynb"
MAX_SOURCE = 300 * 2**10  # characters of code: its syntax tree takes up to 500 times as many bytes
MAX_NAME = 200  # bytes of a file that a cell writes
# Cell magics that run the rest of the cell as Python; under any other it is something else.
PYTHON_MAGICS = {"time", "timeit", "capture", "prun", "python", "python3", "debug"}
FILE_MAGICS = {"writefile", "file"}
STATEMENT_MAGICS = {"time", "timeit", "prun", "memit", "mprun", "lprun"}
IPYTHON = "from unittest.mock import MagicMock as get_ipython, MagicMock as display"
BEGINS = re.compile(r"^(?P<before>\s*(?:[\w.,][\w., ]*=\s*)?)(?P<sign>%%?(?=\w)|!+)(?P<rest>.*)$")
SHELL = re.compile(r"^\s*(pip3?|conda|cd|ls|pwd|mkdir|wget|git)(\s+[\w./~-].*)?$")  # without a sign
# How a cell begins that belongs to the tutor: an exercise is no part of what is handed in.
TUTORS = re.compile(r"\s*(# Exercise \S|(from toolkit\.assignment )?import tutor\b|tutor\.\w+\()")
ASKS = re.compile(r"^\s*(\?{1,2}[\w.*]+|[\w.*]+\?{1,2})\s*(#.*)?$")


@dataclass(frozen=True)
class Cell:
    """A code cell that is not Python: which one, the line in it, and what Python says."""

    number: int
    line: int
    problem: str


@dataclass
class Notebook:
    """The code of a notebook."""

    source: str = ""  # all code cells, one after the other
    places: list[tuple[int, int]] = field(default_factory=list)  # of each line: cell and line
    broken: list[Cell] = field(default_factory=list)  # left out of `source`
    files: dict[str, "Notebook"] = field(default_factory=dict)  # written by %%writefile, by name


class BrokenNotebook(ValueError):
    """A notebook that cannot be read; the message is the end of a sentence about the file."""


def code_of(path: PurePosixPath, data: bytes) -> str:
    """The Python in a file: of a notebook its code cells, and what they write; "" if none is."""
    if path.suffix.lower() != SUFFIX:
        return decoded(data)
    try:
        notebook = read_notebook(data)
    except BrokenNotebook:
        return ""
    return "".join(one.source for one in (notebook, *notebook.files.values()))


def decoded(data: bytes) -> str:
    """The text of a Python file, with the ends of lines that the syntax tree counts."""
    try:
        text = data.decode(encoding_of(data), errors="replace")
    except (ValueError, LookupError):  # no text encoding, or one that replaces nothing
        text = data.decode(errors="replace")
    return _encodable(text).replace("\r\n", "\n").replace("\r", "\n")


def _encodable(text: str) -> str:
    """Without lone surrogates, which JSON and some encodings let in."""
    return text.encode(errors="replace").decode()


def encoding_of(data: bytes) -> str:
    """The encoding of a Python file: what its mark or its first lines say, else UTF-8 (PEP 263)."""
    try:
        return tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except SyntaxError:  # an unknown one, or no UTF-8: Python cannot import it either
        return "utf-8"


def code_cells(data: bytes) -> list[dict[str, Any]]:
    """The code cells of a notebook that are not empty, each with its `text`.

    Raises:
        BrokenNotebook: it is no notebook, not one of Python, or longer than a person writes.
    """
    try:
        content = json.loads(data)
        sheets = content.get("worksheets", [content])  # version 3 of the format
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        language = content.get("metadata", {}).get("kernelspec", {}).get("language", "python")
        code = [
            cell | {"text": _encodable("".join(cell.get("source", cell.get("input", ""))))}
            for cell in cells
            if cell["cell_type"] == "code"
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenNotebook("is not a notebook that can be read") from error
    if not str(language).lower().startswith("python"):
        raise BrokenNotebook(f"is a notebook in {str(language)[:30]}, not in Python")
    if sum(len(cell["text"]) for cell in code) > MAX_SOURCE:
        raise BrokenNotebook(f"has more than {MAX_SOURCE // 2**10} KiB of code")
    return [cell for cell in code if cell["text"].strip()]


def is_tutors(cell: Mapping[str, Any]) -> bool:
    """True if one of `code_cells` is an exercise, or only calls the tutor."""
    return TUTORS.match(cell["text"]) is not None


def read_notebook(data: bytes) -> Notebook:
    """The code cells of a notebook as one Python file, line for line.

    What only IPython understands does nothing (`%matplotlib inline`, `!pip`, `name?`), or what it
    stands for (`%time f()`, `%run file.py`); a cell that is not Python even so is left out. A cell
    is numbered among the code cells that are not empty, from 1. Those of the tutor are blank.

    Raises:
        BrokenNotebook: it is no notebook, or not one of Python.
    """
    found = Notebook()
    lines: list[str] = []
    cells = code_cells(data)
    if any(word in cell["text"] for cell in cells for word in ("get_ipython", "display")):
        lines.append(IPYTHON)
        found.places.append((1, 1))
    for number, cell in enumerate(cells, start=1):
        text = [line.rstrip("\r") for line in cell["text"].split("\n")]
        if is_tutors(cell):
            text = [""] * len(text)
        else:
            text = _without_cell_magic(text, number, found.files)
        if _problem(text):
            text = _without_magics(text)
        if problem := _problem(text):
            found.broken.append(Cell(number, problem[0], problem[1]))
            text = [""] * len(text)
        lines += ["pass" if line.startswith("from __future__") else line for line in text]
        found.places += [(number, line) for line in range(1, len(text) + 1)]
    found.source = "\n".join(lines) + "\n"
    return found


def _problem(lines: list[str]) -> tuple[int, str] | None:
    """The line and the reason why this is not Python; None if it is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse("\n".join(lines))
    except UNREADABLE as error:
        return getattr(error, "lineno", None) or 1, str(getattr(error, "msg", error))
    return None


def _without_cell_magic(lines: list[str], number: int, files: dict[str, Notebook]) -> list[str]:
    """A cell without its %%magic; blank where the rest is no Python, or goes into a file."""
    first = next(k for k, line in enumerate(lines) if line.strip())
    words = lines[first].strip().split()
    if not words[0].startswith("%%"):
        return lines
    name = words[0].removeprefix("%%")
    rest = lines[first + 1 :]
    if name in PYTHON_MAGICS:
        return [""] * (first + 1) + rest
    path = words[-1] if words[-1].isprintable() and len(words[-1].encode()) <= MAX_NAME else ""
    if name in FILE_MAGICS and len(words) > 1 and PurePosixPath(path).suffix == ".py":
        places = [(number, first + 1 + k) for k in range(1, len(rest) + 1)]
        files.setdefault(path, Notebook("\n".join(rest) + "\n", places))
    return [""] * len(lines)


def _without_magics(lines: list[str]) -> list[str]:
    """A cell in which each line that only IPython understands is one that Python does."""
    kept, goes_on = [], False
    for line in lines:
        if goes_on:  # a command for the shell that is longer than its line
            goes_on = line.rstrip().endswith("\\")
            kept.append("")
        elif found := BEGINS.match(line):
            goes_on = line.rstrip().endswith("\\")
            meaning = found["before"] + _meaning(found["sign"], found["rest"].strip())
            kept.append("" if meaning == "None" else meaning)
        else:
            kept.append(
                re.sub(r"\S.*", "pass", line) if ASKS.match(line) or SHELL.match(line) else line
            )
    return kept


def _meaning(sign: str, rest: str) -> str:
    """Translate a line magic into an expression or a statement."""
    name, _, arguments = rest.partition(" ")
    words = arguments.split()
    if sign != "!" and name in STATEMENT_MAGICS and words and not words[0].startswith("-"):
        return arguments.strip()
    scripts = [word.strip("'\"") for word in words if word.strip("'\"").endswith(".py")]
    if sign != "!" and name == "run" and scripts:
        return f'globals().update(__import__("runpy").run_path({scripts[0]!r}, None, "__main__"))'
    return "None"
