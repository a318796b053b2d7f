"""The names of the four parts of a submission, and functions that list the files and folders that
may be the student's own work.
"""

from collections.abc import Iterator
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
    "dataset": "Part I, palindromes",
    "lstm": "Part I, the LSTM",
    "train": "Part I, training",
    "gan": "Part II, the GAN",
}
MAX_FILES = 20_000  # a folder with more files is not a submission
MAX_DEPTH = 50  # of nested folders; deeper folders are not part of a submission
# Folders with files that the student did not write; hidden files are not the student's, either.
NOT_THEIRS = {"__pycache__", "venv", "site-packages", "node_modules", "__MACOSX"}


def list_files(root: Path) -> list[PurePosixPath]:
    """Return all files below a folder, except hidden files and files made by tools.

    The paths are relative to the folder, and links are left out.
    """
    return [path for path, is_folder in _walk(root) if not is_folder]


def list_folders(root: Path) -> list[PurePosixPath]:
    """Return all subfolders down to a depth of `MAX_DEPTH`, except hidden folders and folders
    created by programs, such as `__pycache__`.

    The paths are relative to the folder, and links are left out.
    """
    return [path for path, is_folder in _walk(root) if is_folder]


def _walk(root: Path) -> Iterator[tuple[PurePosixPath, bool]]:
    """For each file and folder that may be the student's own work, yield its path and whether it is
    a folder. Links, hidden files and folders, the contents of virtual environments, and folders
    that programs create, such as `__pycache__`, are left out.
    """
    waiting, count = [root], 0
    while waiting and count < MAX_FILES:
        inside = sorted(waiting.pop(0).iterdir())
        if any(path.name == "pyvenv.cfg" for path in inside):  # a virtual environment
            continue
        for path in inside:
            count += 1
            relative = PurePosixPath(path.relative_to(root).as_posix())
            if path.is_symlink() or not is_theirs(relative):
                continue
            if path.is_dir():
                if len(relative.parts) < MAX_DEPTH:
                    waiting.append(path)
                yield relative, True
            elif path.is_file():
                yield relative, False


def is_theirs(path: PurePosixPath) -> bool:
    """Return True if a student may have written a file: it is neither hidden nor made by a tool."""
    return not any(part in NOT_THEIRS or part.startswith(".") for part in path.parts)
