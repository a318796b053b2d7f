"""The other formats in plain Python, and ONNX in C++ without libtorch: as `test_load_exports`."""

import json
import random
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.torch_version import TorchVersion

from tests.export.test_load_exports import (
    CPP,
    EXPORTS_PAGE,
    as_json,
    call_python,
    compare_pictures,
    thousand_inputs,
)
from toolkit.common import figures
from toolkit.common.device import LEAST_TORCH
from toolkit.common.errors import ToolkitError
from toolkit.common.files import sha256
from toolkit.export import manifest, program, torchscript

pytestmark = pytest.mark.xdist_group("formats")

Reader = tuple[Callable[..., subprocess.CompletedProcess[str]], str]
USES_CPP = (pytest.mark.slow, pytest.mark.needs("c++ and onnxruntime"))


@pytest.fixture(
    params=["Python, pt2", "Python, onnx", pytest.param("C++, onnx", marks=USES_CPP)],
)
def reader(request: pytest.FixtureRequest) -> Reader:
    """How to run `predict`, `sample` or `verify`, and the ending of the files to give to it."""
    language, ending = request.param.split(", ")
    if language == "Python":
        return call_python, ending
    built = request.getfixturevalue("built_onnx")

    def call(command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [built / CPP[command], *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
        )

    return call, ending


@pytest.fixture
def copied(converted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(converted, tmp_path / "copied"))


def change(directory: Path, edit: Callable[[dict[str, dict[str, object]]], object]) -> Path:
    """Edit the entries of a manifest, and return its path."""
    path = directory / "manifest.json"
    entries = json.loads(path.read_text())
    edit(entries)
    path.write_text(json.dumps(entries))
    return path


def test_golden_values(reader: Reader, converted: Path) -> None:
    call, ending = reader
    done = call("verify", converted / "manifest.json")
    assert (done.returncode, done.stderr) == (0, "")
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert list(lines) == sorted(manifest.read_manifest(converted))
    for name in manifest.SIGNATURES:
        assert re.fullmatch(r"\d golden inputs, largest .*", lines[f"{name}.{ending}"])


@pytest.mark.parametrize("name", manifest.SIGNATURES)
def test_same_numbers_for_a_thousand_inputs(reader: Reader, name: str, copied: Path) -> None:
    call, ending = reader
    model = torchscript.load(name, copied)
    with torch.no_grad():
        cases = [
            {"input": as_json(x), "output": as_json(model(x))} for x in thousand_inputs(name, model)
        ]
    for path in copied.glob("*.*"):
        if path.name not in (f"{name}.{ending}", "manifest.json"):
            path.unlink()
    # What learnt one length only lets rounding grow from step to step.
    tolerance = 1e-3 if name.endswith("_plain") else 1e-5
    golden = {"tolerance": tolerance, "cases": cases}
    path = change(copied, lambda entries: entries[f"{name}.pt"].update(golden=golden))
    done = call("verify", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{name}.{ending}: 1000 golden inputs, largest difference " in done.stdout
    assert done.stdout.count(": is not here\n") == done.stdout.count("\n") - 1


@pytest.mark.parametrize("name", ["lstm", "rnn"])
def test_predict(reader: Reader, name: str, converted: Path) -> None:
    call, ending = reader
    digits = [3, 1, 4, 1, 5, 9, 9, 5, 1, 4, 1]
    done = call("predict", converted / f"{name}.{ending}", *digits)
    assert (done.returncode, done.stderr) == (0, "")
    first, *rest = done.stdout.splitlines()
    with torch.no_grad():
        expected = torchscript.load(name, converted)(torch.tensor([digits])).softmax(dim=1)[0]
    assert first == f"3 1 4 1 5 9 9 5 1 4 1 -> {int(expected.argmax())}"
    found = torch.tensor([float(line.split()[1]) for line in rest])
    torch.testing.assert_close(found, expected, rtol=0, atol=5e-6)


@pytest.mark.parametrize("count", [1, 7])
def test_sheet(reader: Reader, count: int, converted: Path, tmp_path: Path) -> None:
    call, ending = reader
    file = tmp_path / "digits.pgm"
    generator = converted / f"generator.{ending}"
    done = call("sample", generator, "--count", count, "--seed", 7, "--out", file)
    assert (done.returncode, done.stderr) == (0, "")
    model = torchscript.load("generator", converted)
    z = torch.randn(count, model.latent_dim, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        compare_pictures(file, figures.sheet(model(z)))


BAD = {
    "flipped": ("predict", ["flipped/lstm.{}", "1"], 1, "altered: its SHA-256"),
    "another source": ("predict", ["rnn.{}", "1"], 1, "was made from another file"),
    "not listed": ("predict", ["unlisted.{}", "1"], 1, "does not list unlisted"),
    "text": ("predict", ["bare/text.{}", "1"], 1, "not an intact (ONNX|torch.export) file"),
    "generator for digits": ("predict", ["generator.{}", "1"], 1, "digits: z must be float32 of"),
    "images for digits": ("predict", ["classifier.{}", "1"], 1, "digits: images must be float32"),
    "LSTM for images": ("sample", ["lstm.{}", "--out", "a.pgm"], 1, "not a generator"),
    "trace": ("predict", ["lstm.{}", "1", "--trace"], 1, "no trace; only lstm.pt has one"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_one_line(reader: Reader, case: str, copied: Path) -> None:
    call, ending = reader
    command, arguments, code, message = BAD[case]
    data = bytearray((copied / f"lstm.{ending}").read_bytes())
    (copied / f"unlisted.{ending}").write_bytes(data)
    for folder, file in (("flipped", "lstm"), ("bare", "text")):
        (copied / folder).mkdir()
        data[len(data) // 2] ^= 1
        content = bytes(data) if folder == "flipped" else b"no model"
        (copied / folder / f"{file}.{ending}").write_bytes(content)
    shutil.copy(copied / "manifest.json", copied / "flipped")
    if case == "another source":
        change(copied, lambda entries: entries[f"rnn.{ending}"].update(made_from="0" * 64))
    model, *rest = arguments
    done = call(command, copied / model.format(ending), *rest)
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert re.search(message, done.stderr), done.stderr


def test_flipped_bits_are_refused(reader: Reader, copied: Path) -> None:
    call, ending = reader
    path = copied / f"rnn.{ending}"
    intact, rng = path.read_bytes(), random.Random(0)
    for _ in range(20):
        data = bytearray(intact)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        done = call("predict", path, 1)
        assert done.returncode == 1
        assert "its SHA-256 differs from the manifest's" in done.stderr


@pytest.mark.parametrize("what", ["intact", "altered", "nothing"])
def test_verify_other_files(reader: Reader, what: str, copied: Path) -> None:
    """Files that are no models are compared with their hash; there must be one at least."""
    call, _ = reader
    for path in copied.glob("*.*"):
        if path.name != "manifest.json":
            path.unlink()
    entry = {"sha256": sha256(b"a film"), "bytes": 6}
    path = change(copied, lambda entries: entries.update({"film.npz": entry}))
    if what != "nothing":
        (copied / "film.npz").write_bytes(b"a film" if what == "intact" else b"a lie")
    done = call("verify", path)
    if what == "intact":
        assert (done.returncode, done.stderr) == (0, "")
        assert "film.npz: the SHA-256 is right; not " in done.stdout
    else:
        assert done.returncode == 1
        message = "differs from the manifest's" if what == "altered" else "no file that"
        assert message in done.stderr


def test_without_onnxruntime(converted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    done = call_python("predict", converted / "lstm.onnx", 1)
    assert done.returncode == 1
    assert "need onnxruntime: python -m pip install onnxruntime" in done.stderr
    done = call_python("verify", converted / "manifest.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert "lstm.onnx: the SHA-256 is right; not run, since onnxruntime is not" in done.stdout


def test_with_an_older_torch(converted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", TorchVersion("2.8.0+cpu"))
    done = call_python("predict", converted / "lstm.pt2", 1)
    assert done.returncode == 1
    assert done.stderr.endswith(
        f".pt2 files need torch {LEAST_TORCH['A .pt2 file']}, and this is 2.8.0+cpu\n"
    )
    done = call_python("verify", converted / "manifest.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert "lstm.pt2: the SHA-256 is right; not run, since it needs torch 2" in done.stdout
    with pytest.raises(ToolkitError, match=r"A .pt2 file needs torch 2\.9 or newer, and this is "):
        program.load("lstm", converted)


@pytest.mark.slow
def test_each_program_names_its_format(built_onnx: Path, converted: Path) -> None:
    done = subprocess.run(
        [built_onnx / "predict_digit", converted / "lstm.pt", "1"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("lstm.pt: this program was built for .onnx files\n")
    linked = subprocess.run(
        ["ldd", built_onnx / "predict_digit"], capture_output=True, text=True
    ).stdout
    assert "libonnxruntime" in linked
    assert "torch" not in linked


@pytest.mark.slow
def test_commands_of_the_page(built_onnx: Path, converted: Path, tmp_path: Path) -> None:
    commands = re.findall(r"^exports/cpp/build-onnx/.*", EXPORTS_PAGE, flags=re.MULTILINE)
    assert {Path(command.split()[0]).name for command in commands} == set(CPP.values())
    (tmp_path / "exports").symlink_to(converted)
    for command in commands:
        done = subprocess.run(
            shlex.split(command.replace("exports/cpp/build-onnx", str(built_onnx))),
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        if "built without stb" not in done.stderr:
            assert (done.returncode, done.stderr) == (0, "")
