"""The failure clinic on the command line: each failure is there, and its control is healthy."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import pytest

RunTrain = Callable[..., "subprocess.CompletedProcess[str]"]


def hold(run_train: RunTrain, tmp_path: Path, name: str) -> dict[str, dict[str, float]]:
    done = run_train("clinic", name)
    assert done.returncode == 0, done.stderr
    directory = tmp_path / "clinic" / name
    for picture in ("samples.png", "curves.png"):
        assert iio.imread(directory / picture).std() > 10
    text = (directory / "lesson.md").read_text()
    assert text.removeprefix(f"# {name}\n\n").strip() in done.stdout
    measured: dict[str, dict[str, float]] = json.loads((directory / "measured.json").read_text())
    return measured


@pytest.mark.slow
def test_saturation(run_train: RunTrain, tmp_path: Path) -> None:
    """The same networks and rates: only the loss, and with it the gradient, differs."""
    measured = hold(run_train, tmp_path, "saturation")
    assert measured["ill"]["gradient"] < 0.01
    assert measured["control"]["gradient"] > 1
    assert abs(measured["ill"]["loss_g"]) < 1e-3
    assert measured["ill"]["spread"] < 0.75 * measured["control"]["spread"]


@pytest.mark.slow
def test_collapse(run_train: RunTrain, tmp_path: Path) -> None:
    measured = hold(run_train, tmp_path, "collapse")
    assert measured["ill"]["spread"] < 0.5 * measured["control"]["spread"]
    assert measured["ill"]["num_classes"] <= 5
    assert measured["control"]["num_classes"] >= 8


@pytest.mark.slow
def test_overpowered(run_train: RunTrain, tmp_path: Path) -> None:
    measured = hold(run_train, tmp_path, "overpowered")
    assert measured["ill"]["accuracy"] > 0.99
    assert measured["ill"]["loss_g"] > 3
    assert measured["ill"]["gradient"] > 1  # it is not saturated
    assert measured["control"]["accuracy"] < 0.95
    assert measured["control"]["loss_g"] < 1.5


@pytest.mark.slow
def test_batch_statistics(run_train: RunTrain, tmp_path: Path) -> None:
    right, alone, of_one_digit, never = hold(run_train, tmp_path, "batch-statistics").values()
    assert right["share_changed"] == 0
    assert alone["frechet_distance"] > 1.5 * right["frechet_distance"]
    assert of_one_digit["frechet_distance"] > 1.5 * right["frechet_distance"]
    assert never["frechet_distance"] > 5 * right["frechet_distance"]
    for wrong in (alone, of_one_digit, never):
        assert wrong["share_changed"] > 0.02


def test_unknown_failure(run_train: RunTrain) -> None:
    done = run_train("clinic", "flu")
    assert done.returncode == 2
    assert "'flu' is not one of" in done.stderr
