"""The modes of a script: what its parser of arguments lets one choose."""

import argparse
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
