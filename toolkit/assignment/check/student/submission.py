"""Importing a student's files, and calling what is in them by its likely names."""

import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from toolkit.assignment.check.findings import Id
from toolkit.assignment.check.student.lines import place_of


class UnknownParameter(Exception):
    """A student's function has a parameter, named here, that the check knows no value for."""


class Fault(NamedTuple):
    """What an exception in a student's code means."""

    id: Id
    message: str
    file: str | None
    line: int | None


def import_file(path: Path) -> ModuleType:
    """Import a student's file under its own name, its folder first on the path.

    Raises:
        whatever the file raises.
    """
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def classes(module: ModuleType, base: type) -> dict[str, type]:
    """The classes derived from `base` in a module that are not torch's own, by name."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, base)
        and value.__module__.partition(".")[0] not in ("torch", "torchvision")
    }


def pick(candidates: Mapping[str, Any], *words: str) -> Any | None:
    """The candidate that is called like the first word that fits: exactly, else as a part."""
    for word in words:
        for exact in (True, False):
            for name, value in candidates.items():
                if name.lower() == word or (not exact and word in name.lower()):
                    return value
    return None


def call(function: Any, known: Mapping[str, Any]) -> Any:
    """Call a student's function with the values that its parameters' names ask for.

    Args:
        known: lower-case name -> value. A parameter takes the value of its own name.

    Raises:
        UnknownParameter: a parameter without a default has a name that is not in `known`.
    """
    arguments: dict[str, Any] = {}
    positional: list[Any] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name.lower() in known:
            value = known[name.lower()]
        elif parameter.default is not parameter.empty:
            continue
        else:
            raise UnknownParameter(name)
        if parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(value)
        else:
            arguments[name] = value
    return function(*positional, **arguments)


def diagnose(error: BaseException, root: Path, importing: bool = False) -> Fault:
    """What an exception from a student's code means for them, and which line raised it."""
    file, line = place_of(error, root)
    text = f"{type(error).__name__}: {error}".strip().splitlines()[0][:300]
    if isinstance(error, NotImplementedError):
        what = f": {error}" if str(error) else ""
        return Fault("not-written", f"This is still to be written{what}.", file, line)
    if isinstance(error, UnknownParameter):
        message = (
            f"This was not tried, because the check does not know what to pass for {error}. Give "
            "this parameter a default, or a name from the assignment: seq_length, input_dim, "
            "hidden_dim, output_dim, batch_size, device."
        )
        return Fault("not-watched", message, file, line)
    if any(word in text for word in ("CUDA", "cuda", "NVIDIA")):
        message = (
            f"The code asks for a GPU, and there is none ({text}). The same code should run on a "
            "CPU. What decides where a tensor goes?"
        )
        return Fault("fixed-device", message, file, line)
    if "backward through the graph a second time" in text:
        message = (
            "Two backward passes go through the same graph. In the discriminator's step, are the "
            "generated images still connected to the generator?"
        )
        return Fault("missing-detach", message, file, line)
    if isinstance(error, ModuleNotFoundError):
        message = (
            f"Python cannot import this file: {text}. Is that module in the folder that you hand "
            "in? Of other packages, the grader has those that come with the toolkit."
        )
        return Fault("does-not-import", message, file, line)
    if importing:
        return Fault("does-not-import", f"Python cannot import this file: {text}.", file, line)
    return Fault("does-not-run", f"The code stops with {text}.", file, line)
