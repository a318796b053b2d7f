"""What can be read from a file without running it."""

import ast
import contextlib
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.assignment.check.findings import Place
from toolkit.assignment.check.names import NAMES
from toolkit.assignment.check.submission import Submission
from toolkit.assignment.notebooks import decoded
from toolkit.assignment.parts import Part
from toolkit.assignment.syntax import UNREADABLE, tree_of, unwritten, words_in

if TYPE_CHECKING:  # it knows the child, and so torch
    from toolkit.assignment.check.verdicts import Verdicts

TOOLKIT = __name__.partition(".")[0]


def used_by(tree: ast.Module, names: Collection[str]) -> list[ast.stmt]:
    """The statements at the top of a file that make what has these names, and what they use."""
    makes: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            makes.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    makes.setdefault(target.id, []).append(node)
    found: dict[ast.stmt, None] = {}
    waiting = list(names)
    while waiting:
        for node in makes.pop(waiting.pop(), []):
            found[node] = None
            waiting += words_in(node)
    return list(found)


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The line and name of each module that a file imports, also by `import_module("name")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module:
                yield node.lineno, node.module
            else:  # from . import a, b
                yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def still_to_write(tree: ast.Module, source: str) -> Iterator[tuple[int, str]]:
    """The line of each function that is still to be written, and what it says about itself."""
    for node, name in unwritten(tree, source):
        call = node.exc if isinstance(node, ast.Raise) else None
        said = call.args[0] if isinstance(call, ast.Call) and call.args else None
        yield node.lineno, str(getattr(said, "value", "")) or name


class Reading:
    """What shows in the files of a submission without running them.

    Args:
        submission: its copy.
        verdicts: get to know what is wrong, part by part.

    Attributes:
        trees: the syntax trees of the files that are Python.
        unreadable: parts that cannot be run at all.
    """

    def __init__(self, submission: Submission, verdicts: "Mapping[Part, Verdicts]") -> None:
        self.submission = submission
        self._verdicts = verdicts
        self.trees: dict[str, ast.Module] = {}
        self.unreadable: set[Part] = set()
        own = {located.file for located in submission.parts.values()}
        seen: set[str] = set()
        for part, located in submission.parts.items():
            for file in located.files:
                if file not in seen and (file == located.file or file not in own):
                    seen.add(file)
                    self._read(part, file)
            if located.file in submission.broken or located.file not in self.trees:
                self.unreadable.add(part)
        for file in submission.files:
            users = [p for p, where in submission.parts.items() if file in where.users]
            if file not in seen and submission.parts:
                with contextlib.suppress(*UNREADABLE):
                    tree = tree_of((submission.root / file).read_bytes())
                    self._look_for_toolkit(tree, (users or list(submission.parts))[0], file)

    def _read(self, part: Part, file: str) -> None:
        """One file of a part, or one that it imports."""
        if file in self.submission.broken:
            name, why = self.submission.original(file), self.submission.broken[file]
            self._fault("does-not-import.notebook", part, file, name=name, why=why)
            return
        if file in self.submission.notebooks:
            notebook = self.submission.notebooks[file][1]
            for cell in notebook.broken:
                lines = enumerate(notebook.places, start=1)
                line = next((n for n, at in lines if at == (cell.number, cell.line)), None)
                seen = {"number": cell.number, "problem": cell.problem}
                self._fault("does-not-import.cell", part, file, line, **seen)
        source = (self.submission.root / file).read_bytes()
        try:
            tree = self.trees[file] = tree_of(source)
        except UNREADABLE as error:
            line = getattr(error, "lineno", None)
            text = getattr(error, "msg", str(error))  # without the line, which is beside it
            problem = f"{type(error).__name__}: {text}"
            self._fault("does-not-import.raised", part, file, line, problem=problem)
            return
        if not tree.body and file == self.submission.parts[part].file:
            self._fault("not-written.empty", part, file)
            self.unreadable.add(part)
        for line, text in still_to_write(tree, decoded(source)):
            owner = self._owner(file, text, part)
            self._fault("not-written.read", owner, file, line, what=text)
        self._look_for_toolkit(tree, part, file)

    def _owner(self, file: str, what: str, part: Part) -> Part:
        """Of the parts that share a file, the one that a function in it belongs to."""
        sharing = [p for p, where in self.submission.parts.items() if where.file == file]
        by_class: dict[str | None, Part] = {self.submission.parts[p].name: p for p in sharing}
        known = by_class.get(what.split(".")[0].split(":")[0])
        if known is None and len(sharing) > 1 and "gan" in sharing:
            known = "gan" if re.search(NAMES["functions"]["gan"], what.lower()) else None
        return known or ("train" if len(sharing) > 1 and "train" in sharing else part)

    def _look_for_toolkit(self, tree: ast.Module, part: Part, file: str) -> None:
        if any(TOOLKIT in Path(name).parts[:-1] for name in self.submission.files):
            return  # a folder of their own
        for line, module in imported(tree):
            if module.partition(".")[0] == TOOLKIT:
                self._fault("forbidden-module.toolkit", part, file, line, module=module)

    def _fault(
        self, rule: str, part: Part, file: str, line: int | None = None, **seen: Any
    ) -> None:
        proof = {"text": " ".join(map(str, seen.values())) or file}
        self._verdicts[part].fault(rule, at=Place(file, line), proof=proof, **seen)
