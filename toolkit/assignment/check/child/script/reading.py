"""What shows in a student's script without running it, and explains what is seen when it runs."""

import ast
from collections.abc import Iterator

from toolkit.assignment.check.names import meaning

LARGEST = {"batch": 16, "width": 32, "length": 10, "count": 500}  # that makes a training quick
MAX_FACTOR = 10**9


def unfinished(tree: ast.AST) -> Iterator[int]:
    """Lines of `pass` or `...` that are all there is in a function or a loop."""
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.While | ast.FunctionDef):
            body = [part for part in node.body if not _is_text(part)]
            if len(body) == 1 and _does_nothing(body[0]):
                yield body[0].lineno


class Smaller(ast.NodeTransformer):
    """Makes numbers smaller that have the name of a size, where they get it."""

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        for target in node.targets:
            node.value = _smaller(getattr(target, "id", getattr(target, "attr", "")), node.value)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        first = node.args[0] if node.args else None
        option = first.value if isinstance(first, ast.Constant) else None
        for keyword in node.keywords:
            name = option if keyword.arg == "default" else keyword.arg
            keyword.value = _smaller(name, keyword.value)
        return self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
        node.values = [_smaller(k, v) for k, v in zip(keys, node.values, strict=True)]
        return self.generic_visit(node)

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        names = [a.arg for a in (*node.posonlyargs, *node.args)][-len(node.defaults) or None :]
        if node.defaults:
            node.defaults = [_smaller(n, v) for n, v in zip(names, node.defaults, strict=True)]
        return self.generic_visit(node)


def _smaller(name: object, value: ast.expr) -> ast.expr:
    number = _number(value)
    if not isinstance(name, str) or number is None:
        return value
    largest = LARGEST.get(meaning(name, "sizes") or "", number)
    return ast.copy_location(ast.Constant(min(number, largest)), value)


def _number(value: ast.expr) -> int | None:
    """The integer that stands there, also as `10**6`."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Pow | ast.Mult):
        left, right = _number(value.left), _number(value.right)
        if left is None or right is None or max(abs(left), abs(right)) > MAX_FACTOR:
            return None
        return left * right if isinstance(value.op, ast.Mult) else left ** min(right, 60)
    number = value.value if isinstance(value, ast.Constant) else None
    return number if type(number) is int else None


def _is_text(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _does_nothing(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(node, ast.Pass) or (
        isinstance(value, ast.Constant) and value.value is Ellipsis
    )
