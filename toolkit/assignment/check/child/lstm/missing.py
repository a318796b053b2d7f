"""What a student's file lacks, and is supplied so that the rest of it can be seen."""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from toolkit.assignment.check.child.lstm.signatures import meaning
from toolkit.assignment.check.child.places import line_of

SIZES = r"dim|size|hiddens|len|^n_|^num|units|layers|^dev(ice)?$"  # what a name must hold


def is_size(name: str, sizes: Mapping[str, Any]) -> bool:
    """Whether a name says that it is one of the sizes, or the device."""
    return bool(re.search(SIZES, name.lower())) and sizes.get(meaning(name) or "") is not None


def supply(names: Iterable[str], sizes: Mapping[str, Any], root: Path) -> None:
    """Give every module of theirs these globals.

    Args:
        sizes: what a name may mean -> its value.
        root: the student's folder.
    """
    modules = [m for m in list(sys.modules.values()) if _is_in(getattr(m, "__file__", None), root)]
    for name in names:
        for module in modules:
            setattr(module, name, sizes[meaning(name) or ""])


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
            if _is_in(file, root) and line:
                place = Path(str(file)).relative_to(root).as_posix(), line
                error.place = place  # type: ignore[attr-defined]
            raise error
        waiting += [m for m in module._modules.values() if m is not None]


def _is_in(file: str | None, root: Path) -> bool:
    return bool(file) and Path(str(file)).is_relative_to(root)
