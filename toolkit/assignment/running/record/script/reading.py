"""Static analysis of a student's script: the command-line arguments to try, training functions that
are never called, and unfinished code.
"""

import argparse
import ast
from argparse import Action, ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain, product

Words = tuple[str, ...]  # arguments of a command


def modes(parser: ArgumentParser, tree: ast.AST) -> list[Words]:
    """Return the command-line arguments for each mode, such as training or sampling, in which a
    script can run.

    If the script has required arguments, the command line for each mode gives a value to every one
    of them and omits all other arguments. If no argument is required, exactly one argument is set
    in each mode. This argument either gets a value that differs from its default, or is a switch
    that is turned on.

    Args:
        tree: the syntax tree of the script. If an argument is declared without choices, the strings
            with which the script compares it serve as its choices.

    Returns:
        the command-line arguments for each mode, with those that contain "train" first; [] if the
        possible values of a required argument are not known.
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


def whole_numbers(parser: ArgumentParser) -> dict[str, int]:
    """Return the command-line options whose default is a whole number, each with its default."""
    numbers: dict[str, int] = {}
    for action in parser._actions:
        if action.option_strings and type(action.default) is int:
            numbers[action.option_strings[-1]] = action.default
    return numbers


def _trains(words: Words) -> bool:
    """Return True if one of the command-line arguments contains "train"."""
    return any("train" in word for word in words)


def _choices(action: Action, compared: Mapping[str, set[str]]) -> Iterator[Words]:
    """For each known value of a script's argument, apart from its default, yield the words that
    select this value on the command line.
    """
    option = action.option_strings[-1:]
    choices = action.choices or sorted(compared[action.dest])
    for choice in choices:
        if choice != action.default:
            yield (*option, str(choice))
    if not choices and isinstance(action, argparse._StoreTrueAction):
        yield tuple(option)


def _compared(tree: ast.AST) -> Mapping[str, set[str]]:
    """For each attribute name, such as `mode` in `args.mode`, return the strings with which the
    script compares the attribute.
    """
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
    """Return the name of a training function that is never called, or None.

    Only functions without required arguments are considered.
    """
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
    """Return True if a parameter of a function has no default."""
    arguments = function.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    return positional > len(arguments.defaults) or None in arguments.kw_defaults


def _names_in(function: ast.FunctionDef) -> set[str]:
    """Return the names of the variables and attributes that occur in a function."""
    names: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
    return names


def _reached(name: str, words: Mapping[str, set[str]]) -> set[str]:
    """Return a function's own name and all names that occur in it or in any function that it uses,
    directly or indirectly.
    """
    reached, waiting = {name}, [name]
    while waiting:
        new = words.get(waiting.pop(), set()) - reached
        reached |= new
        waiting += new
    return reached


def unfinished(tree: ast.AST) -> Iterator[int]:
    """Yield the line number of each `pass` or `...` that is the whole body of a function or
    loop.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.While | ast.FunctionDef):
            body = [part for part in node.body if not isinstance(_constant(part), str)]
            if len(body) == 1 and (isinstance(body[0], ast.Pass) or _constant(body[0]) is ...):
                yield body[0].lineno


def _constant(node: ast.stmt) -> object:
    """Return the value of a statement that is only a constant, or None for any other statement."""
    value = node.value if isinstance(node, ast.Expr) else None
    return value.value if isinstance(value, ast.Constant) else None
