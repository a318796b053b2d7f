"""The race of the GANs: its table and its curves over seeds, worked by hand, and one of seconds."""

from pathlib import Path
from typing import Any

import gan_per_minute
import imageio.v3 as iio
import numpy as np
import pytest
import torch
from gan_per_minute import Race, compete, plot, print_table

from toolkit.common import figures
from toolkit.common.record import Spread
from toolkit.gan.data import MNIST
from toolkit.gan.measure.evaluation import Evaluator, Scores
from toolkit.gan.model import Classifier

FLOOR = Spread(2.75, 0.25, 5)


def final(distance: float) -> Scores[Spread]:
    return Scores(Spread(distance, 0.5, 5), Spread(0.05, 0.01, 5), [Spread(0.1, 0.01, 5)] * 10)


RACES = {
    "fast": [
        Race([0.5, 1.0], [30.0, 5.0], final(4.0)),
        Race([0.5, 1.1], [50.0, 9.0], final(5.0)),
        Race([0.5, 1.2, 1.3], [40.0, 4.0, 3.0], final(6.0)),
    ],
    "slow": [Race([0.5, 1.0], [d, d], final(d)) for d in (200.0, 300.0, 400.0)],
}


def test_bands_go_from_the_best_to_the_worst_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[str, Any] = {}

    def save_curves(path: Path, curves: object, **options: Any) -> None:
        drawn.update(options, curves=curves)
        figures.save_curves(path, curves, **options)

    monkeypatch.setattr(gan_per_minute, "save_curves", save_curves)
    plot(tmp_path / "race.png", RACES, FLOOR, "abc")
    minutes, distances = drawn["curves"]["fast"]
    assert minutes == pytest.approx([0.5, 1.1])
    assert distances == pytest.approx([40.0, 6.0])
    assert drawn["bands"]["fast"] == ([30.0, 4.0], [50.0, 9.0])
    assert drawn["level"] == ("real images", FLOOR)
    assert "one draw" in drawn["title"]
    assert iio.imread(tmp_path / "race.png").std() > 10


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard deviations over the seeds, by hand: of 4, 5 and 6 it is 1; of 30, 50 and 40, 10."""
    print_table(RACES, 1.0, FLOOR)
    said = capsys.readouterr().out
    assert "| fast | 40.0 ± 10.0 | 6.0 ± 2.6 | 5.00 ± 1.00 (1.1 min)" in said
    assert "Mean of 3 seeds" in said
    assert "2.75 ± 0.25" in said


@pytest.mark.slow
def test_a_race_of_a_second(mnist: MNIST, monkeypatch: pytest.MonkeyPatch) -> None:
    little = MNIST(*(data[:640] for data in mnist))
    torch.manual_seed(0)
    evaluator = Evaluator(Classifier().eval(), "", little, torch.device("cpu"), 100, 2)
    monkeypatch.setattr(gan_per_minute, "steps_a_minute", lambda mnist: 400.0)
    races = compete(0.01, 2, little, evaluator)
    assert list(races) == ["ours, planned for 0.01 minutes", "textbook DCGAN", "template's MLP"]
    for seeds in races.values():
        first, second = seeds
        assert first.distances != second.distances  # the seed decides
        for race in seeds:
            assert race.minutes == sorted(race.minutes)
            assert np.isfinite(race.distances).all()
            assert race.final.frechet_distance.num_draws == 2
