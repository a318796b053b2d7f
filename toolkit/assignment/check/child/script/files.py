"""Makes folders that a student's script writes to, and notes the pictures that it saves."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from toolkit.assignment.check.child.script.trace import Trace

ELSEWHERE = "elsewhere"  # a folder in the root, for what would be written outside of it
SHOWS = {"imshow", "matshow", "imsave", "imwrite", "savefig", "show", "add_image", "add_images",
         "mimsave", "Image"}  # fmt: skip
WRITES = {"savefig", "imsave", "imwrite", "mimsave"}  # to what they are given first


def shown(trace: Trace, name: str, args: tuple[Any, ...]) -> None:
    """A function of a stand-in was called, which writes no file, but would."""
    if name in WRITES and args and isinstance(args[0], str | os.PathLike):
        _there(trace, args[0])
    if name in SHOWS and trace.on and not trace.full():
        trace.add("save", value=_picture(trace, args))


def saved(trace: Trace, function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """A picture is saved."""
    if not trace.full():
        trace.add("save", value=_picture(trace, args))
    return function(*args, **kwargs)


def opened(
    trace: Trace, function: Any, /, file: Any, mode: str = "r", *args: Any, **kwargs: Any
) -> Any:
    """A file is opened, to be read or written."""
    if isinstance(file, str | os.PathLike) and set(mode) & set("wax"):
        file = _there(trace, file)
    return function(file, mode, *args, **kwargs)


def stored(trace: Trace, function: Any, /, obj: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
    """`torch.save`."""
    f = _there(trace, f) if isinstance(f, str | os.PathLike) else f
    return function(obj, f, *args, **kwargs)


def _there(trace: Trace, file: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """The same path, in a folder that is there now; elsewhere if it lies outside the root."""
    if isinstance(file, str):  # torch takes a part between backslashes for a folder
        file = file.replace("\\", "/")
    folder = Path(os.path.abspath(file)).parent
    if folder.is_dir():
        return file
    inside = folder.is_relative_to(trace.root)
    place = folder if inside else Path(trace.root, ELSEWHERE)
    named = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    trace.add("folder", folder=str(named))
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
