"""A tutor that checks each exercise of the assignment and gives hints after a first attempt.

from toolkit.assignment import tutor

tutor.check("lstm.equation_5")   # right, wrong with the numbers of one example, or not written yet
tutor.hint("lstm.equation_5")    # a question; then the term; then the idea in another example
tutor.progress()                 # the exercises that are right
tutor.curve("records/gan.csv")   # compares a training run with healthy runs
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["check", "curve", "hint", "progress"]


def check(name: str, expect: str | None = None) -> None:
    """Check an exercise, which is a function in the notebook or in the files beside the notebook.

    Args:
        name: the exercise, such as "lstm.equation_5".
        expect: the change that you expect before a second check. By default, the tutor asks you,
            and you may leave the answer empty.
    """
    _print("tutor.session.check_exercise", name, Path(), sys._getframe(1).f_globals, expect)


def hint(name: str) -> None:
    """Print the next of three hints for an exercise.

    Hints are given only after a check of the exercise has compared numbers.
    """
    _print("tutor.session.next_hint", name, Path())


def progress() -> None:
    """Print the list of exercises, with a mark for each exercise that is right."""
    _print("tutor.session.list_progress", Path())


def curve(
    losses: str | Path | Sequence[Any] | Mapping[str, Any],
    network: str | None = None,
    length: int | None = None,
    every: float | None = None,
) -> None:
    """Draw a training run over the band of healthy training runs, and print the verdict.

    The verdict says whether the training run is inside the band.

    Args:
        losses: a file such as "records/gan.csv", a list of losses, or the rows that are passed
            to keep_record.
        network, length: "lstm", "rnn" or "gan", and T; needed if there are no settings beside a
            file.
        every: the number of steps between two losses; 1 by default.
    """
    _print("curve.answer.compare", losses, network, length, every)


def _print(path: str, *args: object) -> None:
    """Call a function, and print the text that the function returns.

    After a user's mistake, the function prints a sentence instead of a traceback.
    """
    from toolkit.common.errors import ToolkitError

    module, _, name = path.rpartition(".")  # imported here: the journal is read without torch
    try:
        text = getattr(import_module(f"toolkit.assignment.{module}"), name)(*args)
    except ToolkitError as error:
        text = str(error)
    print(text if isinstance(text, str) else text[1])
