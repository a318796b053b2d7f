"""Reads in a student's script what shows without running it: modes, and what explains it."""

import argparse
import ast
from argparse import Action, ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain, product

Words = tuple[str, ...]  # arguments of a command


def modes(parser: ArgumentParser, tree: ast.AST) -> list[Words]:
    """The arguments for each mode: one way for all that must be given, or one choice or switch.

    Args:
        tree: of the script: what it compares an argument with is a choice, too.

    Returns:
        what names a training first; nothing if an argument must be given and has no choices.
    """
    compared = _compared(tree)
    required: list[list[Words]] = []
    every: list[Words] = []
    for action in parser._actions:
        choices = list(_choices(action, compared))
        every += choices
        if action.required:
            required.append(choices)
    if required:
        every = [tuple(chain.from_iterable(chosen)) for chosen in product(*required)]
    return sorted(every, key=_trains, reverse=True)


def _trains(words: Words) -> bool:
    """True if one of these arguments names a training."""
    return any("train" in word for word in words)


def _choices(action: Action, compared: Mapping[str, set[str]]) -> Iterator[Words]:
    """The choices to give an argument another value than its default."""
    option = action.option_strings[-1:]
    choices = action.choices or sorted(compared[action.dest])
    for choice in choices:
        if choice != action.default:
            yield (*option, str(choice))
    if not choices and isinstance(action, argparse._StoreTrueAction):
        yield tuple(option)


def _compared(tree: ast.AST) -> Mapping[str, set[str]]:
    """The texts that attributes are compared with, by the names of the attributes."""
    texts: dict[str, set[str]] = defaultdict(set)
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute):
            for side in node.comparators:
                texts[node.left.attr].update(_texts_in(side))
    return texts


def _texts_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def uncalled_training(tree: ast.Module) -> str | None:
    """A function that can be called without arguments, that trains, and that nothing calls."""
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    words = {name: _names_in(function) for name, function in functions.items()}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for name, function in functions.items():
        if name in used or _needs_arguments(function):
            continue
        if "backward" in _reached(name, words):
            return name
    return None


def _needs_arguments(function: ast.FunctionDef) -> bool:
    """True if a parameter of a function has no default."""
    arguments = function.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    return positional > len(arguments.defaults) or None in arguments.kw_defaults


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
