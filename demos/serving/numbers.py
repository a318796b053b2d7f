"""Numbers that visitors and programs send, which may be anything that JSON holds."""

from typing import Any

from toolkit.common.errors import UsageError


def whole(name: str, value: Any, low: int, high: int) -> int:
    """A whole number from `low` to `high`.

    Raises:
        UsageError: it is anything else, such as 1.5 or "7".
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise UsageError(f"{name} must be a whole number from {low:,} to {high:,}, not {value!r}.")
    return value
