"""What a case of the corpus is, and how it is written into a folder."""

import json
import re
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
FILES = {"dataset": "dataset.py", "lstm": "lstm.py", "train": "train.py", "gan": "my_gan.py"}


class Change(NamedTuple):
    """What is written in the place of something else, in one file of a submission."""

    part: str  # or the name of a helper module
    old: str  # "" for the whole file; all from here on if it ends in "..."
    new: str  # with `old` = "": the name of a file in wrong/


class Right(NamedTuple):
    """Which of the files in `right/` stand together, and what is replaced to make them fit."""

    dataset: str
    lstm: str
    train: str
    gan: str
    changes: tuple[Change | tuple[str, str, str], ...] = ()
    helpers: tuple[str, ...] = ()  # further files of right/, which lie beside the one before
    paths: tuple[tuple[str, str], ...] = ()  # (part or helper, where it is instead)
    probabilities: bool = False  # the LSTM gives these, so only its loss shows that it is right


class Fault(NamedTuple):
    """One thing that is wrong, and how it should be named.

    `at` are pieces of text. A line that holds one of them, in any file of the submission, is one
    where a student would change something; without any, no line is asked for.
    """

    id: str
    at: tuple[str, ...] = ()
    equation: int | None = None
    instead: tuple[str, ...] = ()  # other ids that would do as well, with any equation


class Wrong(NamedTuple):
    """A misconception, and what the checker should call it."""

    base: str
    changes: tuple[Change, ...]
    faults: tuple[Fault, ...]  # all of them should be named
    parts: tuple[str, ...]  # whose check should find it, all together
    also: tuple[str, ...] = ()  # ids that are true as well: they may be named, and need not

    @property
    def part(self) -> str:
        """The part with the first change."""
        return self.changes[0].part

    @property
    def id(self) -> str:
        """The id of the first fault."""
        return self.faults[0].id


class Unseen(NamedTuple):
    """What cannot be looked at here, and is no fault of the student's."""

    base: str
    changes: tuple[Change, ...]
    parts: tuple[str, ...]


class Place(NamedTuple):
    """A line of a file, or of one of a notebook's code cells."""

    file: str
    cell: int | None
    line: int


def write(right: Right, changes: tuple[Change, ...], folder: Path) -> None:
    """Put all files of a submission into `folder`; what is at home in a notebook becomes one."""
    paths = dict(right.paths)
    names = {part: f"{part}_{getattr(right, part)}.py" for part in FILES}
    names |= {helper: f"{helper}.py" for helper in right.helpers}
    for part, name in names.items():
        text = (HERE / "right" / name).read_text()
        for change in (Change(*change) for change in (*right.changes, *changes)):
            if change.part == part:
                text = _changed(text, change)
        path = folder / paths.get(part, FILES.get(part, name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(notebook(text) if path.suffix == ".ipynb" else text)


def _changed(text: str, change: Change) -> str:
    if not change.old:
        return (HERE / "wrong" / change.new).read_text()
    old = change.old.removesuffix("...")
    assert old in text, f"{old!r} is not in the base"
    kept, _, rest = text.partition(old)
    return kept + change.new + (rest if old == change.old else "")


def notebook(text: str) -> str:
    """A Jupyter notebook, from a file whose cells begin with `# %%`."""
    cells = []
    for kind, source in re.findall(
        r"^# %%( \[markdown\])?\n(.*?)(?=^# %%|\Z)", text, flags=re.M | re.S
    ):
        lines = source.rstrip("\n").splitlines(keepends=True)
        if kind:
            stripped = [line.removeprefix("# ") for line in lines]
            cells.append({"cell_type": "markdown", "metadata": {}, "source": stripped})
        else:
            drawn = {"output_type": "display_data", "metadata": {}, "data": {"image/png": PICTURE}}
            empty = {"metadata": {}, "execution_count": None, "outputs": [drawn]}
            cells.append({"cell_type": "code", "source": lines} | empty)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


# One white pixel: what a cell has drawn is not what it says.
PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2cQAAAABJRU5ErkJggg=="
)


def places(folder: Path, texts: tuple[str, ...]) -> set[Place]:
    """Every line below `folder` that holds one of the texts; each of them is somewhere."""
    found = {text: set[Place]() for text in texts}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text())["cells"]
            code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
            listed = [(n, lines) for n, lines in enumerate(code, start=1)]
        elif path.suffix == ".py":
            listed = [(None, path.read_text().splitlines())]
        else:
            continue
        for cell, lines in listed:
            for number, line in enumerate(lines, start=1):
                place = Place(path.relative_to(folder).as_posix(), cell, number)
                for text in texts:
                    if text in line:
                        found[text].add(place)
    assert all(found.values()), f"{[text for text in texts if not found[text]]} are not there"
    return set().union(*found.values())


def planted(
    base: str,
    part: str,
    old: str,
    new: str,
    id: str,
    *at: str,
    equation: int | None = None,
    found_in: str | None = None,
    also: tuple[str, ...] = (),
    instead: tuple[str, ...] = (),
    more: tuple[Change | tuple[str, str, str], ...] = (),
) -> Wrong:
    """A case with one fault; `at` is `new` unless it says something else."""
    return Wrong(
        base,
        (Change(part, old, new), *(Change(*change) for change in more)),
        (Fault(id, at or (new,), equation, instead),),
        tuple(dict.fromkeys((found_in or part).split(" and "))),
        also,
    )
