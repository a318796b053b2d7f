"""The floors of the house: every import points down."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "toolkit"
FLOORS = {
    "toolkit.errors": 1,
    "toolkit.files": 1,
    "toolkit.checks": 1,
    "toolkit.device": 1,
    "toolkit.progress": 1,
    "toolkit.runs": 1,
    "toolkit.figures": 1,
    "toolkit.schedule": 1,
    "toolkit.commands": 1,
    "toolkit.workers": 1,
    "toolkit.lstm": 2,
    "toolkit.gan": 2,
    "toolkit.golden": 3,
    "toolkit.export": 3,
    "toolkit.onnx_export": 3,
    "toolkit.generators": 3,
    "toolkit.assignment": 3,
    "toolkit.clinic": 4,
    "toolkit.jobs": 4,
    "toolkit.scoring": 4,
    "toolkit.study": 4,
    "toolkit.train": 4,
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
        if FLOORS[here] == FLOORS[there] == 2:
            assert here == there, f"{path} imports {module} from the other part"


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
        if path.name != "export.py":
            assert used <= {"export", "is_scripting"}, path
