"""The modules that every other part of the toolkit builds on."""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING


def lazily(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for a package that imports its public names on first use.

    Importing such a package takes almost no time. For example, a program that uses a network does
    not import the code that draws curves. See PEP 562. Type checkers do not run `lazily`; they find
    the public names through the imports under `if TYPE_CHECKING`.

    Args:
        package: the package's `__name__`.
        homes: maps each module of the package to the public names that it defines, separated by
            spaces.
    """
    home_of = {name: module for module, names in homes.items() for name in names.split()}

    def get_attribute(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(f"{package}.{home_of[name]}")
        value: object = getattr(module, name)
        setattr(sys.modules[package], name, value)  # found without this function next time
        return value

    def list_attributes() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home_of})

    return get_attribute, list_attributes


if TYPE_CHECKING:
    from toolkit.common.device import make_rng
    from toolkit.common.errors import ToolkitError, UsageError
    from toolkit.common.figures import save_png, sheet
    from toolkit.common.runs import Run
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "device": "make_rng",
            "errors": "ToolkitError UsageError",
            "figures": "save_png sheet",
            "runs": "Run",
        },
    )

__all__ = ["Run", "ToolkitError", "UsageError", "make_rng", "save_png", "sheet"]
