"""Every call of torch passes through here: what is for a GPU is computed on the CPU."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from toolkit.assignment.check.child.script.trace import Trace

GPUS = ("cuda", "mps")
CPU = torch.device("cpu")
RECURRENT = re.compile(r"(?:^|_)(?:lstm|gru|rnn)(?:_|$)")  # in the names of torch's functions
TORCH = os.path.dirname(torch.__file__)
ANSWERS = {"get_device_name": "none", "set_device": None, "synchronize": None, "current_device": 0}
SOFTMAX = {"softmax", "log_softmax"}
CLAMPS = {"clamp", "clamp_", "clip", "clip_"}
MOVES = {"sub_", "add_", "addcdiv_", "copy_"}


class Recorder(TorchFunctionMode):
    """Computes on the CPU what is for a GPU, and says which calls should not be there.

    Args:
        heard: called with "gpu" or "recurrent", and the name of a function that asks for a GPU or
            is recurrent; and with "device" where a GPU is only named.
    """

    def __init__(self, heard: Callable[[str, str], None]) -> None:
        super().__init__()
        self.heard = heard

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Make the call with every GPU replaced."""
        name = getattr(func, "__name__", "")
        if func is torch.device:
            made = func(*args, **(kwargs or {}))
            if is_gpu(made):
                self.heard("device", name)
            return made
        args, kwargs, asked = _without_gpu(name, args, kwargs or {})
        if asked:
            self.heard("gpu", name)
        if name == "cuda":
            return args[0]
        if recurrent := _recurrent(name):
            self.heard("recurrent", recurrent)
        return self.run(name, func, args, kwargs)

    def run(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Make the call; a subclass that records more overrides this."""
        return func(*args, **kwargs)


class Devices(Recorder):
    """While it is entered, every call of torch passes through here."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace.heard)
        self._trace = trace

    def run(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Make the call, and add to the trace what tells something."""
        result = func(*args, **kwargs)
        if name in CLAMPS and self._trace.on and isinstance(args[0], Tensor):
            self._trace.clamped(name, args[0], result)
        if name in MOVES and self._trace.on:
            self._trace.moved(args[0])
        if name in SOFTMAX and self._trace.on and not self._trace.full():
            self._trace.add("softmax", name=name, output=self._trace.values.id_of(result))
        return result


def _recurrent(name: str) -> str:
    """Which recurrent code of torch's a call is, or is made by; "" if none."""
    name = name.partition(".")[0]  # of an overload
    frame: FrameType | None = sys._getframe(2)  # what calls the recorder
    while not RECURRENT.search(name):
        if frame is None or not (file := frame.f_code.co_filename).startswith(TORCH):
            return ""
        module = os.path.basename(file).removesuffix(".py")
        name = module if frame.f_code.co_name == "forward" else frame.f_code.co_name
        frame = frame.f_back
    return name


def _without_gpu(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any], bool]:
    """The arguments of a call of torch with every GPU replaced, and whether it asks for one."""
    asked = name == "cuda"
    if is_gpu(kwargs.get("device")):
        kwargs, asked = kwargs | {"device": CPU}, True
    if name == "to" and any(is_gpu(x) for x in args[1:]):
        args, asked = tuple(CPU if is_gpu(x) else x for x in args), True
    return args, kwargs, asked


def is_gpu(x: Any) -> bool:
    """Whether this names a GPU as a device."""
    if isinstance(x, torch.device):
        return x.type in GPUS
    return isinstance(x, str) and x.startswith(GPUS)
