"""Whatever somebody types, it is those digits or one sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.anything import valid_or_named
from toolkit.common.errors import UsageError
from toolkit.lstm.data import parse_digits

digits = st.lists(st.integers(0, 9), min_size=1, max_size=50)
between = st.text(st.sampled_from(" ,\n\t\r\u2003\u00a0"), max_size=3)


@given(values=digits, data=st.data())
def test_digits_go_round(values: list[int], data: st.DataObject) -> None:
    text = "".join(data.draw(between) + str(value) for value in values) + data.draw(between)
    assert parse_digits(text, longest=50).tolist() == [values]


@given(text=st.text() | st.text(st.sampled_from("0123456789, ٣³½Ⅷ１-.e")))
def test_any_text(text: str) -> None:
    """It is refused unless it has digits and spaces alone, and digits of other scripts are none."""
    with valid_or_named("digits"):
        found = parse_digits(text, longest=50)
        assert set(text) - set(" ,") <= set("0123456789") | {c for c in text if c.isspace()}
        assert found.tolist() == [[int(c) for c in text if c in "0123456789"]]


@given(values=st.lists(st.integers(0, 9), min_size=51, max_size=200))
def test_too_many(values: list[int]) -> None:
    with pytest.raises(UsageError, match=rf"That is {len(values)} digits; at most 50"):
        parse_digits("".join(map(str, values)), longest=50)
