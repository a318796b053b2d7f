"""A mode that sees every call to torch, and uses the CPU wherever a call asks for a GPU."""

import functools
import os
import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch

from toolkit.assignment.running.record.mode import FunctionMode

GPUS = ("cuda", "mps")
CPU = torch.device("cpu")
RECURRENT = re.compile(r"(?:^|_)(?:lstm|gru|rnn)(?:_|$)")  # in the names of torch's functions
TORCH = os.path.dirname(torch.__file__)
ANSWERS = {"get_device_name": "none", "set_device": None, "synchronize": None, "current_device": 0}


class Recorder(FunctionMode):
    """A torch mode that runs GPU code on the CPU, and reports uses of a GPU or a recurrent layer.

    Args:
        heard: a function that is called, with a word and the name of the torch function or layer,
            whenever a torch call involves a GPU or a recurrent layer. The word is "gpu" if the call
            would use a GPU, and "device" if it only creates a `torch.device` for a GPU. The word is
            "recurrent" if the call belongs to a recurrent layer or function.
        made: a function that is called whenever a torch function has run, with the torch function's
            name, its positional arguments and its result.
    """

    def __init__(
        self,
        heard: Callable[[str, str], None],
        made: Callable[[str, Any, Any], None] = lambda name, args, result: None,
    ) -> None:
        super().__init__()
        self.heard, self.made = heard, made

    def make(self, function: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
        """Run a torch call, but on the CPU if it would use a GPU."""
        if function is torch.device:
            device = function(*args, **kwargs)
            if is_gpu(device):
                self.heard("device", name)
            return device
        asks_for_gpu = name == "cuda"
        if is_gpu(kwargs.get("device")):
            kwargs = kwargs | {"device": CPU}
            asks_for_gpu = True
        if name == "to" and any(map(is_gpu, args)):
            args = tuple(map(_on_cpu, args))
            asks_for_gpu = True
        if asks_for_gpu:
            self.heard("gpu", name)
        if name == "cuda":
            return args[0]
        recurrent = _recurrent(name)
        if recurrent:
            self.heard("recurrent", recurrent)
        result = function(*args, **kwargs)
        self.made(name, args, result)
        return result


def _recurrent(name: str) -> str:
    """Return the name of the torch function `name` if this function is recurrent. Otherwise, return
    the name of the recurrent torch function or layer that called it, directly or indirectly. Return
    "" if there is none.
    """
    name = name.partition(".")[0]  # without the name of the overload
    frame: FrameType | None = sys._getframe(3)  # the caller of the mode
    while not _is_recurrent(name):
        if frame is None:
            return ""
        file = frame.f_code.co_filename
        if not file.startswith(TORCH):
            return ""
        name, frame = frame.f_code.co_name, frame.f_back
        if name == "forward":
            name = os.path.basename(file).removesuffix(".py")
    return name


@functools.cache
def _is_recurrent(name: str) -> bool:
    return RECURRENT.search(name) is not None


def _on_cpu(x: Any) -> Any:
    """Return the CPU in place of a GPU, and any other value unchanged."""
    if is_gpu(x):
        return CPU
    return x


def is_gpu(x: Any) -> bool:
    """Return True for a GPU device or the name of a GPU."""
    if isinstance(x, torch.device):
        return x.type in GPUS
    return isinstance(x, str) and x.startswith(GPUS)
