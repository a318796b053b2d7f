"""Watches a student's code: every call of torch passes through here, and so does its line."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode

from toolkit.assignment.check.child.places import place, within

GPUS = ("cuda", "mps")
RECURRENT = re.compile(r"(?:^|_)(?:lstm|gru|rnn)(?:_|$)")  # in the names of torch's functions
TORCH = os.path.dirname(torch.__file__)


class Call(NamedTuple):
    """A call that should not be there."""

    name: str
    file: str | None
    line: int | None


class Recorder(TorchFunctionMode):
    """Notes which calls ask for a GPU or are recurrent, and computes on `device` what is for a GPU.

    Args:
        root: the student's folder; lines are those of files in it.
        device: the one that stands in for every GPU.
    """

    def __init__(self, root: Path, device: str = "cpu") -> None:
        super().__init__()
        self.root = str(root)
        self.device = torch.device(device)
        self.recurrent: list[Call] = []
        self.gpu: list[Call] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Make the call with every GPU replaced, and note it if it should not be there."""
        name = getattr(func, "__name__", "")
        args, kwargs, asked = without_gpu(name, args, kwargs or {}, self.device)
        if asked:
            self.gpu.append(Call(name, *place(self.root)))
        if name == "cuda":
            return args[0].to(self.device)
        if recurrent := self._recurrent(name):
            self.recurrent.append(Call(recurrent, *place(self.root)))
        return self.run(name, func, args, kwargs)

    def _recurrent(self, name: str) -> str:
        """Which recurrent code of torch's a call is, or is made by; "" if none."""
        name = name.partition(".")[0]  # of an overload
        frame: FrameType | None = sys._getframe(2)
        while not RECURRENT.search(name):
            if frame is None or within(frame.f_code.co_filename, self.root) is not None:
                return ""
            code, frame = frame.f_code, frame.f_back
            if code.co_filename.startswith(TORCH):
                module = os.path.basename(code.co_filename).removesuffix(".py")
                name = module if code.co_name == "forward" else code.co_name
        return name

    def run(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Make the call; a subclass that records more overrides this."""
        return func(*args, **kwargs)


def without_gpu(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], device: torch.device
) -> tuple[tuple[Any, ...], dict[str, Any], bool]:
    """The arguments of a call of torch with every GPU replaced, and whether it asks for one."""
    asked = name == "cuda"
    if is_gpu(kwargs.get("device")):
        kwargs, asked = kwargs | {"device": device}, True
    if name == "to" and any(is_gpu(x) for x in args[1:]):
        args, asked = tuple(device if is_gpu(x) else x for x in args), True
    if name == "type" and len(args) > 1 and (kind := _kind_on_gpu(args[1])):
        args, asked = (args[0], kind.replace(".cuda", ""), *args[2:]), True
    return args, kwargs, asked


def _kind_on_gpu(x: Any) -> str:
    """The name of a type of tensors on a GPU, such as torch.cuda.FloatTensor; else ""."""
    name = (
        x if isinstance(x, str) else f"{getattr(x, '__module__', '')}.{getattr(x, '__name__', '')}"
    )
    return name if name.startswith("torch.cuda.") else ""


def is_gpu(x: Any) -> bool:
    """Whether this names a GPU as a device."""
    if isinstance(x, torch.device):
        return x.type in GPUS
    return isinstance(x, str) and x.startswith(GPUS)
