"""The house: every import points down, and no room is crowded."""

import ast
import importlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "toolkit"
FLOORS = {
    "toolkit.common": 1,
    "toolkit.lstm": 2,
    "toolkit.gan": 2,
    "toolkit.export": 3,
    "toolkit.train": 4,
    "toolkit.assignment": 4,
    "toolkit.__main__": 5,
}
ASSIGNMENT = {  # its own floors
    "toolkit.assignment.running": 1,
    "toolkit.assignment.asking": 2,
    "toolkit.assignment.scratch": 2,
    "toolkit.assignment.handin": 3,
    "toolkit.assignment.sandbox": 3,
    "toolkit.assignment.findings": 4,
    "toolkit.assignment.judging": 5,
    "toolkit.assignment.export": 6,
    "toolkit.assignment.tutor": 6,
    "toolkit.assignment.viva": 6,
    "toolkit.assignment.curve": 7,
    "toolkit.assignment.grade": 7,
    "toolkit.assignment.report": 7,
    "toolkit.assignment.package": 8,
    "toolkit.assignment.skeleton": 8,
    "toolkit.assignment.pack": 9,
    "toolkit.assignment.app": 10,
    "toolkit.assignment.__main__": 11,
}
NAMED = re.compile(r"toolkit\.assignment(\.\w+)+")  # in a text: a module imported by its name


def room(module: str, depth: int = 2) -> str:
    """The entry of FLOORS, or with depth 3 of ASSIGNMENT, that a dotted module name lies in."""
    return ".".join(module.split(".")[:depth])


def name_of(path: Path) -> str:
    """The dotted name of a file's module."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """Modules of the toolkit that a file imports, or names in a text by which it can."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and NAMED.fullmatch(str(node.value)):
            found.add(node.value)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level > 0:
            raise AssertionError(f"{path} has a relative import; name the module whole")
        elif isinstance(node, ast.ImportFrom) and node.module in ("toolkit", "toolkit.assignment"):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name for name in found if name.startswith("toolkit.")}


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def upward(floors: Mapping[str, int], depth: int) -> list[str]:
    """The imports that lead neither to a floor below nor into the same room."""
    wrong = []
    for path in FILES:
        here = room(name_of(path), depth)
        for there in imports(path):
            target = room(there, depth)
            is_between_rooms = here in floors and target in floors and target != here
            if is_between_rooms and floors[target] >= floors[here]:
                wrong.append(f"{path} imports {there}")
    return wrong


def test_imports_point_down() -> None:
    """Every module is on a floor, and so is every room of the assignment."""
    rooms = {room(name_of(path)) for path in FILES}
    assert rooms == FLOORS.keys()
    own = {name for path in FILES if (name := name_of(path)).startswith("toolkit.assignment.")}
    assert {room(name, 3) for name in own} == ASSIGNMENT.keys()
    assert upward(FLOORS, 2) == []
    assert upward(ASSIGNMENT, 3) == []


MAX_SHARE = 0.35  # of the statements of toolkit/assignment


def test_no_room_outgrows_the_house() -> None:
    statements: Counter[str] = Counter()
    for path in FILES:
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        statements[room(name_of(path), 3)] += sum(isinstance(node, ast.stmt) for node in nodes)
    own = {name: number for name, number in statements.items() if name in ASSIGNMENT}
    assert max(own.values()) <= MAX_SHARE * sum(own.values()), own


def test_tests_mirror_the_folders() -> None:
    """The tests of a folder are in the folder of its name; those of a file may have one."""
    tests = Path(__file__).parent
    rooms = {name.removeprefix("toolkit.") for name in FLOORS} - {"__main__"}
    for path in (path for name in rooms for path in (tests / name).rglob("test_*.py")):
        folder = PACKAGE / path.parent.relative_to(tests)
        assert folder.is_dir() or folder.with_suffix(".py").is_file(), path


def test_one_file_uses_torchscript() -> None:
    """Elsewhere `export` marks methods, `is_scripting` bypasses, `_state` switches off, and types
    have names."""
    for path in FILES:
        if path != PACKAGE / "export/formats/torchscript.py":
            names = {"export", "is_scripting", "_state", "ScriptModule"}
            assert names_of_jit(path) <= names, path


def names_of_jit(path: Path) -> set[str]:
    """The names that a file uses of `torch.jit`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and getattr(node.value, "attr", "") == "jit":
            names.add(node.attr)
    return names


ROOT = PACKAGE.parent
FOR_EVERYBODY = [
    *FILES,
    *sorted((ROOT / "demos").rglob("*.py")),
    *sorted((ROOT / "assignments").rglob("*.py")),
    ROOT / "exports" / "load_exports.py",
]


def test_every_text_has_its_encoding() -> None:
    """Text is read, written and piped in a named encoding: Windows has another."""
    for path in FOR_EVERYBODY:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and is_of_text(node):
                keywords = {keyword.arg for keyword in node.keywords}
                assert "encoding" in keywords, f"{path}:{node.lineno}"


def is_of_text(call: ast.Call) -> bool:
    """The call reads, writes or pipes text."""
    if any(keyword.arg == "text" for keyword in call.keywords):
        return True
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name in ("read_text", "write_text"):
        return True
    constants = [str(node.value) for node in call.args if isinstance(node, ast.Constant)]
    is_open = name == "open" and (isinstance(call.func, ast.Name) or constants)
    return bool(is_open) and "b" not in "".join(constants)


MAX_MODULES = 12


def test_no_room_is_crowded() -> None:
    modules = Counter(path.parent for path in FILES if path.name != "__init__.py")
    for folder, count in modules.items():
        assert count <= MAX_MODULES, folder


def test_the_rooms_of_the_plan() -> None:
    """`ls toolkit` shows the six rooms, and what a package needs."""
    shown = {path.name for path in PACKAGE.iterdir()} - {"__pycache__"}
    rooms = {"train", "assignment", "export", "lstm", "gan", "common"}
    assert shown == rooms | {"__init__.py", "__main__.py", "py.typed"}


LIBRARY = ["toolkit.common", "toolkit.lstm", "toolkit.gan", "toolkit.export"]


def typed_names(module: str) -> dict[str, str]:
    """The public names of a package as a type checker sees them -> the modules they are from."""
    tree = ast.parse((PACKAGE.parent / module.replace(".", "/") / "__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    modules = {}
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                modules[alias.name] = str(node.module)
    return modules


@pytest.mark.parametrize("module", LIBRARY)
def test_public_names_are_what_type_checkers_see(module: str) -> None:
    """`__all__`, the imports for type checkers, and what Python finds: the same objects."""
    package = importlib.import_module(module)
    listed = (ROOT / "docs" / "api" / "index.md").read_text()
    for name in package.__all__:
        assert f"`{name}`" in listed
    typed = typed_names(module)
    assert sorted(package.__all__) == sorted(typed)
    assert set(typed) <= set(dir(package))
    for name, home in typed.items():
        assert getattr(package, name) is getattr(importlib.import_module(home), name)
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'nonsense'"):
        _ = package.nonsense


def test_a_package_is_imported_without_what_is_in_it() -> None:
    """Nor does one name import what another one needs."""
    program = f"""
import sys
for module in {LIBRARY}:
    __import__(module)
assert not {{"torch", "numpy", "pydantic", "rich"}} & sys.modules.keys()
from toolkit.lstm import Config, LSTM
assert "torch" in sys.modules
assert not {{"rich", "matplotlib", "toolkit.lstm.training"}} & sys.modules.keys()
from toolkit.gan import *
assert callable(train) and callable(interpolate)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)
