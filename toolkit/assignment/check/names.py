"""What a name says, by the tables in `names.toml`, and calling what has names of their own choice.

No other module holds a list of names: what these tables do not say is not known.
"""

import inspect
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

NAMES: dict[str, dict[str, str]] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)


class UnknownParameter(Exception):
    """A student's function has a parameter, named here, that the check knows no value for."""


def meaning(name: str, *tables: str) -> str | None:
    """What a name is by the first of these tables that says it; None if none does."""
    rows = (row for table in tables for row in NAMES[table].items())
    return next((what for what, words in rows if re.search(words, name.lower())), None)


def pick(candidates: Mapping[str, Any], *words: str) -> Any | None:
    """The candidate that is called like the first word that fits: exactly, else as a part."""
    for word in words:
        for exact in (True, False):
            for name, value in candidates.items():
                if name.lower() == word or (not exact and word in name.lower()):
                    return value
    return None


class Settings(Mapping[str, Any]):
    """A config or args object that knows every value, by whatever name it is asked for."""

    def __init__(self, values: Mapping[str, Any], tables: Sequence[str]) -> None:
        self.__dict__.update(_values=values, _tables=tables)

    def __getattr__(self, name: str) -> Any:
        value = self._values.get(meaning(name, *self._tables))
        if value is None:
            raise AttributeError(name)
        return value

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def arguments(
    function: Any,
    tables: Sequence[str],
    known: Mapping[Any, Any],
    rest: Mapping[Any, Any] = {},
    own: Mapping[str, Any] = {},
    positions: Sequence[str] = (),
    given: int = 0,
) -> tuple[list[Any], dict[str, Any], dict[Any, Any]]:
    """What to call a student's function with, by what its parameters' names ask for.

    Args:
        tables: of names, the first before the others.
        known: meaning -> value, which goes before a default; None: the default is to be kept.
        rest: the same for parameters without a default.
        own: the name of a parameter in lower case -> value, which goes before all others.
        positions: meanings of those without a default whose names say nothing, in this order, as
            far as no name says them.
        given: how many parameters have their values already.

    Returns:
        the positional arguments, those with names, and the meanings that were asked for, with
        their defaults where these are whole numbers.

    Raises:
        UnknownParameter: a parameter without a default has a name that says nothing.
    """
    positional: list[Any] = []
    named: dict[str, Any] = {}
    took: dict[Any, Any] = {}
    parameters = list(inspect.signature(function).parameters.values())[given:]
    means = {p.name: meaning(p.name, *tables) for p in parameters}
    left = [what for what in positions if what not in means.values()]
    for p in parameters:
        what, needed = means[p.name], p.default is p.empty
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        if p.name.lower() in own:
            value = own[p.name.lower()]
        elif what == "settings" and needed:
            value = Settings(known, tables)
            took |= dict.fromkeys(known)
        elif known.get(what) is not None and (needed or what not in took):
            value = known[what]
            took.setdefault(what, p.default if isinstance(p.default, int) else None)
        elif not needed:
            continue
        elif what in rest:
            value = rest[what]
        elif left:
            value = known[left[0]]
            took[left.pop(0)] = None
        else:
            raise UnknownParameter(p.name)
        if p.kind is p.POSITIONAL_ONLY:
            positional.append(value)
        else:
            named[p.name] = value
    return positional, named, took


def call(function: Any, *how: Any, **more: Any) -> Any:
    """Call a student's function with its `arguments`."""
    positional, named, _ = arguments(function, *how, **more)
    return function(*positional, **named)
