"""A student's generator file, of each bad kind, through the command line."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import pytest
import torch
from torch import Tensor, nn

from toolkit.export import manifest, torchscript
from toolkit.export.generator import Generator
from toolkit.gan.evaluation import sample_images
from toolkit.gan.model import ConvGenerator

ROOT = Path(__file__).parents[2]
RunTrain = Callable[..., "subprocess.CompletedProcess[str]"]


class Student(nn.Module):
    """A generator whose images lie in -1..1, as after a tanh."""

    def __init__(self, latent_dim: int = 16) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.layer = nn.Linear(latent_dim, 28 * 28)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.layer(z)).view(-1, 1, 28, 28)


class Unnamed(nn.Module):
    """The same without a latent_dim."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(16, 28 * 28)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.layer(z)).view(-1, 1, 28, 28)


class WrongSize(Student):
    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.layer(torch.cat([z, z], dim=1))).view(-1, 1, 28, 28)


class Flat(Student):
    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.layer(z))


class Pair(Student):
    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return z, z


class Bytes(Student):
    def forward(self, z: Tensor) -> Tensor:
        return (torch.sigmoid(self.layer(z)) * 255).byte().view(-1, 1, 28, 28)


class To255(Student):
    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.layer(z)).view(-1, 1, 28, 28) * 255


class NotANumber(Student):
    def forward(self, z: Tensor) -> Tensor:
        return torch.log(self.layer(z)).view(-1, 1, 28, 28)


def script(model: nn.Module, path: Path) -> Path:
    torch.manual_seed(0)
    torch.jit.script(model.eval()).save(str(path))
    return path


def fails(done: "subprocess.CompletedProcess[str]", message: str) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (Unnamed(), [], "does not say how many numbers z has (its latent_dim is None)"),
        (Student(), ["--latent-dim", "20"], "does not accept z, float32 of shape [100, 20]: "),
        (WrongSize(), [], "mat1 and mat2 shapes cannot be multiplied (100x32 and 16x784)"),
        (Flat(), [], "float32 of shape [100, 784] for 100 latent points; expected"),
        (Pair(), [], "returns a tuple; expected a tensor of images, (batch, 1, 28, 28)"),
        (Bytes(), [], "uint8 of shape [100, 1, 28, 28] for 100 latent points"),
        (To255(), [], "which are not in 0..1. End the generator with a sigmoid"),
        (Student(), ["--range", "0,1"], "which are not in 0..1"),
        (NotANumber(), [], "returns values that are NaN or infinite"),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, nn.Module) else "",
)
def test_bad_files(
    run_train: RunTrain, tmp_path: Path, model: nn.Module, options: list[str], message: str
) -> None:
    path = script(model, tmp_path / "student.pt")
    done = run_train("score", path, *options)
    fails(done, message)
    assert str(path) in done.stderr


