"""ONNX files: what onnxruntime makes of them is what torch makes of the .pt files."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from toolkit.common.errors import ToolkitError
from toolkit.export import manifest, torchscript
from toolkit.export.onnx import write_onnx
from toolkit.export.replacing import copy_export
from toolkit.lstm.model import RNN

pytestmark = pytest.mark.xdist_group("onnx")

ROOT = Path(__file__).parents[2]


def require_onnx() -> None:
    if find_spec("onnx") is None or find_spec("onnxruntime") is None:
        pytest.skip("needs onnx and onnxruntime: pip install -e '.[onnx]'")


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed exports and their ONNX files."""
    require_onnx()
    directory = tmp_path_factory.mktemp("onnx")
    for name in manifest.SIGNATURES:
        copy_export(name, ROOT / "exports", directory)
        write_onnx(name, directory)
    return directory


@pytest.mark.parametrize("name", manifest.SIGNATURES)
def test_any_batch_and_length(name: str, converted: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(
        converted / f"{name}.onnx", providers=["CPUExecutionProvider"]
    )
    (given,) = session.get_inputs()
    module = torchscript.load(name, converted)
    rng = torch.Generator().manual_seed(1)
    for batch_size, length in ((1, 1), (3, 4), (64, 200)):
        if name in ("lstm", "rnn"):
            x = torch.randint(10, (batch_size, length), generator=rng)
        elif name == "generator":
            x = torch.randn(batch_size, module.latent_dim, generator=rng)
        else:
            x = torch.rand(batch_size, 1, 28, 28, generator=rng)
        (found,) = session.run(None, {given.name: x.numpy()})
        with torch.no_grad():
            expected = module(x)
        torch.testing.assert_close(torch.from_numpy(found), expected, rtol=1e-5, atol=1e-5)


def test_the_file_names_its_source_and_its_axes(converted: Path) -> None:
    import onnx

    model = onnx.load(converted / "lstm.onnx")
    onnx.checker.check_model(model, full_check=True)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    entry = manifest.read_manifest(converted)["lstm.pt"]
    assert properties == {"torchscript_sha256": entry["sha256"]}
    shape = model.graph.input[0].type.tensor_type.shape
    assert [axis.dim_param for axis in shape.dim] == ["batch", "length"]


def test_same_bytes_again(converted: Path) -> None:
    before = (converted / "lstm.onnx").read_bytes()
    write_onnx("lstm", converted)
    assert (converted / "lstm.onnx").read_bytes() == before


def test_a_wrong_golden_value_is_noticed(tmp_path: Path) -> None:
    require_onnx()
    torchscript.save(
        {"rnn": RNN(4)},
        {"rnn": {"test_accuracy": 0, "length": 0}},
        exports_dir=tmp_path,
        seed=0,
        config={},
    )
    entries = manifest.read_manifest(tmp_path)
    values = entries["rnn.pt"]["golden"]["cases"][0]["output"]["values"]
    values[2] = round(values[2] + 0.01, 7)
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    with pytest.raises(ToolkitError, match=r"rnn.onnx differs from the golden outputs by 1.0e-02"):
        write_onnx("rnn", tmp_path)
    assert not (tmp_path / "rnn.onnx").exists()


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ToolkitError, match=r"pip install -e \"\.\[onnx\]\""):
        write_onnx("lstm", ROOT / "exports")
