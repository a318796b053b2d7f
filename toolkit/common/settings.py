"""Validation of a training run's settings, and the learning-rate schedule.

Importing this module does not import torch.
"""

import sys
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from toolkit.common.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Precision = Literal["float32", "bfloat16"]
LARGEST = sys.float_info.max


def check_kinds(config: "DataclassInstance") -> None:
    """Raise a UsageError unless the value of each field of `config` matches its annotation.

    The supported annotations are int, float, bool and Literal. An int is accepted in place of a
    float, but 5.0 is not accepted in place of an int, and True is not accepted in place of a
    number. Infinity and NaN are rejected.
    """
    for name, kind in get_type_hints(type(config)).items():
        value = getattr(config, name)
        if get_origin(kind) is Literal:
            _check_choice(name, value, get_args(kind))
        elif kind is bool and not isinstance(value, bool):
            raise UsageError(f"{name} must be True or False, not {value!r}.")
        elif kind is int and not _is_number(value, int):
            raise UsageError(f"{name} must be a whole number, an int, not {value!r}.")
        elif kind is float and not (_is_number(value, int | float) and abs(value) <= LARGEST):
            raise UsageError(f"{name} must be a finite number, not {value!r}.")


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        listed = " or ".join(choices) if len(choices) == 2 else f"one of {', '.join(choices)}"
        raise UsageError(f"There is no {name} {value!r}; choose {listed}.")


def _is_number(value: object, kind: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def check_range(config: object, **limits: tuple[int, int]) -> None:
    """Raise a UsageError unless each field of `config` named in `limits` is within its limits."""
    for name, (low, high) in limits.items():
        value = getattr(config, name)
        if not low <= value <= high:
            raise UsageError(f"{name} must be from {low:,} to {high:,}, not {value:,}.")


def check_positive(config: object, *names: str) -> None:
    """Raise a UsageError unless every field of `config` that is listed in `names` is above 0."""
    for name in names:
        value = getattr(config, name)
        if value <= 0:
            raise UsageError(f"{name} must be above 0, not {value}.")


def check_weight(config: object, *names: str) -> None:
    """Raise a UsageError unless every field of `config` that is listed in `names` is at least 0."""
    for name in names:
        value = getattr(config, name)
        if value < 0:
            raise UsageError(f"{name} must be at least 0, not {value}.")


def check_decay(config: object, *names: str) -> None:
    """Raise a UsageError unless every field of `config` that is listed in `names` is at least 0 and
    below 1.
    """
    for name in names:
        value = getattr(config, name)
        if not 0 <= value < 1:
            raise UsageError(f"{name} must be at least 0 and below 1, not {value}.")


def annealed(learning_rate: float, step: int, num_steps: int, final_lr_ratio: float = 0.0) -> float:
    """Return a step's learning rate: constant in the first half of training, then falling linearly.

    Args:
        step: 1 to `num_steps`.
        final_lr_ratio: from 0 to 1; the rate stops falling at this fraction of `learning_rate`.
    """
    remaining = (num_steps - step + 1) / num_steps
    return learning_rate * max(final_lr_ratio, min(1.0, 2 * remaining))
