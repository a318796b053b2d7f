"""The commands `score` and `interpolate`: what they print and write, called in this process."""

import functools
import json
import re
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import pytest
import torch
from click.testing import Result
from torch import Tensor, nn
from typer.testing import CliRunner

from toolkit.export import loading, manifest
from toolkit.gan.data import MNIST
from toolkit.gan.measure.evaluation import Evaluator
from toolkit.train.app import app

ROOT = Path(__file__).parents[2]


class Noise(nn.Module):
    """A student's generator that was never trained; its images lie in -1..1."""

    def __init__(self) -> None:
        super().__init__()
        self.latent_dim = 16
        self.layer = nn.Linear(16, 28 * 28)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.layer(z)).view(-1, 1, 28, 28)


class Dropout(Noise):
    """The same with a layer that was left in training mode."""

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(nn.functional.dropout(self.layer(z), 0.5, True)).view(-1, 1, 28, 28)


def script(model: nn.Module, path: Path) -> Path:
    torch.manual_seed(0)
    torch.jit.script(model.eval()).save(str(path))
    return path


def run(runs_dir: Path, *arguments: object) -> Result:
    """Call `python -m toolkit.train ARGUMENTS --runs-dir RUNS_DIR`."""
    return CliRunner().invoke(app, [*map(str, arguments), "--runs-dir", str(runs_dir)])


def succeeds(done: Result) -> str:
    assert done.exception is None, done.output
    return done.stdout


def fails(done: Result, code: int, message: str) -> None:
    assert done.exit_code == code, done.output
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def scorecard(runs_dir: Path) -> dict[str, Any]:
    (path,) = (runs_dir / "score").glob("*/scorecard.json")
    card: dict[str, Any] = json.loads(path.read_text())
    return card


@pytest.fixture
def small(mnist: MNIST, monkeypatch: pytest.MonkeyPatch) -> None:
    """Score two draws of 1,000 samples against 1,000 test images, which takes seconds."""
    few = MNIST(
        mnist.train_images[:3000],
        mnist.train_labels[:3000],
        mnist.test_images[:1000],
        mnist.test_labels[:1000],
    )
    monkeypatch.setattr("toolkit.train.generators.score.load_mnist", lambda data_dir: few)
    monkeypatch.setattr(
        "toolkit.train.classifier.Evaluator",
        functools.partial(Evaluator, num_images=1000, num_draws=2),
    )


@pytest.mark.usefixtures("small")
def test_scorecard_names_its_files(tmp_path: Path) -> None:
    """That the committed generator is as good as its manifest says: tests/export/test_export.py."""
    succeeds(run(tmp_path, "score"))
    card = scorecard(tmp_path)
    entries = manifest.read_manifest(ROOT / "exports")
    assert card["verified"] is True
    assert card["sha256"] == entries["generator.safetensors"]["sha256"]
    assert card["classifier_sha256"] == manifest.judge_of(ROOT / "exports")
    assert (card["num_images"], card["num_draws"]) == (1000, 2)
    assert sum(share["mean"] for share in card["samples"]["class_shares"]) == pytest.approx(1)
    assert card["samples"]["precision"]["mean"] > 0.8
    assert card["samples"]["share_unsure"]["mean"] < 0.2
    for side in ("samples", "real"):
        shares = card[side].pop("class_shares")
        for spread in (*card[side].values(), *shares):
            assert spread["num_draws"] == 2
            assert spread["sd"] >= 0


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_table_says_mean_and_spread_of_samples_and_real(tmp_path: Path) -> None:
    said = succeeds(run(tmp_path, "score"))
    card = scorecard(tmp_path)
    rows = re.findall(r"^\| (.+?) \| (\S+) ± (\S+) \| (\S+) ± (\S+) \|$", said, re.MULTILINE)
    assert len(rows) == 8 + 10
    name, *numbers = rows[2]
    assert name == "precision"
    ours, theirs = card["samples"]["precision"], card["real"]["precision"]
    expected = (ours["mean"], ours["sd"], theirs["mean"], theirs["sd"])
    assert [*map(float, numbers)] == pytest.approx(expected, abs=6e-4)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_same_seed_same_bytes(tmp_path: Path) -> None:
    first, second = (succeeds(run(tmp_path / name, "score")) for name in ("a", "b"))
    assert first.replace(str(tmp_path / "a"), str(tmp_path / "b")) == second
    for name in ("scorecard.json", "samples.png"):
        (a,), (b,) = ((tmp_path / run / "score").glob(f"*/{name}") for run in ("a", "b"))
        assert a.read_bytes() == b.read_bytes()
    assert iio.imread(b).shape == (600, 600)

    succeeds(run(tmp_path / "c", "score", "--seed", 1))
    assert scorecard(tmp_path / "c")["samples"] != scorecard(tmp_path / "a")["samples"]
    assert scorecard(tmp_path / "c")["real"] == scorecard(tmp_path / "a")["real"]


