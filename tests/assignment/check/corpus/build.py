"""What a case of the corpus is, and how it is written into a folder."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ...layouts import notebook

HERE = Path(__file__).parent
FILES = {"dataset": "dataset.py", "lstm": "lstm.py", "train": "train.py", "gan": "my_gan.py"}


class Right(NamedTuple):
    """Which of the files in `right/` stand together, and what is replaced to make them fit."""

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
    line: int


def texts(right: Right) -> dict[str, str]:
    """The text of each part and of each helper module."""
    names = {part: f"{part}_{getattr(right, part)}.py" for part in FILES}
    names |= {helper: f"{helper}.py" for helper in right.helpers}
    found = {part: (HERE / "right" / name).read_text() for part, name in names.items()}
    for part, old, new in right.changes:
        assert old in found[part], f"{old!r} is not in {names[part]}"
        found[part] = found[part].replace(old, new, 1)
    return found


def write(right: Right, texts: Mapping[str, str], folder: Path) -> None:
    """Put all files of a submission into `folder`; what is at home in a notebook becomes one.

    Its cells begin with `# %%`; what the text says in Markdown is not code, and stays behind.
    """
    paths = dict(right.paths)
    for part, text in texts.items():
        path = folder / paths.get(part, FILES.get(part, f"{part}.py"))
        path.parent.mkdir(parents=True, exist_ok=True)
        cells = re.findall(r"^# %%\n(.*?)(?=^# %%|\Z)", text, flags=re.M | re.S)
        path.write_text(notebook(*cells) if path.suffix == ".ipynb" else text)


def places(folder: Path, texts: tuple[str, ...]) -> set[Place]:
    """Every line below `folder` that holds one of the texts; "*" is a file as a whole."""
    found = set[Place]()
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text())["cells"]
            code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
            listed = [(n, lines) for n, lines in enumerate(code, start=1)]
        elif path.suffix == ".py":
            listed = [(None, path.read_text().splitlines())]
        else:
            continue
        if "*" in texts:
            found.add(Place(path.relative_to(folder).as_posix(), None, None))
        for cell, lines in listed:
            for number, line in enumerate(lines, start=1):
                place = Place(path.relative_to(folder).as_posix(), cell, number)
                found |= {place} if any(text in line for text in texts) else set()
    return found
