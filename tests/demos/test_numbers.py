"""Whatever somebody types, it is those digits or one sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.numbers import digits as typed
from tests.anything import valid_or_named
from toolkit.common.errors import UsageError

digits = st.lists(st.integers(0, 9), min_size=1, max_size=50)
between = st.text(st.sampled_from(" ,\n\t\r\u2003\u00a0"), max_size=3)


@given(values=digits, data=st.data())
def test_digits_go_round(values: list[int], data: st.DataObject) -> None:
    text = "".join(data.draw(between) + str(value) for value in values) + data.draw(between)
    assert list(typed(text, 50)) == values


@given(text=st.text() | st.text(st.sampled_from("0123456789, ٣³½Ⅷ１-.e")))
def test_any_text(text: str) -> None:
    """It is refused unless it has digits and spaces alone, and digits of other scripts are none."""
    with valid_or_named("digits"):
        found = typed(text, 50)
        assert set(text) - set(" ,") <= set("0123456789") | {c for c in text if c.isspace()}
        assert list(found) == [int(c) for c in text if c in "0123456789"]


@given(values=st.lists(st.integers(0, 9), min_size=51, max_size=200))
def test_too_many(values: list[int]) -> None:
    with pytest.raises(UsageError, match=rf"That is {len(values)} digits; at most 50"):
        typed("".join(map(str, values)), 50)


def test_digits_are_read_as_typed() -> None:
    assert typed(" 3,1 4\n1,\t5  9 ", 6) == (3, 1, 4, 1, 5, 9)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no digits yet"),
        (" ,\n", "no digits yet"),
        ("1 2x", "Character 3 is 'x'"),
        ("12\u0663", "Character 3 is"),  # an Arabic three is a digit to str.isdigit
        ("-1", "Character 1 is '-'"),
        ("1" * 1_000_000, "1,000,000 digits; at most 1,000"),
    ],
)
def test_anything_but_digits_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        typed(text, 1000)
