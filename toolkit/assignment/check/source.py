"""Where in a student's files something is that is only read: the likely line of a finding."""

import ast
from pathlib import Path


def line_of_attribute(file: Path, name: str) -> int | None:
    """The first line of the file that assigns `self.<name>`."""
    stem = name.split("[")[0].split(".")[0]
    for number, text in enumerate(
        file.read_text(encoding="utf-8-sig", errors="replace").splitlines(), start=1
    ):
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