def test_files_that_are_no_torchscript(run_train: RunTrain, tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    torch.save(nn.Linear(2, 2).state_dict(), weights)
    fails(run_train("score", weights), f"{weights} is not a TorchScript module. Make one with")
    (tmp_path / "notes.pt").write_text("hello")
    fails(run_train("score", tmp_path / "notes.pt"), "notes.pt is not a TorchScript module")
    fails(run_train("score", tmp_path / "absent.pt"), "absent.pt: No such file or directory")


def test_an_altered_export_is_refused(run_train: RunTrain, tmp_path: Path) -> None:
    for file in ("generator.pt", "manifest.json"):
        (tmp_path / file).write_bytes((ROOT / "exports" / file).read_bytes())
    data = bytearray((tmp_path / "generator.pt").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "generator.pt").write_bytes(data)
    fails(run_train("score", tmp_path / "generator.pt"), "is damaged or was altered")


def test_help_says_that_a_file_is_code() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "toolkit.train", "score", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert "It is executable code" in " ".join(done.stdout.replace("│", " ").split())


def test_range_is_told_and_mapped(tmp_path: Path) -> None:
    """-1..1 becomes 0..1; 0..1 stays; half of -1..1 is what one says it is."""
    model = Student()
    path = script(model, tmp_path / "student.pt")
    z = torch.randn(5, 16, generator=torch.Generator().manual_seed(1))
    told = Generator(path)
    assert told.value_range == "-1,1"
    torch.testing.assert_close(told(z), (model(z) + 1) / 2)

    ours = ConvGenerator(8, 4).eval()
    generator = Generator(script(ours, tmp_path / "ours.pt"))
    assert (generator.value_range, generator.latent_dim) == ("0,1", 8)
    torch.testing.assert_close(generator(z[:, :8]), ours(z[:, :8]), rtol=0, atol=1e-6)
    named = Generator(tmp_path / "ours.pt", value_range="-1,1")
    torch.testing.assert_close(named(z[:, :8]), (ours(z[:, :8]) + 1) / 2)


def test_file_without_weights(tmp_path: Path) -> None:
    """As after freezing, which makes constants of the weights and drops latent_dim."""

    class Plain(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return torch.sigmoid(z[:, :1]).view(-1, 1, 1, 1).repeat(1, 1, 28, 28)

    generator = Generator(script(Plain(), tmp_path / "plain.pt"), latent_dim=3)
    assert list(generator.parameters()) == []
    assert sample_images(generator, seed=0, count=4).shape == (4, 1, 28, 28)


@pytest.mark.parametrize("options", [[], ["--slerp"]], ids=["line", "slerp"])
def test_interpolation_of_the_committed_generator(
    run_train: RunTrain, tmp_path: Path, options: list[str]
) -> None:
    """Nine different images, whose ends the classifier calls 3 and 8 with 90% or more."""
    done = run_train("interpolate", "--from", 3, "--to", 8, *options)
    assert done.returncode == 0, done.stderr
    (directory,) = (tmp_path / "interpolate").iterdir()
    (strip,) = directory.glob("3-to-8-*.png")
    images = iio.imread(strip).reshape(90, 9, 90).transpose(1, 0, 2)[:, 3:87:3, 3:87:3]
    assert len({image.tobytes() for image in images}) == 9
    assert len(iio.imread(strip.with_suffix(".gif"))) == 16  # there and back
    ends = torch.from_numpy(images[[0, -1]].copy()).unsqueeze(1).float() / 255
    with torch.no_grad():
        confidence, digits = torchscript.load("classifier")(ends).softmax(dim=1).max(dim=1)
    assert digits.tolist() == [3, 8]
    assert (confidence > 0.89).all()  # the picture is rounded to 1/255


def test_interpolation_that_is_impossible(run_train: RunTrain, tmp_path: Path) -> None:
    path = script(Student(), tmp_path / "student.pt")  # noise, which looks like one digit
    done = run_train("interpolate", path)
    fails(done, "are clearly different digits, so there is nothing to interpolate between yet")
    same = run_train("interpolate", "--from", 3, "--to", 3)
    assert same.returncode == 2
    assert "must be different digits, not 3 and 3" in same.stderr


@pytest.mark.slow
def test_score_of_the_committed_generator_twice(run_train: RunTrain, tmp_path: Path) -> None:
    first, second = (run_train("score", runs_dir=tmp_path / run) for run in ("a", "b"))
    assert first.returncode == 0, first.stderr
    assert first.stdout.replace(str(tmp_path / "a"), str(tmp_path / "b")) == second.stdout
    (a,), (b,) = ((tmp_path / run / "score").iterdir() for run in ("a", "b"))
    card = json.loads((a / "scorecard.json").read_text())
    assert card == json.loads((b / "scorecard.json").read_text())
    assert iio.imread(a / "samples.png").shape == (600, 600)

    entry = manifest.read_manifest(ROOT / "exports")["generator.pt"]
    assert card["verified"] is True
    assert card["sha256"] == entry["sha256"]
    metrics = entry["metrics"]
    assert card["classifier_sha256"] == metrics["classifier_sha256"]
    assert card["samples"]["frechet_distance"] == pytest.approx(
        metrics["frechet_distance"], rel=0.01
    )
    assert card["real"]["frechet_distance"] == pytest.approx(
        metrics["frechet_distance_floor"], rel=0.01
    )
    assert card["samples"]["class_shares"] == pytest.approx(metrics["class_shares"], abs=0.002)


@pytest.mark.slow
def test_score_of_a_students_file(run_train: RunTrain, tmp_path: Path) -> None:
    """Noise is far from digits, and the picture has blanks."""
    done = run_train("score", script(Student(), tmp_path / "student.pt"))
    assert done.returncode == 0, done.stderr
    assert "is not listed in a manifest, so it was not verified" in done.stdout
    assert "assumed to lie in -1..1" in done.stdout
    assert "The picture has blanks: " in done.stdout
    (directory,) = (tmp_path / "score").iterdir()
    card = json.loads((directory / "scorecard.json").read_text())
    assert card["verified"] is False
    assert card["samples"]["precision"] < 0.1
    assert card["samples"]["recall"] < 0.1
