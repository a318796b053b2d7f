"""A mode of torch: inside its block, each call of torch's is made by one method."""

from typing import Any

from torch.overrides import TorchFunctionMode


class FunctionMode(TorchFunctionMode):
    """Inside this block `make` makes the calls of torch's functions, methods and attributes.

    The calls that a function of torch makes itself are no longer among them.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.make(func, getattr(func, "__name__", ""), args, kwargs or {})

    def make(self, function: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
        """Make a call of the function with this name, or return what stands in its place."""
        raise NotImplementedError
