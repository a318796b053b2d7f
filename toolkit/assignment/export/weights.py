"""The weights saved by a student's training runs, and the networks to which the weights belong."""

import pickle
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from toolkit.assignment.asking.host import GANChild, LSTMChild, StudentError
from toolkit.assignment.running.parts import list_files
from toolkit.common.errors import ToolkitError, UsageError
from toolkit.export.manifest import read_manifest

SUFFIXES = {".pt", ".pth", ".pkl", ".ckpt", ".bin", ".model"}
Weights = Mapping[str, Tensor]
Fit = TypeVar("Fit")


class Missing(Exception):
    """The error raised when networks or weights are missing; its message is a sentence written for
    the user.
    """


class Saved:
    """The weight files of a submission.

    Args:
        folder: the submission.
        root: the folder with the copy of the submission that the child process uses.
        chosen: weight files, in any folder, that are read before those in `folder`.

    Raises:
        UsageError: a chosen file is missing.
        ToolkitError: no file was chosen, and the folder contains no weight file.
    """

    def __init__(self, folder: Path, root: Path, chosen: Sequence[Path]) -> None:
        self.folder, self._root = folder, root
        self.films: dict[Path, Sequence[Any]] = {}  # file -> the frames of the film in the file
        self._chosen, self._others = list(chosen), _files_with_weights(folder)
        self._paths = self._chosen + self._others
        self._used: set[Path] = set()
        for path in chosen:
            if not path.is_file():
                raise UsageError(f"{path} is not a file. Give one that torch.save has written.")
        if not self._paths:
            raise ToolkitError(
                f"{folder} has no weights. Call keep_weights at the end of the training, as the "
                "skeleton has it, and train again; or name a file of torch.save with --weights."
            )

    def of(
        self, network: str, child: LSTMChild | GANChild, fits: Callable[[Weights], Fit | None]
    ) -> tuple[Path, Fit]:
        """Return the only file that contains a network's weights, and the value that `fits` returns
        for these weights. The files that the user named are searched first. The other files in the
        folder are searched only if none of the named files contains the network's weights.

        Args:
            network: the network's name in messages, e.g. "The LSTM".
            fits: a function that takes saved weights; it returns None if they belong to another
                network, and any other value if they belong to this one.

        Raises:
            Missing: no file contains the network's weights.
            ToolkitError: the network's weights are in more than one chosen file or, if no chosen
                file contains them, in more than one other file.
        """
        for paths in (self._chosen, self._others):
            fitting = {}
            for path in paths:
                for states in self._in(path, child):
                    fit = fits(states)
                    if fit is not None:
                        fitting[path] = fit
            self._used |= fitting.keys()
            if len(fitting) == 1:
                return fitting.popitem()
            if fitting:
                names = ", ".join(map(str, fitting))
                raise ToolkitError(
                    f"{network}: {names} have its weights. Name one of them with --weights."
                )
        names = ", ".join(map(str, self._paths))
        raise Missing(f"{network}: none of the weights fits it ({names}).")

    def unused(self) -> list[Path]:
        """Return the weight files that the user chose but whose weights belong to none of the
        networks.
        """
        return [path for path in self._chosen if path not in self._used]

    def _in(self, path: Path, child: LSTMChild | GANChild) -> Iterator[Weights]:
        """Yield the state_dicts in a file.

        If a file contains a whole network rather than only its weights, it is unpickled in the
        child process, because unpickling can run arbitrary code.
        """
        try:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
            frames = loaded.get("film") if isinstance(loaded, dict) else None
            if isinstance(frames, list):
                self.films[path] = frames
            yield from state_dicts(loaded)
        except pickle.UnpicklingError:
            copy = self._root / f"weights-{self._paths.index(path)}"
            shutil.copyfile(path, copy)
            try:
                yield from child.ask.unpickle(file=copy.name)
            except StudentError:  # the file has a network of another class
                return
        except (RuntimeError, EOFError, ValueError, OSError):  # torch.save did not write this file
            return


def _files_with_weights(folder: Path) -> list[Path]:
    """Return the files of a submission that have one of the usual suffixes of weight files.

    The result does not include files that `toolkit export` has written.
    """
    paths = []
    for relative in list_files(folder):
        path = folder / relative
        if path.suffix.lower() in SUFFIXES and not is_export(path):
            paths.append(path)
    return paths


def is_export(path: Path) -> bool:
    """Return True if a file is an export, that is, if the manifest in the same folder lists it."""
    try:
        return path.name in read_manifest(path.parent)
    except ToolkitError:  # the manifest is from another program
        return False


def state_dicts(loaded: Any, depth: int = 0) -> Iterator[dict[str, Tensor]]:
    """Yield the state_dicts in a saved object, which may itself be one or contain several."""
    if not isinstance(loaded, Mapping) or depth == 3:
        return
    if loaded and all(map(torch.is_tensor, loaded.values())):
        yield {str(name).removeprefix("module."): tensor for name, tensor in loaded.items()}
    for value in loaded.values():
        yield from state_dicts(value, depth + 1)
