"""A student's network in double precision, whatever its code says of float32."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from toolkit.assignment.running.record.lstm.tensors import all_tensors
from toolkit.assignment.running.record.mode import FunctionMode


class _Wider(FunctionMode):
    """Takes `float` and float32 for their doubles."""

    def make(self, function: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
        """Call the function, or the one for doubles."""
        if function is Tensor.float:
            function = Tensor.double
        named = {key: _wider(value) for key, value in kwargs.items()}
        return function(*map(_wider, args), **named)


def _wider(value: Any) -> Any:
    """The type of doubles in place of float32; anything else as it is."""
    if value is torch.float32 or value is torch.FloatTensor:
        return torch.float64
    return value


@contextlib.contextmanager
def in_double(network: nn.Module) -> Iterator[None]:
    """Inside this block the network computes in double precision; its weights stay so."""
    for tensor in all_tensors(network).values():
        if tensor.dtype == torch.float32:
            tensor.data = tensor.data.double()
    torch.set_default_dtype(torch.float64)
    try:
        with _Wider():
            yield
    finally:
        torch.set_default_dtype(torch.float32)
