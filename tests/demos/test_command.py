"""The command line of the demos: help, mistakes, and where it finds the toolkit."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from typer.testing import CliRunner

from serving.app import command_line, new_password
from toolkit.__main__ import app as toolkit_app
from toolkit.common.errors import ToolkitError

from ..conftest import HANGS
from .conftest import ROOT

# What a Space's settings allow, by the reference of its README's first lines.
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}

# Runs each argument, such as "gan_demo.py --help", and prints its exit code and slow imports.
LIGHT = """
import runpy, sys
for line in sys.argv[1:]:
    sys.argv = line.split()
    sys.path.insert(0, sys.argv[0].rpartition("/")[0])
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        print("exit", end.code, *{"torch", "gradio", "PIL"} & sys.modules.keys())
"""


def python(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python as where the toolkit is not on the path."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=HANGS,
    )


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--auth", "password"], 2, "--auth must be USER:PASSWORD"),
        (["--auth", "user:"], 2, "--auth must be USER:PASSWORD"),
        (["--host", "no address"], 1, "'no address' is not an address of this machine"),
        (["--host", "192.0.2.1"], 1, "'192.0.2.1' is not an address of this machine"),
    ],
)
def test_mistakes_end_in_one_sentence(arguments: list[str], code: int, sentence: str) -> None:
    """And before the page's module, which does not exist here, is imported."""
    done = CliRunner().invoke(command_line("A page", "no_module"), arguments)
    assert done.exit_code == code
    assert done.stderr.startswith(f"Error: {sentence}")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = ["--port", str(server.getsockname()[1])]
        done = CliRunner().invoke(command_line("A page", "no_module"), arguments)
    assert done.exit_code == 1
    assert re.fullmatch(r"Error: Port \d+ is not available: it is in use.*\n", done.stderr)


def test_help_and_a_mistyped_option_do_not_wait_for_torch(tmp_path: Path) -> None:
    scripts = [ROOT / "demos" / name for name in ("gan_demo.py", "digit_demo.py")]
    lines = [f"{script} {option}" for script in scripts for option in ("--help", "--hlep")]
    done = python("-c", LIGHT, *lines, cwd=tmp_path)
    ends = [line for line in done.stdout.splitlines() if line.startswith("exit")]
    assert ends == ["exit 0", "exit 2", "exit 0", "exit 2"], done.stderr
    assert "Latent studio" in done.stdout
    assert "Gate microscope" in done.stdout
    assert done.stderr.count("No such option: --hlep") == 2


def test_a_folder_of_exports_that_does_not_exist(tmp_path: Path) -> None:
    done = python(ROOT / "demos" / "gan_demo.py", "--exports", "nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: nowhere is not a folder.")
    assert "toolkit export FOLDER --out nowhere" in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.slow
def test_a_missing_export(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = python(ROOT / "demos" / "gan_demo.py", "--exports", "empty", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: empty/generator.safetensors is missing.")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_damaged_export(tmp_path: Path) -> None:
    from gate_microscope.events import GateMicroscope
    from latent_studio.studio import studios_of

    for path in (ROOT / "exports").glob("*.*"):
        shutil.copy(path, tmp_path)
    for name, build in (("discriminator", studios_of), ("rnn_plain", GateMicroscope)):
        with open(tmp_path / f"{name}.safetensors", "ab") as file:
            file.write(b"x")
        with pytest.raises(ToolkitError, match=rf"{name}\.safetensors is damaged or was altered"):
            build(tmp_path)


def test_passwords_are_random() -> None:
    passwords = {new_password() for _ in range(100)}
    assert len(passwords) == 100
    assert all(re.fullmatch(r"[0-9a-f]{4}(-[0-9a-f]{4}){2}", password) for password in passwords)


@pytest.mark.parametrize(
    ("name", "title"), [("gan", "Latent studio"), ("digit", "Gate microscope")]
)
def test_toolkit_demo_passes_its_options_on(name: str, title: str) -> None:
    shown = CliRunner().invoke(toolkit_app, ["demo", name, "--port", "1234", "--help"])
    assert shown.exit_code == 0
    assert f"toolkit demo {name}" in shown.stdout
    assert title in shown.stdout
    assert "--auth" in shown.stdout
    listed = CliRunner().invoke(toolkit_app, ["demo", "--help"])
    assert re.search(rf"{name} +{title}", listed.stdout)


# Prints where the toolkit and the exports are that a demo finds.
WHERE = """
import sys
sys.path.insert(0, sys.argv[1])
import gan_demo, toolkit
from toolkit.common.package_data import package_data
print(toolkit.__path__[0], *map(package_data, ("exports", "pages", "clinic")), sep="\\n")
"""


def test_a_demo_finds_the_toolkit_that_is_not_installed(tmp_path: Path) -> None:
    """Of the checkout that it lies in; -S hides what is installed."""
    program = "import sys; sys.path.insert(0, sys.argv[1]); import serving, toolkit\n"
    program += "print(toolkit.__path__[0])"
    done = python("-S", "-c", program, ROOT / "demos", cwd=tmp_path)
    assert done.stdout.strip() == str(ROOT / "toolkit"), done.stderr


def test_space(tmp_path: Path) -> None:
    """The files that demos/README.md names make a Space: an app_file that runs uninstalled."""
    readme = (ROOT / "demos" / "README.md").read_text()
    front = yaml.safe_load(readme.split("---")[1])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert front["sdk"] == "gradio"
    (gradio,) = (d for d in map(Requirement, project["dependencies"]) if d.name == "gradio")
    assert front["sdk_version"] in gradio.specifier
    assert front["python_version"] in SpecifierSet(project["requires-python"])
    assert {front["colorFrom"], front["colorTo"]} <= COLOURS
    assert len(front["short_description"]) <= 60
    assert (ROOT / front["app_file"]).is_file()
    requirements = (ROOT / "demos" / "requirements.txt").read_text().splitlines()
    assert requirements == project["dependencies"]

    for copied, folder in re.findall(r"^cp -r (.+) space/(\S*)$", readme, flags=re.MULTILINE):
        for name in copied.split():
            source, target = ROOT / name, tmp_path / folder / Path(name).name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    done = python("-c", WHERE, "demos", cwd=tmp_path)
    assert done.stdout.split() == [
        *(f"{tmp_path}/{name}" for name in ("toolkit", "exports", "playground/dist")),
        f"{tmp_path}/playground/data/clinic.json",
    ], done.stderr
