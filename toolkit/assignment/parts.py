"""The four files of a submission: what they are called, and the one rule where they are found."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

Part = Literal["dataset", "lstm", "train", "gan"]
PARTS: tuple[Part, ...] = get_args(Part)
FILES: dict[Part, str] = {
    "dataset": "dataset.py",
    "lstm": "lstm.py",
    "train": "train.py",
    "gan": "my_gan.py",
}
TITLES: dict[Part, str] = {
    "dataset": "Part I, palindromes (dataset.py)",
    "lstm": "Part I, the LSTM (lstm.py)",
    "train": "Part I, training (train.py)",
    "gan": "Part II, the GAN (my_gan.py)",
}
MAX_FILES = 20_000  # listed below a folder; more is no submission
# Folders with files of others; so has everything that is hidden.
NOT_THEIRS = {"__pycache__", "venv", "site-packages", "node_modules", "__MACOSX"}


def find_parts(paths: Iterable[PurePosixPath]) -> dict[Part, PurePosixPath]:
    """The file of each part among the paths of a submission; what is missing is left out.

    Of several files with the right name, in any case, the one that lies least deep is taken, and of
    those the first by name.
    """
    found: dict[Part, PurePosixPath] = {}
    candidates = sorted(filter(is_theirs, paths), key=lambda path: (len(path.parts), str(path)))
    for path in candidates:
        for part, name in FILES.items():
            if path.name.lower() == name:
                found.setdefault(part, path)
    return found


def list_files(root: Path) -> list[PurePosixPath]:
    """The files below a folder that may be a student's, relative to it; no links."""
    waiting, found, seen = [root], [], 0
    while waiting and seen < MAX_FILES:
        for path in sorted(waiting.pop(0).iterdir()):
            seen += 1
            relative = PurePosixPath(path.relative_to(root).as_posix())
            if path.is_symlink() or not is_theirs(relative):
                continue
            if path.is_dir():
                waiting.append(path)
            elif path.is_file():
                found.append(relative)
    return found


def is_theirs(path: PurePosixPath) -> bool:
    """Whether a file may be a student's own, rather than hidden or made by a tool."""
    return not any(part in NOT_THEIRS or part.startswith(".") for part in path.parts)
