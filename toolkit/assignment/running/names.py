"""The meanings of names in students' code according to `names.toml` (`num_hidden` is a hidden size,
for example), and functions that choose values by these meanings.

`names.toml` lists the recognised names as patterns, so a name that matches none of these patterns
has no known meaning.
"""

import inspect
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES: dict[str, dict[str, str]] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)


class UnknownParameter(Exception):
    """The error raised if no value is known for a parameter of a student's function.

    The exception's message is the name of the parameter for which no value is known.
    """


def meaning(name: str, *tables: str) -> str | None:
    """Return the meaning that `names.toml` gives to a name: the meaning of the first matching
    pattern in the tables listed in `tables`; None if no pattern matches.
    """
    lower = name.lower()
    for table in tables:
        for result, pattern in NAMES[table].items():
            if re.search(pattern, lower):
                return result
    return None


def pick(candidates: Mapping[str, Any], *words: str) -> Any | None:
    """Return the value in the dictionary `candidates` whose key best matches one of `words`; None
    if no key matches.

    Earlier words have priority. For each word, a name that equals the word has priority over a name
    that contains the word.
    """
    for word in words:
        for exact in (True, False):
            for name, value in candidates.items():
                if name.lower() == word or (not exact and word in name.lower()):
                    return value
    return None


class AnyConfig(Mapping[str, Any]):
    """A stand-in for a config or args object; it chooses the value of an attribute according to the
    meaning of the attribute's name.
    """

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
    needed: Mapping[Any, Any] = {},
    by_name: Mapping[str, Any] = {},
    positions: Sequence[str] = (),
    given: int = 0,
) -> tuple[list[Any], dict[str, Any], dict[Any, Any]]:
    """Choose the arguments for a student's function by the meanings of its parameters' names.

    Args:
        tables: the tables in which names are looked up; the first table with a match decides.
        known: the values to pass, keyed by the meaning of the parameter's name. A parameter with a
            default keeps this default if the value for its meaning is None or has already been
            passed to an earlier parameter.
        needed: more values with the same kind of keys as in `known`; they are passed only to
            parameters that have no default and for which `known` has no value.
        by_name: parameter name in lower case -> value, which takes precedence over all other
            values.
        positions: meanings; their values in `known` are passed, in this order, to the parameters
            that have no default and for which no other value is found. If any of the function's
            parameters has a name with one of these meanings, that meaning is skipped.
        given: the number of leading parameters that already have values.

    Returns:
        the positional arguments, the keyword arguments, and a dictionary of integer defaults. The
        dictionary has one key for each value in `known` that is passed to the function. The key is
        the meaning of this value. The key is mapped to the integer default of the parameter that
        receives the value, or to None if this parameter has no integer default.

    Raises:
        UnknownParameter: a parameter has no default, and no value is known for it.
    """
    parameters = list(inspect.signature(function).parameters.values())[given:]
    meanings = {parameter.name: meaning(parameter.name, *tables) for parameter in parameters}
    unnamed = [position for position in positions if position not in meanings.values()]
    choice = _Choice(tables, known, needed, by_name, unnamed)
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        value = choice.value(parameter, meanings[parameter.name])
        if value is parameter.empty:
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(value)
        else:
            named[parameter.name] = value
    return positional, named, choice.took


@dataclass
class _Choice:
    """The values from which `arguments` chooses, and a record of the values in `known` that it has
    chosen so far.
    """

    tables: Sequence[str]
    known: Mapping[Any, Any]
    needed: Mapping[Any, Any]
    by_name: Mapping[str, Any]
    unnamed: list[str]  # meanings for names without a meaning, in order
    took: dict[Any, Any] = field(default_factory=dict)

    def value(self, parameter: inspect.Parameter, word: str | None) -> Any:
        """Return the value of a parameter, or `Parameter.empty` to keep its default.

        Args:
            word: the meaning that `names.toml` gives to the parameter's name; None if it gives
                none.

        Raises:
            UnknownParameter: the parameter has no default, and no value is known for it.
        """
        is_needed = parameter.default is parameter.empty
        lower = parameter.name.lower()
        if lower in self.by_name:
            return self.by_name[lower]
        if word == "settings" and is_needed:
            self.took |= dict.fromkeys(self.known)
            return AnyConfig(self.known, self.tables)
        if self.known.get(word) is not None and (is_needed or word not in self.took):
            default = parameter.default if isinstance(parameter.default, int) else None
            self.took.setdefault(word, default)
            return self.known[word]
        if not is_needed:
            return parameter.empty
        if word in self.needed:
            return self.needed[word]
        if self.unnamed:
            position = self.unnamed.pop(0)
            self.took[position] = None
            return self.known[position]
        raise UnknownParameter(parameter.name)


def call(function: Any, *choices: Any, **further: Any) -> Any:
    """Call a student's function with the values that `arguments` chooses."""
    positional, named, _ = arguments(function, *choices, **further)
    return function(*positional, **named)
