"""Computes on the CPU what is meant for a GPU, and remembers that one was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from toolkit.assignment.check.child.recorder import without_gpu

if TYPE_CHECKING:
    from toolkit.assignment.check.child.script.trace import Trace

ANSWERS = {"get_device_name": "none", "set_device": None, "synchronize": None, "current_device": 0}
CPU = torch.device("cpu")
SOFTMAX = {"softmax", "log_softmax"}
CLAMPS = {"clamp", "clamp_", "clip", "clip_"}
RECURRENT = {"lstm", "lstm_cell", "gru", "gru_cell"}


@contextmanager
def without_questions(trace: Trace) -> Iterator[None]:
    """Inside this block what stops without a GPU has an answer, and counts as asking for one."""

    def answering(name: str, answer: Any) -> Callable[..., Any]:
        def ask(*args: Any, **kwargs: Any) -> Any:
            if trace.on:
                trace.add("gpu", name=name)
            return answer

        return ask

    with ExitStack() as stack:
        for name, answer in ANSWERS.items():
            stack.enter_context(patch.object(torch.cuda, name, answering(name, answer)))
        yield


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
