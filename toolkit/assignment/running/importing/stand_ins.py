"""Stand-ins for packages that plot, log or show progress; checking a submission does not require
these packages.

The packages are replaced even if they are installed, so that a check has the same result on every
machine and wastes no time on pictures that nobody sees.
"""

import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from itertools import accumulate
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import numpy as np

from toolkit.assignment.running.names import NAMES
from toolkit.assignment.running.places import within

REPLACED = set(NAMES["packages"]["replaced"].split())


class StandIns(MetaPathFinder, Loader):
    """An import finder that supplies stand-ins for packages that plot, log or show progress; a
    student's own module with the same name has priority.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a stand-in if the module `name`, or the package that contains it, is
        replaced; otherwise, return None.
        """
        if not is_replaced(name) and not _is_shared(name):
            return None
        if path is None:
            if not self._replaces_top(name, sys._getframe(1)):
                return None
        elif name not in REPLACED and not _has_stand_in(name.rpartition(".")[0]):
            return None  # either the whole package is replaced, or nothing
        return ModuleSpec(name, self, is_package=True)

    def _replaces_top(self, name: str, asking: FrameType) -> bool:
        """Return True if a stand-in replaces a top-level module. This is the case if the module is
        not installed. It is also the case if an installed module is not the student's own and is
        imported by one of the student's files.

        Args:
            asking: the stack frame that called `find_spec`; this frame belongs to Python's import
                system.
        """
        installed = PathFinder.find_spec(name)
        if installed is None:
            return True
        places = list(installed.submodule_search_locations or [])
        if installed.origin:
            places.append(installed.origin)
        if any(Path(place).is_relative_to(self.root) for place in places):
            return False
        return self._is_asked_by_them(asking)

    def _is_asked_by_them(self, asking: FrameType) -> bool:
        """Return True if a student's file, rather than an installed package, imports the module."""
        frame: FrameType | None = asking
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        return frame is None or within(frame.f_code.co_filename, str(self.root)) is not None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Make a stand-in module, from which any attribute can be read."""
        module = AnyModule(spec.name)
        module.__path__ = []
        module.__dict__.update(__version__="99.0.0", __version_info__=(99, 0, 0))
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing, because a stand-in has no code to run."""


def _is_shared(name: str) -> bool:
    """Return True if `name` is `google` and no such package is installed; the namespace `google`
    contains both `google.colab`, which a stand-in replaces, and packages that are not replaced.
    """
    return name == "google" and PathFinder.find_spec(name) is None


def _has_stand_in(name: str) -> bool:
    """Return True if the imported module with a given name is a stand-in."""
    return isinstance(sys.modules.get(name), AnyModule)


def is_replaced(name: str) -> bool:
    """Return True if `name` is the name of a package that a stand-in replaces, or of a module
    inside such a package. The result is also True for a student's own module with such a name,
    although that module is not replaced.
    """
    return not REPLACED.isdisjoint(accumulate(name.split("."), "{}.{}".format))


class AnyModule(ModuleType):
    """A stand-in for a module; any attribute can be read from it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        top = self.__name__.partition(".")[0]
        known = KNOWN.get((top, name))
        if known is not None:
            return known
        below = sys.modules.get(f"{self.__name__}.{name}")
        if below is not None:
            return below
        value: Any = Anything if name[:1].isupper() else Anything(name)
        setattr(self, name, value)
        return value


class WandbConfig(dict[str, Any]):
    """The stand-in for `wandb.config`; each setting is both an item and an attribute."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name, Anything(name))

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Add settings to this configuration: those in a dictionary or in parsed command-line
        arguments, and those passed as keyword arguments.
        """
        for settings in (*args[:1], kwargs):
            if not isinstance(settings, dict):
                settings = getattr(settings, "__dict__", {})
            super().update(settings)


_config = WandbConfig()


def _begin(*args: Any, config: Any = None, **kwargs: Any) -> Any:
    """Replace `wandb.init`: add the settings in `config` to `wandb.config`, and return a stand-in
    for the run.
    """
    _config.update(config or {})
    run: Any = Anything("run")
    run.config = _config
    return run


class _AnyType(type):
    """The metaclass of `Anything`; it makes every attribute available on the class itself, and not
    only on its instances.
    """

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name)


class Anything(metaclass=_AnyType):
    """An object that has every attribute, and that can be called, indexed, and used in arithmetic
    and in `with` statements.

    Iterating over the object yields nothing.
    """

    def __init__(self, name: Any = "", *args: Any, **kwargs: Any) -> None:
        self.__dict__["_name"] = name if isinstance(name, str) else type(self).__name__

    @staticmethod
    def heard(name: str, args: tuple[Any, ...]) -> None:
        """Do nothing; while a script is being recorded, this method is replaced by a function that
        records the pictures shown or saved by the script.
        """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.heard(self._name, args)
        if len(args) == 1 and not kwargs and callable(args[0]):
            return args[0]  # a decorator
        if self._name in ("subplots", "subplot_mosaic"):
            return Anything("figure"), self._grid(args, kwargs)
        return Anything(self._name)

    def _grid(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the axes that `subplots(rows, columns)` would return: an array, or a single object
        if there is only one plot.
        """
        sizes = [x for x in args[:2] if isinstance(x, int)]
        rows, columns = [*sizes, 1, 1][:2]
        rows = int(kwargs.get("nrows", rows))
        columns = int(kwargs.get("ncols", columns))
        axes = np.empty((rows, columns), dtype=object)
        for k in np.ndindex(rows, columns):
            axes[k] = Anything("axes")
        if kwargs.get("squeeze", True):
            axes = axes.squeeze()
        return axes if axes.ndim else axes.item()

    def __enter__(self) -> "Anything":
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, key: Any) -> Any:
        return Anything(self._name)

    def __setitem__(self, *args: Any) -> None:
        pass

    __exit__ = __delitem__ = __setitem__

    def __or__(self, operand: Any) -> Any:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __or__

    def __float__(self) -> float:
        return 0.0

    __int__ = __index__ = __len__

    def __format__(self, format_spec: str) -> str:
        return str(self._name)


class Progress(Anything):
    """The stand-in for tqdm; it iterates over its argument and displays nothing."""

    def __init__(self, iterable: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.__dict__["iterable"] = iterable
        self.__dict__["n"] = 0
        self.__dict__["total"] = kwargs.get("total")

    @classmethod
    def over_range(cls, *args: Any, **kwargs: Any) -> "Progress":
        """Return a progress bar over a range, in place of `trange`."""
        return cls(range(*args))

    @staticmethod
    def write(*args: Any, **kwargs: Any) -> None:
        """Print nothing."""

    def __iter__(self) -> Iterator[Any]:
        return iter(()) if self.iterable is None else iter(self.iterable)

    def __len__(self) -> int:
        return 0 if self.iterable is None else len(self.iterable)


KNOWN: dict[tuple[str, str], Any] = {  # names that need more than `Anything`
    ("tqdm", "tqdm"): Progress,
    ("tqdm", "tqdm_notebook"): Progress,
    ("tqdm", "trange"): Progress.over_range,
    ("wandb", "init"): _begin,
    ("wandb", "config"): _config,
}
