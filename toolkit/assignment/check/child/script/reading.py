"""What shows in a student's script without running it, and explains what is seen when it runs."""

import ast
from collections.abc import Iterator

RESULTS = {"clamp", "clip", "mul", "div", "multiply", "divide"}  # return a new tensor


def discarded_gradients(tree: ast.AST) -> Iterator[int]:
    """Lines that compute something from a gradient, as to clip it, and do not keep the result."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Expr):
            continue
        value = node.value
        function = value.func if isinstance(value, ast.Call) else None
        new = isinstance(value, ast.BinOp) or getattr(function, "attr", None) in RESULTS
        if new and any(isinstance(x, ast.Attribute) and x.attr == "grad" for x in ast.walk(value)):
            yield node.lineno


def unfinished(tree: ast.AST) -> Iterator[int]:
    """Lines of `pass` or `...` that are all there is in a function or a loop."""
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.While | ast.FunctionDef):
            body = [part for part in node.body if not _is_text(part)]
            if len(body) == 1 and _does_nothing(body[0]):
                yield body[0].lineno


def switch(node: ast.AST) -> str | None:
    """The option that argparse or click is told of here, if it is on or off and off by default."""
    if not isinstance(node, ast.Call):
        return None
    given = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
    if given.get("action") != "store_true" and not given.get("is_flag"):
        return None
    options = [x.value for x in node.args if isinstance(x, ast.Constant)]
    return next((x for x in options if isinstance(x, str) and x.startswith("--")), None)


def _is_text(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _does_nothing(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(node, ast.Pass) or (
        isinstance(value, ast.Constant) and value.value is Ellipsis
    )
