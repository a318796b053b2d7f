"""A tutor for the assignment: it checks each step, and gives hints that are earned.

from toolkit.assignment import tutor

tutor.check("lstm.equation_5")   # right, wrong with the numbers of one example, or not written yet
tutor.hint("lstm.equation_5")    # a question; then the term; then the idea on another example
tutor.progress()                 # which exercises are right
tutor.curve("records/gan.csv")   # whether a training goes as healthy ones do
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["check", "curve", "hint", "progress"]


def check(name: str, expect: str | None = None) -> None:
    """Check an exercise: its function in this notebook, or what stands in the files beside it.

    Args:
        name: of the exercise, such as "lstm.equation_5".
        expect: what you expect to change, before a second check; by default you are asked, and may
            leave it empty.
    """
    _print("tutor.session.check_exercise", name, Path(), sys._getframe(1).f_globals, expect)


def hint(name: str) -> None:
    """The next of three hints for an exercise, once a check of it has compared numbers."""
    _print("tutor.session.next_hint", name, Path())


def progress() -> None:
    """List the exercises, and which of them are right."""
    _print("tutor.session.list_progress", Path())


def curve(
    losses: str | Path | Sequence[Any] | Mapping[str, Any],
    network: str | None = None,
    length: int | None = None,
    every: float | None = None,
) -> None:
    """Draw a training over the band of healthy ones, and say whether it is inside.

    Args:
        losses: a file such as "records/gan.csv", or losses, or the rows that keep_record gets.
        network: "lstm", "rnn" or "gan", and `length`, T, where no settings beside a file say so.
        every: how many steps lie between two losses; 1 by default.
    """
    _print("curve.answer.compare", losses, network, length, every)


def _print(what: str, *given: object) -> None:
    """What a function says; a mistake of the user's is a sentence, no traceback."""
    from toolkit.common.errors import ToolkitError

    module, _, name = what.rpartition(".")  # imported here: the journal is read without torch
    try:
        said = getattr(import_module(f"toolkit.assignment.{module}"), name)(*given)
        print(said if isinstance(said, str) else said[1])
    except ToolkitError as error:
        print(error)
