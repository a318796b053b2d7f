"""Importing a student's files, and calling what is in them by its likely names."""

import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any


class UnknownParameter(Exception):
    """A student's function has a parameter, named here, that the check knows no value for."""


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


def find_class(file: Path, base: type, *words: str) -> type | None:
    """Import a student's file and find the class derived from `base` that is called like a word."""
    kind: type | None = pick(classes(import_file(file), base), *(word.lower() for word in words))
    return kind
