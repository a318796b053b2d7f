"""A tutor for the assignment: it checks each step, and gives hints that are earned.

from toolkit.assignment import tutor

tutor.check("lstm.equation_5")   # right, wrong with the numbers of one example, or not written yet
tutor.hint("lstm.equation_5")    # a question; then the term; then the idea in another example
tutor.progress()                 # the exercises that are right
tutor.curve("records/gan.csv")   # compares a training with healthy ones
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["check", "curve", "hint", "progress"]


def check(name: str, expect: str | None = None) -> None:
    """Check an exercise: its function in this notebook, or in the files beside it.

    Args:
        name: of the exercise, such as "lstm.equation_5".
        expect: the change that you expect, before a second check; by default you are asked, and may
            leave it empty.
    """
    _print("tutor.session.check_exercise", name, Path(), sys._getframe(1).f_globals, expect)


def hint(name: str) -> None:
    """The next of three hints for an exercise, once a check of it has compared numbers."""
    _print("tutor.session.next_hint", name, Path())


def progress() -> None:
    """List the exercises, with a mark for each that is right."""
    _print("tutor.session.list_progress", Path())


def curve(
    losses: str | Path | Sequence[Any] | Mapping[str, Any],
    network: str | None = None,
    length: int | None = None,
    every: float | None = None,
) -> None:
    """Draw a training over the band of healthy ones, and say if it is inside.

    Args:
        losses: a file such as "records/gan.csv", or losses, or the rows that keep_record gets.
        network: "lstm", "rnn" or "gan", and `length`, T, where no settings beside a file say so.
        every: how many steps lie between two losses; 1 by default.
    """
    _print("curve.answer.compare", losses, network, length, every)


def _print(path: str, *args: object) -> None:
    """Call a function and print its text; a user's mistake becomes a sentence, not a traceback."""
    from toolkit.common.errors import ToolkitError

    module, _, name = path.rpartition(".")  # imported here: the journal is read without torch
    try:
        text = getattr(import_module(f"toolkit.assignment.{module}"), name)(*args)
    except ToolkitError as error:
        text = str(error)
    print(text if isinstance(text, str) else text[1])
