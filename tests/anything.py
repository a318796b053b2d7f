"""Anything that a file may hold or a person may type, for the property-based tests.

The property is the same everywhere: a parser returns something valid, or raises a ToolkitError of
one line. Ordinary runs take the same examples each time; `make nightly` takes other ones, and more.
"""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as st

from toolkit.common.errors import ToolkitError

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
deep = st.integers(1, 100_000).map(lambda depth: b"[" * depth) | st.integers(1, 100_000).map(
    lambda depth: b'{"a":' * depth
)


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """`data` after a few mishaps: bytes that changed, are missing, came twice or came from afar."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 20)))
        new = draw(st.binary(max_size=20) | st.just(2 * data[start:end]))
        data = data[:start] + new + data[end:]
    return data


@st.composite
def mistyped(draw: st.DrawFn, value: Any) -> Any:
    """A JSON value in which anything stands in the place of one of its parts."""
    if draw(st.booleans()) and isinstance(value, dict | list) and value:
        copy = value.copy()
        keys = list(range(len(value)))
        if isinstance(value, dict):
            keys = list(value)
        key = draw(st.sampled_from(keys))
        copy[key] = draw(mistyped(value[key]))
        return copy
    return draw(json_values)


def in_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def contents(valid: Any) -> st.SearchStrategy[bytes]:
    """The bytes that a file may hold where a JSON value such as `valid` belongs."""
    text = in_json(valid)
    return st.one_of(
        st.just(text),
        mistyped(valid).map(in_json),
        damaged(text),
        json_values.map(in_json),
        st.binary(max_size=50),
        deep,
    )


@contextlib.contextmanager
def valid_or_named(name: object) -> Iterator[None]:
    """Inside this block only a ToolkitError may be raised, with one line that has `name` in it."""
    try:
        yield
    except ToolkitError as error:
        message = str(error)
        assert str(name) in message, message
        assert message.isprintable(), message
        assert len(message) < 1000, message


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder for the files of many examples."""
    return tmp_path_factory.mktemp("anything")
