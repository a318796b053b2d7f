"""Checks of the values that visitors and programs send, which may be of any JSON type."""

from typing import Any

from toolkit.common.errors import UsageError


def whole(name: str, value: Any, low: int, high: int) -> int:
    """Return the value if it is an integer from `low` to `high`.

    Raises:
        UsageError: the value is not an integer from `low` to `high`; for example, it is 1.5 or "7".
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise UsageError(f"{name} must be a whole number from {low:,} to {high:,}, not {value!r}.")
    return value


def digits(text: Any, limit: int) -> tuple[int, ...]:
    """Parse digits that a visitor typed, ignoring spaces, commas and line breaks.

    Raises:
        UsageError: the value is not a string, contains no digits, contains more than `limit`
            digits, or contains a character that is not a digit, a comma or white space.
    """
    if text is not None and not isinstance(text, str):
        raise UsageError(f'The digits must be a text such as "31413", not {text!r}.')
    characters = "".join((text or "").replace(",", " ").split())
    if not characters:
        raise UsageError("There are no digits yet. Type some, such as 3 1 4 1 5.")
    if len(characters) > limit:
        raise UsageError(
            f"That is {len(characters):,} digits; at most {limit:,} are accepted. Remove some."
        )
    for position, character in enumerate(characters, start=1):
        if character not in "0123456789":
            raise UsageError(
                f"Character {position} is {character!r}. Only the digits 0 to 9 are accepted, "
                "with spaces, commas or line breaks between them."
            )
    return tuple(map(int, characters))