@pytest.mark.usefixtures("small")
def test_score_of_a_students_file(tmp_path: Path) -> None:
    """Noise is far from digits, and the picture has blanks."""
    said = succeeds(run(tmp_path, "score", script(Noise(), tmp_path / "student.pt")))
    assert "is not listed in a manifest, so it was not verified" in said
    assert "assumed to lie in -1..1" in said
    assert "The picture has blanks: only 0 of 1,000 samples are a" in said
    assert "depends on chance" not in said
    card = scorecard(tmp_path)
    assert card["verified"] is False
    samples, real = card["samples"], card["real"]
    assert samples["frechet_distance"]["mean"] > 20 * real["frechet_distance"]["mean"]
    assert samples["density"]["mean"] < 0.3 < real["density"]["mean"]
    assert samples["recall"]["mean"] < 0.1 < real["recall"]["mean"]


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_dropout_in_training_mode_is_noticed(tmp_path: Path) -> None:
    path = script(Dropout(), tmp_path / "student.pt")
    said = [succeeds(run(tmp_path / name, "score", path)) for name in ("a", "b")]
    assert "the image of a given z depends on chance or on the rest of the batch" in said[0]
    assert scorecard(tmp_path / "a") == scorecard(tmp_path / "b")  # even so, the seed decides


def test_bad_file_is_one_sentence(tmp_path: Path) -> None:
    path = script(Noise(), tmp_path / "student.pt")
    fails(run(tmp_path, "score", path, "--range", "0,1"), 1, "which are not in 0..1")
    fails(run(tmp_path, "score", path, "--latent-dim", 20), 1, f"{path} does not accept z")
    fails(run(tmp_path, "score", tmp_path / "absent.pt"), 1, "No such file or directory")


def test_help_says_that_a_file_is_code() -> None:
    done = CliRunner().invoke(app, ["score", "--help"])
    assert "Loading it runs code from it" in " ".join(done.output.replace("│", " ").split())


@pytest.mark.parametrize("options", [[], ["--slerp"]], ids=["line", "slerp"])
def test_interpolation_of_the_committed_generator(tmp_path: Path, options: list[str]) -> None:
    """Nine different images; the classifier calls the ends 3 and 8 with 90% or more."""
    succeeds(run(tmp_path, "interpolate", "--from", 3, "--to", 8, *options))
    (strip,) = (tmp_path / "interpolate").glob("*/3-to-8-*.png")
    images = iio.imread(strip).reshape(90, 9, 90).transpose(1, 0, 2)[:, 3:87:3, 3:87:3]
    assert len({image.tobytes() for image in images}) == 9
    assert len(iio.imread(strip.with_suffix(".gif"))) == 16  # there and back
    ends = torch.from_numpy(images[[0, -1]].copy()).unsqueeze(1).float() / 255
    with torch.no_grad():
        classifier = loading.load("classifier", ROOT / "exports")
        confidence, digits = classifier(ends).softmax(dim=1).max(dim=1)
    assert digits.tolist() == [3, 8]
    assert (confidence > 0.89).all()  # the picture is rounded to 1/255


def test_interpolation_that_is_impossible(tmp_path: Path) -> None:
    path = script(Noise(), tmp_path / "student.pt")  # looks like one digit for every z
    fails(run(tmp_path, "interpolate", path), 1, "are clearly different digits, so there is")
    same = run(tmp_path, "interpolate", "--from", 3, "--to", 3)
    fails(same, 2, "must be different digits, not 3 and 3")
