"""Numbers with error bars, worked by hand."""

from dataclasses import asdict

import pytest

from toolkit.common.record import Spread


def test_mean_and_standard_deviation_by_hand() -> None:
    """Of 1, 2 and 6: the mean is 3, the squares of 2, 1 and 3 add up to 14, over 2 that is 7."""
    spread = Spread.of([1.0, 2.0, 6.0])
    assert asdict(spread) == {"mean": 3.0, "sd": pytest.approx(7**0.5), "num_draws": 3}
    assert f"{spread:.2f}" == "3.00 ± 2.65"
    assert f"{Spread(0.05, 0.0021, 5):.1%}" == "5.0% ± 0.2%"


def test_one_draw_has_no_error_bar() -> None:
    assert f"{Spread.of([3.5]):.1f}" == "3.5 (one draw)"
    assert Spread.of([3.5]) == Spread(3.5, None, 1)
