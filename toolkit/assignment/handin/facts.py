"""The definitions and names in a submitted file, read from the file's syntax tree without running
the file.
"""

import ast
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import TypeGuard

from toolkit.assignment.handin.syntax import parsed, unwritten, words_in

LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp)
RECURRENT = {"LSTM", "LSTMCell", "GRU", "GRUCell", "RNN", "RNNCell"}
MAX_IMPORTS = 200  # of a file, and names in one import
MIRRORS = {"reversed", "flip", "fliplr", "flipud", "reverse"}


@dataclass(frozen=True)
class Definition:
    """A class or a function at the top level of a file."""

    name: str
    is_class: bool
    words: frozenset[str]  # all identifiers in the definition
    methods: frozenset[str]
    bases: tuple[str, ...]  # the last word of each base class
    loops: bool  # outside of a constructor
    mirrors: bool  # reverses a sequence
    torchs_own: bool  # uses a recurrent module of torch

    @property
    def is_network(self) -> bool:
        """True if the class is probably a torch module."""
        is_derived = "Module" in " ".join(self.bases)
        return self.is_class and (is_derived or "forward" in self.methods)

    @property
    def trains(self) -> bool:
        """True if the class has the training methods that Lightning's Trainer calls."""
        return {"training_step", "configure_optimizers"} <= self.methods


@dataclass(frozen=True)
class Import:
    """An import statement: its level (the number of dots), its module and the imported names."""

    level: int
    module: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """The definitions, imports and names in one file."""

    definitions: tuple[Definition, ...]
    words: frozenset[str]
    imports: tuple[Import, ...]
    steppers: frozenset[str]  # the objects whose method `step` is called, as source text
    runs: bool  # does work when it is run, rather than only define
    to_do: int  # functions that are still empty


def facts_of(source: str, max_definitions: int = 1000) -> Facts | None:
    """Return what a file's source code defines and imports, together with the names in it, or None
    if the source is not valid Python.

    Of the classes and functions that the file defines, at most the first `max_definitions` are
    included.
    """
    tree = parsed(source)
    if tree is None:
        return None
    statements = list(_tops(tree.body))
    from_torch = _names_from_torch(tree)
    definitions: list[Definition] = []
    for node in statements:
        if isinstance(node, Defined) and len(definitions) < max_definitions:
            definitions.append(_definition(node, from_torch))
    imports = tuple(islice(_imports(tree), MAX_IMPORTS))
    own_names = {definition.name for definition in definitions}
    for imported in imports:
        if "torch" not in imported.module:
            own_names.update(imported.names)
    return Facts(
        tuple(definitions),
        words_in(tree),
        imports,
        frozenset(_steppers(tree)),
        runs=any(_runs(node, own_names) for node in statements),
        to_do=len(list(unwritten(tree, source))),
    )


