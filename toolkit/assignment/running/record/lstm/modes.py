"""A forward pass of a network, with dropout switched off."""

from typing import Any

from toolkit.assignment.running.record.mode import FunctionMode


class WithoutDropout(FunctionMode):
    """A mode in which every dropout function of torch returns its input."""

    def make(self, function: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
        """Call the function, or return its input if it is a dropout function."""
        if "dropout" not in name:
            return function(*args, **kwargs)
        if args:
            return args[0]
        return kwargs["input"]
