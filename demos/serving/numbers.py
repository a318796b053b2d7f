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


def digits(text: Any, most: int) -> tuple[int, ...]:
    """Digits that somebody typed; spaces, commas and line breaks between them are ignored.

    Raises:
        UsageError: it is no text, there are no digits, more than `most`, or another character.
    """
    if text is not None and not isinstance(text, str):
        raise UsageError(f'The digits must be a text such as "31413", not {text!r}.')
    found = "".join((text or "").replace(",", " ").split())
    if not found:
        raise UsageError("There are no digits yet. Type some, such as 3 1 4 1 5.")
    if len(found) > most:
        raise UsageError(
            f"That is {len(found):,} digits; at most {most:,} are accepted. Remove some."
        )
    wrong = next((k for k, character in enumerate(found) if character not in "0123456789"), None)
    if wrong is not None:
        raise UsageError(
            f"Character {wrong + 1} is {found[wrong]!r}. Only the digits 0 to 9 are accepted, "
            "with spaces, commas or line breaks between them."
        )
    return tuple(map(int, found))
