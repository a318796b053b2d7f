"""The other formats: onnxruntime, torch.export and TorchScript say what the network says."""

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
import safetensors.torch
import torch
from torch import Tensor
from torch.torch_version import TorchVersion

from toolkit.common.errors import ToolkitError
from toolkit.common.files import sha256
from toolkit.export import loading, manifest, saving
from toolkit.export.formats import program, torchscript
from toolkit.export.golden import TOLERANCE, check_golden, difference_at_length, long_digits
from toolkit.export.replacing import copy_export, restore
from toolkit.gan.model import ConvGenerator
from toolkit.lstm.model import LSTM, RNN
from toolkit.train.workspace import open_workspace

pytestmark = pytest.mark.xdist_group("formats")

ROOT = Path(__file__).parents[2]
METRICS = {"test_accuracy": 0, "length": 0, "frechet_distance": 0}


GRAPHS = ("onnx", "pt2")  # formats without methods


@pytest.fixture(params=GRAPHS)
def format_(request: pytest.FixtureRequest) -> manifest.Format:
    return request.param


@pytest.fixture
def copied(converted: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(converted, tmp_path / "copied"))


def load(name: str, format_: manifest.Format, directory: Path) -> Callable[[Tensor], Tensor]:
    """A model in any format, as a function from tensor to tensor."""
    network = loading.load(name, directory, format=format_)
    if format_ == "onnx":
        return lambda x: torch.from_numpy(network(x.numpy()))
    return network


def save(model: torch.nn.Module, name: str, directory: Path) -> list[str]:
    return saving.save(
        {name: model}, {name: METRICS}, exports_dir=directory, seed=0, config={}
    ).notes


@pytest.mark.parametrize("name", manifest.SIGNATURES)
def test_any_batch_and_length(name: str, format_: manifest.Format, converted: Path) -> None:
    model, script = load(name, format_, converted), loading.load(name, converted)
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


def test_attributes(format_: manifest.Format, converted: Path) -> None:
    assert loading.load("generator", converted, format=format_).latent_dim == 64
    with pytest.raises(AttributeError, match="latent_dim"):
        _ = loading.load("lstm", converted, format=format_).latent_dim


@pytest.mark.parametrize("name", ["lstm", "rnn"])
@pytest.mark.parametrize("digits", [[[1, 10]], [[-1, 1]], [1, 2], [[]]])
def test_loaders_refuse_wrong_digits(
    digits: list[object], name: str, format_: manifest.Format, converted: Path
) -> None:
    with pytest.raises(ValueError, match=r"^digits must "):
        load(name, format_, converted)(torch.tensor(digits, dtype=torch.int64))


@pytest.mark.parametrize("name", ["generator", "classifier"])
def test_loaders_refuse_wrong_shapes(name: str, format_: manifest.Format, converted: Path) -> None:
    with pytest.raises(ValueError, match=r"must be float32 of shape \(batch, "):
        load(name, format_, converted)(torch.zeros(2, 3))


@pytest.mark.parametrize("digits", [[[1, 10]], [[-1, 1]], [1, 2], [[]]])
def test_graphs_refuse_wrong_digits(
    digits: list[object], format_: manifest.Format, converted: Path
) -> None:
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
        assert properties == {"made_from": entries[f"{name}.safetensors"]["sha256"]}
        assert entry["made_from"] == entries[f"{name}.safetensors"]["sha256"]
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
        source = entries[f"{name}.safetensors"]["sha256"]
        assert extra == {"made_from": source}
        assert entries[f"{name}.pt2"]["made_from"] == source


