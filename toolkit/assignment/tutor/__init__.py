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
    """Check the student's code for an exercise, in the notebook or in the files beside it.

    Args:
        name: the exercise's name, such as "lstm.equation_5".
        expect: your prediction of what will be different when you check an exercise again. By
            default, the tutor asks you for a prediction, and you may leave it empty.
    """
    _print("tutor.session.check_exercise", name, Path(), sys._getframe(1).f_globals, expect)


def hint(name: str) -> None:
    """Print the next of three hints for an exercise.

    Hints are given only after a check of the exercise has compared your code's results with the
    correct ones.
    """
    _print("tutor.session.next_hint", name, Path())


def progress() -> None:
    """Print the list of exercises, and mark those that were right and those that were wrong at the
    last check.
    """
    _print("tutor.session.list_progress", Path())


def curve(
    losses: str | Path | Sequence[Any] | Mapping[str, Any],
    network: str | None = None,
    length: int | None = None,
    every: float | None = None,
) -> None:
    """Plot a training run's curves over a band that shows the range of healthy training runs, and
    print a verdict.

    The verdict says whether the training run lies within the range of the healthy runs.

    Args:
        losses: a file such as "records/gan.csv", a list of losses, or the rows that you pass to
            keep_record.
        network, length: the network ("lstm", "rnn" or "gan"), and the length T of the palindromes.
            For an LSTM or RNN, give both unless a JSON file with the settings lies beside the CSV
            file with the losses.
        every: the number of steps between two losses; 1 by default.
    """
    _print("curve.answer.compare", losses, network, length, every)


def _print(path: str, *args: object) -> None:
    """Call the function whose dotted name is `path`, and print the text that the function returns.

    If the user made a mistake, print the error message instead of a traceback.
    """
    from toolkit.common.errors import ToolkitError

    module, _, name = path.rpartition(".")  # imported here: the journal is read without torch
    try:
        text = getattr(import_module(f"toolkit.assignment.{module}"), name)(*args)
    except ToolkitError as error:
        text = str(error)
    print(text if isinstance(text, str) else text[1])
