"""Finding a student's files, importing them, and calling what is in them by its likely names."""

import importlib.util
import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from toolkit.assignment.check.findings import FILES, Id, Part
from toolkit.assignment.check.student.lines import place_of
from toolkit.common.errors import UsageError

MAX_FILES = 20_000  # looked through below a folder; more is no submission
ALONE = {"__pycache__", ".git", ".venv", "venv", ".ipynb_checkpoints", "__MACOSX"}


class UnknownParameter(Exception):
    """A student's function wants something that the check cannot give; the message is its name."""


class Fault(NamedTuple):
    """What an exception in a student's code comes to."""

    id: Id
    message: str
    file: str | None
    line: int | None


def find_files(root: Path) -> dict[Part, Path]:
    """The four files below `root`, the shallowest of each name, without those that are missing.

    Raises:
        UsageError: `root` is no folder, or has none of the four.
    """
    if not root.is_dir():
        raise UsageError(
            f"{root} is no folder. Name the folder that has {', '.join(FILES.values())}."
        )
    found: dict[Part, Path] = {}
    for path in walk(root):
        for part, name in FILES.items():
            if path.name.lower() == name and path.is_file():
                found.setdefault(part, path)
    if not found:
        raise UsageError(
            f"{root} has none of {', '.join(FILES.values())}. Name the folder that has them."
        )
    return found


def walk(root: Path) -> Iterator[Path]:
    """Everything below a folder that may be a student's, the shallowest first; no links."""
    waiting, seen = [root], 0
    while waiting and seen < MAX_FILES:
        for path in sorted(waiting.pop(0).iterdir()):
            seen += 1
            if path.is_symlink():
                continue
            if path.is_dir() and path.name not in ALONE:
                waiting.append(path)
            yield path


def import_file(path: Path) -> ModuleType:
    """Import a student's file under its own name, its folder first on the path.

    Raises:
        whatever the file raises.
    """
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def classes(module: ModuleType, base: type) -> dict[str, type]:
    """The classes derived from `base` in a module that are not torch's own, by name."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, base)
        and value.__module__.partition(".")[0] not in ("torch", "torchvision")
    }


def pick(candidates: Mapping[str, Any], *words: str) -> Any | None:
    """The candidate that is called like the first word that fits: exactly, else as a part."""
    for word in words:
        for exact in (True, False):
            for name, value in candidates.items():
                if name.lower() == word or (not exact and word in name.lower()):
                    return value
    return None


def call(function: Any, known: Mapping[str, Any]) -> Any:
    """Call a student's function with the values that its parameters' names ask for.

    Args:
        known: lower-case name -> value. A parameter takes the value of its own name.

    Raises:
        UnknownParameter: a parameter without default has a name that is not known.
    """
    arguments: dict[str, Any] = {}
    positional: list[Any] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name.lower() in known:
            value = known[name.lower()]
        elif parameter.default is not parameter.empty:
            continue
        else:
            raise UnknownParameter(name)
        if parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(value)
        else:
            arguments[name] = value
    return function(*positional, **arguments)


def explain(error: BaseException, root: Path, importing: bool = False) -> Fault:
    """What an exception from a student's code means for them."""
    file, line = place_of(error, root)
    text = f"{type(error).__name__}: {error}".strip().splitlines()[0][:300]
    if isinstance(error, NotImplementedError):
        what = f" ({error})" if str(error) else ""
        return Fault("not-written", f"This is still to be written{what}.", file, line)
    if isinstance(error, UnknownParameter):
        message = (
            f"It was not tried, since the check does not know what to give for {error}. Give that "
            "a default, or a name as in the assignment: seq_length, input_dim, hidden_dim, "
            "output_dim, batch_size, device."
        )
        return Fault("not-watched", message, file, line)
    if any(word in text for word in ("CUDA", "cuda", "NVIDIA")):
        message = (
            f"It asks for a GPU where there is none ({text}). The same code should run on a CPU: "
            "what decides where a tensor goes?"
        )
        return Fault("fixed-device", message, file, line)
    if "backward through the graph a second time" in text:
        message = (
            "The same graph is used for two backward passes. In the discriminator's step, look at "
            "whether the drawn images still hang on the generator."
        )
        return Fault("missing-detach", message, file, line)
    if isinstance(error, ModuleNotFoundError):
        message = (
            f"It cannot be imported: {text}. Is that file in the folder that you hand in? "
            "Of packages the grader has those that come with the toolkit."
        )
        return Fault("does-not-import", message, file, line)
    if importing:
        return Fault("does-not-import", f"It cannot be imported: {text}.", file, line)
    return Fault("does-not-run", f"It stops with {text}.", file, line)
