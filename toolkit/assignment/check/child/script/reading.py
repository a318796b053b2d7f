"""What is still to be written in a student's script, where it shows in the text alone."""

import ast
from collections.abc import Iterator


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
