"""Postpones the import of torch's compiler until some code needs it.

Importing `torch._dynamo` takes longer than checking one part of a submission. Torchvision imports
the compiler only to find out whether compilation is supported on a device. Every optimiser imports
the compiler at its first step, only to exclude the step from compilation. This module replaces the
functions of the compiler that torchvision and the optimisers call; the replacements do not import
the compiler. If the compiler is used in any other way, it is imported. Compiling takes longer than
a check is allowed to take, and compiled code computes the same results. This module therefore makes
`torch.compile` a no-op.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

import torch

NAME = "torch._dynamo"


class _Later(ModuleType):
    """A placeholder for one of the compiler's modules; it imports the real module when
    necessary.
    """

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
    """The replacement for `torch.compile`: return the model unchanged or, if no model is passed, a
    decorator that returns its model unchanged.
    """
    if model is None:
        return _as_it_is  # the decorator
    return model


def postpone_compiler() -> None:
    """Postpone the import of torch's compiler until it is used, and make `torch.compile` a
    no-op.
    """
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
