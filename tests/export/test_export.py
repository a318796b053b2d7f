"""Exports: equal to the eager model, alone in the world, and never read when damaged."""

import json
import re
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import nn

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.export import load, loading, manifest, replacing, saving, verify
from toolkit.export.golden import example_inputs
from toolkit.export.replacing import lists_on_one_line
from toolkit.gan.config import Config
from toolkit.gan.data import MNIST
from toolkit.gan.measure.evaluation import Evaluator, sample_images
from toolkit.gan.model import (
    Classifier,
    ConvDiscriminator,
    ConvGenerator,
    MLPDiscriminator,
    MLPGenerator,
)
from toolkit.gan.training import build
from toolkit.lstm.model import LSTM, RNN

ROOT = Path(__file__).parents[2]
MODELS: list[tuple[str, nn.Module]] = [
    ("lstm", LSTM(16)),
    ("lstm", LSTM(16, one_hot=False)),
    ("rnn", RNN(16)),
    ("lstm_plain", LSTM(16)),
    ("rnn_plain", RNN(16)),
    ("generator", ConvGenerator(8, 16)),
    ("generator", MLPGenerator(20)),
    ("discriminator", ConvDiscriminator(8, 16)),
    ("discriminator", MLPDiscriminator()),
    ("classifier", Classifier()),
]
METRICS = {
    "test_accuracy": 0.9,
    "length": 5,
    "frechet_distance": 10.0,
    "classifier_sha256": "c",
}


def save(
    name: str,
    model: nn.Module,
    directory: Path,
    formats: Sequence[manifest.Format] = (),
    **metrics: object,
) -> str | None:
    """Save one export, and return the note if there is one."""
    notes = saving.save(
        {name: model},
        {name: METRICS | metrics},
        exports_dir=directory,
        seed=0,
        config={"a": 1},
        formats=formats,
    ).notes
    assert len(notes) <= 1
    return notes[0] if notes else None


@pytest.mark.parametrize(("name", "model"), MODELS, ids=lambda x: x if isinstance(x, str) else "")
def test_reloaded_equals_eager(name: str, model: nn.Module, tmp_path: Path) -> None:
    save(name, model, tmp_path, formats=("pt",))
    inputs = example_inputs(name, model, batch_size=31)
    loaded: list[nn.Module] = [loading.load(name, tmp_path)]
    loaded.append(loading.load(name, tmp_path, format="pt"))
    with torch.no_grad():
        for network, method in product(loaded, ("forward", *manifest.SIGNATURES[name].methods)):
            torch.testing.assert_close(
                getattr(network, method)(*inputs),
                getattr(model.eval(), method)(*inputs),
                rtol=0,
                atol=1e-6,
            )
        entry = manifest.entry_of(name, tmp_path)
        for case in entry["golden"]["cases"]:
            given, expected = (
                torch.tensor(case[key]["values"], dtype=getattr(torch, case[key]["dtype"])).reshape(
                    case[key]["shape"]
                )
                for key in ("input", "output")
            )
            torch.testing.assert_close(model(given), expected, rtol=0, atol=1e-6)
    if name == "generator":
        for network in loaded:
            assert network.latent_dim == model.latent_dim
            images = network(*inputs)
            assert 0 <= images.min() < images.max() <= 1


@pytest.mark.parametrize(
    ("name", "model", "bad", "message"),
    [
        ("lstm", LSTM(4), torch.zeros(2, 3), r"int64 .* got float32 of shape \[2, 3\]"),
        ("lstm", LSTM(4), torch.tensor([[1, 12]]), "between 0 and 9; got values from 1 to 12"),
        ("rnn", RNN(4), torch.zeros(4, dtype=torch.int32), r"got int32 of shape \[4\]"),
        ("generator", ConvGenerator(8, 4), torch.zeros(2, 9), r"\(batch, 8\).*float32 .*\[2, 9\]"),
        ("generator", ConvGenerator(8, 4), torch.zeros(2, 8).double(), r"got float64 .*\[2, 8\]"),
        ("classifier", Classifier(), torch.zeros(1, 1, 28, 28).half(), "got float16 of shape"),
        ("discriminator", ConvDiscriminator(4, 4), torch.zeros(1, 28, 28), r"\[1, 28, 28\]"),
        ("classifier", Classifier(), torch.zeros(1, 1, 28, 28).byte(), "got uint8 of shape"),
    ],
)
def test_exported_module_says_what_is_wrong(
    name: str, model: nn.Module, bad: torch.Tensor, message: str, tmp_path: Path
) -> None:
    save(name, model, tmp_path, formats=("pt",))
    with pytest.raises(ValueError, match=message):
        loading.load(name, tmp_path)(bad)
    with pytest.raises(torch.jit.Error, match=message):
        loading.load(name, tmp_path, format="pt")(bad)


