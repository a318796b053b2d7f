"""The folders that a student's script writes to, and the pictures that the script saves."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from toolkit.assignment.running.record.script.tracer import Tracer
from toolkit.assignment.running.record.script.values import are_tensors, stacked

ELSEWHERE = "elsewhere"  # a folder in the root for files that a script writes elsewhere
SHOWS = {"imshow", "matshow", "imsave", "imwrite", "savefig", "show", "add_image", "add_images",
         "mimsave", "Image"}  # fmt: skip
WRITES = {"savefig", "imsave", "imwrite", "mimsave"}  # functions whose first argument is a file


def shown(tracer: Tracer, name: str, args: tuple[Any, ...]) -> None:
    """Record a picture that a script passes to a plotting or logging function, and make the folder
    for the picture's file. This function runs in place of the original, so nothing is drawn.
    """
    if name in WRITES and args and isinstance(args[0], str | os.PathLike):
        _writable(tracer, args[0])
    if name in SHOWS and tracer.on and not tracer.full():
        tracer.add("save", value=_picture(tracer, args))


def saved(tracer: Tracer, function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Record a picture that the script is about to save, and then call the original function, which
    saves it.
    """
    if not tracer.full():
        tracer.add("save", value=_picture(tracer, args))
    return function(*args, **kwargs)


def opened(
    tracer: Tracer, function: Any, /, file: Any, mode: str = "r", *args: Any, **kwargs: Any
) -> Any:
    """Open a file; if the file is opened for writing, first make its folder."""
    if isinstance(file, str | os.PathLike) and set(mode) & set("wax"):
        file = _writable(tracer, file)
    return function(file, mode, *args, **kwargs)


def stored(tracer: Tracer, function: Any, /, obj: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
    """Save a value with `torch.save`, after making the file's folder."""
    if isinstance(f, str | os.PathLike):
        f = _writable(tracer, f)
    return function(obj, f, *args, **kwargs)


def _writable(tracer: Tracer, file: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """Make a file's folder, and return the path to which the file can be written.

    If a file is outside `tracer.root` and its folder does not exist, the returned path is in a
    folder inside `tracer.root` instead.
    """
    if isinstance(file, str):  # for torch, backslashes separate folders
        file = file.replace("\\", "/")
    folder = Path(os.path.abspath(file)).parent
    if folder.is_dir():
        return file
    name = folder
    if folder.is_relative_to(Path.cwd()):
        name = folder.relative_to(Path.cwd())
    tracer.add("folder", folder=str(name))
    if folder.is_relative_to(tracer.root):
        folder.mkdir(parents=True, exist_ok=True)
        return file
    elsewhere = Path(tracer.root, ELSEWHERE)
    elsewhere.mkdir(parents=True, exist_ok=True)
    return elsewhere / Path(file).name


def _picture(tracer: Tracer, args: tuple[Any, ...]) -> dict[str, Any] | None:
    """Describe the first picture or list of pictures among the arguments, or return None if there
    is none.
    """
    for argument in args:
        pixels = _pixels(argument)
        if pixels is not None:
            return tracer.value(pixels)
    return None


def _pixels(argument: Any) -> Tensor | None:
    """Return the pixel values of a picture or of a list of pictures; None for any other value."""
    if isinstance(argument, Tensor):
        return argument
    if isinstance(argument, PIL.Image.Image):
        argument = np.asarray(argument)
    if isinstance(argument, np.ndarray) and argument.dtype.kind in "fiub":
        return torch.from_numpy(np.ascontiguousarray(argument))
    if not are_tensors(argument):
        return None
    first: Tensor = argument[0]
    together = stacked(argument)
    if together is None:
        return first
    return together
