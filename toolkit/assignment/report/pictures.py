"""The pictures of a report, some of which show the accuracy curve of the toolkit's own LSTM beside
the student's curves.
"""

import warnings
from collections.abc import Callable
from typing import Any

from toolkit.assignment.scratch.directory import scratch_directory
from toolkit.common.errors import first_line
from toolkit.common.figures import Curve
from toolkit.common.package_data import package_data
from toolkit.export.manifest import entry_of

TOOLKITS = "the toolkit's own network, for comparison"
CHANCE = ("chance", 0.1)


class CannotDraw(Exception):
    """The error for numbers that cannot be plotted; the message is a clause that gives the
    reason.
    """


def drawn(save: Callable[..., None], *args: Any, **options: Any) -> bytes:
    """Return the PNG that a function of `toolkit.common.figures` writes.

    Raises:
        CannotDraw: the numbers cannot be plotted, for example because 1e308 and -1e308 do not fit
            on one axis.
    """
    with scratch_directory("report") as scratch:
        path = scratch / "figure.png"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)  # numpy's warnings of overflow
                save(path, *args, **options)
        except (ValueError, ArithmeticError, RuntimeWarning) as error:
            reason = first_line(error) or type(error).__name__
            raise CannotDraw(f"cannot be drawn ({reason})") from error
        return path.read_bytes()


def literally(text: str) -> str:
    """Escape dollar signs, because matplotlib reads the text between them as a formula."""
    return text.replace("$", r"\$")


def toolkits_accuracy(longest: float) -> Curve:
    """Return the accuracy curve of the toolkit's LSTM: the palindrome lengths T, up to the first T
    >= `longest`, and the accuracy at each of them.
    """
    metrics = entry_of("lstm", package_data("exports"))["metrics"]["accuracy_by_length"]
    lengths, accuracies = [], []
    for length in sorted(metrics, key=float):
        lengths.append(float(length))
        accuracies.append(metrics[length])
        if float(length) >= longest:
            break
    return lengths, accuracies
