"""Shared by the tests of the exports: C++ programs, built once, and the exports in all formats."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.export import formats, manifest
from toolkit.export.replacing import copy_export

ROOT = Path(__file__).parents[2]
PACKAGES = {"OpenSSL": "libssl-dev", "nlohmann_json": "nlohmann-json3-dev"}  # of Debian


def build(folder: str, directory: Path) -> Path:
    """The C++ programs, built in `directory` by the commands of docs/exports.md for `folder`."""
    for tool, package in (("cmake", "cmake"), ("c++", "g++")):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}: apt install {package}")
    page = (ROOT / "docs" / "exports.md").read_text()
    commands = re.findall(rf"^cmake .*{folder}(?: .*)?$", page, flags=re.MULTILINE)
    configured, done = (
        subprocess.run(
            shlex.split(command.replace(folder, str(directory))),
            cwd=ROOT,
            env=os.environ | {"VIRTUAL_ENV": sys.prefix},  # active, as the page asks
            capture_output=True,
            text=True,
        )
        for command in commands
    )
    if missing := re.search(r"(?:NOT|not) find .*(OpenSSL|nlohmann_json)", configured.stderr):
        pytest.skip(f"needs {missing[1]}: apt install {PACKAGES[missing[1]]}")
    if "onnxruntime was not found" in configured.stderr:
        pytest.skip("needs onnxruntime's headers: apt install libonnxruntime-dev")
    assert configured.returncode == 0, configured.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning:" not in done.stderr
    return directory


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the C++ programs that read .pt files."""
    return build("exports/cpp/build", tmp_path_factory.mktemp("cpp"))


@pytest.fixture(scope="session")
def built_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the C++ programs that read .onnx files."""
    return build("exports/cpp/build-onnx", tmp_path_factory.mktemp("cpp-onnx"))


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed exports, made again in all formats."""
    directory = tmp_path_factory.mktemp("formats")
    for name in manifest.SIGNATURES:
        copy_export(name, ROOT / "exports", directory)
    for format_ in manifest.FORMATS:
        formats.write(format_, directory)
    return directory
