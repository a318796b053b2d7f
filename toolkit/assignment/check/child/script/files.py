"""Makes folders that a student's script writes to, and notes the pictures that it saves."""

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

from toolkit.assignment.check.child.script.trace import Trace
from toolkit.assignment.check.child.stand_ins import StandIns

ELSEWHERE = "elsewhere"  # a folder in the root, for what would be written outside of it
SHOWS = {"imshow", "matshow", "imsave", "imwrite", "savefig", "show", "add_image", "add_images",
         "mimsave", "Image"}  # fmt: skip


@contextmanager
def watching_files(trace: Trace, root: Path, stand_ins: StandIns) -> Iterator[None]:
    """Inside this block missing folders are made, and pictures are noted."""
    folders = _Folders(trace, root)

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
    def __init__(self, trace: Trace, root: Path) -> None:
        self._trace = trace
        self._root = root

    def opener(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def open(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if isinstance(file, str | os.PathLike) and set(mode) & set("wax"):
                file = self._there(file)
            elif isinstance(file, str | os.PathLike) and self._trace.on:
                file = self._found(file)
            return function(file, mode, *args, **kwargs)

        return open

    def saver(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def save(obj: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
            return function(obj, self._there(f) if isinstance(f, str | os.PathLike) else f, *args,
                            **kwargs)  # fmt: skip

        return save

    def _found(self, file: str | os.PathLike[str]) -> str | os.PathLike[str]:
        """A file that is to be read: where it was saved."""
        if isinstance(file, str) and "\\" in file:
            windows = PureWindowsPath(file)
            for place in (Path(windows.as_posix()), self._root / ELSEWHERE / windows.name):
                if place.exists():
                    return place
        return file

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
        place.mkdir(parents=True, exist_ok=True)
        return file if inside else place / Path(file).name


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
