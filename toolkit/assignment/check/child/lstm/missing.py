"""Modules that lack what nn.Module's constructor would have given them."""

import sys
from pathlib import Path

from torch import nn

from toolkit.assignment.check.child.places import line_of


def check_super(network: nn.Module, root: Path) -> None:
    """See that each module was made by nn.Module's constructor too.

    Raises:
        AttributeError: one was not; its `place` is the file and the line of its constructor.
    """
    waiting: list[nn.Module] = [network]
    while waiting:
        module = waiting.pop()
        if "_modules" not in vars(module):
            kind = type(module)
            error = AttributeError(f"{kind.__name__}.__init__ does not call super().__init__()")
            file, line = sys.modules[kind.__module__].__file__, line_of(kind, "__init__")
            if file and line and Path(file).is_relative_to(root):
                place = Path(str(file)).relative_to(root).as_posix(), line
                error.place = place  # type: ignore[attr-defined]
            raise error
        waiting += [m for m in module._modules.values() if m is not None]
