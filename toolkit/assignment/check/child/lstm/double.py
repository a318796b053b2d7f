"""A student's network in double precision, whatever its code says of float32."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from toolkit.assignment.check.child.lstm.tensors import all_tensors


class _Wider(TorchFunctionMode):
    """Takes `float` and float32 for their doubles."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call the function, or the one for doubles."""
        func = Tensor.double if func is Tensor.float else func
        named = {name: _wider(x) for name, x in (kwargs or {}).items()}
        return func(*map(_wider, args), **named)


def _wider(x: Any) -> Any:
    return torch.float64 if x is torch.float32 or x is torch.FloatTensor else x


@contextlib.contextmanager
def in_double(network: nn.Module) -> Iterator[None]:
    """Inside this block the network computes in double precision; its weights stay so."""
    for x in all_tensors(network).values():
        x.data = x.data.double() if x.dtype == torch.float32 else x.data
    torch.set_default_dtype(torch.float64)
    try:
        with _Wider():
            yield
    finally:
        torch.set_default_dtype(torch.float32)
