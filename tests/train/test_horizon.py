"""The figure of the study: which families stand in which panel, and what its bands show."""

from pathlib import Path
from typing import Any

import pytest

from toolkit.common.figures import Panels
from toolkit.train import horizon


def panels_of(rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Panels:
    drawn: dict[str, Any] = {}
    monkeypatch.setattr(horizon.figures, "save_panels", lambda path, it, **_: drawn.update(it))
    horizon.plot_accuracy(Path("unused.png"), rows)
    return drawn


def test_a_panel_for_each_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: means, worst and best of the seeds; what was not measured or failed is left out."""
    rows = [
        {"family": "RNN", "accuracy_20": 0.5, "accuracy_5": 1.0},
        {"family": "RNN", "accuracy_20": 0.75},
        {"family": "LSTM", "accuracy_20": 1.0},
        {"family": "RNN, clipped at 1", "error": "RuntimeError: no luck"},
    ]
    learns, helped = panels_of(rows, monkeypatch).values()
    assert list(learns) == ["LSTM", "RNN"]
    rnn = learns["RNN"]
    assert list(rnn.x) == [5, 20]
    assert list(rnn.mean) == [1.0, 0.625]
    assert list(rnn.low) == [1.0, 0.5]
    assert list(rnn.high) == [1.0, 0.75]
    assert list(helped) == ["the RNN as it is"]
    assert helped["the RNN as it is"].colour == rnn.colour != learns["LSTM"].colour


@pytest.mark.parametrize("preset", horizon.GRIDS)
def test_every_network_of_a_grid_has_a_colour(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = horizon.GRIDS[preset]()
    rows = [{"family": trial.family, "accuracy_5": 1.0} for trial in trials]
    for curves in panels_of(rows, monkeypatch).values():
        colours = [curve.colour for curve in curves.values()]
        assert len(set(colours)) == len(colours)
