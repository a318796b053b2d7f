"""Torch's compiler, imported when somebody wants it and not before.

Importing `torch._dynamo` takes longer than checking a part. Torchvision imports it to ask one
question, and every optimiser at its first step, only to tell it to stay away. Both get an answer
here; whatever else is asked of it imports it. Compiling takes longer than a check may, and what is
compiled computes the same, so `torch.compile` does nothing.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

import torch

NAME = "torch._dynamo"


class _Later(ModuleType):
    """Stands for a module of the compiler until something is asked that only the module knows."""

    def __getattr__(self, name: str) -> Any:
        asked_of_all = name.startswith("__")  # by `inspect` and the import system
        if asked_of_all and (self.__name__, name) != (NAME, "__path__"):
            raise AttributeError(name)
        for module in (NAME, f"{NAME}.utils"):
            if isinstance(sys.modules.get(module), _Later):
                del sys.modules[module]
        vars(torch).pop("_dynamo", None)
        return getattr(importlib.import_module(self.__name__), name)


def _as_it_is(model: Any = None, **options: Any) -> Any:
    """`torch.compile`, as a function or as a decorator: what it is given, which does the same."""
    if model is None:
        return _as_it_is  # the decorator
    return model


def postpone_compiler() -> None:
    """Keep torch's compiler from being imported until it is used; a model is not compiled."""
    torch.compile = _as_it_is
    if NAME in sys.modules:
        return
    package, utils = _Later(NAME), _Later(f"{NAME}.utils")
    vars(package).update(
        graph_break=lambda *args, **kwargs: None,
        disable=lambda fn, recursive=True, **kwargs: fn,
    )
    vars(utils)["is_compile_supported"] = lambda device: False
    sys.modules[NAME], sys.modules[f"{NAME}.utils"] = package, utils
    torch._dynamo = package
