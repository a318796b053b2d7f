"""Every call of torch passes through here: what is for a GPU is computed on the CPU."""

import functools
import os
import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

GPUS = ("cuda", "mps")
CPU = torch.device("cpu")
RECURRENT = re.compile(r"(?:^|_)(?:lstm|gru|rnn)(?:_|$)")  # in the names of torch's functions
TORCH = os.path.dirname(torch.__file__)
ANSWERS = {"get_device_name": "none", "set_device": None, "synchronize": None, "current_device": 0}


class Recorder(TorchFunctionMode):
    """Computes on the CPU what is for a GPU, and says which calls should not be there.

    Args:
        heard: called with "gpu" or "recurrent", and the name of a function that asks for a GPU or
            is recurrent; and with "device" where a GPU is only named.
        made: called with the name of each function, its arguments and what it returned.
    """

    def __init__(
        self,
        heard: Callable[[str, str], None],
        made: Callable[[str, Any, Any], None] = lambda name, args, result: None,
    ) -> None:
        super().__init__()
        self.heard, self.made = heard, made

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
        kwargs, asked = kwargs or {}, name == "cuda"
        if is_gpu(kwargs.get("device")):
            kwargs, asked = kwargs | {"device": CPU}, True
        if name == "to" and any(is_gpu(x) for x in args[1:]):
            args, asked = tuple(CPU if is_gpu(x) else x for x in args), True
        if asked:
            self.heard("gpu", name)
        if name == "cuda":
            return args[0]
        if recurrent := _recurrent(name):
            self.heard("recurrent", recurrent)
        result = func(*args, **kwargs)
        self.made(name, args, result)
        return result


def _recurrent(name: str) -> str:
    """Which recurrent code of torch's a call is, or is made by; "" if none."""
    name = name.partition(".")[0]  # of an overload
    frame: FrameType | None = sys._getframe(2)  # what calls the recorder
    while not _is_recurrent(name):
        if frame is None or not (file := frame.f_code.co_filename).startswith(TORCH):
            return ""
        name, frame = frame.f_code.co_name, frame.f_back
        if name == "forward":
            name = os.path.basename(file).removesuffix(".py")
    return name


@functools.cache
def _is_recurrent(name: str) -> bool:
    return RECURRENT.search(name) is not None


def is_gpu(x: Any) -> bool:
    """Whether this names a GPU as a device."""
    if isinstance(x, torch.device):
        return x.type in GPUS
    return isinstance(x, str) and x.startswith(GPUS)
