"""Where in a student's files something is: the likely line of what a finding is about."""

import ast
import inspect
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.assignment.check.lstm.cells import Chunk, Match
from toolkit.assignment.check.student.recorder import Recorder


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
    """Where a class or a function begins; of a class its first of these methods, if it has one."""
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
    return next((line for line, name in sorted(lines.items()) if _bare(name) in names), None)


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


class Lines:
    """The likely line of each equation, None where there is no telling.

    Args:
        recorder: a recorded forward pass.
        names: what `assigned_at` found in the file.
        found, match: what the recording was sorted into, and its explanation, if there is one.
    """

    def __init__(
        self,
        recorder: Recorder,
        names: dict[int, str],
        found: Sequence[Chunk] = (),
        match: Match | None = None,
    ) -> None:
        last = {_bare(name): line for line, name in sorted(names.items())}
        self.cell = last.get("c")
        self.output = last.get("h")
        maps = [step.line for step in recorder.steps if step.kind == "linear" and step.line]
        self.readout = maps[-1] if maps else None
        self.gate: dict[str, int | None] = {}
        if match is None:
            return
        self.gate = {name: chunk.line for name, chunk in match.gates.items()}
        used = {chunk.id_after for chunk in match.gates.values()}
        for chunk in found:
            if chunk.kind == "tanh" and chunk.id_after not in used:  # the one of c(t)
                self.cell = recorder.made_at.get(chunk.id_before) or self.cell
                self.output = self.output or chunk.line
                break


def _bare(name: str) -> str:
    """`c_t` as "c"."""
    return name.lower().removesuffix("_t").removesuffix("_0")
