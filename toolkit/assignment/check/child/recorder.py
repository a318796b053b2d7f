"""Records what a student's code calls: every call of torch passes through here, with its line."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

ACTIVATIONS = {"sigmoid", "tanh", "exp", "relu", "hardsigmoid", "hardtanh", "softmax", "softplus"}
LINEAR = {"linear", "add", "addmm", "matmul", "mm", "__add__", "__matmul__", "__radd__"}
RECURRENT = {"lstm", "lstm_cell", "gru", "gru_cell"}


class Step(NamedTuple):
    """One call of an activation, or of an affine map."""

    kind: str  # "sigmoid", "tanh", ..., or "linear"
    before: Tensor
    after: Tensor
    line: int | None
    id_before: int
    id_after: int


class Call(NamedTuple):
    """A call that should not be there."""

    name: str
    file: str | None
    line: int | None


class Recorder(TorchFunctionMode):
    """Records calls of torch, and computes on the CPU what is meant for a GPU.

    Args:
        root: the student's folder; lines are those of files in it.
        keep: remember activations, and the line that made each tensor, which costs memory.
    """

    def __init__(self, root: Path, keep: bool = False) -> None:
        super().__init__()
        self.root = str(root)
        self.keep = keep
        self.steps: list[Step] = []
        self.line_of: dict[int, int | None] = {}  # id of a tensor -> the line that made it
        self.alive: list[Any] = []  # so that no id is used twice
        self.recurrent: list[Call] = []
        self.gpu: list[Call] = []

    def place(self) -> tuple[str | None, int | None]:
        """The file, relative to the root, and the line of the student's code that is running."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith(self.root + "/"):
                return name[len(self.root) + 1 :], frame.f_lineno
            frame = frame.f_back
        return None, None

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call `func` on the CPU, and remember the call."""
        name = getattr(func, "__name__", "")
        args, kwargs, asks_for_gpu = _on_cpu(name, args, dict(kwargs or {}))
        if asks_for_gpu:
            self.gpu.append(Call(name, *self.place()))
            if name == "cuda":
                return args[0]
        if name in RECURRENT:
            self.recurrent.append(Call(name, *self.place()))
        before = None
        kind = name.rstrip("_") if not name.startswith("__") else name
        if self.keep and kind in ACTIVATIONS and args and isinstance(args[0], Tensor):
            before = args[0].detach().clone()
        result = self.run(name, func, args, kwargs)
        if self.keep and isinstance(result, Tensor):
            self._remember(kind, before, args, result)
        return result

    def run(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Make the call; a subclass that records more overrides this."""
        return func(*args, **kwargs)

    def _remember(
        self, kind: str, before: Tensor | None, args: tuple[Any, ...], result: Tensor
    ) -> None:
        _, line = self.place()
        self.alive.append((args, result))
        self.line_of.setdefault(id(result), line)
        if before is not None:
            after = result.detach().clone()
            self.steps.append(Step(kind, before, after, line, id(args[0]), id(result)))
        elif kind in LINEAR and result.is_floating_point():
            value = result.detach().clone()
            self.steps.append(Step("linear", value, value, line, id(result), id(result)))


def _on_cpu(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any], bool]:
    """The same arguments with every GPU replaced by the CPU, and whether there was one."""
    asked = name == "cuda"
    if _is_gpu(kwargs.get("device")):
        kwargs["device"], asked = torch.device("cpu"), True
    if name == "to" and any(_is_gpu(x) for x in args[1:]):
        args, asked = tuple(torch.device("cpu") if _is_gpu(x) else x for x in args), True
    return args, kwargs, asked


def _is_gpu(x: Any) -> bool:
    if isinstance(x, torch.device):
        return x.type == "cuda"
    return isinstance(x, str) and x.startswith("cuda")
