"""The files of a case of the corpus, and the folder that they are written into."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ...layouts import notebook

HERE = Path(__file__).parent
FILES = {"dataset": "dataset.py", "lstm": "lstm.py", "train": "train.py", "gan": "my_gan.py"}

WHOLE_FILE = "*"  # in place of the text of a line
# A notebook is written as a script, in which this comment begins a cell.
CELL = re.compile(r"^# %%\n(.*?)(?=^# %%|\Z)", flags=re.MULTILINE | re.DOTALL)


class Right(NamedTuple):
    """The files in `right/` that stand together, and what is replaced to make them fit."""

    dataset: str
    lstm: str
    train: str
    gan: str
    changes: tuple[tuple[str, str, str], ...] = ()  # part, what is replaced, by what
    helpers: tuple[str, ...] = ()  # further files of right/, which lie beside the one before
    paths: tuple[tuple[str, str], ...] = ()  # (part or helper, where it is instead)
    probabilities: bool = False  # the LSTM gives these, so only its loss shows that it is right


class Place(NamedTuple):
    """A line of a file, or of one of a notebook's code cells."""

    file: str
    cell: int | None
    line: int | None  # None: the file as a whole


def texts(right: Right) -> dict[str, str]:
    """The text of each part and of each helper module."""
    names = {part: f"{part}_{getattr(right, part)}.py" for part in FILES}
    names |= {helper: f"{helper}.py" for helper in right.helpers}
    contents = {part: (HERE / "right" / name).read_text() for part, name in names.items()}
    for part, old, new in right.changes:
        assert old in contents[part], f"{old!r} is not in {names[part]}"
        contents[part] = contents[part].replace(old, new, 1)
    return contents


def write(right: Right, texts: Mapping[str, str], folder: Path) -> None:
    """Put all files of a submission into `folder`; what is at home in a notebook becomes one.

    Its cells begin with `# %%`; what the text says in Markdown is not code, and stays behind.
    """
    paths = dict(right.paths)
    for part, text in texts.items():
        name = paths.get(part, FILES.get(part, f"{part}.py"))
        if name.endswith(".ipynb"):
            text = notebook(*CELL.findall(text))
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def places(folder: Path, texts: tuple[str, ...]) -> set[Place]:
    """Every line below `folder` that holds one of the texts; "*" is a file as a whole."""
    matching = set[Place]()
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".py", ".ipynb"):
            continue
        file = path.relative_to(folder).as_posix()
        if WHOLE_FILE in texts:
            matching.add(Place(file, None, None))
        for cell, lines in _code(path):
            for number, line in enumerate(lines, start=1):
                if any(text in line for text in texts):
                    matching.add(Place(file, cell, number))
    return matching


def _code(path: Path) -> Iterator[tuple[int | None, list[str]]]:
    """The lines of a script, or of each of a notebook's code cells with the cell's number."""
    if path.suffix == ".py":
        yield None, path.read_text().splitlines()
        return
    number = 0
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "code":
            number += 1
            yield number, cell["source"]
