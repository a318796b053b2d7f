"""Where a data set's class does what a finding is about: the lines that a student would change."""

import ast
from collections.abc import Callable, Iterator
from typing import Any

MIRRORS = {"flip", "flipud", "fliplr", "reversed", "reverse"}
JOINS = {"cat", "concatenate", "concat", "hstack", "vstack", "append", "extend", "stack", "join"}
DRAWS = {
    *("randint", "integers", "randrange", "random_integers", "choice", "choices", "getrandbits"),
    *("random_", "product", "permutation", "randperm", "sample"),
}
NUMBERS = {"random", "rand", "uniform", "random_sample", "shuffle"}  # drawn as well, less directly
ITEMS = ("__getitem__", "__iter__", "__next__")
DEPTH = 6  # names that are followed to where they are assigned


def lines_of(tree: ast.Module, name: str, splits: tuple[str, ...]) -> dict[str, int]:
    """The line in a file, by what is done there in a class: `draw`, `mirror`, `input`, `label`,
    `split`; those that are found.

    Args:
        name: of the class, or of a function that makes items.
        splits: names of parameters that choose a split.
    """
    nodes = list(_reached(tree, name))
    draw = _first(nodes, _draws(DRAWS)) or _first(nodes, _draws(NUMBERS))
    found = {
        "draw": draw,
        "mirror": _first(nodes, _mirrors)
        or _second_half(nodes)
        or _first(nodes, _joins)
        or _first(nodes, _mentions_both),
        "split": _first(nodes, _asks_for(splits)) or _test_of_a_draw(nodes) or draw,
        **_item(nodes, (*ITEMS, name)),
    }
    return {what: line for what, line in found.items() if line is not None}


def _reached(tree: ast.Module, name: str) -> Iterator[ast.AST]:
    """The class of this name, and what it uses of its file."""
    own = {n.name: n for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)}
    waiting, seen = [name], {name}
    while waiting:
        if (node := own.get(waiting.pop(0))) is not None:
            yield node
            names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - seen
            seen |= names
            waiting += sorted(names)


def _first(nodes: list[ast.AST], fits: Callable[[ast.AST], bool]) -> int | None:
    """The first line with a node that fits, but for tests of what is there already."""
    for top in nodes:
        lines = [node.lineno for node in _walk(top) if isinstance(node, _LINED) and fits(node)]
        if lines:
            return min(lines)
    return None


_LINED = ast.expr | ast.stmt


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.Assert):
            yield from _walk(child)


def _called(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    return str(getattr(function, "attr", getattr(function, "id", "")))


def _draws(names: set[str]) -> Callable[[ast.AST], bool]:
    return lambda node: _called(node) in names


def _mirrors(node: ast.AST) -> bool:
    """A call that turns something round, `x[::-1]`, or `x[n - k] = x[k]`."""
    if _called(node) in MIRRORS:
        return True
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return node.slice.step is not None and ast.unparse(node.slice.step) == "-1"
    if not isinstance(node, ast.Assign):
        return False
    places = [t for target in node.targets for t in getattr(target, "elts", [target])]
    ends = [*places, node.value]
    return sum(isinstance(x, ast.Subscript) for x in ends) > 1 and isinstance(
        places[0], ast.Subscript
    )


def _joins(node: ast.AST) -> bool:
    return _called(node) in JOINS - {"append", "join"}


def _second_half(nodes: list[ast.AST]) -> int | None:
    """Where the last of the things is made that are joined, if it has a name."""
    for top in nodes:
        for node in ast.walk(top):
            joined = node.args[0] if isinstance(node, ast.Call) and node.args else None
            last = (getattr(joined, "elts", None) or [None])[-1]
            if _joins(node) and isinstance(last, ast.Name):
                made = [n.lineno for n in ast.walk(top) if isinstance(n, ast.Assign)
                        and any(_name(t) == last.id for t in n.targets)]  # fmt: skip
                if made:
                    return min(made)
    return None


def _mentions_both(node: ast.AST) -> bool:
    """`left + left`, or something appended."""
    if _called(node) in JOINS:
        return True
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)):
        return False
    left, right = ({n.id for n in ast.walk(x) if isinstance(n, ast.Name)}
                   for x in (node.left, node.right))  # fmt: skip
    return bool(left & right)


