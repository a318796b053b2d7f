"""Boundaries that name files or modules: each is compared with what is there today.

A folder that moves would weaken them in silence.
"""

import ast
import inspect
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from toolkit.assignment.asking import host
from toolkit.assignment.findings.explanations import PAGES
from toolkit.assignment.findings.findings import IDS
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.grade import unusual, versions
from toolkit.assignment.grade.verdict import CHECK
from toolkit.assignment.handin.facts import RECURRENT
from toolkit.assignment.handin.submission import prepare
from toolkit.assignment.judging import static
from toolkit.assignment.package import contents
from toolkit.assignment.running.parts import PARTS
from toolkit.assignment.running.record.script import digits, lines
from toolkit.assignment.sandbox import supervise
from toolkit.assignment.sandbox.isolation import (
    LAUNCHER,
    RUNNING,
    Isolation,
    Limits,
    Sandbox,
    Tool,
)
from toolkit.common.package_data import PACKAGE, package_data, requirements

ROOT = PACKAGE.parent
WHEEL = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"][
    "build"
]["targets"]["wheel"]


def packages() -> set[str]:
    """Top-level names under which code of the wheel can be imported."""
    tops = set()
    for name in WHEEL["only-include"]:
        moved = next(
            (to for of, to in WHEEL["sources"].items() if Path(name).is_relative_to(of)), name
        )
        tops.add(Path(moved).parts[0])
    return tops


@pytest.mark.parametrize("package", sorted(packages()))
def test_forbidden_module(package: str, tmp_path: Path) -> None:
    """Every package of the wheel, whatever of it is imported and how."""
    assert (ROOT / package / "__init__.py").is_file()
    imports = (
        f"import {package}",
        f"from {package}.lstm import model",
        f"import importlib\nimportlib.import_module('{package}.gan')",
        f"def f():\n    from {package} import lstm as mine",
    )
    for number, code in enumerate(imports):
        theirs, copy = tmp_path / f"theirs{number}", tmp_path / f"copy{number}"
        theirs.mkdir()
        copy.mkdir()
        (theirs / "lstm.py").write_text(code)
        (theirs / "train.py").write_text("x = 1")
        verdicts = {part: Verdicts(part, "") for part in PARTS}
        static.Reading(prepare(theirs, copy), verdicts)
        ids = set()
        for part in PARTS:
            ids.update(finding.id for finding in verdicts[part].findings)
        assert "forbidden-module" in ids, code


def test_recurrent_modules_of_torch() -> None:
    """The set has each of torch.nn, by its name in this release."""
    bases = (nn.RNNBase, nn.RNNCellBase)
    recurrent = set()
    for name, value in vars(nn).items():
        if inspect.isclass(value) and issubclass(value, bases) and value not in bases:
            recurrent.add(name)
    assert recurrent == RECURRENT


def test_lines_know_who_loads() -> None:
    """The file in which torch's DataLoader takes items, and what stands in for MNIST."""
    fetch = Path(inspect.getfile(torch.utils.data._utils.fetch))
    assert fetch.is_file()
    assert lines.is_loading([str(fetch)])
    assert not lines.is_loading([str(ROOT / "train.py"), inspect.getfile(torch.utils.data.Dataset)])
    assert lines.is_ours(digits.FewDigits)
    assert not lines.is_ours(nn.Linear)


def dotted(file: str) -> str:
    """The name by which a file of the package is imported."""
    path = Path(PACKAGE.name, file).with_suffix("")
    if path.name == "__init__":
        path = path.parent
    return ".".join(path.parts)


def running_files() -> list[Path]:
    """The toolkit's modules that a sandbox has."""
    files = sorted((PACKAGE / RUNNING).rglob("*.py"))
    assert files
    return files


def named_modules(file: Path) -> Iterator[str]:
    """The modules of the toolkit that a file imports, or names in a text; not in a docstring."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    docstrings = [node.value for node in nodes if isinstance(node, ast.Expr)]
    for node in nodes:
        if node in docstrings:
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, file
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = re.findall(rf"\b{PACKAGE.name}(?:\.\w+)+", node.value)
        for name in names:
            if name.partition(".")[0] == PACKAGE.name:
                yield name


def test_what_runs_a_hand_in_needs_one_folder() -> None:
    """The sandbox has this folder and nothing else of ours: its modules name no other."""
    room = dotted(RUNNING.as_posix())
    outside = [
        f"{file.relative_to(PACKAGE)} names {name}"
        for file in running_files()
        for name in named_modules(file)
        if not f"{name}.".startswith(f"{room}.")
    ]
    assert outside == []


@pytest.mark.parametrize("path", running_files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_stands_beside_a_hand_in_is_named(path: Path) -> None:
    """Of each file that its sandbox has, "needs a look" knows the path and the module."""
    file = path.relative_to(PACKAGE).as_posix()
    programs = (f"open({f'/x/{PACKAGE.name}/{file}'!r})", f"import {dotted(file)} as x")
    for program in programs:
        assert list(unusual._unusual_words(ast.parse(program))), program


def test_places_of_the_platforms_are_named() -> None:
    """The folder is known into which Gradescope's package puts what grades."""
    script = (PACKAGE / "assignment" / "package" / "gradescope" / "run_autograder").read_text(
        encoding="utf-8"
    )
    (place,) = set(re.findall(r"/autograder\b", script))
    assert place in unusual.PLACES


