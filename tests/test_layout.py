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
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import; name the module whole"
            modules |= imported_from(str(node.module), node.names)
    return {name for name in modules if name.startswith("toolkit.")}


def imported_from(module: str, names: list[ast.alias]) -> set[str]:
    """The module that `from MODULE import NAMES` imports; those of `from toolkit` are its names."""
    if module == "toolkit":
        return {f"toolkit.{alias.name}" for alias in names}
    return {module}


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_imports_point_down() -> None:
    """To a floor below, or within the same room."""
    wrong = []
    for path in FILES:
        importing = room(".".join(("toolkit", *path.relative_to(PACKAGE).with_suffix("").parts)))
        for module in imports(path):
            imported = room(module)
            if imported != importing and FLOORS[imported] >= FLOORS[importing]:
                wrong.append(f"{path} imports {module}")
    assert wrong == []


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
