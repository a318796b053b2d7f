"""Numbers with error bars, worked by hand."""

from dataclasses import asdict
from typing import Any

import pytest
from pydantic import ValidationError

from toolkit.common.record import Metric, ShareSpread, Spread

FLOAT: Any = Metric[Spread]


def test_mean_and_standard_deviation_by_hand() -> None:
    """Of 1, 2 and 6: the mean is 3, the squares of 2, 1 and 3 add up to 14, over 2 that is 7."""
    spread = Spread.of([1.0, 2.0, 6.0])
    assert asdict(spread) == {"mean": 3.0, "sd": pytest.approx(7**0.5), "num_draws": 3}
    assert f"{spread:.2f}" == "3.00 ± 2.65"
    assert f"{Spread(0.05, 0.0021, 5):.1%}" == "5.0% ± 0.2%"
    metric = FLOAT(value=spread, num_examples=10)
    assert FLOAT.model_validate_json(metric.model_dump_json(exclude_defaults=True)) == metric


def test_one_draw_has_no_error_bar() -> None:
    assert f"{Spread.of([3.5]):.1f}" == "3.5 (one draw)"
    assert Spread.of([3.5]) == Spread(3.5, None, 1)


@pytest.mark.parametrize(
    "value",
    [
        '"3"',
        "3",
        "null",
        "NaN",
        '{"mean": 1, "more": 2}',
        '{"mean": 1, "num_draws": 0}',
        '{"sd": 1}',
    ],
)
def test_what_is_no_spread_is_refused(value: str) -> None:
    with pytest.raises(ValidationError):
        FLOAT.model_validate_json(f'{{"value": {value}, "num_examples": 1}}')


def test_a_share_is_at_most_1() -> None:
    """Also in a list."""
    shares: Any = Metric[list[ShareSpread]]
    draws = [{"mean": 0.5}, {"mean": 1.0}]
    assert shares(value=draws, num_examples=1).value[1] == Spread(1.0)
    with pytest.raises(ValidationError, match=r"a share is 0 to 1, not 1\.5"):
        shares(value=[*draws, {"mean": 1.5}], num_examples=1)
