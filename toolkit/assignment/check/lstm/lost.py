"""Where in a student's file a state is lost between one step and the next."""

import ast

from toolkit.assignment.check.lstm.source import Source, called, names_in


def line_of_loss(source: Source) -> int | None:
    """The likeliest line in a loop over time that keeps h or c from the next step."""
    return _reset(source) or _first_item(source) or _never_changed(source)


def _reset(source: Source) -> int | None:
    """Where a loop of a forward makes something of zeros."""
    lines = [
        node.lineno
        for loop in source.loops()
        for node in ast.walk(loop)
        if isinstance(node, ast.Call) and "zeros" in called(node)
    ]
    return min(lines, default=None)


def _first_item(source: Source) -> int | None:
    """Where a loop of a forward reads the first item of a list that it makes longer."""
    for loop in source.loops():
        calls = [n for n in ast.walk(loop) if isinstance(n, ast.Call)]
        lists = {
            ast.unparse(call.func.value)
            for call in calls
            if isinstance(call.func, ast.Attribute) and call.func.attr == "append"
        }
        for node in (n for n in ast.walk(loop) if isinstance(n, ast.Subscript)):
            if ast.unparse(node.slice) == "0" and ast.unparse(node.value) in lists:
                return node.lineno
    return None


def _never_changed(source: Source) -> int | None:
    """Where a loop of a forward computes two states, of two names that it never assigns."""
    for loop in source.loops():
        lines = [n for n in ast.walk(loop) if isinstance(n, ast.Assign)]
        changed = {name for line in lines for target in line.targets for name in names_in(target)}
        for line in lines:
            if isinstance(line.value, ast.Call) and isinstance(line.targets[0], ast.Tuple):
                nodes = [n for a in line.value.args for n in ast.walk(a)]
                given = {n.id for n in nodes if isinstance(n, ast.Name)}
                if isinstance(loop, ast.For):
                    given -= set(names_in(loop.target))
                if len(given - changed - {"self"}) > 1:
                    return line.lineno
    return None
