"""Definitions and names of a submission's file, read from its syntax tree; nothing is run."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath

from toolkit.assignment.syntax import parsed, unwritten, words_in

LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp)
RECURRENT = {"LSTM", "LSTMCell", "GRU", "GRUCell", "RNN", "RNNCell"}
MAX_IMPORTS = 200  # of a file, and names that one takes
MIRRORS = {"reversed", "flip", "fliplr", "flipud", "reverse"}


@dataclass(frozen=True)
class Definition:
    """A class or a function at the top of a file."""

    name: str
    is_class: bool
    words: frozenset[str]  # all identifiers in it
    methods: frozenset[str]
    bases: tuple[str, ...]  # the last word of each
    loops: bool  # outside of a constructor
    mirrors: bool  # puts a sequence the other way round
    torchs_own: bool  # uses a recurrent module of torch

    @property
    def is_network(self) -> bool:
        """True if it looks like a module of torch."""
        derived = any("Module" in base for base in self.bases)
        return self.is_class and (derived or "forward" in self.methods)

    @property
    def trains(self) -> bool:
        """True if Lightning's Trainer trains it: the loop is the Trainer's."""
        return {"training_step", "configure_optimizers"} <= self.methods


@dataclass(frozen=True)
class Import:
    """One import: `level` dots, the module, the names that are taken from it."""

    level: int
    module: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """One file."""

    definitions: tuple[Definition, ...]
    words: frozenset[str]
    imports: tuple[Import, ...]
    steppers: frozenset[str]  # what a method step is called of, as it is written
    runs: bool  # does something when it is run, rather than only define
    to_do: int  # functions that are still empty


def facts_of(source: str, most: int = 1000) -> Facts | None:
    """Read a file, with at most that many definitions; None if it is not Python."""
    tree = parsed(source)
    if tree is None:
        return None
    tops = list(_tops(tree.body))
    torchs = {alias.asname or alias.name for node in ast.walk(tree)
              if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("torch")
              for alias in node.names}  # fmt: skip
    defined = [node for node in tops if isinstance(node, Defined)][:most]
    definitions = tuple(_definition(node, torchs) for node in defined)
    local = {definition.name for definition in definitions}
    imports = tuple(islice(_imports(tree), MAX_IMPORTS))
    local |= {name for one in imports if "torch" not in one.module for name in one.names}
    return Facts(
        definitions,
        words_in(tree),
        imports,
        frozenset(_steppers(tree)),
        runs=any(_runs(node, local) for node in tops),
        to_do=sum(1 for _ in unwritten(tree, source)),
    )


def imported_files(
    path: PurePosixPath, facts: Facts, files: Iterable[PurePosixPath]
) -> list[PurePosixPath]:
    """The files of the submission that one of them imports.

    A module is looked for in the folder of the file, then in each folder above it: students run
    their files from any of these.
    """
    known = set(files)
    found: dict[PurePosixPath, None] = {}
    for one in facts.imports:
        above = [path.parent, *path.parent.parents]
        folders = above[one.level - 1 : one.level] if one.level else above
        stem = one.module.replace(".", "/") if one.module else "."
        for folder in folders:
            base = folder / stem
            places = [base.with_suffix(".py"), base / "__init__.py"] if one.module else []
            places += [base / f"{name}.py" for name in one.names]
            if here := [place for place in places if place in known and place != path]:
                found |= dict.fromkeys(here)
                break
    return list(found)


Defined = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _definition(
    node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, torchs: set[str]
) -> Definition:
    is_class = isinstance(node, ast.ClassDef)
    methods = {n.name: n for n in node.body if isinstance(n, ast.FunctionDef)} if is_class else {}
    working = [m for name, m in methods.items() if name != "__init__"] if is_class else [node]
    inside = list(ast.walk(node))
    return Definition(
        node.name,
        is_class,
        words_in(node),
        frozenset(methods),
        tuple(ast.unparse(base).rpartition(".")[2] for base in getattr(node, "bases", ())),
        loops=any(isinstance(n, LOOPS) for m in working for n in ast.walk(m)),
        torchs_own=any(
            (
                isinstance(n, ast.Attribute)
                and n.attr in RECURRENT
                and "self" not in words_in(n.value)
            )
            or (isinstance(n, ast.Name) and n.id in RECURRENT & torchs)
            for n in inside
        ),
        mirrors=not MIRRORS.isdisjoint(words_in(node)) or any(map(_is_backwards, inside)),
    )


def _is_backwards(node: ast.AST) -> bool:
    """`[::-1]`"""
    return isinstance(node, ast.Slice) and isinstance(node.step, ast.UnaryOp)


def _steppers(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        function = node.func if isinstance(node, ast.Call) else None
        if isinstance(function, ast.Attribute) and function.attr == "step":
            yield ast.unparse(function.value)


def _imports(tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(0, alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names[:MAX_IMPORTS])
            yield Import(node.level, node.module or "", names)


def _tops(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements at the top of a file, also those inside of `try` and `if`."""
    for node in body:
        yield node
        if isinstance(node, ast.Try | ast.If) and not _is_guard(node):
            yield from _tops([*node.body, *node.orelse])


def _is_guard(node: ast.stmt) -> bool:
    """`if __name__ == "__main__":`"""
    return isinstance(node, ast.If) and "__name__" in words_in(node.test)


def _runs(node: ast.stmt, local: set[str]) -> bool:
    """True if a top-level statement does work: a main part, a loop, a call of its own code."""
    if _is_guard(node) or isinstance(node, ast.While):
        return True
    if isinstance(node, Defined):
        return False
    calls = [n.func for n in ast.walk(node) if isinstance(n, ast.Call)]
    names = {getattr(function, "id", getattr(function, "attr", "")) for function in calls}
    return not names.isdisjoint(local | {"step", "backward"})


def closure(
    definition: Definition, visible: Mapping[str, Definition]
) -> tuple[frozenset[str], bool, bool]:
    """The words, loops and mirrors of a definition together with those of all that it uses."""
    used, waiting = {definition.name: definition}, [definition]
    while waiting:
        new = (waiting.pop().words & visible.keys()) - used.keys()
        used |= {word: visible[word] for word in new}
        waiting += (visible[word] for word in new)
    words = frozenset(word for one in used.values() for word in one.words)
    return words, any(d.loops for d in used.values()), any(d.mirrors for d in used.values())
