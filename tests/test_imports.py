"""The floors of the house: every import points down."""

import ast
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


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    here = room("toolkit." + path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", "."))
    for module in imports(path):
        there = room(module)
        assert FLOORS[there] <= FLOORS[here], f"{path} imports {module} from a floor above"
        if FLOORS[here] == FLOORS[there]:
            assert here == there, f"{path} imports {module} from the room beside it"


def test_only_export_uses_torchscript() -> None:
    """`export` marks methods and `is_scripting` bypasses; making scripts stays in one file."""
    for path in FILES:
        used = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "jit"
        }
        if path.parent.name != "export":
            assert used <= {"export", "is_scripting"}, path
