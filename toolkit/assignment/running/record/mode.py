"""A torch mode in which a single method handles all calls to torch's functions."""

from typing import Any

from torch.overrides import TorchFunctionMode


class FunctionMode(TorchFunctionMode):
    """A mode whose method `make` handles function calls, method calls and attribute accesses.

    Calls that a torch function makes internally are not included.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.make(func, getattr(func, "__name__", ""), args, kwargs or {})

    def make(self, function: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
        """Handle a call to a torch function, and return the call's result or a replacement for it;
        subclasses must implement this method.
        """
        raise NotImplementedError
