"""The exports in C++, plain Python and JavaScript: the same numbers, one line for every mistake.

The C++ programs are built once with the compiler at hand.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from _pytest.mark import ParameterSet
from torch import Tensor

from tests.export.conftest import (
    CPP,
    EXPORTS,
    EXPORTS_PAGE,
    FOLDERS,
    GRAPHS,
    GROUPS,
    JAVASCRIPT,
    OWN,
    SCRIPTS,
    Built,
    Call,
    Reader,
    call_python,
    require_onnxruntime_web,
)
from toolkit.common import figures
from toolkit.common.files import sha256
from toolkit.export import loading, manifest, saving
from toolkit.export.replacing import copy_export
from toolkit.lstm.model import LSTM

PROGRAMS = [*SCRIPTS, *GRAPHS]
by_programs = pytest.mark.parametrize("reader", PROGRAMS, indirect=True)
by_everybody = pytest.mark.parametrize("reader", [*PROGRAMS, *JAVASCRIPT], indirect=True)


def at_night(*readers: ParameterSet) -> list[ParameterSet]:
    """The same rows of a table, for `make nightly`."""
    return [pytest.param(*row.values, marks=[*row.marks, pytest.mark.nightly]) for row in readers]


@pytest.fixture
def call(reader: Reader) -> Call:
    """For what does not depend on the format."""
    return reader.call


in_each_language = pytest.mark.parametrize("reader", SCRIPTS, indirect=True)


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


@pytest.mark.parametrize("reader", [*PROGRAMS, *JAVASCRIPT, *OWN], indirect=True)
def test_golden_values(reader: Reader) -> None:
    done = reader.call("verify", reader.folder / "manifest.json")
    assert (done.returncode, done.stderr) == (0, "")
    lines = rf"^(\w+)\.{reader.ending}: \d+ golden inputs, largest difference "
    assert re.findall(lines, done.stdout, flags=re.MULTILINE) == reader.names


@pytest.fixture(scope="session")
def thousand_cases() -> dict[str, Any]:
    """name -> golden values: a thousand inputs and outputs of that export."""
    golden = {}
    for name in manifest.SIGNATURES:
        model = loading.load(name, EXPORTS)
        with torch.no_grad():
            outputs = [(x, model(x)) for x in thousand_inputs(name, model)]
        cases = [{"input": as_json(x), "output": as_json(y)} for x, y in outputs]
        golden[name] = {"tolerance": 1e-5, "cases": cases}
    return golden


@pytest.mark.slow
@pytest.mark.parametrize("reader", [*SCRIPTS, *at_night(*GRAPHS, *JAVASCRIPT)], indirect=True)
def test_same_numbers_for_a_thousand_inputs(
    reader: Reader, thousand_cases: dict[str, Any], tmp_path: Path
) -> None:
    """`verify` also compares which logit is the largest, but in JavaScript."""
    entries = manifest.read_manifest(reader.folder)
    for name in reader.names:
        shutil.copy(reader.folder / f"{name}.{reader.ending}", tmp_path)
        # In a recurrent network rounding grows from step to step: in few sequences, by much.
        recurrent = manifest.SIGNATURES[name].input == manifest.DIGITS
        tolerance = 1e-6 if reader.ending == "pt" else 1e-3 if recurrent else 1e-5
        source = "aoti" if reader.ending == "aoti" else "safetensors"
        entries[f"{name}.{source}"]["golden"] = thousand_cases[name] | {"tolerance": tolerance}
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    done = reader.call("verify", tmp_path / "manifest.json")
    assert (done.returncode, done.stderr) == (0, "")
    lines = rf"^(\w+)\.{reader.ending}: 1000 golden inputs, largest difference "
    assert re.findall(lines, done.stdout, flags=re.MULTILINE) == reader.names


@by_everybody
def test_predict(reader: Reader) -> None:
    digits = [3, 1, 4, 1, 5, 9, 9, 5, 1, 4, 1]
    for name in {"lstm", "rnn"}.intersection(reader.names):
        done = reader.call("predict", reader.folder / f"{name}.{reader.ending}", *digits)
        assert (done.returncode, done.stderr) == (0, "")
        first, *rest = done.stdout.splitlines()
        with torch.no_grad():
            expected = loading.load(name, EXPORTS)(torch.tensor([digits])).softmax(dim=1)[0]
        assert first == f"3 1 4 1 5 9 9 5 1 4 1 -> {int(expected.argmax())}"
        found = [float(re.fullmatch(rf"{k}  (0\.\d{{6}})", line)[1]) for k, line in enumerate(rest)]
        torch.testing.assert_close(torch.tensor(found), expected, rtol=0, atol=5e-6)


@in_each_language
def test_trace(call: Call) -> None:
    digits = [1, 2, 3]
    done = call("predict", "--trace", EXPORTS / "lstm.pt", *digits)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[-4:]]
    assert rows[0] == ["digit", *"ifogch"]
    with torch.no_grad():
        trace = torch.stack(loading.load("lstm", EXPORTS).trace(torch.tensor([digits])))
    for digit, row, expected in zip(digits, rows[1:], trace[:, 0].mean(dim=2).T, strict=True):
        assert row[0] == str(digit)
        assert list(map(float, row[1:])) == pytest.approx(expected.tolist(), abs=2e-6)


@by_programs
@pytest.mark.parametrize("file", ["1.pgm", "7.png", "25.png"])
def test_sheet(reader: Reader, file: str, tmp_path: Path) -> None:
    count = int(file.split(".")[0])
    done = reader.call(
        "sample", reader.folder / f"generator.{reader.ending}", "--count", count, "--seed", 7,
        "--out", tmp_path / file,
    )  # fmt: skip
    if "built without stb" in done.stderr:
        pytest.skip("needs stb: apt install libstb-dev")
    assert (done.returncode, done.stderr) == (0, "")
    model = loading.load("generator", EXPORTS)
    with torch.no_grad():
        images = model(
            torch.randn(count, model.latent_dim, generator=torch.Generator().manual_seed(7))
        )
    compare_pictures(tmp_path / file, figures.sheet(images))


@in_each_language
def test_interpolation_strip(call: Call, tmp_path: Path) -> None:
    done = call(
        "sample", EXPORTS / "generator.pt", "--from-seed", 1, "--to-seed", 2, "--frames", 9,
        "--out", tmp_path / "strip.pgm",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    model = loading.load("generator", EXPORTS)
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


@pytest.fixture
def files(reader: Reader, tmp_path: Path) -> Path:
    """Good exports with their manifest, and beside them files that are damaged in every way."""
    for name in {"lstm", "rnn", "generator", "classifier"}.intersection(reader.names):
        shutil.copy(reader.folder / f"{name}.{reader.ending}", tmp_path)
    file = f"lstm.{reader.ending}"
    data = (tmp_path / file).read_bytes()
    (tmp_path / f"unlisted.{reader.ending}").write_bytes(data)
    altered = bytearray(data)
    altered[len(altered) // 2] ^= 1
    for folder, content in {"altered": altered, "truncated": data[:-1000], "orphan": data}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_bytes(content)
        shutil.copy(reader.folder / "manifest.json", tmp_path / folder)
    entries = manifest.read_manifest(reader.folder)
    entries[file]["made_from"] = "0" * 64
    (tmp_path / "orphan" / "manifest.json").write_text(json.dumps(entries))
    (tmp_path / "bare").mkdir()
    for name, content in {"cut": data[:-1000], "text": b"no model", "empty": b""}.items():
        (tmp_path / "bare" / f"{name}.{reader.ending}").write_bytes(content)
    shutil.copy(reader.folder / "manifest.json", tmp_path)
    return tmp_path


# What can be wrong with a file of any format. "{}" is the folder and "$" the ending.
FILES = {
    "altered": ("predict", ["{}/altered/lstm.$", "1"], 1, "altered: its SHA-256"),
    "another source": ("predict", ["{}/orphan/lstm.$", "1"], 1, "was made from another file"),
    "not in the manifest": ("predict", ["{}/unlisted.$", "1"], 1, "does not list unlisted"),
    "text": ("predict", ["{}/bare/text.$", "1"], 1, "is not an intact .* file"),
    "generator for digits": ("predict", ["{}/generator.$", "1"], 1, "digits: z must be float32 of"),
    "LSTM for images": ("sample", ["{}/lstm.$", "--out", "{}/a.pgm"], 1, "not a generator"),
}
TRACE = {"trace": ("predict", ["{}/lstm.$", "1", "--trace"], 1, "no trace; only lstm.pt has one")}
# And with a command.
COMMANDS = {
    "missing file": ("predict", ["{}/no.pt", "1"], 1, "no.pt"),
    "directory": ("predict", ["{}", "1"], 1, "directory"),
    "truncated": ("predict", ["{}/truncated/lstm.pt", "1"], 1, "damaged .*SHA-256"),
    "truncated, no manifest": ("predict", ["{}/bare/cut.pt", "1"], 1, "not an intact TorchScript"),
    "empty": ("sample", ["{}/bare/empty.pt", "--out", "a.png"], 1, "not an intact TorchScript"),
    "classifier for digits": ("predict", ["{}/classifier.pt", "1"], 1, "digits: images must be"),
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


IN_JAVASCRIPT = ["altered", "another source", "not in the manifest", "letter", "no digits"]
MISTAKES = [
    pytest.param(*getattr(one, "values", (one,)), case, marks=getattr(one, "marks", ()))
    for readers, cases in (
        (SCRIPTS, [*FILES, *COMMANDS]), (GRAPHS, [*FILES, "trace"]), (JAVASCRIPT, IN_JAVASCRIPT),
    )
    for one in readers
    for case in cases
]  # fmt: skip


@pytest.mark.parametrize(("reader", "case"), MISTAKES, indirect=["reader"])
def test_a_mistake_is_one_line(reader: Reader, case: str, files: Path) -> None:
    command, words, code, message = (FILES | TRACE | COMMANDS)[case]
    done = reader.call(command, *(x.replace("$", reader.ending).format(files) for x in words))
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert re.search(message, done.stderr), done.stderr
    assert "->" not in done.stdout or "trace" in case


@in_each_language
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
    copy_export("lstm", EXPORTS, tmp_path, ["pt"])
    entries = manifest.read_manifest(tmp_path)
    entry = entries["lstm.safetensors"]
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
        saving.save(
            {"lstm": LSTM(4)}, {"lstm": {"test_accuracy": 0, "length": 0}},
            exports_dir=tmp_path, seed=0, config={}, formats=("pt",),
        )  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    done = call("verify", tmp_path / "manifest.json")
    assert done.returncode == 1, done.stdout
    assert done.stderr.count("\n") == 1, done.stderr
    assert re.search(message, done.stderr), done.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("predict", EXPORTS / "lstm.safetensors", "1"), "is not a .pt, .pt2 or .onnx file"),
        (("verify", EXPORTS / "lstm.onnx"), "is not a manifest.json"),
    ],
)
def test_an_intact_file_of_another_kind_is_not_called_damaged(
    command: tuple[object, ...], words: str
) -> None:
    done = call_python(*command)
    assert done.returncode == 1
    assert words in done.stderr
    assert "intact" not in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("reader", [*GRAPHS, *JAVASCRIPT], indirect=True)
def test_a_wrong_golden_value_is_noticed(reader: Reader, files: Path) -> None:
    entries = manifest.read_manifest(files)
    source = "aoti" if reader.ending == "aoti" else "safetensors"
    entries[f"lstm.{source}"]["golden"]["cases"][1]["output"]["values"][3] += 0.001
    (files / "manifest.json").write_text(json.dumps(entries))
    done = reader.call("verify", files / "manifest.json")
    assert done.returncode == 1
    assert f"lstm.{reader.ending} differs from its golden outputs by 0.00" in done.stderr


@in_each_language
def test_a_file_without_a_manifest_is_read_with_a_note(call: Call, tmp_path: Path) -> None:
    shutil.copy(EXPORTS / "lstm.pt", tmp_path)
    done = call("predict", tmp_path / "lstm.pt", 1, 2)
    assert done.returncode == 0
    assert re.fullmatch(r"Note: there is no manifest.json .* was not checked.\n", done.stderr)


@in_each_language
@pytest.mark.parametrize("what", ["intact", "altered", "nothing"])
def test_verify_other_files(call: Call, what: str, tmp_path: Path) -> None:
    """Files that are no models are compared with their hash; there must be one at least."""
    entries = {"film.npz": {"sha256": sha256(b"a film"), "bytes": 6}}
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    if what != "nothing":
        (tmp_path / "film.npz").write_bytes(b"a film" if what == "intact" else b"a lie")
    done = call("verify", tmp_path / "manifest.json")
    if what == "intact":
        assert (done.returncode, done.stderr) == (0, "")
        assert "film.npz: the SHA-256 is right; not " in done.stdout
    else:
        assert done.returncode == 1
        message = "differs from the manifest's" if what == "altered" else "no file that"
        assert message in done.stderr


@pytest.mark.parametrize(
    ("ending", "needs"),
    [
        ("onnx", "onnxruntime: python -m pip install onnxruntime"),
        ("pt2", "torch 2.9 or newer; this is 2.8.0+cpu, which reads the .pt files"),
    ],
)
def test_what_is_missing_is_named(ending: str, needs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else fails for it."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr(torch, "__version__", "2.8.0+cpu")
    done = call_python("predict", EXPORTS / f"lstm.{ending}", 1)
    assert (done.returncode, done.stderr) == (
        1, f"load_exports.py: .{ending} files need {needs}\n",
    )  # fmt: skip
    done = call_python("verify", EXPORTS / "manifest.json")
    assert (done.returncode, done.stderr) == (0, "")
    line = f"lstm.{ending}: the SHA-256 is right; not run: .{ending} files need {needs}\n"
    assert line in done.stdout


def test_what_cannot_be_compiled_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "lstm.pt2").write_bytes(b"no program")
    entries = {"lstm.pt2": {"sha256": sha256(b"no program")}}
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    done = call_python("compile", tmp_path / "lstm.pt2", "--out", tmp_path / "packages")
    assert done.returncode == 1
    assert re.fullmatch(r"load_exports.py: torch \S+ cannot compile .*lstm.pt2: .+\n", done.stderr)
    assert list((tmp_path / "packages").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "ending", [pytest.param(x, marks=pytest.mark.xdist_group(GROUPS[x])) for x in FOLDERS]
)
def test_commands_of_the_page(ending: str, built: Built, tmp_path: Path) -> None:
    """Each program refuses the other formats."""
    programs, folder = built(ending), FOLDERS[ending]
    commands = re.findall(rf"^{folder}/.*", EXPORTS_PAGE, flags=re.MULTILINE)
    assert {Path(command.split()[0]).name for command in commands} == set(CPP.values())
    other = f"exports/lstm.{'pt2' if ending != 'onnx' else 'pt'}"
    (tmp_path / "exports").symlink_to(EXPORTS)
    for command in [*commands, f"{folder}/predict_digit {other} 1"]:
        words = shlex.split(command.replace(folder, str(programs)))
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
        if other in command:
            assert done.returncode == 1
            assert done.stderr.endswith(f"{other}: this program was built for .{ending} files\n")
        elif "built without stb" not in done.stderr:
            assert (done.returncode, done.stderr) == (0, "")
    linked = subprocess.run(["ldd", programs / "predict_digit"], capture_output=True, text=True)
    assert ("torch" in linked.stdout, "libonnxruntime" in linked.stdout) == (
        ending != "onnx", ending == "onnx",
    )  # fmt: skip


@pytest.mark.xdist_group("formats")
def test_the_tables_of_the_page(converted: Path) -> None:
    """Names and shapes are those of the files; the golden value is of the manifest."""
    import onnxruntime

    def say(part: Any) -> str:
        kind = {"tensor(int64)": "int64", "tensor(float)": "float32"}[part.type]
        return f"`{part.name}`, {kind} ({', '.join(map(str, part.shape))})"

    for name in manifest.SIGNATURES:
        session = onnxruntime.InferenceSession(converted / f"{name}.onnx")
        (given,), (made,) = session.get_inputs(), session.get_outputs()
        assert f"| `{name}.onnx` | {say(given)} | {say(made)} |\n" in EXPORTS_PAGE
    (golden,) = re.findall(r"```json\n(.*?)```", EXPORTS_PAGE, flags=re.DOTALL)
    entry = manifest.entry_of("lstm", converted)["golden"]
    assert json.loads(golden) == entry["cases"][0]["input"]


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
def test_in_a_browser(browser: Any) -> None:
    """The page of the documents, beside the files; the address is of nothing."""
    require_onnxruntime_web()
    (text,) = re.findall(r"```html\n(.*?)```", EXPORTS_PAGE, flags=re.DOTALL)

    def serve(route: Any) -> None:
        path = urlsplit(route.request.url).path
        page = {"body": text, "content_type": "text/html"}
        route.fulfill(**page if path == "/" else {"path": EXPORTS / path[1:]})

    page = browser.new_page()
    page.route("http://localhost/**", serve)
    page.goto("http://localhost/")
    page.wait_for_function("document.body.textContent.trim() === '3'")
    page.close()


@pytest.mark.slow
@pytest.mark.xdist_group("C++")
def test_full_disk_behind_the_standard_output(built: Built) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [built("pt") / "predict_digit", EXPORTS / "lstm.pt", "1"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr == "predict_digit: cannot write to the standard output\n"
