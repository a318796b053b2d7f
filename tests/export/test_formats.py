"""The other formats: onnxruntime and torch.export say what torch says of the .pt files."""

import json
import os
import random
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.torch_version import TorchVersion

from toolkit.common.errors import ToolkitError
from toolkit.export import formats, manifest, program, torchscript
from toolkit.export.replacing import copy_export, restore
from toolkit.gan.model import ConvGenerator
from toolkit.lstm.model import LSTM, RNN
from toolkit.train.workspace import open_workspace

pytestmark = pytest.mark.xdist_group("formats")

ROOT = Path(__file__).parents[2]
METRICS = {"test_accuracy": 0, "length": 0, "frechet_distance": 0}


@pytest.fixture(params=manifest.FORMATS)
def format_(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def copied(converted: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(converted, tmp_path / "copied"))


def load(name: str, format_: str, directory: Path) -> Callable[[Tensor], Tensor]:
    """A model in any format, as a function from tensor to tensor."""
    if format_ == "pt2":
        return torchscript.load(name, directory, format="pt2")
    session = torchscript.load(name, directory, format="onnx")
    return lambda x: torch.from_numpy(session(x.numpy()))


def save(model: torch.nn.Module, name: str, directory: Path) -> list[str]:
    return torchscript.save(
        {name: model}, {name: METRICS}, exports_dir=directory, seed=0, config={}
    ).notes


@pytest.mark.parametrize("name", manifest.SIGNATURES)
def test_any_batch_and_length(name: str, format_: str, converted: Path) -> None:
    model, script = load(name, format_, converted), torchscript.load(name, converted)
    rng = torch.Generator().manual_seed(1)
    for batch_size, length in ((1, 1), (3, 4), (64, 200)):
        if manifest.SIGNATURES[name].input == manifest.DIGITS:
            x = torch.randint(10, (batch_size, length), generator=rng)
        elif name == "generator":
            x = torch.randn(batch_size, script.latent_dim, generator=rng)
        else:
            x = torch.rand(batch_size, 1, 28, 28, generator=rng)
        with torch.no_grad():
            expected = script(x)
        # In a recurrent network rounding grows from step to step: in few sequences, by much.
        grown = length > 4 and manifest.SIGNATURES[name].input == manifest.DIGITS
        tolerance = 1e-3 if grown else 1e-5
        torch.testing.assert_close(model(x), expected, rtol=tolerance, atol=tolerance)


def test_attributes(format_: str, converted: Path) -> None:
    assert torchscript.load("generator", converted, format=format_).latent_dim == 64
    with pytest.raises(AttributeError, match="latent_dim"):
        _ = torchscript.load("lstm", converted, format=format_).latent_dim


@pytest.mark.parametrize("name", ["lstm", "rnn"])
@pytest.mark.parametrize("digits", [[[1, 10]], [[-1, 1]], [1, 2], [[]]])
def test_loaders_refuse_wrong_digits(
    digits: list[object], name: str, format_: str, converted: Path
) -> None:
    with pytest.raises(ValueError, match=r"^digits must "):
        load(name, format_, converted)(torch.tensor(digits, dtype=torch.int64))


@pytest.mark.parametrize("name", ["generator", "classifier"])
def test_loaders_refuse_wrong_shapes(name: str, format_: str, converted: Path) -> None:
    with pytest.raises(ValueError, match=r"must be float32 of shape \(batch, "):
        load(name, format_, converted)(torch.zeros(2, 3))


@pytest.mark.parametrize("digits", [[[1, 10]], [[-1, 1]], [1, 2], [[]]])
def test_graphs_refuse_wrong_digits(digits: list[object], format_: str, converted: Path) -> None:
    """Without our loaders: what torch or onnxruntime says themselves."""
    x = torch.tensor(digits, dtype=torch.int64)
    if format_ == "pt2":
        module = torch.export.load(converted / "lstm.pt2").module()
        with pytest.raises((RuntimeError, IndexError, AssertionError)):
            module(x)
    else:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(converted / "lstm.onnx", options)
        with pytest.raises(Exception, match=r"out of data bounds|Invalid rank|Dimension 0 is 0"):
            session.run(None, {"digits": x.numpy()})


def test_onnx_files_are_what_the_manifest_says(converted: Path) -> None:
    import onnx as reader

    entries = manifest.read_manifest(converted)
    for name in manifest.SIGNATURES:
        model = reader.load(converted / f"{name}.onnx")
        reader.checker.check_model(model, full_check=True)
        entry = entries[f"{name}.onnx"]
        properties = {prop.key: prop.value for prop in model.metadata_props}
        assert properties == {"made_from": entries[f"{name}.pt"]["sha256"]}
        assert entry["made_from"] == entries[f"{name}.pt"]["sha256"]
        assert [(one.domain, one.version) for one in model.opset_import] == [("", 18)]
        assert model.ir_version == 10  # the newest of onnxruntime 1.21
        axes = [axis.dim_param for axis in model.graph.input[0].type.tensor_type.shape.dim]
        recurrent = manifest.SIGNATURES[name].input == manifest.DIGITS
        free = ["batch", "length"] if recurrent else ["batch"]
        assert [axis for axis in axes if axis] == free
        loops = [node.op_type for node in model.graph.node if node.op_type in ("Scan", "Loop")]
        assert loops == (["Scan"] if recurrent else [])


def test_pt2_files_name_their_source(converted: Path) -> None:
    entries = manifest.read_manifest(converted)
    for name in manifest.SIGNATURES:
        extra = {"made_from": ""}
        torch.export.load(converted / f"{name}.pt2", extra_files=extra)
        source = entries[f"{name}.pt"]["sha256"]
        assert extra == {"made_from": source}
        assert entries[f"{name}.pt2"]["made_from"] == source


@pytest.mark.slow
def test_same_bytes_in_another_process(format_: str, converted: Path, copied: Path) -> None:
    """Elsewhere, with other hashes of strings, and without a word that is not ours."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "toolkit.train", "export", "--format", format_),
            *("--exports-dir", copied),
        ],
        cwd=copied,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "5"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == len(manifest.SIGNATURES)
    for name in manifest.SIGNATURES:
        file = f"{name}.{format_}"
        assert (copied / file).read_bytes() == (converted / file).read_bytes()
        assert str(ROOT).encode() not in (copied / file).read_bytes()
        (line,) = [line for line in lines if file in line]
        assert line.startswith(f"{copied / file}: {(copied / file).stat().st_size:,} bytes, within")


@pytest.mark.parametrize("name", manifest.SIGNATURES)
def test_flipped_bits_are_refused(name: str, format_: str, copied: Path) -> None:
    path = copied / f"{name}.{format_}"
    intact = path.read_bytes()
    rng = random.Random(0)
    for _ in range(25):
        data = bytearray(intact)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        with pytest.raises(ToolkitError, match=rf"{name}.{format_} is damaged or was altered"):
            load(name, format_, copied)


def test_a_file_of_another_training_is_refused(format_: str, copied: Path) -> None:
    path = copied / "manifest.json"
    entries = manifest.read_manifest(copied)
    entries[f"rnn.{format_}"]["made_from"] = "0" * 64
    path.write_text(json.dumps(entries))
    with pytest.raises(ToolkitError, match=rf"rnn.{format_} was made from a file .* 0{{64}}"):
        load("rnn", format_, copied)


def test_training_rewrites_and_restoring_brings_back(tmp_path: Path) -> None:
    x = torch.randint(10, (2, 5))
    outputs = []
    for seed in range(2):
        torch.manual_seed(seed)
        model = LSTM(4)
        assert save(model, "lstm", tmp_path) == []
        assert [path.name for path in sorted(tmp_path.glob("lstm*"))] == [
            *("lstm.onnx", "lstm.pt", "lstm.pt2"),
        ]
        with torch.no_grad():
            outputs.append(model(x))
        for format_ in manifest.FORMATS:
            torch.testing.assert_close(load("lstm", format_, tmp_path)(x), outputs[-1])
    restore(["lstm.pt"], tmp_path)
    for format_ in manifest.FORMATS:
        torch.testing.assert_close(load("lstm", format_, tmp_path)(x), outputs[0])


def test_what_is_there_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = RNN(4)
    save(model, "rnn", tmp_path)
    monkeypatch.setattr(program, "to_program", None)  # it would fail
    assert save(model, "rnn", tmp_path) == []
    assert torchscript.load("rnn", tmp_path, format="pt2")(torch.tensor([[1]])).shape == (1, 10)


def test_all_formats_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that cannot write one: nothing is replaced, and a training does not even begin."""
    save(RNN(4), "rnn", tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    monkeypatch.setitem(sys.modules, "torch._higher_order_ops.scan", None)
    said = r"cannot export rnn: import of torch\._higher_order_ops\.scan halted"
    with pytest.raises(ToolkitError, match=said):
        save(RNN(4), "rnn", tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    torchscript.rehearse.cache_clear()
    with pytest.raises(ToolkitError, match=said):
        open_workspace("smoke", "cpu", tmp_path, None, restart=False)


def test_an_old_torch_is_named_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "__version__", TorchVersion("2.4.0"))
    with pytest.raises(ToolkitError, match="Exporting a model needs torch"):
        formats.write("onnx", tmp_path)


def test_a_class_of_somebody_else_is_refused(tmp_path: Path) -> None:
    class Counter(torch.nn.Module):
        def forward(self, digits: Tensor) -> Tensor:
            return torch.zeros(digits.size(0), 10)

    with pytest.raises(ToolkitError, match="The class Counter is not one of the toolkit's"):
        save(Counter(), "rnn", tmp_path)


def test_a_wrong_golden_value_is_noticed(format_: str, tmp_path: Path) -> None:
    copy_export("rnn", ROOT / "exports", tmp_path)
    entries = manifest.read_manifest(tmp_path)
    values = entries["rnn.pt"]["golden"]["cases"][0]["output"]["values"]
    values[2] = round(values[2] + 0.01, 7)
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    message = rf"rnn.{format_} differs from the golden outputs by 1.0e-02"
    with pytest.raises(ToolkitError, match=message):
        formats.write(format_, tmp_path)
    assert not (tmp_path / f"rnn.{format_}").exists()


def test_no_warning_reaches_the_user(format_: str, converted: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load("rnn", format_, converted)(torch.zeros(1, 1, dtype=torch.int64))


def test_onnx_takes_numpy_arrays(converted: Path) -> None:
    lstm = torchscript.load("lstm", converted, format="onnx")
    logits = lstm(np.array([[3, 1, 4, 1, 5, 9, 9, 5, 1, 4, 1]]))
    assert (logits.shape, logits.argmax()) == ((1, 10), 3)


@pytest.mark.parametrize("mapping_size", [0, 24])
def test_a_generator_is_rebuilt_with_its_mapping_network(mapping_size: int) -> None:
    generator = ConvGenerator(8, 16, mapping_size).eval()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`torch.jit")
        rebuilt = program.rebuild(torch.jit.script(generator)).eval()
    z = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(rebuilt(z), generator(z))
