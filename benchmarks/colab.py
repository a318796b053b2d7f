"""The notebook for Colab, from its first cell to its last: python benchmarks/colab.py [FOLDER]

Run the script with the Python of an environment that has the packages of Colab's image, and
nbclient. FOLDER contains a student's files; without it, the unchanged skeleton is checked. The
script prints the output and the time of each cell, and the packages that were added to the
environment. The exit code is 1 if a cell failed, or if a package of the environment was changed.
"""

import argparse
import importlib.metadata
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "assignments" / "colab.ipynb"


def cells(folder: Path, repository: str | None) -> Iterator[tuple[NotebookNode, float]]:
    """Run the notebook in `folder`, and yield each code cell with its outputs, and the cell's
    seconds.

    Args:
        repository: the value to which a student sets REPOSITORY; None if the student forgets to set
            it.

    Raises:
        CellExecutionError: a cell raised an exception.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook, timeout=None, resources={"metadata": {"path": str(folder)}}, kernel_name="python3"
    )
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with client.setup_kernel(env=os.environ | {"PATH": programs}):
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                if cell.id == "settings" and repository is not None:
                    cell.source += f"\nREPOSITORY = {repository!r}"
                start = time.monotonic()
                yield client.execute_cell(cell, number), time.monotonic() - start


def printed(cell: NotebookNode) -> str:
    """Return the text that a cell printed, and the HTML of its other outputs."""
    texts = []
    for output in cell.outputs:
        texts.append(output.get("text") or output.get("data", {}).get("text/html", ""))
    return re.sub("\x1b\\[[0-9;]*m", "", "".join(texts))


def installed() -> dict[str, str]:
    """Return the version and the source address of each package in this environment."""
    packages = {}
    for package in importlib.metadata.distributions():
        address = package.read_text("direct_url.json") or ""
        packages[package.name] = f"{package.version} {address}"
    return packages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    mine = parser.parse_args().folder
    before, times = installed(), {}
    with tempfile.TemporaryDirectory() as directory:
        if mine is not None:
            shutil.copytree(mine, Path(directory, "my_folder"))
        for cell, seconds in cells(Path(directory), str(ROOT)):
            times[cell.id] = round(seconds, 1)
            print(f"--- {cell.id}: {seconds:.1f} s\n{printed(cell)}", flush=True)
    after = installed()
    verdict = sum(times[name] for name in ("settings", "folder", "install", "skeleton", "check"))
    print(f"\nPython {sys.version.split()[0]}, {os.cpu_count()} cores")
    print(json.dumps(times))
    print(f"From the first cell to the first verdict: {verdict:.1f} s")
    print("Added:", *(f"{name} {after[name].split()[0]}" for name in sorted({*after} - {*before})))
    replaced = [name for name in before if after.get(name) != before[name]]
    print("Replaced:", *(replaced or ["nothing"]))
    sys.exit(bool(replaced))


if __name__ == "__main__":
    main()
