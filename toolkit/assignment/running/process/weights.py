"""Stand-ins: the objects that `torch.load` returns for weight files that were not handed in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch
from weakref import WeakSet

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim import Optimizer

COMPARISONS = ("__lt__", "__le__", "__gt__", "__ge__")


class Weights:
    """Keeps track of the missing weight files, and of the networks into which a stand-in for such a
    file was loaded.

    A network or an optimiser that loads its state from a missing file keeps its current values. A
    stand-in for a file is supplied only after a run has failed because the file was missing; this
    lets a script handle a missing file itself.
    """

    def __init__(self) -> None:
        self._wanted: set[str] = set()  # absolute paths that `torch.load` did not find
        self._provided: set[str] = set()
        self._networks: WeakSet[nn.Module] = WeakSet()  # networks that loaded missing weights
        self.used = False  # True if one of these networks has computed something

    def provide(self, path: str | None) -> bool:
        """From the next run of the script on, let `torch.load` return a stand-in object for a
        missing weight file instead of raising an error.

        Returns:
            False if no call of `torch.load` has failed because this file was missing, or if an
            earlier call of `provide` has already accepted the file.
        """
        wanted = os.path.abspath(path or "")
        is_new = wanted in self._wanted and wanted not in self._provided
        if is_new:
            self._provided.add(wanted)
        return is_new

    @contextmanager
    def standing_in(self, for_all: bool = False) -> Iterator[None]:
        """Within the `with` block, make `torch.load` return stand-ins for files that are missing.

        If `for_all` is not set, only the missing files for which `provide` has returned True are
        replaced with stand-ins.
        """
        self._networks.clear()
        self.used = False
        hook = register_module_forward_pre_hook(self._note_use)
        loads = partial(self._load, torch.load, for_all)
        network, optimizer = nn.Module.load_state_dict, Optimizer.load_state_dict
        take = self._take

        def load_network(owner: nn.Module, states: Any, *args: Any, **kwargs: Any) -> Any:
            return take(network, owner, states, *args, **kwargs)

        def load_optimizer(owner: Optimizer, states: Any, *args: Any, **kwargs: Any) -> Any:
            return take(optimizer, owner, states, *args, **kwargs)

        try:
            with (
                patch.object(torch, "load", loads),
                patch.object(nn.Module, "load_state_dict", load_network),
                patch.object(Optimizer, "load_state_dict", load_optimizer),
            ):
                yield
        finally:
            hook.remove()

    def _load(self, function: Any, for_all: bool, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except FileNotFoundError as error:
            path = os.path.abspath(str(error.filename))
            if for_all or path in self._provided:
                return StandIn(error)
            self._wanted.add(path)
            raise

    def _take(self, function: Any, /, owner: Any, states: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(states, StandIn):
            return function(owner, states, *args, **kwargs)
        if isinstance(owner, nn.Module):
            self._networks.update(owner.modules())
        return function(owner, owner.state_dict(), *args, **kwargs)

    def _note_use(self, network: nn.Module, inputs: Any) -> None:
        if network in self._networks:
            self.used = True


def _refuse(weights: Any, *args: Any, **kwargs: Any) -> Any:
    """Raise the `FileNotFoundError` that the attempt to load the missing file caused."""
    raise vars(weights)["_error"]


def _refuse_in_torch(
    kind: type, function: Any, types: Any, args: Any = (), kwargs: Any = None
) -> Any:
    """If a torch function receives a stand-in for the contents of a missing file, raise the error
    that the attempt to load this file caused.
    """
    for value in (*args, *(kwargs or {}).values()):
        if isinstance(value, kind):
            _refuse(value)
    return NotImplemented


def _refuses_all_else(kind: type) -> type:
    """Add the operators and other special methods that a class lacks; each of them raises the
    `FileNotFoundError` that the attempt to load a missing weight file caused.
    """
    operators = {*dir(float), *dir(int), *dir(list), *dir(dict)} - {*dir(object), *vars(kind)}
    for name in (*operators, *COMPARISONS, "__call__"):
        if name.startswith("__"):
            setattr(kind, name, _refuse)
    kind.__torch_function__ = classmethod(_refuse_in_torch)  # type: ignore[attr-defined]
    return kind


@_refuses_all_else
class StandIn:
    """A stand-in for the object that `torch.load` would return for a missing file; the stand-in
    also replaces each item of this object.

    The stand-in can be indexed, formatted and passed to `load_state_dict`; almost any other use
    raises the error for the missing file.
    """

    def __init__(self, error: FileNotFoundError) -> None:
        self.__dict__["_error"] = error

    def __getitem__(self, key: Any) -> "StandIn":
        return self

    def __format__(self, how: str) -> str:
        return "?"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._error
