"""Which classifier measures: the toolkit's own, wherever the exports go, or one that is named."""

from pathlib import Path

import pytest
import torch

from toolkit.common.errors import ToolkitError
from toolkit.export import loading, saving
from toolkit.export.manifest import judge_of, read_manifest
from toolkit.gan.data import MNIST
from toolkit.gan.model import Classifier
from toolkit.train.classifier import keep_classifier, load_evaluator
from toolkit.train.workspace import Workspace, evaluation_workspace

EXPORTS = Path(__file__).parents[2] / "exports"
IDENTITY = "422b9235e42ba71d3efb3c0df63eec7ca0d2b7db6604c793ef58b1eae23ae03a"


@pytest.fixture
def few(mnist: MNIST) -> MNIST:
    return MNIST(*(data[:200] for data in mnist))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Away from the project's folder."""
    monkeypatch.chdir(tmp_path)
    return evaluation_workspace(Path("runs"), Path("exports"))


def test_the_committed_classifier_is_never_trained_anew() -> None:
    """Every distance in the documents was measured by this one."""
    assert judge_of(EXPORTS) == IDENTITY
    loading.load("classifier", EXPORTS)  # which compares the hash


def test_it_measures_wherever_the_exports_go(
    workspace: Workspace, few: MNIST, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load_evaluator(workspace, few).sha256 == IDENTITY
    assert not workspace.exports_dir.exists()  # measuring writes nothing
    keep_classifier(workspace.exports_dir)
    keep_classifier(workspace.exports_dir)
    copy = workspace.exports_dir / "classifier.safetensors"
    assert copy.read_bytes() == (EXPORTS / "classifier.safetensors").read_bytes()
    ours, theirs = (read_manifest(folder) for folder in (workspace.exports_dir, EXPORTS))
    assert ours == {file: theirs[file] for file in theirs if file.startswith("classifier.")}
    assert load_evaluator(workspace, few).sha256 == IDENTITY
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_another_one_is_named(
    workspace: Workspace, few: MNIST, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    saving.save(
        {"classifier": Classifier()},
        {"classifier": {"test_accuracy": 0.1}},
        exports_dir=workspace.exports_dir,
        seed=0,
        config={},
    )
    other = read_manifest(workspace.exports_dir)["classifier.safetensors"]["sha256"]
    keep_classifier(workspace.exports_dir)
    assert load_evaluator(workspace, few).sha256 == other
    said = capsys.readouterr().out
    named = f"exports/classifier.safetensors ({other[:12]})"
    assert said.startswith(f"Note: {named} is not the toolkit's own")
    assert f"({IDENTITY[:12]})" in said
    (workspace.exports_dir / "classifier.safetensors").unlink()  # as the note says
    keep_classifier(workspace.exports_dir)
    assert load_evaluator(workspace, few).sha256 == IDENTITY


@pytest.mark.parametrize("listed", [True, False])
def test_a_file_that_the_manifest_does_not_know(workspace: Workspace, listed: bool) -> None:
    if listed:
        keep_classifier(workspace.exports_dir)
    else:
        workspace.exports_dir.mkdir()
    (workspace.exports_dir / "classifier.safetensors").write_bytes(b"something else")
    message = r"exports/classifier.safetensors does not match .* Remove it"
    with pytest.raises(ToolkitError, match=message):
        keep_classifier(workspace.exports_dir)
