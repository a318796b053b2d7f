"""The exports in C++ and in plain Python: the same numbers, and one line for every mistake.

The C++ programs are built once with the compiler at hand.
"""

import contextlib
import functools
import io
import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from torch import Tensor

from toolkit.common import figures
from toolkit.export import manifest, torchscript
from toolkit.export.replacing import copy_export
from toolkit.lstm.model import LSTM

ROOT = Path(__file__).parents[2]
EXPORTS = ROOT / "exports"
EXPORTS_PAGE = (ROOT / "docs" / "exports.md").read_text()
CPP = {"predict": "predict_digit", "sample": "sample_digits", "verify": "verify_exports"}
Call = Callable[..., subprocess.CompletedProcess[str]]


# What uses the programs runs in one worker, so that they are compiled only once.
USES_CPP = (pytest.mark.slow, pytest.mark.needs("c++"), pytest.mark.xdist_group("C++"))


@pytest.fixture(params=[pytest.param("C++", marks=USES_CPP), "Python"])
def call(request: pytest.FixtureRequest) -> Call:
    """Run `predict`, `sample` or `verify` in one of the two languages."""
    if request.param == "Python":
        return call_python
    built = request.getfixturevalue("built")

    def call_cpp(command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [built / CPP[command], *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
        )

    return call_cpp


def call_python(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the script in this process, which saves two seconds of `import torch` each time."""
    command = list(map(str, arguments))
    stdout, stderr, code = io.StringIO(), io.StringIO(), None
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        patch.setattr(sys, "argv", ["load_exports.py", *command])
        try:
            runpy.run_path(str(EXPORTS / "load_exports.py"), run_name="__main__")
        except SystemExit as end:
            code = end.code
            if isinstance(code, str):  # Python prints the text and exits with 1
                print(code, file=sys.stderr)
                code = 1
    return subprocess.CompletedProcess(command, code or 0, stdout.getvalue(), stderr.getvalue())


def as_json(tensor: Tensor) -> dict[str, object]:
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "values": tensor.flatten().tolist(),
    }


def thousand_inputs(name: str, model: torch.jit.ScriptModule) -> list[Tensor]:
    rng = torch.Generator().manual_seed(0)
    if manifest.SIGNATURES[name].input == manifest.DIGITS:
        return [torch.randint(10, (100, 1 + 7 * k), generator=rng) for k in range(10)]
    if name == "generator":
        return [torch.randn(1000, model.latent_dim, generator=rng)]
    return [torch.rand(1000, 1, 28, 28, generator=rng)]


def test_golden_values_of_the_committed_exports(call: Call) -> None:
    done = call("verify", EXPORTS / "manifest.json")
    assert done.returncode == 0, done.stderr
    verified = re.findall(r"^(\w+)\.pt: \d golden inputs", done.stdout, flags=re.MULTILINE)
    assert verified == sorted(manifest.SIGNATURES)


@pytest.fixture(scope="session")
def thousand_cases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """name -> a manifest whose golden values are a thousand inputs and outputs of that export."""

    @functools.cache
    def make(name: str) -> Path:
        directory = tmp_path_factory.mktemp(name)
        copy_export(name, EXPORTS, directory)
        model = torchscript.load(name, EXPORTS)
        with torch.no_grad():
            cases = [
                {"input": as_json(x), "output": as_json(model(x))}
                for x in thousand_inputs(name, model)
            ]
        entries = manifest.read_manifest(directory)
        entries[f"{name}.pt"]["golden"] = {"tolerance": 1e-6, "cases": cases}
        (directory / "manifest.json").write_text(json.dumps(entries))
        return directory / "manifest.json"

    return make


@pytest.mark.parametrize("name", manifest.SIGNATURES)
def test_same_numbers_for_a_thousand_inputs(
    call: Call, name: str, thousand_cases: Callable[[str], Path]
) -> None:
    """`verify` also compares which logit is the largest."""
    done = call("verify", thousand_cases(name))
    assert done.returncode == 0, done.stderr
    found = re.fullmatch(
        rf"{name}\.pt: 1000 golden inputs, largest difference (\S+)\n", done.stdout
    )
    assert float(found[1]) <= 1e-6


@pytest.mark.parametrize("name", ["lstm", "rnn"])
def test_predict(call: Call, name: str) -> None:
    digits = [3, 1, 4, 1, 5, 9, 9, 5, 1, 4, 1]
    done = call("predict", EXPORTS / f"{name}.pt", *digits)
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    with torch.no_grad():
        expected = torchscript.load(name, EXPORTS)(torch.tensor([digits])).softmax(dim=1)[0]
    assert first == f"3 1 4 1 5 9 9 5 1 4 1 -> {int(expected.argmax())}"
    found = [float(re.fullmatch(rf"{k}  (0\.\d{{6}})", line)[1]) for k, line in enumerate(rest)]
    torch.testing.assert_close(torch.tensor(found), expected, rtol=0, atol=2e-6)


def test_trace(call: Call) -> None:
    digits = [1, 2, 3]
    done = call("predict", "--trace", EXPORTS / "lstm.pt", *digits)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[-4:]]
    assert rows[0] == ["digit", *"ifogch"]
    with torch.no_grad():
        trace = torch.stack(torchscript.load("lstm", EXPORTS).trace(torch.tensor([digits])))
    for digit, row, expected in zip(digits, rows[1:], trace[:, 0].mean(dim=2).T, strict=True):
        assert row[0] == str(digit)
        assert list(map(float, row[1:])) == pytest.approx(expected.tolist(), abs=2e-6)


@pytest.mark.parametrize("ending", [".png", ".pgm"])
@pytest.mark.parametrize("count", [1, 7, 25])
def test_sheet(call: Call, count: int, ending: str, tmp_path: Path) -> None:
    done = call(
        "sample", EXPORTS / "generator.pt", "--count", count, "--seed", 7,
        "--out", tmp_path / f"digits{ending}",
    )  # fmt: skip
    if "built without stb" in done.stderr:
        pytest.skip("needs stb: apt install libstb-dev")
    assert done.returncode == 0, done.stderr
    model = torchscript.load("generator", EXPORTS)
    with torch.no_grad():
        images = model(
            torch.randn(count, model.latent_dim, generator=torch.Generator().manual_seed(7))
        )
    compare_pictures(tmp_path / f"digits{ending}", figures.sheet(images))


def test_interpolation_strip(call: Call, tmp_path: Path) -> None:
    done = call(
        "sample", EXPORTS / "generator.pt", "--from-seed", 1, "--to-seed", 2, "--frames", 9,
        "--out", tmp_path / "strip.pgm",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    model = torchscript.load("generator", EXPORTS)
    z_from, z_to = (
        torch.randn(1, model.latent_dim, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 2)
    )
    with torch.no_grad():
        images = torch.cat([model(z_from + (z_to - z_from) * k / 8) for k in range(9)])
    compare_pictures(tmp_path / "strip.pgm", figures.sheet(images, columns=9))


def compare_pictures(path: Path, expected: np.ndarray) -> None:
    """Equal but for a pixel that lies on the border between two greys."""
    found = iio.imread(path)
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good exports with their manifest, and beside them files that are damaged in every way."""
    tmp_path = tmp_path_factory.mktemp("files")
    for source in ("lstm", "rnn", "generator", "classifier"):
        copy_export(source, EXPORTS, tmp_path)
    data = (tmp_path / "lstm.pt").read_bytes()
    altered = bytearray(data)
    altered[len(altered) // 2] ^= 1
    (tmp_path / "unlisted.pt").write_bytes(data)
    for name, content in {"altered": bytes(altered), "truncated": data[:-1000]}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "lstm.pt").write_bytes(content)
        shutil.copy(tmp_path / "manifest.json", tmp_path / name)
    (tmp_path / "bare").mkdir()
    for name, content in {"cut": data[:-1000], "text": b"no model", "empty": b""}.items():
        (tmp_path / "bare" / f"{name}.pt").write_bytes(content)
    return tmp_path


BAD = {
    "missing file": ("predict", ["{}/no.pt", "1"], 1, "no.pt"),
    "directory": ("predict", ["{}", "1"], 1, "directory"),
    "altered": ("predict", ["{}/altered/lstm.pt", "1"], 1, "altered: its SHA-256"),
    "truncated": ("predict", ["{}/truncated/lstm.pt", "1"], 1, "damaged .*SHA-256"),
    "truncated, no manifest": ("predict", ["{}/bare/cut.pt", "1"], 1, "not an intact TorchScript"),
    "text": ("predict", ["{}/bare/text.pt", "1"], 1, "not an intact TorchScript"),
    "empty": ("sample", ["{}/bare/empty.pt", "--out", "a.png"], 1, "not an intact TorchScript"),
    "not in the manifest": ("predict", ["{}/unlisted.pt", "1"], 1, "does not list unlisted.pt"),
    "generator for digits": ("predict", ["{}/generator.pt", "1"], 1, "accept digits: z must be"),
    "classifier for digits": ("predict", ["{}/classifier.pt", "1"], 1, "digits: images must be"),
    "LSTM for images": ("sample", ["{}/lstm.pt", "--out", "{}/a.pgm"], 1, "not a generator"),
    "trace of the RNN": ("predict", ["{}/rnn.pt", "1", "--trace"], 1, "has no trace"),
    "digit too large": ("predict", ["{}/lstm.pt", "1", "10"], 2, "from 0 to 9, not '10'"),
    "negative digit": ("predict", ["{}/lstm.pt", "-1"], 2, "-1|digit"),
    "letter": ("predict", ["{}/lstm.pt", "x"], 2, "from 0 to 9, not 'x'"),
    "fraction": ("predict", ["{}/lstm.pt", "1.5"], 2, r"from 0 to 9, not '1\.5'"),
    "no digits": ("predict", ["{}/lstm.pt"], 2, "digit"),
    "nothing": ("predict", [], 2, "digit"),
    "count of zero": (
        "sample", ["{}/generator.pt", "--count", "0", "--out", "{}/a.pgm"], 2, "from 1 to 10000",
    ),
    "negative seed": (
        "sample", ["{}/generator.pt", "--seed", "-1", "--out", "{}/a.pgm"], 2, "seed",
    ),
    "one end of a strip": (
        "sample", ["{}/generator.pt", "--from-seed", "1", "--out", "{}/a.pgm"], 2, "--to-seed",
    ),
    "no value": ("sample", ["{}/generator.pt", "--out"], 2, "--out"),
    "unknown option": (
        "sample", ["{}/generator.pt", "--out", "{}/a.pgm", "--colour", "red"], 2, "--colour",
    ),
    "no output": ("sample", ["{}/generator.pt"], 2, "--out"),
    "other ending": ("sample", ["{}/generator.pt", "--out", "{}/a.jpg"], 2, "png or .pgm"),
    "unwritable": ("sample", ["{}/generator.pt", "--out", "{}/no/a.pgm"], 1, "No such file"),
    "missing manifest": ("verify", ["{}/no.json"], 1, "no.json"),
    "no manifest": ("verify", [], 2, "manifest|MANIFEST"),
    "manifest that is none": ("verify", ["{}/lstm.pt"], 1, "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_one_line(call: Call, case: str, files: Path) -> None:
    command, arguments, code, message = BAD[case]
    done = call(command, *(argument.format(files) for argument in arguments))
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert re.search(message, done.stderr), done.stderr
    assert "->" not in done.stdout or case == "trace of the RNN"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("value", "differs from its golden outputs"),
        ("shape", "does not have the shape|golden values .* damaged"),
        ("values", "golden values of lstm.pt in the manifest are damaged"),
        ("golden", "no golden values for lstm.pt"),
        ("entry", "no golden values for lstm.pt"),
        ("name", r"lists \.\./lstm.pt, which is not a file beside it"),
        ("model", "SHA-256"),
    ],
)
def test_verify_notices(call: Call, damage: str, message: str, tmp_path: Path) -> None:
    copy_export("lstm", EXPORTS, tmp_path)
    entries = manifest.read_manifest(tmp_path)
    entry = entries["lstm.pt"]
    output = entry["golden"]["cases"][1]["output"]
    if damage == "value":
        output["values"][3] += 0.001
    elif damage == "shape":
        output["shape"] = [4, 20]
    elif damage == "values":
        output["values"] = "many"
    elif damage == "golden":
        del entry["golden"]
    elif damage == "entry":
        entries["lstm.pt"] = 3
    elif damage == "name":
        entries = {"../lstm.pt": entry}
    else:
        torchscript.save(
            {"lstm": LSTM(4)}, {"lstm": {"test_accuracy": 0, "length": 0}},
            exports_dir=tmp_path, seed=0, config={}, formats=(),
        )  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    done = call("verify", tmp_path / "manifest.json")
    assert done.returncode == 1, done.stdout
    assert done.stderr.count("\n") == 1, done.stderr
    assert re.search(message, done.stderr), done.stderr


def test_a_file_without_a_manifest_is_read_with_a_note(call: Call, tmp_path: Path) -> None:
    shutil.copy(EXPORTS / "lstm.pt", tmp_path)
    done = call("predict", tmp_path / "lstm.pt", 1, 2)
    assert done.returncode == 0
    assert re.fullmatch(r"Note: there is no manifest.json .* was not checked.\n", done.stderr)


@pytest.mark.slow
@pytest.mark.xdist_group("C++")
def test_commands_of_the_page(built: Path, tmp_path: Path) -> None:
    commands = re.findall(r"^exports/cpp/build/.*", EXPORTS_PAGE, flags=re.MULTILINE)
    assert {Path(command.split()[0]).name for command in commands} == set(CPP.values())
    (tmp_path / "exports").symlink_to(EXPORTS)
    for command in commands:
        done = subprocess.run(
            shlex.split(command.replace("exports/cpp/build", str(built))),
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        if "built without stb" not in done.stderr:
            assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.xdist_group("C++")
def test_full_disk_behind_the_standard_output(built: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [built / "predict_digit", EXPORTS / "lstm.pt", "1"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr == "predict_digit: cannot write to the standard output\n"
