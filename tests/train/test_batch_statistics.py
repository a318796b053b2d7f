"""The clinic's batch statistics on an MLP, whose batch normalisation refuses a single sample."""

from pathlib import Path

import pytest
import torch
from torch import nn

from toolkit.common.errors import ToolkitError
from toolkit.export import saving
from toolkit.gan.data import MNIST
from toolkit.gan.measure.evaluation import Evaluator
from toolkit.gan.model import Classifier, ConvGenerator, MLPGenerator
from toolkit.train import clinic
from toolkit.train.generators.generator import Generator
from toolkit.train.workspace import evaluation_workspace

METRICS = {"frechet_distance": 0, "classifier_sha256": ""}


def exported(model: nn.Module, folder: Path) -> Path:
    torch.manual_seed(0)
    saving.save(
        {"generator": model}, {"generator": METRICS}, exports_dir=folder, seed=0, config={},
        formats=(),
    )  # fmt: skip
    return folder / "generator.safetensors"


def test_the_smallest_batch(tmp_path: Path) -> None:
    z = torch.randn(5, 8)
    conv = Generator(exported(ConvGenerator(8, 4, 0), tmp_path / "conv"))
    assert clinic.smallest_batch(conv, z) == (1, "")
    mlp = Generator(exported(MLPGenerator(8), tmp_path / "mlp"))
    state = {name: value.clone() for name, value in mlp.state_dict().items()}
    smallest, why = clinic.smallest_batch(mlp, z)
    assert smallest == 2
    assert "Expected more than 1 value per channel when training" in why
    assert "--latent-dim" not in why  # 100 images were drawn before, so z has the right size
    assert all(torch.equal(value, state[name]) for name, value in mlp.state_dict().items())
    assert not mlp.training


def test_the_lesson_of_an_mlp(
    tmp_path: Path, mnist: MNIST, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clinic, "NUM_IMAGES", 60)
    monkeypatch.setattr(clinic, "BATCH_SIZES", (1, 2, 4))
    few = MNIST(*(part[:200] for part in mnist))
    torch.manual_seed(0)
    evaluator = Evaluator(Classifier().eval(), "hash", few, torch.device("cpu"))
    path = exported(MLPGenerator(8), tmp_path / "exports")
    workspace = evaluation_workspace(tmp_path / "runs", path.parent)
    table = clinic.batch_statistics(tmp_path, workspace, evaluator)
    assert "| training mode, two at a time |" in table
    assert "In training mode it cannot draw a single image: " in table
    assert (tmp_path / "curves.png").exists()


def test_a_wrong_size_is_still_advised(tmp_path: Path) -> None:
    path = exported(MLPGenerator(8), tmp_path)
    with pytest.raises(ToolkitError, match=r"If z has another size, pass --latent-dim\.$"):
        Generator(path, latent_dim=9)


def test_the_picture_of_a_failure_has_25_samples(tmp_path: Path) -> None:
    """More samples do not change it."""
    images = torch.rand(30, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    pictures = []
    for count in (25, 30):
        folder = tmp_path / str(count)
        folder.mkdir()
        shown = {"of the failure": images[:count]}
        axes = {"title": "losses", "x_label": "step", "y_label": "loss"}
        clinic.write_evidence(folder, shown, {"loss": ([1, 2], [0.5, 0.25])}, {}, **axes)
        pictures.append((folder / "samples.png").read_bytes())
    assert pictures[0] == pictures[1]