@pytest.mark.nightly
def test_same_bytes_in_another_process(
    format_: manifest.Format, converted: Path, copied: Path
) -> None:
    """Elsewhere, with other hashes of strings, and without a word that is not ours."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "toolkit.train", "convert", "--format", format_),
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
def test_flipped_bits_are_refused(name: str, format_: manifest.Format, copied: Path) -> None:
    path = copied / f"{name}.{format_}"
    intact = path.read_bytes()
    rng = random.Random(0)
    for _ in range(25):
        data = bytearray(intact)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        with pytest.raises(ToolkitError, match=rf"{name}.{format_} is damaged or was altered"):
            load(name, format_, copied)


def test_a_file_of_another_training_is_refused(format_: manifest.Format, copied: Path) -> None:
    path = copied / "manifest.json"
    entries = manifest.read_manifest(copied)
    entries[f"rnn.{format_}"]["made_from"] = "0" * 64
    path.write_text(json.dumps(entries))
    with pytest.raises(ToolkitError, match=rf"rnn.{format_} was made from a file .* 0{{64}}"):
        load("rnn", format_, copied)


@pytest.mark.slow
def test_training_rewrites_and_restoring_brings_back(tmp_path: Path) -> None:
    x = torch.randint(10, (2, 5))
    outputs = []
    for seed in range(2):
        torch.manual_seed(seed)
        model = LSTM(4)
        assert save(model, "lstm", tmp_path) == []
        assert [path.name for path in sorted(tmp_path.glob("lstm*"))] == [
            *("lstm.onnx", "lstm.pt", "lstm.pt2", "lstm.safetensors"),
        ]
        with torch.no_grad():
            outputs.append(model(x))
        for format_ in manifest.FORMATS:
            torch.testing.assert_close(load("lstm", format_, tmp_path)(x), outputs[-1])
    restore(["lstm"], tmp_path)
    for format_ in manifest.FORMATS:
        torch.testing.assert_close(load("lstm", format_, tmp_path)(x), outputs[0])


def test_what_is_there_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = RNN(4)
    save(model, "rnn", tmp_path)
    monkeypatch.setattr(program, "to_graph", None)  # it would fail
    assert save(model, "rnn", tmp_path) == []
    assert loading.load("rnn", tmp_path, format="pt2")(torch.tensor([[1]])).shape == (1, 10)


def test_all_formats_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that cannot write one: nothing is replaced, and a training does not even begin."""
    save(RNN(4), "rnn", tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    monkeypatch.setitem(sys.modules, "torch._higher_order_ops.scan", None)
    said = r"cannot export rnn: import of torch\._higher_order_ops\.scan halted"
    with pytest.raises(ToolkitError, match=said):
        save(RNN(4), "rnn", tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    saving.rehearse.cache_clear()
    with pytest.raises(ToolkitError, match=said):
        open_workspace("smoke", "cpu", tmp_path, None, restart=False)


def test_an_old_torch_is_named_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "__version__", TorchVersion("2.4.0"))
    with pytest.raises(ToolkitError, match="Exporting a model needs torch"):
        saving.write("onnx", tmp_path)


def test_code_of_somebody_else_is_not_rebuilt(hand_in_exports: Path, tmp_path: Path) -> None:
    """Its weights do not say what to do with them; a format is made from the code."""
    folder = shutil.copytree(hand_in_exports, tmp_path / "mine")
    with pytest.raises(ToolkitError, match=r"generator\.safetensors is a network with code of its"):
        saving.write("onnx", folder)


def test_a_wrong_golden_value_is_noticed(format_: manifest.Format, tmp_path: Path) -> None:
    copy_export("rnn", ROOT / "exports", tmp_path)
    entries = manifest.read_manifest(tmp_path)
    values = entries["rnn.safetensors"]["golden"]["cases"][0]["output"]["values"]
    values[2] = round(values[2] + 0.01, 7)
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    message = rf"rnn.{format_} differs from the golden outputs by 1.0e-02"
    with pytest.raises(ToolkitError, match=message):
        saving.write(format_, tmp_path)
    assert not (tmp_path / f"rnn.{format_}").exists()


def test_no_warning_reaches_the_user(format_: manifest.Format, converted: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load("rnn", format_, converted)(torch.zeros(1, 1, dtype=torch.int64))


def test_onnx_takes_numpy_arrays(converted: Path) -> None:
    lstm = loading.load("lstm", converted, format="onnx")
    logits = lstm(np.array([[3, 1, 4, 1, 5, 9, 9, 5, 1, 4, 1]]))
    assert (logits.shape, logits.argmax()) == ((1, 10), 3)


@pytest.mark.parametrize("mapping_size", [0, 24])
def test_a_network_is_built_from_its_weights(mapping_size: int, tmp_path: Path) -> None:
    generator = ConvGenerator(8, 16, mapping_size).eval()
    saving.save(
        {"generator": generator},
        {"generator": METRICS},
        exports_dir=tmp_path,
        seed=0,
        config={},
        formats=(),
    )
    assert [path.name for path in tmp_path.glob("generator*")] == ["generator.safetensors"]
    built = loading.load("generator", tmp_path)
    assert type(built) is ConvGenerator
    z = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(built(z), generator(z))


RECURRENT = ("lstm", "rnn", "lstm_plain", "rnn_plain")


@pytest.mark.parametrize("name", manifest.SIGNATURES)
@pytest.mark.parametrize("format_", [*manifest.FORMATS, "safetensors"])
def test_committed_files_agree_with_golden_values(name: str, format_: manifest.Format) -> None:
    """Up to T = 36, and those that learnt with the curriculum at T = 1,000 as well."""
    exports = ROOT / "exports"
    golden = manifest.entry_of(name, exports)["golden"]
    network = load(name, format_, exports)
    check_golden(f"{name}.{format_}", golden, network)
    if name not in RECURRENT:
        assert difference_at_length(golden, network) is None
        return
    longest = max(case["input"]["shape"][1] for case in golden["cases"])
    assert longest == 36
    length, difference = difference_at_length(golden, network) or (0, 1.0)
    assert length == 1000
    assert difference <= (1e-3 if name.endswith("_plain") else TOLERANCE)


def test_long_digits_by_hand() -> None:
    """From seed 1 the generator of Park and Miller has the 10,000th value 399268537."""
    assert long_digits(1, [3, 1]).flatten().tolist() == [
        48271 % 10,
        182605794 % 10,
        1291394886 % 10,
    ]
    assert long_digits(1, [1, 10_000])[0, -1] == 399268537 % 10


def test_weights_are_those_of_the_script() -> None:
    """Bit for bit, in each of the seven committed networks."""
    for name in manifest.SIGNATURES:
        script = loading.load(name, ROOT / "exports", format="pt").state_dict()
        state = safetensors.torch.load_file(ROOT / "exports" / f"{name}.safetensors")
        assert state.keys() == script.keys()
        for key, tensor in script.items():
            assert tensor.dtype == state[key].dtype
            assert torch.equal(tensor, state[key])


@pytest.mark.rows(1)
@pytest.mark.parametrize("name", ["lstm", "rnn_plain", "generator", "discriminator", "classifier"])
def test_a_folder_from_before_there_were_weights(name: str, tmp_path: Path) -> None:
    """Its .pt file is the source; it becomes a network of the toolkit, and other formats."""
    exports = ROOT / "exports"
    entry = manifest.entry_of(name, exports) | {"sha256": sha256_of(exports / f"{name}.pt")}
    del entry["architecture"]
    shutil.copy(exports / f"{name}.pt", tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({f"{name}.pt": entry}))
    network, expected = (loading.load(name, folder) for folder in (tmp_path, exports))
    assert type(network) is type(expected)
    for key, tensor in expected.state_dict().items():
        assert torch.equal(network.state_dict()[key], tensor)
    assert loading.verify(name, tmp_path) <= 1e-5
    saving.write("pt2", tmp_path)
    assert loading.verify(name, tmp_path, format="pt2") <= 1e-4
    found = manifest.networks_of(tmp_path)
    assert list(found) == [name]


def test_a_script_of_today_becomes_a_network_of_the_toolkit() -> None:
    """The committed scripts are older than some classes, and a training replaces them."""
    expected = loading.load("lstm", ROOT / "exports")
    network = torchscript.original(torchscript.from_bytes(torchscript.to_bytes("lstm", expected)))
    assert type(network) is type(expected)


@pytest.mark.slow
def test_a_training_over_an_old_folder_can_be_undone(tmp_path: Path) -> None:
    """The old folder has no weights, so the new ones no longer count afterwards."""
    exports = ROOT / "exports"
    entry = manifest.entry_of("rnn", exports) | {"sha256": sha256_of(exports / "rnn.pt")}
    shutil.copy(exports / "rnn.pt", tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"rnn.pt": entry}))
    old = loading.load("rnn", tmp_path).state_dict()["readout.weight"]
    save(model := RNN(4), "rnn", tmp_path)
    assert torch.equal(
        loading.load("rnn", tmp_path).state_dict()["readout.weight"], model.readout.weight
    )
    restore(["rnn"], tmp_path)
    assert torch.equal(loading.load("rnn", tmp_path).state_dict()["readout.weight"], old)
    assert not (tmp_path / "rnn.safetensors").exists()
    kept = loading.load("rnn", tmp_path / "previous" / "undone").state_dict()
    assert torch.equal(kept["readout.weight"], model.readout.weight)


def test_weights_of_another_architecture(tmp_path: Path) -> None:
    save(RNN(4), "rnn", tmp_path)
    entries = manifest.read_manifest(tmp_path)
    entries["rnn.safetensors"]["architecture"]["hidden_size"] = 5
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    with pytest.raises(ToolkitError, match=r"the weights are not those of .*'hidden_size': 5"):
        loading.load("rnn", tmp_path)


def sha256_of(path: Path) -> str:
    return sha256(path.read_bytes())
