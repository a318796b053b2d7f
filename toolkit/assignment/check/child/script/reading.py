"""What shows in a student's script without running it, and explains what is seen when it runs."""

import ast
from collections.abc import Iterator

RESULTS = {"clamp", "clip", "mul", "div", "multiply", "divide"}  # return a new tensor


def discarded_gradients(tree: ast.AST) -> Iterator[int]:
    """Lines that compute something from a gradient, as to clip it, and do not keep the result."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            function = node.value.func if isinstance(node.value, ast.Call) else None
            new = isinstance(node.value, ast.BinOp) or getattr(function, "attr", None) in RESULTS
            if new and any(getattr(inner, "attr", None) == "grad" for inner in ast.walk(node)):
                yield node.lineno


def unfinished(tree: ast.AST) -> Iterator[int]:
    """Lines of `pass` or `...` that are all there is in a function or a loop."""
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.While | ast.FunctionDef):
            body = [part for part in node.body if not _is_text(part)]
            if len(body) == 1 and _does_nothing(body[0]):
                yield body[0].lineno


def _is_text(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _does_nothing(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(node, ast.Pass) or (
        isinstance(value, ast.Constant) and value.value is Ellipsis
    )
