"""A network on a GPU, on a machine that has none: where each tensor would be is only noted."""

import contextlib
import sys
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from toolkit.assignment.check.child.importing import forget_imports
from toolkit.assignment.check.child.lstm.tensors import loose_tensors
from toolkit.assignment.check.child.origins import address
from toolkit.assignment.check.child.places import place
from toolkit.assignment.check.child.script.devices import is_gpu
from toolkit.assignment.check.child.script.values import flat, tensors_in

GPU, CPU = torch.device("cuda", 0), torch.device("cpu")
MOVES = {"to", "cuda", "cpu", "type_as", "copy_", "new_zeros", "new_ones", "new_empty", "new_full",
         "new_tensor", "set_", "__get__", "__set__", "size", "dim", "item", "numpy"}  # fmt: skip


class LeftBehind(Exception):
    """An operation has inputs on both devices."""


class Elsewhere(TorchFunctionMode):
    """Pretends that there is a GPU, and finds what is on the CPU when it meets what is there.

    All is computed on the CPU; where a tensor would be is kept beside it, as far as it is known.

    Args:
        root: the student's folder.
    """

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = str(root)
        self.there: dict[int, bool] = {}  # id of a tensor -> whether it is on the GPU
        self.origin: dict[int, list[Any]] = {}  # id -> file, line and name, of what is not
        self.stores: dict[int, Tensor] = {}  # address of numbers -> the last tensor with these
        self.alive: list[Any] = []
        self.left: list[Any] | None = None

    def put(self, tensor: Tensor, there: bool, origin: list[Any] | None = None) -> None:
        """Say where a tensor is."""
        self.alive.append(tensor)
        self.there[id(tensor)] = there
        self.stores[address(tensor)] = tensor
        if not there and origin is not None:
            self.origin.setdefault(id(tensor), origin)

    def move(self, network: nn.Module, moved: Container[str]) -> None:
        """Its parameters and buffers go there, and what `moved` names; nothing else does."""
        for tensor in [*network.parameters(), *network.buffers()]:
            self.put(tensor, True)
        for name, tensor in loose_tensors(network):
            if not self.there.get(id(tensor)):
                self.origin[id(tensor)] = [None, None, name]
                self.put(tensor, name in moved)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Compute on the CPU, unless the inputs are on two devices."""
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        if func is torch.device:
            return func(*args, **kwargs)
        given = list(tensors_in(args, kwargs))
        asked = [x for x in flat(args, kwargs) if _is_device(x)]
        for x in given:
            self._recognise(x)
        where = [self.there[id(x)] for x in given if id(x) in self.there]
        if func == torch.Tensor.device.__get__:
            return GPU if self.there.get(id(args[0])) else CPU
        if func == torch.Tensor.is_cuda.__get__:  # type: ignore[attr-defined]
            return self.there.get(id(args[0]), False)
        args = tuple(CPU if _is_device(x) else x for x in args)
        kwargs = {k: CPU if _is_device(x) else x for k, x in kwargs.items()}
        moves = name in MOVES
        if not moves and where and not all(where):
            self._complain(given)
        result = args[0].clone() if name in ("cuda", "cpu") else func(*args, **kwargs)
        if name == "__get__":
            return result
        if name in ("cuda", "cpu"):
            there = name == "cuda"
        elif asked:
            there = is_gpu(asked[-1])
        elif moves and name in ("to", "type_as") and len(given) > 1:
            there = self.there.get(id(given[1]), True)
        elif not given:
            there = False
        elif where:
            there = where[0] if moves else any(where)
        else:
            return result  # nothing is known
        origin = next((self.origin[id(x)] for x in given if id(x) in self.origin), None)
        for x in tensors_in(result):
            if any(x is y for y in given) and moves and name == "to":
                x = result = x.clone()
            self.put(x, there, origin or [*place(self.root), None])
        return result

    def _recognise(self, tensor: Tensor) -> None:
        """What was made behind our back is where the tensor is that it shares its numbers with.

        A parameter that is made of a tensor is no call that passes through here.
        """
        known = self.stores.get(address(tensor))
        if id(tensor) not in self.there and known is not None:
            self.put(tensor, self.there[id(known)], self.origin.get(id(known)))

    def _complain(self, given: list[Tensor]) -> None:
        """Two devices meet: it is an error, but for numbers without an axis."""
        here = [x for x in given if self.there.get(id(x)) is False and x.dim() > 0]
        if any(self.there.get(id(x)) for x in given) and here:
            self.left = self.origin.get(id(here[0]))
            raise LeftBehind


def _is_device(x: Any) -> bool:
    return isinstance(x, torch.device) or (
        isinstance(x, str) and (x == "cpu" or x.startswith("cuda"))
    )


@contextlib.contextmanager
def pretend_gpu(root: Path, again: bool) -> Iterator[None]:
    """Inside this block torch says that there is a GPU.

    Args:
        again: forget the student's modules meanwhile, so that they are imported again.
    """
    before = dict(sys.modules)
    if again:
        forget_imports(root)
    try:
        with (
            patch.object(torch.cuda, "is_available", lambda: True),
            patch.object(torch.cuda, "device_count", lambda: 1),
        ):
            yield
    finally:
        sys.modules.update(before)