def _asks_for(splits: tuple[str, ...]) -> Callable[[ast.AST], bool]:
    """A condition with the parameter that chooses a split; the seed that it chooses is none."""

    def fits(node: ast.AST) -> bool:
        tests = [node.test] if isinstance(node, ast.If | ast.While) else []
        tests += [test for part in getattr(node, "generators", []) for test in part.ifs]
        return any(_name(x) in splits for test in tests for x in ast.walk(test))

    return fits


def _test_of_a_draw(nodes: list[ast.AST]) -> int | None:
    """The first test in a loop that draws."""
    for loop in (n for top in nodes for n in ast.walk(top) if isinstance(n, ast.For | ast.While)):
        if any(map(_draws(DRAWS | NUMBERS), ast.walk(loop))):
            tests = [n.lineno for n in ast.walk(loop) if isinstance(n, ast.If)]
            if tests:
                return min(tests)
    return None


def _item(nodes: list[ast.AST], names: tuple[str, ...]) -> dict[str, int | None]:
    """Where the two halves of an item are chosen, in a function of one of these names."""
    functions = [n for top in nodes for n in ast.walk(top) if isinstance(n, ast.FunctionDef)]
    for function in (f for name in names for f in functions if f.name == name):
        given = [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Return | ast.Yield) and node.value is not None
        ]
        for value in reversed(given):
            pair = list(getattr(value, "elts", getattr(value, "values", [])))
            if len(pair) >= 2:
                names = ("input", "label")
                return {n: _made(x, function, functions) for n, x in zip(names, pair, strict=False)}
    return {}


def _made(value: ast.expr, function: ast.FunctionDef, functions: list[ast.FunctionDef]) -> int:
    """The line in which half of an item is chosen, or else filled, or else given away."""
    line = _chosen(value, function, functions, DEPTH)
    if line is None:
        assigned = _assigned(value, function, [function])
        line = next((given.lineno for given, _ in assigned), value.lineno)
    return line


def _chosen(
    value: ast.expr, function: ast.FunctionDef, functions: list[ast.FunctionDef], depth: int
) -> int | None:
    """The line in which a part of something is taken for this value: `x[-1]`, `x[:-1]`."""
    for node in ast.walk(value):
        if isinstance(node, ast.Subscript) and _is_number_or_slice(node.slice):
            return node.lineno
    if depth:
        for given, where in _assigned(value, function, functions):
            if (line := _chosen(given, where, functions, depth - 1)) is not None:
                return line
    return None


def _assigned(
    value: ast.expr, function: ast.FunctionDef, functions: list[ast.FunctionDef]
) -> Iterator[tuple[ast.expr, ast.FunctionDef]]:
    """What is assigned to the names in a value, here, or to its attributes, in any function.

    A loop that fills something is there too, by what it goes over.
    """
    for other in functions:
        kinds: Any = (ast.Name, ast.Attribute) if other is function else ast.Attribute
        words = {_name(n) for n in ast.walk(value) if isinstance(n, kinds)} - {"self"}
        for node in reversed(list(ast.walk(other))):
            if isinstance(node, ast.For):
                filled = [t.value for n in node.body if isinstance(n, ast.Assign)
                          for t in n.targets if isinstance(t, ast.Subscript)]  # fmt: skip
                if any(_name(t) in words for t in filled):
                    yield node.iter, other
            elif isinstance(node, ast.Assign):
                targets = [t for x in node.targets for t in getattr(x, "elts", [x])]
                if any(_name(t) in words for t in targets):
                    yield node.value, other


def _name(node: ast.AST) -> str | None:
    """What a name or an attribute is called."""
    return getattr(node, "id", getattr(node, "attr", None))


def _is_number_or_slice(index: ast.expr) -> bool:
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    return any(
        (isinstance(part, ast.Slice) and (part.lower is not None or part.upper is not None))
        or (isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub))
        or (isinstance(part, ast.Constant) and isinstance(part.value, int))
        for part in parts
    )
