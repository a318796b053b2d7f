"""Notebooks as Python: every line keeps its cell, and what only IPython understands is gone."""

import ast
import json
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from toolkit.assignment.handin.notebooks import BrokenNotebook, code_cells, read_notebook


def written(*cells: str, **metadata: Any) -> bytes:
    """A notebook as Jupyter writes it."""
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=metadata)
    text: str = nbformat.writes(notebook)
    return text.encode()


def run(*cells: str) -> dict[str, Any]:
    """The names that are defined after the cells were run as Python."""
    names: dict[str, Any] = {}
    exec(compile(read_notebook(written(*cells)).source, "cells", "exec"), names)
    return names


@pytest.mark.parametrize(
    ("cell", "x"),
    [
        ("%matplotlib inline\nx = 1", 1),
        ("!pip install torch \\\n    --quiet\nx = 2", 2),
        ("%%time\nx = 3", 3),
        ("%time x = 4", 4),
        ("x = 5\nx?", 5),
        ("x = !ls", None),
        ("if True:\n    %load_ext autoreload\nx = 6", 6),
        ("pip install numpy\nx = 7", 7),
        ("get_ipython().run_line_magic('matplotlib', 'inline')\nx = 8", 8),
        ("x = 17\n%cd ..\nx = (x\n     % 8)", 1),
        ("from __future__ import annotations\nx = 9", 9),
        ("x = 'a\\n%b'\nx = '!'", "!"),
        ('x = """\n%not magic\n!not a command\n"""', "\n%not magic\n!not a command\n"),
    ],
)
def test_what_only_ipython_understands(cell: str, x: object) -> None:
    assert run("y = 0", cell)["x"] == x


@pytest.mark.parametrize(
    "magic", ["%%bash", "%%html", "%%javascript", "%%latex", "%%writefile a.txt"]
)
def test_cells_that_are_no_python(magic: str) -> None:
    notebook = read_notebook(written("x = 1", f"{magic}\nclass LSTM:", "y = 2"))
    assert notebook.broken == []
    assert [ast.unparse(node) for node in ast.parse(notebook.source).body] == ["x = 1", "y = 2"]


def test_every_line_knows_its_cell() -> None:
    """Also after a heading, an empty cell and magics."""
    cells = [
        "import torch\n",
        "",
        "%%time\n%pwd\n\nclass LSTM:\n    size = 3",
        "display(1)\nlast = 2",
    ]
    notebook = read_notebook(written(*cells))
    lines = notebook.source.splitlines()
    assert len(lines) == len(notebook.places)
    filled = [cell for cell in cells if cell]
    for text, (cell, line) in zip(lines[1:], notebook.places[1:], strict=True):
        original = filled[cell - 1].split("\n")[line - 1]
        assert text in (original, "", "None")
    assert notebook.places[lines.index("class LSTM:")] == (2, 4)
    assert notebook.places[lines.index("last = 2")] == (3, 2)


def test_outputs_are_never_looked_at() -> None:
    """Nor counted: a picture of some megabytes, and code that was printed."""
    notebook = new_notebook()
    outputs = [new_output("stream", text="class LSTM:\n" * 10)]
    outputs.append(new_output("display_data", data={"image/png": "A" * 5_000_000}))
    notebook.cells = [new_markdown_cell("class GRU: pass"), new_code_cell("x = 1", outputs=outputs)]
    assert read_notebook(nbformat.writes(notebook).encode()).source == "x = 1\n"


def test_a_broken_cell_leaves_the_others() -> None:
    notebook = read_notebook(written("x = 1", "y = 2\nprint 'python 2'", "z = 3"))
    assert [(cell.number, cell.line) for cell in notebook.broken] == [(2, 2)]
    assert ast.unparse(ast.parse(notebook.source)) == "x = 1\nz = 3"
    assert len(notebook.places) == 4


def test_files_that_a_cell_writes() -> None:
    notebook = read_notebook(written("x = 1", "\n%%writefile nets/lstm.py\nclass LSTM:\n    pass"))
    (name,) = notebook.files
    assert name == "nets/lstm.py"
    assert notebook.files[name].source == "class LSTM:\n    pass\n"
    assert notebook.files[name].places == [(2, 3), (2, 4)]


def test_the_third_version_of_the_format() -> None:
    cell = {"cell_type": "code", "input": ["x = 1\n", "y = 2"], "outputs": []}
    old = {"nbformat": 3, "worksheets": [{"cells": [cell]}], "metadata": {}}
    assert read_notebook(json.dumps(old).encode()).source == "x = 1\ny = 2\n"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a notebook that can be read"),
        (b"{}", "not a notebook that can be read"),
        (b'{"cells": [1]}', "not a notebook that can be read"),
        (b'{"cells": [{"cell_type": "code", "source": 3}]}', "not a notebook that can be read"),
        (b"\xff\x00", "not a notebook that can be read"),
        (b"[" * 100_000, "not a notebook that can be read"),
        (written("x <- 1", kernelspec={"language": "R", "name": "r", "display_name": "R"}), "in R"),
    ],
    ids=["empty", "no cells", "a number", "no source", "bytes", "deep", "R"],
)
def test_what_is_no_notebook(data: bytes, why: str) -> None:
    with pytest.raises(BrokenNotebook, match=why):
        code_cells(data)


def test_more_code_than_a_person_writes() -> None:
    """Its syntax tree would take hundreds of times as much memory."""
    lines = ["x = 1\n" * 10_000] * 5  # of six characters each: 300,000
    assert len(code_cells(written(*lines))) == 5
    with pytest.raises(BrokenNotebook, match="has more than 300 KiB of code"):
        code_cells(written(*lines, lines[0]))
