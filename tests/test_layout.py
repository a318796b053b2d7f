"""The house: every import points down, no room is crowded, no function is endless."""

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
    """`export` marks methods, `is_scripting` bypasses, `_state` switches off; making scripts stays
    in one file."""
    for path in FILES:
        used = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "jit"
        }
        if path.parent.name != "export":
            assert used <= {"export", "is_scripting", "_state"}, path


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


ROOMS = sorted({path.parent for path in FILES})
MAX_MODULES, MAX_LINES, MAX_FUNCTION = 12, 300, 60
LONG_FUNCTIONS = {"train": "the whole loop is visible in one place"}  # name -> why it is longer


@pytest.mark.parametrize(
    "folder", ROOMS, ids=lambda folder: str(folder.relative_to(PACKAGE.parent))
)
def test_no_room_is_crowded(folder: Path) -> None:
    modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MAX_MODULES


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_and_functions_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name not in LONG_FUNCTIONS:
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < MAX_FUNCTION, node.name


def test_the_rooms_of_the_plan() -> None:
    """`ls toolkit` shows the six rooms and nothing else."""
    shown = {path.name for path in PACKAGE.iterdir()} - {"__pycache__"}
    rooms = {"train", "assignment", "export", "lstm", "gan", "common"}
    assert shown == rooms | {"__init__.py", "__main__.py"}
