"""Right solutions that faults are put into."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from public_code import code as wild
from public_code.wrappers import NAME, RECIPES, wrapper

RIGHT = Path(__file__).parents[2] / "tests" / "assignment" / "check" / "corpus" / "right"
FILES = {"dataset": "dataset.py", "lstm": "lstm.py", "train": "train.py", "gan": "my_gan.py"}


class Solution(NamedTuple):
    """A right submission: where it is, and which file is which part."""

    name: str
    files: dict[str, str]  # a file's path -> its text
    parts: dict[str, str]  # a part -> its file
    kind: str = ""  # the class to judge, for an LSTM in a wrapper
    until: int = 10**9  # lines from here on are ours


def own_solutions() -> Iterator[Solution]:
    """The right ones of the tests, as far as they are Python files."""
    sys.path.insert(0, str(RIGHT.parents[1]))
    from corpus import cases

    for name in cases.RIGHT:
        with tempfile.TemporaryDirectory() as directory:
            cases.write_right(name, Path(directory))
            paths = [p for p in Path(directory).rglob("*.py") if p.is_file()]
            files = {str(p.relative_to(directory)): p.read_text() for p in paths}
        parts = {part: file for part, file in FILES.items() if file in files}
        yield Solution(name, files, parts)


def wild_solutions(code: Path, half: str) -> Iterator[Solution]:
    """Right ones of others: LSTMs with our data and training, GANs as they are."""
    for kind in wild.KINDS:
        for entry in wild.entries(kind, half):
            if entry["verdict"] != "right":
                continue
            with tempfile.TemporaryDirectory() as directory:
                root = Path(directory)
                place = wild.arrange(entry, code, root)
                paths = [p for p in root.rglob("*.py") if p.is_file()]
                files = {str(p.relative_to(root)): p.read_text() for p in paths}
            parts = {kind: place.file}
            name = f"{entry['repository']}:{entry['path']}"
            if kind == "gan":
                yield Solution(name, files, parts)
                continue
            folder, until = Path(place.file).parent, files[place.file].count("\n")
            until -= wrapper(RECIPES[entry["repository"]]).count("\n")
            train = (RIGHT / "train_split.py").read_text()
            module = Path(place.file).stem
            train = train.replace("from lstm import LSTM", f"from {module} import Wrapped as LSTM")
            parts["train"] = str(folder / "our_train.py")
            files[parts["train"]] = train
            files[str(folder / "dataset.py")] = (RIGHT / "dataset_digits.py").read_text()
            yield Solution(name, files, parts, NAME, until)


def write(solution: Solution, root: Path, changed: dict[str, str]) -> None:
    """Put a solution into an empty folder, with other texts for some files."""
    for name, text in (solution.files | changed).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
