"""Reads the lists of public code by others, fetches the code, and turns it into submissions."""

import ast
import contextlib
import hashlib
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from public_code import score
from public_code.placing import files_of_modules
from public_code.wrappers import RECIPES, USE, Recipe, wrapper

HERE = Path(__file__).parents[1]
KINDS = ("lstm", "gan")
Entry = score.Entry


def entries(kind: str, half: str) -> list[Entry]:
    """Return the entries of one kind and half, in the order of the file."""
    with (HERE / f"wild_{kind}.jsonl").open() as lines:
        return [entry for entry in map(json.loads, lines) if entry["half"] == half]


def folder(code: Path, entry: Entry) -> Path:
    """Return the folder with the code of an entry."""
    name = f"{entry['repository'].replace('/', '+')}+{entry['commit'][:8]}"
    return code / entry["kind"] / entry["half"] / name


# -- fetching


def git(repository: Path, *arguments: str) -> bytes:
    """Run a git command in a repository, and return its output."""
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def fetch(code: Path, entry: Entry, mirrors: Path | None = None) -> None:
    """Write the file of an entry and the files that it imports, unless the file is already there.

    Args:
        code: the folder for the code of all entries.
        mirrors: a folder with clones, as OWNER+NAME/repo; other repositories are cloned from
            GitHub.

    Raises:
        subprocess.CalledProcessError: the repository or the commit does not exist any more.
        ValueError: the file is not the one that was judged.
    """
    target = folder(code, entry)
    if (target / entry["path"]).is_file():
        return
    mirror = (mirrors or code) / entry["repository"].replace("/", "+") / "repo"
    if mirror.is_dir():
        extract(mirror, entry, target)
        return
    with tempfile.TemporaryDirectory() as directory:
        repository = Path(directory)
        url = f"https://github.com/{entry['repository']}"
        options = ["--filter=blob:none", "--no-checkout", "--quiet"]
        subprocess.run(["git", "clone", *options, url, directory], check=True)
        extract(repository, entry, target)


def extract(repository: Path, entry: Entry, target: Path) -> None:
    """Copy the file of an entry, and the files that it imports, from a clone to `target`."""
    commit = entry["commit"]
    listed = git(repository, "ls-tree", "-rz", "--name-only", commit).decode().split("\0")
    waiting = [entry["path"]]
    if entry["kind"] == "lstm" and entry["repository"] in RECIPES:
        waiting += RECIPES[entry["repository"]].also
    done: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in done or path not in listed:
            continue
        done.add(path)
        data = git(repository, "show", f"{commit}:{path}")
        if path == entry["path"] and hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise ValueError(f"{entry['repository']}:{path} is not the file that was judged")
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(data)
        waiting += imported(data, PurePosixPath(path), set(listed))


def imported(data: bytes, path: PurePosixPath, listed: set[str]) -> list[str]:
    """Return the files of a repository that one of its files imports."""
    texts: list[str | bytes] = [data]
    if path.suffix == ".ipynb":
        texts = [text for _, text in code_cells(data)]
    files = []
    for text in texts:
        with contextlib.suppress(SyntaxError, ValueError):
            files += files_of_modules(ast.parse(text), path, listed)
    return files


# -- arranging a submission


def code_cells(data: bytes) -> list[tuple[int, str]]:
    """Return each code cell that is not empty: its number among all cells, from 0, and its text."""
    cells = []
    for number, cell in enumerate(json.loads(data)["cells"]):
        text = "".join(cell["source"])
        if cell["cell_type"] == "code" and text.strip():
            cells.append((number, text))
    return cells


@dataclass
class Place:
    """A file that is judged, and the origin of its lines."""

    file: str  # relative to the submission
    cells: list[tuple[int, int]]  # for each line of a notebook: its cell, and its line there

    def original(self, line: int | None) -> dict[str, int | None]:
        """Return the cell and the line of the original file that a line of `file` comes from."""
        if line is None or not self.cells:
            return {"cell": None, "line": line}
        cell, inside = self.cells[min(line, len(self.cells)) - 1]
        return {"cell": cell, "line": inside}


def flatten(data: bytes, wanted: tuple[int, ...]) -> tuple[str, list[tuple[int, int]]]:
    """Join the code cells of a notebook, and return the text and the cell and line of each line.

    Lines that only IPython understands become `pass`.

    Args:
        wanted: the numbers of the cells to join; () for all code cells.
    """
    lines = []
    places = []
    for cell, text in code_cells(data):
        if wanted and cell not in wanted:
            continue
        for number, line in enumerate(text.split("\n"), start=1):
            code = line.lstrip()
            if code.startswith(("%", "!")):
                indentation = line[: len(line) - len(code)]
                line = f"{indentation}pass"
            lines.append(line)
            places.append((cell, number))
    return "\n".join(lines) + "\n", places


def arrange(entry: Entry, code: Path, root: Path) -> Place:
    """Copy the code of an entry to `root`, and write the Python file that is judged.

    Returns:
        the Python file; for an LSTM, its class `Wrapped` is judged.
    """
    shutil.copytree(folder(code, entry), root, dirs_exist_ok=True)
    recipe = Recipe("")
    if entry["kind"] == "lstm":
        recipe = RECIPES[entry["repository"]]
    path = PurePosixPath(recipe.main or entry["path"])
    data = (root / path).read_bytes()
    places: list[tuple[int, int]] = []
    if path.suffix == ".ipynb":
        text, places = flatten(data, recipe.cells)
        (root / path).unlink()
        path = path.with_name("notebook.py")
    else:
        text = data.decode()
    if recipe.until:
        text = "\n".join(text.split("\n")[: recipe.until]) + "\n"
    for name, content in recipe.modules.items():
        file = root / path.parent / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    if recipe.build:
        text += wrapper(recipe)
        (root / path.parent / "use_it.py").write_text(USE.format(stem=path.stem))
    (root / path).write_text(text)
    return Place(str(path), places)
