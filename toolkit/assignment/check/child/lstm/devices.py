"""A network on another device than the CPU, on a machine that has none: the meta device."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from toolkit.assignment.check.child.lstm.operations import flat
from toolkit.assignment.check.child.recorder import frames_in


class LeftBehind(Exception):
    """An operation has inputs on both devices."""


class Elsewhere(TorchDispatchMode):
    """Finds what is still on the CPU when it meets a tensor on the meta device.

    Args:
        root: the student's folder.
        loose: id of a tensor that does not move with the network -> its name.
    """

    def __init__(self, root: Path, loose: dict[int, str]) -> None:
        super().__init__()
        self.root = str(root)
        self.loose = loose
        self.made: dict[int, tuple[str | None, int | None]] = {}  # id -> where it comes from
        self.alive: list[Tensor] = []
        self.left: list[Any] | None = None  # file, line, name

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Compute, unless the inputs are on two devices."""
        given = [x for x in flat([list(args), list((kwargs or {}).values())])
                 if isinstance(x, Tensor)]  # fmt: skip
        here = [x for x in given if x.device.type == "cpu"]
        name = func.overloadpacket.__name__
        origin = next((self.made[id(x)] for x in here if id(x) in self.made), None)
        if here and len(here) < len(given) and name not in ("_to_copy", "copy_", "to"):
            large = [x for x in here if x.dim() > 0]
            for x in large:
                if id(x) in self.loose:
                    self.left = [None, None, self.loose[id(x)]]
                    raise LeftBehind
                if id(x) in self.made:
                    self.left = [*self.made[id(x)], None]
                    raise LeftBehind
            if large:
                args = _moved(args)
        result = func(*args, **(kwargs or {}))
        for x in flat(result):
            if isinstance(x, Tensor) and x.device.type == "cpu" and id(x) not in self.loose:
                self.alive.append(x)
                self.made.setdefault(id(x), origin or self._place())
        return result

    def _place(self) -> tuple[str | None, int | None]:
        for frame in frames_in(self.root, sys._getframe(2)):
            return frame.f_code.co_filename[len(self.root) + 1 :], frame.f_lineno
        return None, None


def _moved(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(x.to("meta") if isinstance(x, Tensor) and x.dim() else x for x in args)


@contextlib.contextmanager
def pretend_gpu(root: Path, again: bool) -> Iterator[None]:
    """Inside this block torch says that there is a GPU.

    Args:
        again: forget the student's modules meanwhile, so that they are imported again.
    """
    available, count = torch.cuda.is_available, torch.cuda.device_count
    torch.cuda.is_available = lambda: True
    torch.cuda.device_count = lambda: 1
    before = dict(sys.modules)
    if again:
        for name, module in before.items():
            file = getattr(module, "__file__", None)
            if file and Path(file).is_relative_to(root):
                del sys.modules[name]
    try:
        yield
    finally:
        torch.cuda.is_available = available
        torch.cuda.device_count = count
        if again:
            sys.modules.update(before)
