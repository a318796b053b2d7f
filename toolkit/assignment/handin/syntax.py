"""Parses students' files, and finds functions that are not written yet."""

import ast
import re
import warnings
from collections.abc import Iterator
from itertools import chain
from typing import TypeGuard

MAX_SOURCE = 1 << 20  # characters; nobody writes a longer program by hand
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
    """Return a program's syntax tree, or None if the program is not valid Python, is longer than
    `MAX_SOURCE` characters or is nested too deeply.
    """
    if len(source) > MAX_SOURCE:
        return None
    try:
        return tree_of(source)
    except UNREADABLE:
        return None


def deep_tree_of(source: str | bytes) -> ast.Module:
    """Return the syntax tree of a program; the tree may be too deep for recursive functions.

    Raises:
        SyntaxError, ValueError: the program is not Python.
        RecursionError, MemoryError: the program is nested too deeply for Python's own parser.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def tree_of(source: str | bytes) -> ast.Module:
    """Return the syntax tree of a program if the tree is at most `MAX_DEPTH` levels deep.

    Raises:
        SyntaxError, ValueError: the program is not Python.
        RecursionError, MemoryError: the program is nested too deeply.
    """
    tree = deep_tree_of(source)
    level = list(ast.iter_child_nodes(tree))
    for _ in range(MAX_DEPTH):
        level = list(chain.from_iterable(map(ast.iter_child_nodes, level)))
    if level:
        raise RecursionError(f"nested more than {MAX_DEPTH} deep")
    return tree


def words_in(*nodes: ast.AST) -> frozenset[str]:
    """Return all names in the given syntax tree nodes: variables, attributes, arguments and
    imports.
    """
    words: set[str] = set()
    for node in chain.from_iterable(map(ast.walk, nodes)):
        for name in ("id", "attr", "arg", "name", "asname", "module"):
            word = getattr(node, name, None)
            if isinstance(word, str):
                words.update(word.split("."))
    return frozenset(words)


def unwritten(tree: ast.Module, source: str) -> Iterator[tuple[ast.stmt, str]]:
    """Yield the placeholder statement and the name of each function that is not written yet.

    A function is not written yet if it contains `raise NotImplementedError`, or if it is a no-op
    (`pass`, `...`, a docstring, `return None`). A no-op counts as unwritten only in two cases.
    Either the function has a name that suggests it should not be empty, such as `forward` or
    `train`, or a comment says that the code is still to be written. If there is such a comment, a
    function that only sets variables to None and returns them also counts as a no-op. Abstract
    methods, methods of a class from which another class in the file is derived, and functions that
    are redefined further down do not count as unwritten.
    """
    lines = source.split("\n")
    for owner in _owners(tree):
        for node in _last_definitions(owner).values():
            if not isinstance(node, ast.FunctionDef) or _is_abstract(node):
                continue
            stand_in = _stand_in(node, lines)
            if stand_in is None:
                continue
            if isinstance(owner, ast.ClassDef):
                yield stand_in, f"{owner.name}.{node.name}"
            else:
                yield stand_in, node.name


def _owners(tree: ast.Module) -> Iterator[ast.Module | ast.ClassDef]:
    """Yield the nodes in which to look for unwritten functions or methods: the module and its
    classes, except abstract classes, base classes and classes that are redefined later.
    """
    bases: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            bases |= words_in(*node.bases)
    replaced: set[ast.AST] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef) or node in replaced:
            continue
        replaced |= set(node.body) - set(_last_definitions(node).values())
        if isinstance(node, ast.Module) or not (node.name in bases or _is_abstract(node)):
            yield node


def _last_definitions(
    owner: ast.Module | ast.ClassDef,
) -> dict[str, ast.FunctionDef | ast.ClassDef]:
    """Return the last definition of each name in the body of a module or class; earlier definitions
    have no effect.
    """
    last = {}
    for node in owner.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            last[node.name] = node
    return last


def marked(source: str) -> str:
    """Return the program, changed so that unwritten functions raise an error; line numbers stay the
    same.
    """
    tree = parsed(source)
    if tree is None:
        return source
    lines = [line.encode() for line in source.split("\n")]  # offsets count bytes
    for node, name in unwritten(tree, source):
        if not isinstance(node, ast.Raise):
            line, column = lines[node.lineno - 1], node.col_offset
            statement = f"raise NotImplementedError({name!r}); ".encode()
            lines[node.lineno - 1] = line[:column] + statement + line[column:]
    return b"\n".join(lines).decode()


def _stand_in(function: ast.FunctionDef, lines: list[str]) -> ast.stmt | None:
    """Return the statement that stands in for a function's missing code, such as `pass` or `raise
    NotImplementedError`, or None if the function is already written.
    """
    for node in function.body:
        if isinstance(node, ast.Raise) and "NotImplementedError" in words_in(node):
            return node
    to_do = any(map(TO_DO.search, _comments_of(function, lines)))
    if not to_do and not EXPECTED.match(function.name):
        return None
    body = _without_none(function.body) if to_do else function.body
    if all(_is_no_op(node, to_do) for node in body):
        return function.body[-1]
    return None


def _without_none(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements without those that only set variables to None, such as `a = None`, and
    without any `return a` where `a` is such a variable.
    """
    names: set[str] = set()
    for node in body:
        if _is_none(node):
            names |= words_in(*node.targets)
    return [node for node in body if not _is_none(node) and not _returns(node, names)]


def _is_none(node: ast.stmt) -> TypeGuard[ast.Assign]:
    """Return True for `a = None` or `a, b = None, None`, where all targets are plain names."""
    if not isinstance(node, ast.Assign):
        return False
    for part in chain.from_iterable(map(ast.walk, node.targets)):
        if isinstance(part, ast.Attribute | ast.Subscript):
            return False
    return all(
        isinstance(value, ast.Constant) and value.value is None for value in _values(node.value)
    )


def _values(node: ast.expr) -> list[ast.expr]:
    """Return the elements of a tuple node; for any other node, a list with only that node."""
    if isinstance(node, ast.Tuple):
        return node.elts
    return [node]


def _returns(node: ast.stmt, names: set[str]) -> bool:
    """Return True if a statement returns only variables whose names are in `names`."""
    if not isinstance(node, ast.Return) or node.value is None:
        return False
    return all(isinstance(value, ast.Name) and value.id in names for value in _values(node.value))


def _comments_of(function: ast.FunctionDef, lines: list[str]) -> list[str]:
    """Return the comments in a function and the indented comments directly below it."""
    end = function.end_lineno or function.lineno
    inside = lines[function.lineno : end]
    for line in lines[end:]:
        text = line.lstrip()
        if text and (not text.startswith("#") or len(line) - len(text) <= function.col_offset):
            break
        inside.append(line)
    return [line.partition("#")[2] for line in inside]


def _is_no_op(node: ast.stmt, to_do: bool) -> bool:
    """Return True if a statement is a no-op.

    In a function that a comment marks as still to be written, `super().__init__()` also counts as a
    no-op.
    """
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
