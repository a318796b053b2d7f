"""Floor 1: what every other room stands on."""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING


def lazily(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package whose public names are imported when they are used.

    So importing the package costs nothing, and one network does not cost what draws the curves.
    See PEP 562. Type checkers do not run this; they read the imports below `if TYPE_CHECKING`.

    Args:
        package: its `__name__`.
        homes: a module of it -> the public names that are defined there, with spaces between them.
    """
    home_of = {name: module for module, names in homes.items() for name in names.split()}

    def get_attribute(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(f"{package}.{home_of[name]}")
        value: object = getattr(module, name)
        setattr(sys.modules[package], name, value)  # the next time it is not asked for here
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
