"""Makes folders that a student's script writes to, and notes the pictures that it saves.

A file of digits that is not there is written when it is opened.
"""

import builtins
import io
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PureWindowsPath
from typing import Any
from unittest.mock import patch

import numpy as np
import PIL.Image
import torch
import torchvision.utils
from torch import Tensor

from toolkit.assignment.check.child.script.digits import (
    PICTURES,
    Digits,
    write_file,
    write_pictures,
)
from toolkit.assignment.check.child.script.trace import Trace
from toolkit.assignment.check.child.stand_ins import StandIns

ELSEWHERE = "elsewhere"  # a folder in the root, for what would be written outside of it
DATA = {"", ".csv", ".tsv", ".npz", ".npy", ".gz", ".mat", ".h5", ".hdf5", ".parquet", ".idx",
        ".png", ".jpg", ".zip", ".pkl", ".txt"}  # fmt: skip
SHOWS = {"imshow", "matshow", "imsave", "imwrite", "savefig", "show", "add_image", "add_images",
         "mimsave", "Image"}  # fmt: skip


@contextmanager
def watching_files(
    trace: Trace, root: Path, stand_ins: StandIns, digits: Digits | None = None
) -> Iterator[None]:
    """Inside this block missing folders are made, and pictures are noted."""
    folders = _Folders(trace, root, digits)

    def heard(name: str, args: tuple[Any, ...]) -> None:
        if name in SHOWS and trace.on and not trace.full():
            trace.add("save", name=name, value=_picture(trace, args))

    def saver(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def save(*args: Any, **kwargs: Any) -> Any:
            if trace.on and not trace.full():
                trace.add("save", name=name, value=_picture(trace, args))
            return function(*args, **kwargs)

        return save

    with ExitStack() as stack:
        for owner in (builtins, io):
            stack.enter_context(patch.object(owner, "open", folders.opener(owner.open)))
        stack.enter_context(patch.object(torch, "save", folders.saver(torch.save)))
        stack.enter_context(patch.object(os, "mkdir", folders.maker(os.mkdir)))
        stack.enter_context(patch.object(os, "listdir", folders.lister(os.listdir)))
        savers: tuple[tuple[Any, str], ...] = (
            (torchvision.utils, "save_image"),
            (PIL.Image.Image, "save"),
        )
        for owner, name in savers:
            stack.enter_context(patch.object(owner, name, saver(getattr(owner, name), name)))
        stack.enter_context(patch.object(stand_ins, "heard", heard))
        stack.enter_context(
            patch.object(stand_ins, "replaced", lambda name: trace.add("stand_in", name=name))
        )
        yield


class _Folders:
    def __init__(self, trace: Trace, root: Path, digits: Digits | None) -> None:
        self._trace = trace
        self._root = root
        self._digits = digits

    def opener(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def open(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if isinstance(file, str | os.PathLike) and set(mode) & set("wax"):
                file = self._there(file)
            elif isinstance(file, str | os.PathLike) and self._trace.on:
                file = self._found(file)
            return function(file, mode, *args, **kwargs)

        return open

    def lister(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def listdir(path: Any = ".") -> Any:
            if isinstance(path, str | os.PathLike) and self._digits is not None and self._trace.on:
                folder = Path(os.path.abspath(path))
                inside = folder.is_relative_to(self._root) and not folder.exists()
                if inside and PICTURES.search(str(folder.relative_to(self._root))):
                    with self._unwatched():
                        write_pictures(folder, self._digits)
            return function(path)

        return listdir

    @contextmanager
    def _unwatched(self) -> Iterator[None]:
        self._trace.on = False
        try:
            yield
        finally:
            self._trace.on = True

    def saver(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def save(obj: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
            return function(obj, self._there(f) if isinstance(f, str | os.PathLike) else f, *args,
                            **kwargs)  # fmt: skip

        return save

    def maker(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def mkdir(path: Any, *args: Any, **kwargs: Any) -> None:
            where = self._there(path) if isinstance(path, str | os.PathLike) else path
            function(where, *args, **kwargs)

        return mkdir

    def _found(self, file: str | os.PathLike[str]) -> str | os.PathLike[str]:
        """A file that is to be read: where it was saved, or one of digits that was not there."""
        if isinstance(file, str) and "\\" in file:
            windows = PureWindowsPath(file)
            for place in (Path(windows.as_posix()), self._root / ELSEWHERE / windows.name):
                if place.exists():
                    return place
        if self._digits is None or os.path.exists(file):
            return file
        with self._unwatched():
            return write_file(Path(os.fsdecode(file)), self._digits, self._root / ELSEWHERE) or file

    def _there(self, file: str | os.PathLike[str]) -> str | os.PathLike[str]:
        """The same path, in a folder that is there now; elsewhere if it lies outside the root."""
        if isinstance(file, str) and "\\" in file:  # else all of it is the name of one file
            file = PureWindowsPath(file).as_posix()
        folder = Path(file if str(file)[1:2] == ":" else os.path.abspath(file)).parent
        if folder.is_dir() or not self._trace.on:
            return file
        inside = folder.is_relative_to(self._root)
        place = folder if inside else self._root / ELSEWHERE
        named = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
        self._trace.add("folder", folder=str(named))
        with self._unwatched():
            place.mkdir(parents=True, exist_ok=True)
        return file if inside else place / Path(file).name


def is_data(name: object) -> bool:
    """Whether a missing file is one that data is kept in, by its name; a folder may be one too."""
    suffix = Path(name).suffix.lower() if isinstance(name, str) else "."
    return suffix in DATA or "ubyte" in suffix


def _picture(trace: Trace, args: tuple[Any, ...]) -> dict[str, Any] | None:
    """The first argument that is a picture, or a list of pictures."""
    for x in args:
        if isinstance(x, PIL.Image.Image):
            x = np.asarray(x)
        if isinstance(x, np.ndarray) and x.dtype != object and x.dtype.kind in "fiub":
            return trace.value(torch.from_numpy(np.ascontiguousarray(x)))
        if isinstance(x, list | tuple) and x and all(isinstance(y, Tensor) for y in x):
            x = torch.stack(list(x)) if len({y.shape for y in x}) == 1 else x[0]
        if isinstance(x, Tensor):
            return trace.value(x)
    return None
