"""A tutor for the assignment: it checks each step, and gives hints that are earned.

from toolkit.assignment import tutor

tutor.check("lstm.equation_5")   # right, wrong with the numbers of one example, or not written yet
tutor.hint("lstm.equation_5")    # a question; then the term; then the idea on another example
tutor.progress()                 # which exercises are right
"""

import sys
from pathlib import Path

__all__ = ["check", "hint", "progress"]


def check(name: str, expect: str | None = None) -> None:
    """Check an exercise: its function in this notebook, or what stands in the files beside it.

    Args:
        name: of the exercise, such as "lstm.equation_5".
        expect: what you expect to change, before a second check; by default you are asked, and may
            leave it empty.
    """
    _print("check_exercise", name, Path(), sys._getframe(1).f_globals, expect)


def hint(name: str) -> None:
    """The next of three hints for an exercise, once a check of it has compared numbers."""
    _print("next_hint", name, Path())


def progress() -> None:
    """List the exercises, and which of them are right."""
    _print("list_progress", Path())


def _print(what: str, *given: object) -> None:
    """What a function of `session` says; a mistake of the user's is a sentence, no traceback."""
    from toolkit.assignment.tutor import session  # here: the journal is read without torch
    from toolkit.common.errors import ToolkitError

    try:
        said = getattr(session, what)(*given)
        print(said if isinstance(said, str) else said[1])
    except ToolkitError as error:
        print(error)
