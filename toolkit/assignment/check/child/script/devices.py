"""Computes on the CPU what is meant for a GPU, and remembers that one was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from toolkit.assignment.check.child.recorder import without_gpu

if TYPE_CHECKING:
    from toolkit.assignment.check.child.script.trace import Trace

CPU = torch.device("cpu")
SOFTMAX = {"softmax", "log_softmax"}
CLAMPS = {"clamp", "clamp_", "clip", "clip_"}
RECURRENT = {"lstm", "lstm_cell", "gru", "gru_cell"}


class Devices(TorchFunctionMode):
    """While it is entered, every call of torch passes through here."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self._trace = trace

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call `func` on the CPU."""
        name = getattr(func, "__name__", "")
        args, kwargs, asked = without_gpu(name, args, kwargs or {}, CPU)
        if asked and self._trace.on:
            self._trace.add("gpu", name=name)
        if name == "cuda":
            return args[0]
        if name in RECURRENT and self._trace.on:
            self._trace.add("recurrent", name=name)
        result = func(*args, **kwargs)
        if name in CLAMPS and self._trace.on and isinstance(args[0], Tensor):
            self._trace.clamped(name, args[0], result)
        if name in SOFTMAX and self._trace.on and isinstance(result, Tensor):
            self._trace.softmax(name, result)
        return result
