"""What shows in a student's script without running it: modes, and what explains what it does."""

import argparse
import ast
from argparse import Action, ArgumentParser
from collections.abc import Iterator
from itertools import product


def modes(parser: ArgumentParser) -> list[tuple[str, ...]]:
    """The arguments for each mode: one way for all that must be given, or one choice or switch.

    Returns:
        what names a training first; nothing if an argument must be given and has no choices.
    """
    ways = {action: list(_ways(action)) for action in parser._actions}
    needed = [ways[action] for action in parser._actions if action.required]
    if needed:
        found = [sum(way, ()) for way in product(*needed)]
    else:
        found = [way for several in ways.values() for way in several]
    return sorted(found, key=lambda way: not any("train" in word for word in way))


def _ways(action: Action) -> Iterator[tuple[str, ...]]:
    option = action.option_strings[-1:]
    if action.choices is not None:
        yield from ((*option, str(choice)) for choice in action.choices if choice != action.default)
    elif isinstance(action, argparse._StoreTrueAction):
        yield tuple(option)


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
