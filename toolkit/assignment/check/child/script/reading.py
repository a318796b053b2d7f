"""What shows in a student's script without running it: modes, and what explains what it does."""

import argparse
import ast
from argparse import Action, ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import product


def modes(parser: ArgumentParser, tree: ast.AST) -> list[tuple[str, ...]]:
    """The arguments for each mode: one way for all that must be given, or one choice or switch.

    Args:
        tree: of the script: what it compares an argument with is a choice, too.

    Returns:
        what names a training first; nothing if an argument must be given and has no choices.
    """
    compared = _compared(tree)
    ways = {action: list(_ways(action, compared)) for action in parser._actions}
    needed = [ways[action] for action in parser._actions if action.required]
    if needed:
        found = [sum(way, ()) for way in product(*needed)]
    else:
        found = [way for several in ways.values() for way in several]
    return sorted(found, key=lambda way: not any("train" in word for word in way))


def _ways(action: Action, compared: Mapping[str, set[str]]) -> Iterator[tuple[str, ...]]:
    option = action.option_strings[-1:]
    choices = action.choices or sorted(compared[action.dest])
    if choices:
        yield from ((*option, str(choice)) for choice in choices if choice != action.default)
    elif isinstance(action, argparse._StoreTrueAction):
        yield tuple(option)


def _compared(tree: ast.AST) -> Mapping[str, set[str]]:
    """What attributes are compared with: their names, and the texts."""
    found: dict[str, set[str]] = defaultdict(set)
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute):
            constants = (n for side in node.comparators for n in ast.walk(side))
            values = (n.value for n in constants if isinstance(n, ast.Constant))
            found[node.left.attr] |= {value for value in values if isinstance(value, str)}
    return found


def uncalled_training(tree: ast.Module) -> str | None:
    """A function that can be called without arguments, that trains, and that nothing calls."""
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    words = {name: _names_in(function) for name, function in functions.items()}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for name, function in functions.items():
        arguments = function.args
        needed = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
        has_defaults = not needed and None not in arguments.kw_defaults
        if name not in used and has_defaults and "backward" in _reached(name, words):
            return name
    return None


def _names_in(function: ast.FunctionDef) -> set[str]:
    """The names and the attributes in a function."""
    names: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
    return names


def _reached(name: str, words: Mapping[str, set[str]]) -> set[str]:
    """The words in a function, and in those that it names."""
    reached, waiting = {name}, [name]
    while waiting:
        new = words.get(waiting.pop(), set()) - reached
        reached |= new
        waiting += new
    return reached


def unfinished(tree: ast.AST) -> Iterator[int]:
    """Lines of `pass` or `...` that are all there is in a function or a loop."""
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.While | ast.FunctionDef):
            body = [part for part in node.body if not isinstance(_constant(part), str)]
            if len(body) == 1 and (isinstance(body[0], ast.Pass) or _constant(body[0]) is ...):
                yield body[0].lineno


def _constant(node: ast.stmt) -> object:
    """The value of a statement that is nothing else."""
    value = node.value if isinstance(node, ast.Expr) else None
    return value.value if isinstance(value, ast.Constant) else None
