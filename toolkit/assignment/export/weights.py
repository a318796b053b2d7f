"""The weights that a student's trainings have saved, and which of them belong to a network."""

import pickle
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from toolkit.assignment.check.host import Student, StudentError
from toolkit.assignment.parts import list_files
from toolkit.common.errors import ToolkitError, UsageError
from toolkit.export.manifest import read_manifest

SUFFIXES = {".pt", ".pth", ".pkl", ".ckpt", ".bin", ".model"}
Weights = Mapping[str, Tensor]
Fit = TypeVar("Fit")


class Missing(Exception):
    """A network or its weights are not there, or there are several: a sentence."""


class Saved:
    """The files with weights in a hand-in.

    Args:
        folder: the hand-in.
        root: its copy, which the child sees.
        chosen: the files that count, wherever they are; else all in the folder.

    Raises:
        UsageError: a chosen file is not there.
        ToolkitError: there is none in the folder.
    """

    def __init__(self, folder: Path, root: Path, chosen: Sequence[Path]) -> None:
        self.folder, self._root = folder, root
        self.films: dict[Path, Sequence[Any]] = {}  # of files that were read: frames beside weights
        own = [folder / path for path in list_files(folder) if path.suffix.lower() in SUFFIXES]
        self._paths = list(chosen) or [path for path in own if not is_export(path)]
        for path in chosen:
            if not path.is_file():
                raise UsageError(f"{path} is no file. Give one that torch.save has written.")
        if not self._paths:
            raise ToolkitError(
                f"{folder} has no weights. Call keep_weights at the end of the training, as the "
                "skeleton has it, and train again; or name a file of torch.save with --weights."
            )

    def of(
        self, what: str, student: Student, fits: Callable[[Weights], Fit | None]
    ) -> tuple[Path, Fit]:
        """The one file that has the weights of a network, and what `fits` makes of them.

        Raises:
            Missing: there is none, or more than one.
        """
        found = {}
        for path in self._paths:
            for states in self._in(path, student):
                if (fit := fits(states)) is not None:
                    found[path] = fit
        if len(found) == 1:
            return found.popitem()
        if found:
            names = ", ".join(map(str, found))
            raise Missing(f"{what}: {names} have its weights. Name one of them with --weights.")
        raise Missing(f"{what}: none of the weights fits it ({', '.join(map(str, self._paths))}).")

    def _in(self, path: Path, student: Student) -> Iterator[Weights]:
        """The state_dicts in a file; whole networks are read in the student's process."""
        try:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
            if isinstance(loaded, dict) and isinstance(frames := loaded.get("film"), list):
                self.films[path] = frames
            yield from state_dicts(loaded)
        except pickle.UnpicklingError:
            copy = self._root / f"weights-{self._paths.index(path)}"
            shutil.copyfile(path, copy)
            try:
                yield from student.ask("unpickle", file=copy.name)
            except StudentError:  # another class, of a network that is not this one
                return
        except (RuntimeError, EOFError, ValueError, OSError):  # no file of torch.save
            return


def is_export(path: Path) -> bool:
    """True if there is a manifest beside a file and it lists the file."""
    try:
        return path.name in read_manifest(path.parent)
    except ToolkitError:  # that is the manifest of something else
        return False


def state_dicts(loaded: Any, depth: int = 0) -> Iterator[dict[str, Tensor]]:
    """The state_dicts in what was saved: it, or those in the values of a dictionary."""
    if isinstance(loaded, Mapping) and depth < 3:
        tensors = {
            str(n).removeprefix("module."): x for n, x in loaded.items() if torch.is_tensor(x)
        }
        if tensors and len(tensors) == len(loaded):
            yield tensors
        for value in loaded.values():
            yield from state_dicts(value, depth + 1)
