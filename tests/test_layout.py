"""The house: every import points down, and no room is crowded."""

import ast
import importlib
import subprocess
import sys
from collections import Counter
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


def room(module: str) -> str:
    """The entry of FLOORS that a dotted module name lies in."""
    return ".".join(module.split(".")[:2])


def imports(path: Path) -> set[str]:
    """Modules of the toolkit that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level > 0:
            raise AssertionError(f"{path} has a relative import; name the module whole")
        elif isinstance(node, ast.ImportFrom) and node.module == "toolkit":
            found |= {f"toolkit.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name for name in found if name.startswith("toolkit.")}


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_imports_point_down() -> None:
    """To a floor below, or within the same room."""
    wrong = []
    for path in FILES:
        here = room(".".join(("toolkit", *path.relative_to(PACKAGE).with_suffix("").parts)))
        for there in imports(path):
            if room(there) != here and FLOORS[room(there)] >= FLOORS[here]:
                wrong.append(f"{path} imports {there}")
    assert wrong == []


def test_one_file_uses_torchscript() -> None:
    """Elsewhere `export` marks methods, `is_scripting` bypasses, `_state` switches off, and types
    have names."""
    for path in FILES:
        used = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "jit"
        }
        if path != PACKAGE / "export/formats/torchscript.py":
            names = {"export", "is_scripting", "_state", "ScriptModule"}
            assert used <= names, path


ROOT = PACKAGE.parent
FOR_EVERYBODY = [
    *FILES,
    *sorted((ROOT / "demos").rglob("*.py")),
    *sorted((ROOT / "assignments").rglob("*.py")),
    ROOT / "exports" / "load_exports.py",
]


def test_every_text_has_its_encoding() -> None:
    """What is read, written or piped as text is so in a named encoding: Windows has another."""
    for path in FOR_EVERYBODY:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                named = {keyword.arg for keyword in node.keywords}
                function = node.func
                name = getattr(function, "attr", getattr(function, "id", ""))
                modes = [str(a.value) for a in node.args if isinstance(a, ast.Constant)]
                opened = name == "open" and (isinstance(function, ast.Name) or modes)
                as_text = (
                    name in ("read_text", "write_text")
                    or (opened and "b" not in "".join(modes))
                    or "text" in named
                )
                assert not as_text or "encoding" in named, f"{path}:{node.lineno}"


MAX_MODULES = 12


def test_no_room_is_crowded() -> None:
    modules = Counter(path.parent for path in FILES if path.name != "__init__.py")
    assert {room: n for room, n in modules.items() if n > MAX_MODULES} == {}


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
    return {
        alias.name: str(node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@pytest.mark.parametrize("module", LIBRARY)
def test_public_names_are_what_type_checkers_see(module: str) -> None:
    """`__all__`, the imports for type checkers, and what Python finds: the same objects."""
    package = importlib.import_module(module)
    listed = (ROOT / "docs" / "api" / "index.md").read_text()
    assert all(f"`{name}`" in listed for name in package.__all__)
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
