"""The learning rate, by hand."""

import pytest

from toolkit.common.schedule import annealed


def test_constant_then_falling() -> None:
    rates = [annealed(2.0, step, num_steps=100) for step in (1, 51, 76, 100)]
    assert rates == pytest.approx([2, 2, 1, 0.04])
    rates = [
        annealed(2.0, step, num_steps=100, final_lr_ratio=0.4) for step in (51, 76, 81, 82, 100)
    ]
    assert rates == pytest.approx([2, 1, 0.8, 0.8, 0.8])
