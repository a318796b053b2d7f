"""Shared by the tests of the exports: the exports in all formats, and who reads them."""

import contextlib
import functools
import io
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from _pytest.mark import ParameterSet

from tests.assignment.export.conftest import hand_in_exports as hand_in_exports
from tests.conftest import HANGS
from toolkit.export import manifest, saving
from toolkit.export.replacing import copy_export

ROOT = Path(__file__).parents[2]
EXPORTS = ROOT / "exports"
EXPORTS_PAGE = (ROOT / "docs" / "exports.md").read_text()
CPP = {"predict": "predict_digit", "sample": "sample_digits", "verify": "verify_exports"}
FOLDERS = {
    "pt": "exports/cpp/build", "onnx": "exports/cpp/build-onnx", "aoti": "exports/cpp/build-aoti",
}  # fmt: skip
PACKAGES = {"OpenSSL": "libssl-dev", "nlohmann_json": "nlohmann-json3-dev"}  # of Debian


def build(folder: str, directory: Path) -> Path:
    """What the commands of docs/exports.md make in `folder`, made in `directory`: C++ programs."""
    for tool, package in (("cmake", "cmake"), ("c++", "g++")):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}: apt install {package}")
    lines = rf"^(?:cmake|python) .*{folder}(?: .*)?$"
    for command in re.findall(lines, EXPORTS_PAGE, flags=re.MULTILINE):
        command = re.sub("^python", sys.executable, command.replace(folder, str(directory)))
        done = subprocess.run(
            shlex.split(command),
            cwd=ROOT,
            env=os.environ | {"VIRTUAL_ENV": sys.prefix},  # active, as the page asks
            capture_output=True,
            text=True,
        )
        if missing := re.search(r"(?:NOT|not) find .*(OpenSSL|nlohmann_json)", done.stderr):
            pytest.skip(f"needs {missing[1]}: apt install {PACKAGES[missing[1]]}")
        if "onnxruntime was not found" in done.stderr:
            pytest.skip("needs onnxruntime's headers: apt install libonnxruntime-dev")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "warning:" not in done.stderr.lower()
    return directory


Built = Callable[[str], Path]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """ending -> the folder of the C++ programs that read such files; each is built once."""

    @functools.cache
    def make(ending: str) -> Path:
        return build(FOLDERS[ending], tmp_path_factory.mktemp(f"cpp-{ending}"))

    return make


Call = Callable[..., subprocess.CompletedProcess[str]]


class Reader(NamedTuple):
    """Programs in one language that read one format."""

    call: Call  # runs `predict`, `sample` or `verify`
    ending: str
    folder: Path  # of the files
    names: Sequence[str]  # of the models in it


def in_group(reader: str, group: str, *needs: str) -> ParameterSet:
    """Programs and files in other formats take long to build: one worker builds them, once."""
    marks = [pytest.mark.xdist_group(group), *map(pytest.mark.needs, needs), pytest.mark.slow]
    return pytest.param(reader, marks=marks)


GROUPS = {"pt": "C++", "onnx": "formats", "aoti": "AOTInductor"}  # of the C++ programs
SCRIPTS = ["Python, pt", in_group("C++, pt", "C++", "c++")]  # TorchScript
GRAPHS = [
    in_group("Python, pt2", "formats"),
    in_group("Python, onnx", "formats"),
    in_group("C++, onnx", "formats", "c++ and onnxruntime"),
    in_group("C++, aoti", "AOTInductor", "c++"),
]
OWN = [  # of a student
    in_group("Python, pt, mine", "formats"),
    in_group("C++, pt, mine", "C++", "c++"),
    in_group("Python, pt2, mine", "formats"),
    in_group("C++, onnx, mine", "formats", "c++ and onnxruntime"),
    in_group("JavaScript, onnx, mine", "formats", "node and onnxruntime-web"),
]
JAVASCRIPT = [in_group("JavaScript, onnx", "formats", "node and onnxruntime-web")]


@pytest.fixture
def reader(request: pytest.FixtureRequest) -> Reader:
    """One of the lists above, as a test says: @pytest.mark.parametrize("reader", ..., indirect)."""
    language, ending, *others = request.param.split(", ")
    folder, names = EXPORTS, sorted(manifest.SIGNATURES)
    if others:
        folder = request.getfixturevalue("hand_in_exports")
        names = ["discriminator", "generator", "lstm", "rnn"]
    elif ending in ("pt2", "onnx"):  # as this torch makes them; the committed .pt are for all
        folder = request.getfixturevalue("converted")
    if language == "Python":
        return Reader(call_python, ending, folder, names)
    if language == "JavaScript":
        require_onnxruntime_web()
        script = EXPORTS / "js" / "load_exports.mjs"
        return Reader(caller(lambda command: ["node", script, command]), ending, folder, names)
    programs = request.getfixturevalue("built")(ending)
    if ending == "aoti":
        folder, names = programs, ["generator", "lstm"]
    return Reader(caller(lambda command: [programs / CPP[command]]), ending, folder, names)


def require_onnxruntime_web() -> None:
    if shutil.which("node") is None:
        pytest.skip("needs node: apt install nodejs npm")
    if not (EXPORTS / "js" / "node_modules").exists():
        pytest.skip("needs onnxruntime-web: npm --prefix exports/js ci")


def caller(program: Callable[[str], Sequence[str | Path]]) -> Call:
    """Run a command; `program` says what runs it."""

    def call(command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        words = [*program(command), *map(str, arguments)]
        return subprocess.run(words, capture_output=True, text=True, timeout=HANGS)

    return call


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


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed exports, made again in all formats."""
    directory = tmp_path_factory.mktemp("formats")
    for name in manifest.SIGNATURES:
        copy_export(name, EXPORTS, directory)
    for format_ in manifest.FORMATS:
        saving.write(format_, directory)
    return directory
