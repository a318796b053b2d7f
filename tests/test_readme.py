"""The README's commands work as they stand there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from toolkit.assignment.__main__ import app
from typer.core import TyperGroup

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [
    line.split("#")[0].strip()
    for block in BLOCKS
    for line in block.splitlines()
    if line.split("#")[0].strip()
]


def starting_with(*words: str) -> list[list[str]]:
    split = [shlex.split(command) for command in COMMANDS]
    return [command for command in split if command[: len(words)] == list(words)]


def test_it_opens_with_the_two_commands() -> None:
    assert [command for command in COMMANDS if command.startswith("make")][:2] == [
        "make train",
        "make test",
    ]


def test_pip_does_the_same_as_make(tmp_path: Path) -> None:
    """The plain-pip lines are those that make would run in a fresh clone, spelled without paths."""
    for file in ("Makefile", "pyproject.toml"):
        (tmp_path / file).write_bytes((ROOT / file).read_bytes())
    for target in ("train", "test"):
        done = subprocess.run(
            ["make", "-n", "--no-print-directory", target],
            cwd=tmp_path,
            env={key: value for key, value in os.environ.items() if not key.startswith("MAKE")},
            capture_output=True,
            text=True,
            check=True,
        )
        for line in done.stdout.splitlines():
            if not line.startswith("touch"):
                assert line.split(" || ")[0].replace(".venv/bin/", "") in COMMANDS


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [c for c in starting_with("python", "-m", "toolkit.train") if c[3] != "all"],
    ids=" ".join,
)
def test_training_commands(command: list[str], tmp_path: Path) -> None:
    """Each as it stands, but for the smoke preset and a few steps, so that it takes seconds.

    `train all` has a test of its own, test_smoke_of_everything.
    """
    options = [] if "--help" in command else ["--runs-dir", str(tmp_path)]
    if "export" in command:
        pytest.importorskip("onnxruntime")
        options = ["--exports-dir", str(tmp_path)]
        for path in (ROOT / "exports").glob("*.*"):
            shutil.copy(path, tmp_path)
    elif options and command[3] not in ("score", "interpolate", "clinic"):
        options += ["--preset", "smoke"]
        if command[3] in ("lstm", "rnn", "gan"):
            options += ["--num-steps", "50"]
    done = subprocess.run(
        [sys.executable, *command[1:], *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command", starting_with("python", "exports/load_exports.py"), ids=" ".join
)
def test_commands_with_torch_alone(command: list[str], tmp_path: Path) -> None:
    arguments = [str(tmp_path / word) if word.endswith(".png") else word for word in command[1:]]
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    "command", starting_with("python", "-m", "toolkit.assignment"), ids=" ".join
)
def test_assignment_commands_are_understood(command: list[str]) -> None:
    """What they do is tested in tests/assignment; here, that they can be given like this."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    name, *arguments = command[3:]
    group.commands[name].make_context(name, arguments)


def test_tour_with_torch_alone() -> None:
    done = subprocess.run(
        [sys.executable, "exports/load_exports.py"], cwd=ROOT, capture_output=True, text=True
    )
    digits, answer = re.match(r"([\d ]+) -> (\d),", done.stdout).groups()  # type: ignore[union-attr]
    palindrome = [*map(int, digits.split()), int(answer)]
    assert palindrome == palindrome[::-1]
    assert "the classifier sees a" in done.stdout


def test_python_snippet() -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", snippet + "\nprint(digit)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "3\n", done.stderr


def test_files_named_in_the_readme_exist() -> None:
    for target in re.findall(r"\]\((?!http|#)([^)]+)\)", README):
        assert (ROOT / target).exists(), target