def test_manifest_describes_the_file(tmp_path: Path) -> None:
    save("generator", ConvGenerator(8, 16), tmp_path)
    entry = manifest.entry_of("generator", tmp_path)
    data = (tmp_path / "generator.safetensors").read_bytes()
    by_tool = subprocess.run(
        ["sha256sum", tmp_path / "generator.safetensors"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert entry["sha256"] == by_tool.stdout.split()[0]
    assert entry["bytes"] == len(data)
    assert entry["attributes"] == {"latent_dim": 8}
    assert entry["torch"] == torch.__version__
    assert entry["config"] == {"a": 1}
    assert entry["metrics"] == METRICS


def test_archive_has_no_path_of_this_machine(tmp_path: Path) -> None:
    save("lstm", LSTM(4), tmp_path, formats=("pt",))
    with zipfile.ZipFile(tmp_path / "lstm.pt") as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert b"toolkit" in content  # the class names
    assert str(ROOT).encode() not in content
    assert sys.prefix.encode() not in content


@pytest.mark.parametrize("damage", ["flip", "truncate", "replace"])
def test_damaged_export_is_refused(tmp_path: Path, damage: str) -> None:
    save("lstm", LSTM(4), tmp_path)
    path = tmp_path / "lstm.safetensors"
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    elif damage == "truncate":
        del data[-100:]
    else:
        save("rnn", RNN(4), tmp_path)
        data = bytearray((tmp_path / "rnn.safetensors").read_bytes())
    path.write_bytes(data)
    with pytest.raises(
        ToolkitError, match=r"lstm.safetensors is damaged or was altered: .* SHA-256"
    ):
        loading.load("lstm", tmp_path)


def test_golden_values_follow_their_file(tmp_path: Path) -> None:
    save("rnn", RNN(4), tmp_path)
    old = manifest.read_manifest(tmp_path)["rnn.safetensors"]["golden"]
    save("rnn", RNN(4), tmp_path)
    assert manifest.read_manifest(tmp_path)["rnn.safetensors"]["golden"] != old
    replacing.restore(["rnn"], tmp_path)
    assert manifest.read_manifest(tmp_path)["rnn.safetensors"]["golden"] == old


def test_python_that_torch_does_not_support(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    for name in ("rnn", "rnn_plain"):
        loading.load(name, format="pt")
    assert capsys.readouterr().err.startswith("Note: torch does not support TorchScript")
    loading.load("rnn", format="pt")
    assert capsys.readouterr().err == ""


def test_a_loaded_model_needs_no_gradients_until_they_are_asked_for() -> None:
    """And so takes the quick loop; one whose weights ask for them takes the plain one."""
    digits = torch.randint(10, (3, 20), generator=torch.Generator().manual_seed(0))
    lstm = loading.load("lstm", format="pt")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`torch.jit")
        plain = torch.jit.load(ROOT / "exports" / "lstm.pt")
    assert not any(weight.requires_grad for weight in lstm.parameters())
    logits = lstm(digits)
    assert not logits.requires_grad
    with torch.no_grad():
        torch.testing.assert_close(plain(digits), logits, rtol=0, atol=0)  # the same loop
    for weight in lstm.parameters():
        weight.requires_grad_(True)
    lstm(digits).sum().backward()
    plain(digits).sum().backward()
    for ours, theirs in zip(lstm.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_load_finds_the_exports_of_the_toolkit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the current folder has none; those that it has come first, each by itself."""
    monkeypatch.chdir(tmp_path)
    committed = loading.load("rnn", ROOT / "exports").state_dict()
    assert torch.equal(load("rnn").state_dict()["readout.weight"], committed["readout.weight"])
    own = RNN(4)
    save("rnn", own, tmp_path / "exports")
    assert torch.equal(load("rnn").state_dict()["readout.weight"], own.readout.weight)
    assert load("generator").latent_dim == 64  # the folder has none
    (tmp_path / "exports" / "generator.safetensors").write_bytes(b"mine")
    with pytest.raises(ToolkitError, match=r"manifest\.json does not list generator\.safetensors"):
        load("generator")
    with pytest.raises(
        UsageError, match="no format 'h5'; choose one of safetensors, onnx, pt2, pt"
    ):
        load("rnn", format="h5")  # type: ignore[call-overload]


@pytest.mark.parametrize("format", get_args(manifest.Format))
def test_verify(format: manifest.Format, tmp_path: Path) -> None:
    assert verify("rnn", ROOT / "exports", format=format) < 1e-4
    for name in ("rnn.safetensors", f"rnn.{format}"):
        shutil.copy(ROOT / "exports" / name, tmp_path)
    entries = manifest.read_manifest(ROOT / "exports")
    entries = {name: entries[name] for name in ("rnn.safetensors", f"rnn.{format}")}
    values = entries["rnn.safetensors"]["golden"]["cases"][0]["output"]["values"]
    values[2] += 0.01
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    said = rf"rnn.{format} differs from the golden outputs by 1.0e-02\."
    with pytest.raises(ToolkitError, match=said):
        verify("rnn", tmp_path, format=format)
    del entries["rnn.safetensors"]["golden"]
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    with pytest.raises(ToolkitError, match=rf"manifest.json has no golden values for rnn.{format}"):
        verify("rnn", tmp_path, format=format)


def test_lists_on_one_line() -> None:
    value = {"a": [1, 2.5], "b": [], "c": [{"d": ["x [y]", "z"]}], "e": [[3], [4]]}
    text = lists_on_one_line(json.dumps(value, indent=2))
    assert '"a": [1, 2.5],\n' in text
    assert json.loads(text) == value


def test_missing_and_unknown(tmp_path: Path) -> None:
    with pytest.raises(
        ToolkitError, match=r"lstm.safetensors is missing. `.* lstm --curriculum` makes"
    ):
        loading.load("lstm", tmp_path)
    with pytest.raises(UsageError, match="no model 'gru'; choose one of lstm, rnn"):
        loading.load("gru", tmp_path)
    save("rnn", RNN(4), tmp_path)
    for damaged in ("{", "[]", '{"rnn.safetensors": {}}', '{"rnn.safetensors": 3}'):
        (tmp_path / "manifest.json").write_text(damaged)
        with pytest.raises(ToolkitError, match=r"manifest.json is damaged"):
            loading.load("rnn", tmp_path)


def test_better_says_nothing_and_another_classifier_is_named(tmp_path: Path) -> None:
    save("generator", ConvGenerator(8, 4), tmp_path, frechet_distance=9.0)
    assert save("generator", ConvGenerator(8, 4), tmp_path, frechet_distance=8.0) is None
    note = save("generator", ConvGenerator(8, 4), tmp_path, classifier_sha256="other")
    assert note is not None
    assert "measured differently (classifier_sha256 c, now other)" in note


def test_nothing_is_replaced_by_a_model_that_changes_in_export(tmp_path: Path) -> None:
    class Random(nn.Module):
        latent_dim = 4

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return torch.rand(z.size(0), 1, 28, 28)

    save("generator", ConvGenerator(8, 4), tmp_path)
    before = (tmp_path / "generator.safetensors").read_bytes()
    with pytest.raises(ToolkitError, match=r"generator.forward differs after export"):
        save("generator", Random(), tmp_path, formats=("pt",))
    assert (tmp_path / "generator.safetensors").read_bytes() == before
    loading.load("generator", tmp_path)


class Rounding(nn.Module):
    """Its script is `error` * (1 + |y|) away from its y."""

    def __init__(self, error: float) -> None:
        super().__init__()
        self.error = error

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        y = 1000 * images[:, 0, 0, :1]
        if torch.jit.is_scripting():
            y = y + self.error * (1 + y.abs())
        return y


def test_a_script_may_round_as_other_runtimes_may(tmp_path: Path) -> None:
    """Within the tolerance of the golden values, absolute and relative."""
    save("discriminator", Rounding(8e-6), tmp_path, formats=("pt",))
    with pytest.raises(ToolkitError, match=r"discriminator.forward differs after export"):
        save("discriminator", Rounding(2e-5), tmp_path / "far", formats=("pt",))


def test_the_discriminator_has_no_more_than_its_forward_needs() -> None:
    networks = build(Config())
    assert {name.split(".")[0] for name in networks.discriminator.state_dict()} == {
        "layers",
        "readout",
    }


COMMITTED = sorted((ROOT / "exports").glob("*.pt"))


@pytest.fixture(scope="module")
def evaluator(mnist: MNIST) -> Evaluator:
    """By the committed classifier, on all test images."""
    exports = ROOT / "exports"
    sha256 = manifest.judge_of(exports)
    return Evaluator(loading.load("classifier", exports), sha256, mnist, torch.device("cpu"))


@pytest.mark.slow
@pytest.mark.xdist_group("committed exports")
def test_committed_classifier_is_as_good_as_its_manifest_says(
    evaluator: Evaluator, mnist: MNIST
) -> None:
    share = (evaluator.test.digits == mnist.test_labels).double().mean().item()
    metrics = manifest.read_manifest(ROOT / "exports")["classifier.safetensors"]["metrics"]
    assert share == pytest.approx(metrics["test_accuracy"], abs=2e-4)
    assert share >= 0.993


@pytest.mark.slow
@pytest.mark.xdist_group("committed exports")
def test_committed_generator_is_as_good_as_its_manifest_says(evaluator: Evaluator) -> None:
    """Unless it is from before there were draws: then the first draw is."""
    entry = manifest.read_manifest(ROOT / "exports")["generator.safetensors"]
    metrics = entry["metrics"]
    assert entry["seed"] == 0
    assert metrics["classifier_sha256"] == evaluator.sha256
    generator = loading.load("generator", ROOT / "exports")
    if "num_draws" not in metrics:
        scores = evaluator.measure(sample_images(generator, seed=0))
        assert scores.frechet_distance == pytest.approx(metrics["frechet_distance"], rel=0.01)
        assert scores.class_shares == pytest.approx(metrics["class_shares"], abs=0.002)
        return
    assert (metrics["num_images"], metrics["num_draws"]) == (10_000, 5)
    scores, real = evaluator.measure_generator(generator, seed=0), evaluator.real
    for name, found in (
        ("frechet_distance", scores.frechet_distance),
        ("frechet_distance_floor", real.frechet_distance),
        ("share_unsure", scores.share_unsure),
        ("share_unsure_real", real.share_unsure),
    ):
        assert found.mean == pytest.approx(metrics[name], rel=0.01)
        assert found.sd == pytest.approx(metrics[f"{name}_sd"], rel=0.05)
    shares = [share.mean for share in scores.class_shares]
    assert shares == pytest.approx(metrics["class_shares"], abs=0.002)


def test_all_are_committed() -> None:
    assert [path.stem for path in COMMITTED] == sorted(manifest.SIGNATURES)


def test_committed_files_load_with_torch_alone() -> None:
    """In a Python that cannot import this package, from a directory that does not hold it."""
    program = (
        "import sys, torch\n"
        "sys.modules['toolkit'] = None\n"
        "for path in sys.argv[1:]:\n"
        "    module = torch.jit.load(path)\n"
        "    print(type(module).__name__, sum(p.numel() for p in module.parameters()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *COMMITTED],
        cwd="/",
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    for path, line in zip(COMMITTED, lines, strict=True):
        module = loading.load(path.stem, ROOT / "exports")
        assert line == f"RecursiveScriptModule {sum(p.numel() for p in module.parameters())}"


@pytest.mark.slow
def test_loading_does_not_wait_for_a_compiler() -> None:
    """torch imports its own in a second or two, where anything asks for it."""
    code = (
        "import sys, toolkit.export\n"
        "for name in ('lstm', 'rnn', 'generator', 'discriminator', 'classifier'):\n"
        "    toolkit.export.load(name)\n"
        "print('torch._dynamo' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_conversion_where_there_are_no_exports_makes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    with pytest.raises(ToolkitError, match=re.escape(str(folder))) as refused:
        saving.write("onnx", folder)
    assert "--exports-dir" in refused.value.in_command
    assert not list(tmp_path.iterdir())
