"""Where in a student's files something is: the likely line of what a finding is about."""

import ast
import inspect
import traceback
from pathlib import Path
from typing import Any


def place_of(error: BaseException, root: Path) -> tuple[str | None, int | None]:
    """The file, relative to `root`, and the line of the student's code that raised."""
    if isinstance(error, SyntaxError) and error.filename:
        path = Path(error.filename)
        if path.is_relative_to(root):
            return str(path.relative_to(root)), error.lineno
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(root):
            return str(path.relative_to(root)), frame.lineno
    return None, None


def line_of(thing: Any, *methods: str) -> int | None:
    """The first line of a class or a function; of a class, of the first of `methods` it has."""
    for method in methods:
        thing = vars(thing).get(method, thing)
        if inspect.isfunction(thing):
            break
    try:
        return inspect.getsourcelines(thing)[1]
    except (OSError, TypeError):
        return None


def line_of_attribute(file: Path, name: str) -> int | None:
    """The first line of the file that assigns `self.<name>`."""
    stem = name.split("[")[0].split(".")[0]
    for number, text in enumerate(file.read_text(errors="replace").splitlines(), start=1):
        if text.strip().startswith((f"self.{stem} =", f"self.{stem}:", f"self.{stem}=")):
            return number
    return None


def line_of_name(file: Path, *names: str) -> int | None:
    """The first line that assigns one of these names, with or without self. and a last _t or _0."""
    lines = assigned_at(parse(file))
    return next((line for line, name in sorted(lines.items()) if bare_name(name) in names), None)


def line_of_call(tree: ast.Module, *words: str) -> int | None:
    """The line of the first call of a function whose name has one of the words in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = getattr(function, "attr", getattr(function, "id", ""))
            if any(word in name.lower() for word in words):
                return node.lineno
    return None


def assigned_at(tree: ast.Module) -> dict[int, str]:
    """Line -> the name (without self.) that is assigned there, on every line of the statement."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            name = getattr(target, "attr", getattr(target, "id", None))
            if isinstance(name, str):
                for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                    names[line] = name
    return names


def parse(file: Path) -> ast.Module:
    """The syntax tree of a file that is known to be Python."""
    return ast.parse(file.read_bytes())


def bare_name(name: str) -> str:
    """`c_t` as "c"."""
    return name.lower().removesuffix("_t").removesuffix("_0")
