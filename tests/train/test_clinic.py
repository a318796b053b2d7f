"""The failure clinic: each failure is there, and its control is healthy.

The networks are half as wide as in the command, saturation is trained for fewer steps, and fewer
sizes of a batch are plotted; the nightly tests have everything as it is in the command.
"""

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from toolkit.common.device import seeded
from toolkit.gan.config import Config
from toolkit.gan.data import MNIST
from toolkit.gan.failures import Case
from toolkit.gan.measure.evaluation import Evaluator
from toolkit.gan.model import ConvDiscriminator, ConvGenerator
from toolkit.gan.training import Networks
from toolkit.train import classifier
from toolkit.train.app import app
from toolkit.train.clinic import LESSONS, Lesson
from toolkit.train.workspace import Workspace

FAILURES = ("saturation", "collapse", "overpowered", "batch-statistics")
Metrics = dict[str, dict[str, float]]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clinic")]


def build_narrow(config: Config, device: torch.device) -> Networks:
    """`toolkit.gan.training.build` with half the width."""
    with seeded(config.seed, "weights"):
        generator = ConvGenerator(config.latent_dim, 16, config.mapping_size)
        discriminator = ConvDiscriminator(16, 128)
    average = deepcopy(generator).eval().requires_grad_(False)
    return Networks(generator, discriminator, average, auxiliary_head=nn.Identity())


def load_small_evaluator(workspace: Workspace, mnist: MNIST) -> Evaluator:
    """The committed classifier, with 1,000 test images."""
    small = mnist._replace(
        test_images=mnist.test_images[:1000], train_images=mnist.train_images[:1000]
    )
    return classifier.load_evaluator(workspace, small)


def shorten(lesson: Lesson, num_steps: int) -> Lesson:
    """With so many steps."""

    def short(case: Case) -> Case:
        return replace(case, config=replace(case.config, num_steps=num_steps))

    return replace(lesson, failure=short(lesson.failure), control=short(lesson.control))


@pytest.fixture(scope="module", params=["narrow", pytest.param("full", marks=pytest.mark.nightly)])
def clinic(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """The folder that `clinic all` writes, and what it prints."""
    runs_dir = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "narrow":
            patch.setattr("toolkit.gan.training.build", build_narrow)
            patch.setattr("toolkit.train.clinic.load_evaluator", load_small_evaluator)
            patch.setitem(LESSONS, "saturation", shorten(LESSONS["saturation"], 150))
            patch.setattr("toolkit.train.clinic.BATCH_SIZES", (1, 64))  # of the curve
        done = CliRunner().invoke(app, ["clinic", "all", "--runs-dir", str(runs_dir)])
    assert done.exception is None, done.output
    return runs_dir / "clinic", done.stdout


def metrics(clinic: tuple[Path, str], name: str) -> Metrics:
    found: Metrics = json.loads((clinic[0] / name / "measured.json").read_text())
    return found


@pytest.mark.parametrize("name", FAILURES)
def test_lesson_and_pictures(clinic: tuple[Path, str], name: str) -> None:
    folder, printed = clinic
    for picture in ("samples.png", "curves.png"):
        assert iio.imread(folder / name / picture).std() > 10
    text = (folder / name / "lesson.md").read_text()
    assert text.startswith(f"# {name}\n\n|")
    assert text.removeprefix(f"# {name}\n\n").strip() in printed
    for word in ("How to recognise it: ", "Cause: ", "Cure: "):
        assert word in text


def test_saturation(clinic: tuple[Path, str]) -> None:
    """The same networks and rates: only the loss differs, and with it the gradient."""
    measured = metrics(clinic, "saturation")
    failure, control = measured["failure"], measured["control"]
    assert failure["gradient"] < 0.01
    assert control["gradient"] > 1
    assert control["gradient"] > 1000 * failure["gradient"]
    assert abs(failure["loss_g"]) < 1e-3
    assert failure["num_classes"] == 1  # noise is always classified as the same digit


def test_collapse(clinic: tuple[Path, str]) -> None:
    measured = metrics(clinic, "collapse")
    assert measured["failure"]["spread"] < 0.5 * measured["control"]["spread"]
    assert measured["failure"]["num_classes"] <= 5
    # Another processor rounds otherwise, and after so few steps that decides about a digit or two.
    assert measured["control"]["num_classes"] >= measured["failure"]["num_classes"] + 2


def test_overpowered(clinic: tuple[Path, str]) -> None:
    measured = metrics(clinic, "overpowered")
    assert measured["failure"]["accuracy"] > 0.99
    assert measured["failure"]["loss_g"] > 3
    assert measured["failure"]["gradient"] > 1  # it is not saturated
    assert measured["control"]["accuracy"] < 0.95
    assert measured["control"]["loss_g"] < 1.5


def test_batch_statistics(clinic: tuple[Path, str]) -> None:
    correct, alone, of_one_digit, never = metrics(clinic, "batch-statistics").values()
    assert correct["share_changed"] == 0
    assert alone["frechet_distance"] > 1.5 * correct["frechet_distance"]
    assert of_one_digit["frechet_distance"] > 1.5 * correct["frechet_distance"]
    assert never["frechet_distance"] > 5 * correct["frechet_distance"]
    for wrong in (alone, of_one_digit, never):
        assert wrong["share_changed"] > 0.02


def test_unknown_failure() -> None:
    done = CliRunner().invoke(app, ["clinic", "flu"])
    assert done.exit_code == 2
    assert "'flu' is not one of" in done.output