# What is read while grading, and decides nothing: how pages look, explain and are packed.
SHOWN = (".j2", ".js", ".md", ".typed")
NOT_DECIDING = (
    "assignment/package/",  # copied into archives for platforms
    "assignment/curve/bands.json",  # of `toolkit curve`
    "gan/mnist/",  # read only if their SHA-256 are those in gan/data.py
)
DECIDING = {"skeleton", "exports", "constraints"}  # the last by `versions.versions()`
OTHER_DATA = {"mnist", "notebook", "report", "solution"}  # of the other commands


def test_a_verdict_depends_on_all_that_decides() -> None:
    """Every file of the package, but for what only shows; and the data that the package reads."""
    known = versions.toolkit_files()
    for path in PACKAGE.rglob("*"):
        name = path.relative_to(PACKAGE).as_posix()
        is_made = "__pycache__" in path.parts or name.startswith("_data")
        if path.is_file() and not is_made and not name.startswith(NOT_DECIDING):
            assert f"{PACKAGE.name}/{name}" in known or path.suffix in SHOWN, name
    read = set()
    for path in (PACKAGE / "assignment").rglob("*.py"):
        read |= set(re.findall(r'package_data\("(\w+)"\)', path.read_text(encoding="utf-8")))
    assert read == DECIDING | OTHER_DATA
    paths = {Path(name) for name in known}
    for name in ("skeleton", "exports"):
        assert any(package_data(name) == (PACKAGE.parent / path).parent for path in paths), name


# The versions of Python for which there is a released set, and a file that lists it.
RELEASED = {(3, 11), (3, 13), (3, 14)}


def test_the_released_sets_are_found() -> None:
    """Without its file, a grade would say that there is nothing to compare with."""
    paths = {versions.released_set(*python) for python in RELEASED}
    assert paths == {path for path in (ROOT / "constraints").iterdir() if "released" in path.name}
    for path in paths:
        sentence = versions.compare_versions(path, versions.installed())
        assert "No released set" not in sentence
        assert "of the 0 packages" not in sentence


def names_in(requirements: list[str]) -> set[str]:
    """The names of the packages that are required."""
    return {re.split(r"[^\w.-]", requirement)[0] for requirement in requirements}


def test_a_package_for_a_platform_has_what_it_reads(tmp_path: Path) -> None:
    """Its toolkit finds the released sets; and what is left out of it is there to be left out."""
    names = set()
    for path, content in contents.grader_files(None):
        names.add(path.as_posix())
        if path.suffix in (".py", ".txt"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(content)
    program = (
        "import toolkit\n"
        "from toolkit.assignment.grade.versions import released_set\n"
        "print(toolkit.__file__)\n"
        f"print([released_set(*python).is_file() for python in {sorted(RELEASED)}])\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, cwd=tmp_path,
                          capture_output=True, text=True)  # fmt: skip
    file = tmp_path / PACKAGE.name / "__init__.py"
    assert done.stdout.splitlines() == [str(file), str([True] * len(RELEASED))], done.stderr
    folders = {path.name for path in PACKAGE.rglob("*") if path.is_dir()}
    assert contents.LEFT_OUT - {"__pycache__", "_data"} <= folders
    required = names_in([*requirements(), *requirements("grading")])
    assert required > contents.NOT_NEEDED
    assert names_in(contents.requirements()) == required - contents.NOT_NEEDED
    assert f"{PACKAGE.name}/{LAUNCHER}" in names


@pytest.mark.parametrize("tool", ["bubblewrap", "unshare", "limits"])
def test_a_sandbox_is_known_by_its_command(tool: Tool, tmp_path: Path) -> None:
    """However it is started; a hand-in's own files are none."""
    assert (PACKAGE / LAUNCHER).is_file()
    sandbox = Sandbox(Isolation(tool), tmp_path / "submission", tmp_path / "scratch", Limits())
    command = sandbox.command(["-m", "toolkit.assignment.running"])
    assert sum(map(bool, map(supervise.LAUNCHED.search, command))) == 1
    assert not supervise.LAUNCHED.search("/home/student/launcher.py")


@pytest.mark.parametrize("command", [host.CHILD, CHECK.child])
def test_the_child_is_named(command: tuple[str, ...]) -> None:
    """Both hosts start the same program, and every sandbox has it."""
    assert command == ("-m", dotted(RUNNING.as_posix()))
    assert (PACKAGE / RUNNING / "__main__.py").is_file()


def test_the_documents_have_the_pages_of_the_findings() -> None:
    """Where `docs/hooks.py` looks for them; an empty folder would make no page, and no error."""
    hooks = (ROOT / "docs" / "hooks.py").read_text(encoding="utf-8")
    (folder,) = re.findall(r"^EXPLAIN = ROOT / (.*)$", hooks, re.MULTILINE)
    assert re.findall(r'"(\w+)"', folder) == list(PAGES.relative_to(ROOT).parts)
    assert {page.stem for page in PAGES.glob("*.md")} == set(IDS)


FOR_GRADERS = {"sandbox", "grade", "package"}  # which need Linux


def test_what_students_use_is_checked_for_their_systems() -> None:
    """The Makefile names each room, so that mypy looks at it as on Windows and macOS."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (names,) = re.findall(r"^FOR_STUDENTS := ((?:.*\\\n)*.*)$", makefile, re.MULTILINE)
    there = {path.parent.name for path in (PACKAGE / "assignment").glob("*/__init__.py")}
    files = {"app", "pack", "skeleton"}
    assert set(re.findall(r"assignment\.(\w+)", names)) == there - FOR_GRADERS | files
