"""Anyone's generator file: what it is taken for, and what is refused in one sentence.

What the commands `score` and `interpolate` make of it is tested in tests/train/test_score.py.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from toolkit.common.errors import ToolkitError
from toolkit.export.manifest import read_manifest
from toolkit.gan.measure.evaluation import sample_images
from toolkit.gan.model import ConvGenerator
from toolkit.train.generators.generator import Generator

ROOT = Path(__file__).parents[2]


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


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (Unnamed(), {}, "does not say how many numbers z has (its latent_dim is None)"),
        (Student(), {"latent_dim": 20}, "does not accept z, float32 of shape [100, 20]: "),
        (WrongSize(), {}, "mat1 and mat2 shapes cannot be multiplied (100x32 and 16x784)"),
        (Flat(), {}, "float32 of shape [100, 784] for 100 latent points; expected"),
        (Pair(), {}, "returns a tuple; expected a tensor of images, (batch, 1, 28, 28)"),
        (Bytes(), {}, "uint8 of shape [100, 1, 28, 28] for 100 latent points"),
        (To255(), {}, "which are not in 0..1. End the generator with a sigmoid"),
        (Student(), {"value_range": "0,1"}, "which are not in 0..1"),
        (NotANumber(), {}, "returns values that are NaN or infinite"),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, nn.Module) else "",
)
def test_bad_files(
    tmp_path: Path, model: nn.Module, options: Mapping[str, object], message: str
) -> None:
    path = script(model, tmp_path / "student.pt")
    with pytest.raises(ToolkitError, match=re.escape(message)) as raised:
        Generator(path, **options)  # type: ignore[arg-type]
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)


def test_files_that_are_not_torchscript(tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    torch.save(nn.Linear(2, 2).state_dict(), weights)
    with pytest.raises(ToolkitError, match=r"weights.pt is not a TorchScript module. Make"):
        Generator(weights)
    (tmp_path / "notes.pt").write_text("hello")
    with pytest.raises(ToolkitError, match=r"notes.pt is not a TorchScript module"):
        Generator(tmp_path / "notes.pt")
    with pytest.raises(ToolkitError, match=r"absent.pt: No such file or directory"):
        Generator(tmp_path / "absent.pt")


def test_an_altered_export_is_refused(tmp_path: Path) -> None:
    for file in ("generator.pt", "manifest.json"):
        (tmp_path / file).write_bytes((ROOT / "exports" / file).read_bytes())
    assert Generator(tmp_path / "generator.pt").verified
    data = bytearray((tmp_path / "generator.pt").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "generator.pt").write_bytes(data)
    with pytest.raises(ToolkitError, match="is damaged or was altered"):
        Generator(tmp_path / "generator.pt")


def test_a_script_of_earlier_weights_is_refused(tmp_path: Path) -> None:
    """A torch without TorchScript trains new weights, and leaves the old .pt file."""
    for file in ("generator.pt", "manifest.json"):
        (tmp_path / file).write_bytes((ROOT / "exports" / file).read_bytes())
    entries = read_manifest(tmp_path)
    entries["generator.safetensors"]["sha256"] = "0" * 64
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    with pytest.raises(ToolkitError, match=r"generator\.pt was made from a file with SHA-256"):
        Generator(tmp_path / "generator.pt")


def test_range_is_detected_and_mapped(tmp_path: Path) -> None:
    """-1..1 becomes 0..1, and 0..1 stays, unless the range is given."""
    model = Student()
    path = script(model, tmp_path / "student.pt")
    z = torch.randn(5, 16, generator=torch.Generator().manual_seed(1))
    detected = Generator(path)
    assert detected.value_range == "-1,1"
    torch.testing.assert_close(detected(z), (model(z) + 1) / 2)

    ours = ConvGenerator(8, 4).eval()
    generator = Generator(script(ours, tmp_path / "ours.pt"))
    assert (generator.value_range, generator.latent_dim) == ("0,1", 8)
    torch.testing.assert_close(generator(z[:, :8]), ours(z[:, :8]), rtol=0, atol=1e-6)
    given = Generator(tmp_path / "ours.pt", value_range="-1,1")
    torch.testing.assert_close(given(z[:, :8]), (ours(z[:, :8]) + 1) / 2)


def test_file_without_weights(tmp_path: Path) -> None:
    """As after freezing, which makes constants of the weights and drops latent_dim."""

    class Plain(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return torch.sigmoid(z[:, :1]).view(-1, 1, 1, 1).repeat(1, 1, 28, 28)

    generator = Generator(script(Plain(), tmp_path / "plain.pt"), latent_dim=3)
    assert list(generator.parameters()) == []
    assert sample_images(generator, seed=0, count=4).shape == (4, 1, 28, 28)
