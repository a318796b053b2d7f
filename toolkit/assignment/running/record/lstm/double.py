"""A student's network in double precision, even if its code asks for float32."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from toolkit.assignment.running.record.lstm.tensors import all_tensors
from toolkit.assignment.running.record.mode import FunctionMode


class _Wider(FunctionMode):
    """A torch function mode that replaces the method `float` with `double`, and float32 with
    float64, in all calls.
    """

    def make(self, function: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
        """Call `function`, but replace any argument that is the dtype float32 with float64, and the
        method `float` with `double`.
        """
        if function is Tensor.float:
            function = Tensor.double
        named = {key: _wider(value) for key, value in kwargs.items()}
        return function(*map(_wider, args), **named)


def _wider(value: Any) -> Any:
    """Return float64 in place of float32, and any other value unchanged."""
    if value is torch.float32 or value is torch.FloatTensor:
        return torch.float64
    return value


@contextlib.contextmanager
def in_double(network: nn.Module) -> Iterator[None]:
    """Make a network compute in double precision inside the `with` block; the network's weights
    stay float64 afterwards.
    """
    for tensor in all_tensors(network).values():
        if tensor.dtype == torch.float32:
            tensor.data = tensor.data.double()
    torch.set_default_dtype(torch.float64)
    try:
        with _Wider():
            yield
    finally:
        torch.set_default_dtype(torch.float32)