def _names_from_torch(tree: ast.Module) -> set[str]:
    """Return the names that a file imports from modules whose names begin with "torch"."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("torch"):
            for alias in node.names:
                names.add(alias.asname or alias.name)
    return names


def imported_files(
    path: PurePosixPath, facts: Facts, files: Iterable[PurePosixPath]
) -> list[PurePosixPath]:
    """Return the files of the submission that the file `path` imports.

    For an absolute import, the search starts in the file's folder. It then continues upwards
    through the parent folders, because the student may have run the file from any of these folders.
    """
    known = set(files)
    imported: dict[PurePosixPath, None] = {}  # a set that keeps its order
    for statement in facts.imports:
        imported |= dict.fromkeys(files_of_import(path, statement, known))
    return list(imported)


def files_of_import(
    path: PurePosixPath, imported: Import, known: Container[PurePosixPath]
) -> list[PurePosixPath]:
    """Return the files that an import statement in the file `path` refers to, considering only the
    files in `known`.
    """
    above = [path.parent, *path.parent.parents]
    folders = above[imported.level - 1 : imported.level] if imported.level else above
    for folder in folders:
        targets = []
        for place in _places(imported, folder):
            if place in known and place != path:
                targets.append(place)
        if targets:
            return targets
    return []


def _places(imported: Import, folder: PurePosixPath) -> list[PurePosixPath]:
    """Return the paths to which an import could refer if the search starts in `folder`."""
    base = folder / (imported.module.replace(".", "/") or ".")
    places = [base / f"{name}.py" for name in imported.names]
    if imported.module:
        return [base.with_suffix(".py"), base / "__init__.py", *places]
    return places


Defined = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _definition(
    node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, from_torch: set[str]
) -> Definition:
    methods: dict[str, ast.FunctionDef] = {}
    bases: tuple[str, ...] = ()
    working: list[ast.AST] = [node]  # without the constructor, which may loop over layers
    if isinstance(node, ast.ClassDef):
        methods = {method.name: method for method in node.body if _is_function(method)}
        bases = tuple(map(_last_word, node.bases))
        working = [method for name, method in methods.items() if name != "__init__"]
    inside = list(ast.walk(node))
    words = words_in(node)
    return Definition(
        node.name,
        isinstance(node, ast.ClassDef),
        words,
        frozenset(methods),
        bases,
        loops=any(map(_has_loop, working)),
        torchs_own=any(_is_recurrent(part, from_torch) for part in inside),
        mirrors=not MIRRORS.isdisjoint(words) or any(map(_is_backwards, inside)),
    )


def _last_word(node: ast.expr) -> str:
    """Return the last part of a dotted name, such as `Module` in `torch.nn.Module`."""
    return ast.unparse(node).rpartition(".")[2]


def _is_function(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    return isinstance(node, ast.FunctionDef)


def _has_loop(node: ast.AST) -> bool:
    return any(isinstance(part, LOOPS) for part in ast.walk(node))


def _is_recurrent(node: ast.AST, from_torch: set[str]) -> bool:
    """Return True if a node names a recurrent torch module, such as `nn.LSTM`."""
    if isinstance(node, ast.Attribute):
        return node.attr in RECURRENT and "self" not in words_in(node.value)
    return isinstance(node, ast.Name) and node.id in RECURRENT & from_torch


def _is_backwards(node: ast.AST) -> bool:
    """Return True if a node is the slice `[::-1]`."""
    return isinstance(node, ast.Slice) and isinstance(node.step, ast.UnaryOp)


def _steppers(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr == "step":
            yield ast.unparse(node.func.value)


def _imports(tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(0, alias.name, ())
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names[:MAX_IMPORTS])
            yield Import(node.level, node.module or "", names)


def _tops(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the top-level statements of a file, including statements inside `try` and `if`."""
    for node in body:
        yield node
        if isinstance(node, ast.Try | ast.If) and not _is_guard(node):
            yield from _tops([*node.body, *node.orelse])


def _is_guard(node: ast.stmt) -> bool:
    """Return True if a statement is `if __name__ == "__main__":`."""
    return isinstance(node, ast.If) and "__name__" in words_in(node.test)


def _runs(node: ast.stmt, own_names: set[str]) -> bool:
    """Return True if a top-level statement does work when the file is run, such as training a
    network, rather than only defining something.

    A top-level statement counts as doing work if it is an `if __name__ == "__main__":` block or a
    `while` loop. It also counts if it calls `step`, `backward`, or a function or class that the
    file either defines or imports from a module other than torch. A definition alone does not
    count.
    """
    if _is_guard(node) or isinstance(node, ast.While):
        return True
    if isinstance(node, Defined):
        return False
    called = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            called.add(getattr(part.func, "id", getattr(part.func, "attr", "")))
    return not called.isdisjoint(own_names | {"step", "backward"})


def closure(
    definition: Definition, visible: Mapping[str, Definition]
) -> tuple[frozenset[str], bool, bool]:
    """Return the names that occur in a definition and in all definitions that it uses, directly or
    indirectly, followed by two Boolean flags, which are explained below.

    The first flag is True if the definition, or any definition that it uses, contains a loop
    outside a constructor. The second flag is True if any of these definitions reverses a sequence.
    """
    names, waiting = {definition.name}, [definition]
    words: set[str] = set()
    loops = mirrors = False
    while waiting:
        user = waiting.pop()
        words |= user.words
        loops = loops or user.loops
        mirrors = mirrors or user.mirrors
        new = (user.words & visible.keys()) - names
        names |= new
        waiting += map(visible.__getitem__, new)
    return frozenset(words), loops, mirrors
