"""Syntax trees of students' files, and what in them is still to be written."""

import ast
import re
import warnings
from collections.abc import Iterator
from typing import TypeGuard

MAX_SOURCE = 1 << 20  # characters; more is no program by hand
MAX_DEPTH = 150  # of a tree; Python's own functions on trees take up to six calls for a level
TO_DO = re.compile(
    r"\b(TO[- ]?DO|FIXME|your code|implement|fill in|complete this)\b", re.IGNORECASE
)
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)  # what a parser raises
# Functions that have no reason to be empty.
EXPECTED = re.compile(
    r"(forward|__getitem__|__len__|__iter__|main|.*interpol.*|(train|sample|eval).*)$"
)


def parsed(source: str) -> ast.Module | None:
    """The syntax tree of a program; None if it is not Python, or too long for a human one."""
    if len(source) > MAX_SOURCE:
        return None
    try:
        return tree_of(source)
    except UNREADABLE:
        return None


def tree_of(source: str | bytes) -> ast.Module:
    """The syntax tree of a program.

    Raises:
        SyntaxError, ValueError: it is not Python.
        RecursionError, MemoryError: it is nested too deep, for Python or for who reads the tree.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    level, depth = list(ast.iter_child_nodes(tree)), 0
    while level:
        level, depth = [n for node in level for n in ast.iter_child_nodes(node)], depth + 1
        if depth > MAX_DEPTH:
            raise RecursionError(f"nested more than {MAX_DEPTH} deep")
    return tree


def words_in(*nodes: ast.AST) -> frozenset[str]:
    """Collect the identifiers below some nodes: names, attributes, arguments, imports."""
    words: set[str] = set()
    for node in (node for top in nodes for node in ast.walk(top)):
        for name in ("id", "attr", "arg", "name", "asname", "module"):
            word = getattr(node, name, None)
            if isinstance(word, str):
                words.update(word.split("."))
    return frozenset(words)


def unwritten(tree: ast.Module, source: str) -> Iterator[tuple[ast.stmt, str]]:
    """Each function that is still to be written: the statement that stands in for it, and its name.

    That is `raise NotImplementedError` among its statements; or nothing but `pass`, `...`, a
    docstring or `return None`, where the function has one of the assignment's names or a comment
    says that something is to be done; then it may also return names that are only ever None.
    Abstract methods, those that another class of the file overrides, and what is defined once more
    below, as in a later cell, are none.
    """
    lines = source.split("\n")
    bases = {word for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
             for word in words_in(*node.bases)}  # fmt: skip
    replaced: set[ast.AST] = set()
    for owner in ast.walk(tree):
        if not isinstance(owner, ast.Module | ast.ClassDef) or owner in replaced:
            continue
        named = [n for n in owner.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
        last = {node.name: node for node in named}
        replaced |= {node for node in named if last[node.name] is not node}
        if isinstance(owner, ast.ClassDef) and (owner.name in bases or _is_abstract(owner)):
            continue
        for node in last.values():
            if not isinstance(node, ast.FunctionDef) or _is_abstract(node):
                continue
            stand_in = _stand_in(node, lines)
            if stand_in is not None:
                inside = f"{owner.name}." if isinstance(owner, ast.ClassDef) else ""
                yield stand_in, inside + node.name


def marked(source: str) -> str:
    """A program in which each empty function that is still to be written raises, line for line."""
    tree = parsed(source)
    if tree is None:
        return source
    lines = [line.encode() for line in source.split("\n")]  # offsets count bytes
    for node, name in unwritten(tree, source):
        if not isinstance(node, ast.Raise):
            line, column = lines[node.lineno - 1], node.col_offset
            said = f"raise NotImplementedError({name!r}); ".encode()
            lines[node.lineno - 1] = line[:column] + said + line[column:]
    return b"\n".join(lines).decode()


def _stand_in(function: ast.FunctionDef, lines: list[str]) -> ast.stmt | None:
    """Find the statement that stands in for missing code; None if there is code."""
    for node in function.body:
        if isinstance(node, ast.Raise) and "NotImplementedError" in words_in(node):
            return node
    to_do = any(map(TO_DO.search, _lines_of(function, lines)))
    expected = EXPECTED.match(function.name)
    body = function.body
    if to_do:
        nothing = [node for node in body if _is_none(node)]
        names = {word for node in nothing for word in words_in(*node.targets)}
        body = [node for node in body if node not in nothing and not _gives(node, names)]
    if (to_do or expected) and all(_does_nothing(node, to_do) for node in body):
        return function.body[-1]
    return None


def _is_none(node: ast.stmt) -> TypeGuard[ast.Assign]:
    """True for `a = None` or `a, b = None, None` where all targets are plain names."""
    if not isinstance(node, ast.Assign) or any(
        isinstance(part, ast.Attribute | ast.Subscript)
        for target in node.targets
        for part in ast.walk(target)
    ):
        return False
    values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    return all(isinstance(value, ast.Constant) and value.value is None for value in values)


def _gives(node: ast.stmt, names: set[str]) -> bool:
    """True if a statement returns some of these names and nothing else."""
    if not isinstance(node, ast.Return) or node.value is None:
        return False
    values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    return all(isinstance(value, ast.Name) and value.id in names for value in values)


def _lines_of(function: ast.FunctionDef, lines: list[str]) -> list[str]:
    """The comments in a function and directly below it, further in than its first line."""
    end = function.end_lineno or function.lineno
    found = lines[function.lineno : end]
    for line in lines[end:]:
        text = line.lstrip()
        if text and (not text.startswith("#") or len(line) - len(text) <= function.col_offset):
            break
        found.append(line)
    return [line.partition("#")[2] for line in found]


def _does_nothing(node: ast.stmt, to_do: bool) -> bool:
    """True for a no-op; if the function is marked as to do, also for `super().__init__()`."""
    if isinstance(node, ast.Return):
        return node.value is None or getattr(node.value, "value", 0) is None
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return node.value.value is ... or isinstance(node.value.value, str)
    if isinstance(node, ast.Expr) and to_do:
        return ast.unparse(node).startswith("super(") and ".__init__(" in ast.unparse(node)
    return isinstance(node, ast.Pass)


def _is_abstract(node: ast.FunctionDef | ast.ClassDef) -> bool:
    words = words_in(*node.decorator_list)
    if isinstance(node, ast.ClassDef):
        words |= words_in(*node.bases)
    return not words.isdisjoint({"abstractmethod", "overload", "Protocol"})
