"""Reads the files of a submission without running them."""

import ast
import contextlib
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from toolkit.assignment.findings.rules import claims
from toolkit.assignment.handin.notebooks import decoded
from toolkit.assignment.handin.submission import Submission
from toolkit.assignment.handin.syntax import UNREADABLE, tree_of, unwritten, words_in
from toolkit.assignment.running.names import NAMES
from toolkit.assignment.running.parts import Part
from toolkit.assignment.running.places import Place

if TYPE_CHECKING:  # this module imports torch
    from toolkit.assignment.findings.verdicts import Verdicts

TOOLKIT = __name__.partition(".")[0]


def used_by(tree: ast.Module, names: Collection[str]) -> list[ast.stmt]:
    """Return the top-level statements that define these names and, recursively, the statements that
    define the names used in them.
    """
    makes: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        for name in _made_by(node):
            makes.setdefault(name, []).append(node)
    used: dict[ast.stmt, None] = {}
    waiting = list(names)
    while waiting:
        for node in makes.pop(waiting.pop(), []):
            used[node] = None
            waiting += words_in(node)
    return list(used)


def _made_by(node: ast.stmt) -> list[str]:
    """Return the name of the class or function that a statement defines, or the names of the
    variables that it assigns.
    """
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line number and the name of each imported module, including modules imported by a
    call such as `import_module("name")`.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for module in _modules_of(node):
                yield node.lineno, module
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def _modules_of(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the modules that a statement imports."""
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module]
    return [alias.name for alias in node.names]  # also of `from . import a, b`


class Gap(NamedTuple):
    """A function that is still to be written."""

    line: int  # of the statement that stands in its place
    function: str  # its name, after the name of its class and a point
    words: str  # what that statement says about it; by default, the name


def still_to_write(tree: ast.Module, source: str) -> Iterator[Gap]:
    """Yield the functions of a file that are still to be written."""
    for node, name in unwritten(tree, source):
        call = node.exc if isinstance(node, ast.Raise) else None
        message = call.args[0] if isinstance(call, ast.Call) and call.args else None
        words = str(getattr(message, "value", ""))
        yield Gap(node.lineno, name, words or name)


class Reading:
    """Reads the files of a submission without running them.

    Args:
        submission: its copy.
        verdicts: for each part of the assignment, the object that collects the check's findings;
            the faults found by reading the files are added to it.

    Attributes:
        trees: the syntax trees of the files that are valid Python.
        unreadable: the parts that cannot be run, because the file is empty, invalid Python or an
            unreadable notebook.
    """

    def __init__(self, submission: Submission, verdicts: "Mapping[Part, Verdicts]") -> None:
        self.submission = submission
        self._verdicts = verdicts
        self.trees: dict[str, ast.Module] = {}
        self.unreadable: set[Part] = set()
        self._done: set[str] = set()  # the files that were read as part of something
        for part in submission.parts:
            self._read_part(part)
        for file in submission.files:
            if file not in self._done and submission.parts:
                self._read_further(file)

    def _read_part(self, part: Part) -> None:
        """Read the main file of a part of the assignment and the files that it imports, but not the
        main files of other parts.
        """
        located = self.submission.parts[part]
        main_files = {entry.file for entry in self.submission.parts.values()}
        for file in located.files:
            is_own = file == located.file or file not in main_files
            if is_own and file not in self._done:
                self._done.add(file)
                self._read(part, file)
        if located.file in self.submission.broken or located.file not in self.trees:
            self.unreadable.add(part)

    def _read_further(self, file: str) -> None:
        """Look for imports of the toolkit in a file that is neither the main file of a part of the
        assignment nor imported by a main file.
        """
        parts = self.submission.parts
        users = [part for part, located in parts.items() if file in located.users]
        part = (users or list(parts))[0]
        with contextlib.suppress(*UNREADABLE):
            tree = tree_of((self.submission.root / file).read_bytes())
            self._look_for_toolkit(tree, part, file)

    def _read(self, part: Part, file: str) -> None:
        """Read a file that belongs to a part of the assignment: the part's main file, or one that
        this file imports.
        """
        if file in self.submission.broken:
            name, reason = self.submission.original(file), self.submission.broken[file]
            self._fault("does-not-import.notebook", part, file, name=name, why=reason)
            return
        if file in self.submission.notebooks:
            self._report_broken_cells(part, file)
        source = (self.submission.root / file).read_bytes()
        try:
            tree = self.trees[file] = tree_of(source)
        except UNREADABLE as error:
            line = getattr(error, "lineno", None)
            text = getattr(error, "msg", str(error))  # without the line, which is given separately
            problem = f"{type(error).__name__}: {text}"
            self._fault("does-not-import.raised", part, file, line, problem=problem)
            return
        if not tree.body and file == self.submission.parts[part].file:
            self._fault("not-written.empty", part, file)
            self.unreadable.add(part)
        for gap in still_to_write(tree, decoded(source)):
            owner = self._owner(file, gap.function, part)
            self._fault(
                "not-written.read",
                owner,
                file,
                gap.line,
                function=gap.function,
                what=gap.words,
            )
        self._look_for_toolkit(tree, part, file)

    def _report_broken_cells(self, part: Part, file: str) -> None:
        """Report the unreadable cells of a notebook, each at the line of its syntax error."""
        _, notebook = self.submission.notebooks[file]
        for cell in notebook.broken:
            place = (cell.number, cell.line)
            line = notebook.places.index(place) + 1 if place in notebook.places else None
            fields: dict[str, Any] = {"number": cell.number, "problem": cell.problem}
            self._fault("does-not-import.cell", part, file, line, **fields)

    def _owner(self, file: str, function: str, part: Part) -> Part:
        """Return the part to which a function belongs; several parts may share its file.

        Args:
            function: the function's name, preceded by the class's name and a dot if it is a method.
        """
        parts = self.submission.parts
        sharing = [key for key, located in parts.items() if located.file == file]
        by_class: dict[str | None, Part] = {parts[key].name: key for key in sharing}
        class_name = function.partition(".")[0]
        if class_name in by_class:
            return by_class[class_name]
        if len(sharing) < 2:
            return part
        if "gan" in sharing and re.search(NAMES["functions"]["gan"], function.lower()):
            return "gan"
        return "train" if "train" in sharing else part

    def _look_for_toolkit(self, tree: ast.Module, part: Part, file: str) -> None:
        if any(TOOLKIT in Path(name).parts[:-1] for name in self.submission.files):
            return  # the student has a folder with this name
        for line, module in imported(tree):
            if module.partition(".")[0] == TOOLKIT:
                self._fault("forbidden-module.toolkit", part, file, line, module=module)

    def _fault(
        self,
        rule: str,
        part: Part,
        file: str,
        line: int | None = None,
        function: str | None = None,
        **fields: Any,
    ) -> None:
        proof = claims.shared.is_written(" ".join(map(str, fields.values())) or file)
        self._verdicts[part].fault(
            rule, at=Place(file, line), function=function, proof=proof, **fields
        )
