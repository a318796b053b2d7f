"""SECURITY.md lists where other people's code is run, unpickled or loaded: as the code does.

From each command the definitions are followed that it names: functions, classes and constants, in
the toolkit and in the demos. What of them starts a process for somebody's code, or loads a file
that may hold code, is a door. A new door, or a way to one, changes the list.
"""

import ast
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import typer

from toolkit.__main__ import app, main

ROOT = Path(__file__).parents[1]
SOURCES = (ROOT, ROOT / "demos")  # of what is imported

CHILD = "a child process of yours, without a sandbox"
SANDBOX = "the grader's sandbox"
OWN = "its own process"
# Definitions that are doors, or that watch one: what is behind them is not followed.
VOUCHED = "toolkit.export.loading:load"
DOORS = {
    "toolkit.assignment.asking.host:Host": ("runs the code", CHILD),
    "toolkit.assignment.sandbox.host:SandboxedHost": ("runs the code", SANDBOX),
    "toolkit.assignment.export.weights:Saved": ("unpickles weights saved as networks", CHILD),
    "toolkit.assignment.tutor.answer:examine": ("calls a function of your notebook", OWN),
    "toolkit.export.loading:load_file": ("loads a TorchScript file", OWN),
    "toolkit.export.formats.torchscript:from_bytes": ("loads a TorchScript file", OWN),
    "toolkit.export.formats.program:from_bytes": ("loads a `.pt2` file", OWN),
    VOUCHED: ("loads TorchScript that the manifest beside it vouches for", OWN),
}
# Calls that run or load code, wherever they are; and who may make them.
CALLS = re.compile(
    r"(^|\.)(exec|eval|exec_module|run_path|run_module|unpickle|Unpickler|find_class)$"
    r"|^(torch|pickle|dill|joblib|marshal|torch\.jit|torch\.export|yaml|shelve|cloudpickle)"
    r"\.(load|loads|open|unsafe_load)$"
)
MAY_LOAD = {*re.findall(r"\w+", CALLS.pattern)}  # a quick look at the last name
INSIDE = {
    # In the child or in the sandbox, which is where they belong.
    "toolkit.assignment.running.": "the child",
    "toolkit.assignment.running.launcher:main": "the sandbox",
    "toolkit.assignment.tutor.places:run_example": "the child",
    # With a tensor's bytes or text of the toolkit's own.
    "toolkit.assignment.tutor.examples:": "expressions of the exercises' own",
    "toolkit.common.runs:": "weights_only=True",
    "toolkit.assignment.export.weights:": "weights_only=True",
    "toolkit.export.": "behind the manifest, or any file that you name",
}
WHOSE = {
    "check": "your own code",
    "export": "your own code and weights",
    "grade": "**anybody's code**",
    "pack": "your own code",
    "train convert": "exports in a folder that you name",
    "train interpolate": "any generator that you name: trust its author",
    "train score": "any generator that you name: trust its author",
    "tutor": "your own code",
    "viva": "your own code",
    "viva --sheet": "**anybody's code**",
}
EXPORTS = {  # whose exports are loaded, if the manifest vouches for them
    "demo digit": "the toolkit's, or of a folder that you name: trust its author",
    "demo gan": "the toolkit's, or of a folder that you name: trust its author",
    "report": "the toolkit's, or of a folder that you name: trust its author",
    "train playground": "the toolkit's, or of a folder that you name: trust its author",
}
TOOLKITS = "the toolkit's own"


class Module(NamedTuple):
    """A file: its top-level definitions, and what its imported names stand for."""

    definitions: dict[str, ast.stmt]
    names: dict[str, str]  # a name -> "module" or "module:definition"
    tree: ast.Module


@functools.cache
def module(name: str) -> Module | None:
    """A module of the toolkit or the demos; None if it is not theirs."""
    for source in SOURCES:
        base = source.joinpath(*name.split("."))
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.exists():
                tree = ast.parse(path.read_text(encoding="utf-8"))
                definitions: dict[str, ast.stmt] = {}
                for node in tree.body:
                    for defined in defined_by(node):
                        definitions[defined] = node
                return Module(definitions, imported_by(tree), tree)
    return None


def defined_by(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def imported_by(node: ast.AST) -> dict[str, str]:
    """Each name that is imported anywhere inside -> what it stands for."""
    names: dict[str, str] = {}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import):
            for alias in inner.names:
                names[alias.asname or alias.name.partition(".")[0]] = alias.name
        elif isinstance(inner, ast.ImportFrom) and inner.module:
            for alias in inner.names:
                whole = f"{inner.module}.{alias.name}"
                if module(whole) is None:  # a definition, and no module
                    whole = f"{inner.module}:{alias.name}"
                names[alias.asname or alias.name] = whole
    return names


def without_annotations(node: ast.AST) -> Iterator[ast.AST]:
    """A piece of a module and all in it, but for annotations, which name what nobody calls."""
    yield node
    for field, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        for child in children:
            if isinstance(child, ast.AST) and field not in ("annotation", "returns"):
                yield from without_annotations(child)


def named_in(node: ast.AST, of_module: str) -> Iterator[str]:
    """The definitions that a piece of a module names, as "module:definition"."""
    known = module(of_module)
    assert known is not None
    names = known.names | imported_by(node)
    places = dict(names)  # of a name that stands alone: the module's own definitions go first
    for name in known.definitions:
        places[name] = f"{of_module}:{name}"
    for inner in without_annotations(node):
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            owner = names.get(inner.value.id, "")
            if owner and ":" not in owner:
                yield f"{owner}:{inner.attr}"
        elif isinstance(inner, ast.Name):
            place = places.get(inner.id, "")
            if ":" in place:
                yield place
        elif isinstance(inner, ast.Constant):
            yield from named_by_text(str(inner.value))


def named_by_text(text: str) -> Iterator[str]:
    """The definitions of a module whose dotted name stands in the code as a text."""
    if not re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", text):
        return
    known = module(text)
    if known is not None and not text.startswith("toolkit.assignment.running"):
        for name in known.definitions:
            yield f"{text}:{name}"


@functools.cache
def names_of(place: str) -> set[str]:
    """The definitions that a definition names."""
    name, _, definition = place.partition(":")
    known = module(name)
    assert known is not None
    return set(named_in(known.definitions[definition], name))


def reached(start: list[str]) -> set[str]:
    """The doors that can be reached from some definitions."""
    visited: set[str] = set()
    waiting = list(start)
    while waiting:
        place = waiting.pop()
        if place in visited:
            continue
        visited.add(place)
        name, _, definition = place.partition(":")
        known = module(name)
        if place in DOORS or known is None:
            continue
        if definition not in known.definitions:  # imported there from elsewhere
            origin = known.names.get(definition, "")
            if ":" in origin:
                waiting.append(origin)
            continue
        waiting += names_of(place)
    return visited & DOORS.keys()


def commands(group: typer.Typer, prefix: str = "") -> Iterator[tuple[str, str]]:
    """The name of each command that the help shows, and the definition behind it."""
    for info in group.registered_commands:
        if info.hidden:  # an old name
            continue
        function = info.callback
        assert function is not None
        name = info.name or function.__name__.replace("_", "-")
        yield f"{prefix}{name}", f"{function.__module__}:{function.__name__}"
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, f"{prefix}{inner.name} ")


def start_of(name: str, place: str) -> list[str]:
    """The definitions that a command begins with; a demo is imported by its name."""
    if name.startswith("demo "):
        package = {"demo gan": "latent_studio", "demo digit": "gate_microscope"}[name]
        return [f"{package}.page:build", "serving.server:serving"]
    return [place]


def table() -> str:
    """The list as SECURITY.md has it; what is only the toolkit's own is left out."""
    rows = ["| command | what it does | where | whose |", "|---|---|---|---|"]
    for name, place in sorted(commands(app)):
        doors = sorted(reached(start_of(name, place)), key=list(DOORS).index)
        actions: dict[tuple[str, str, str], dict[str, None]] = {}  # an ordered set for each row
        for door in doors:
            action, place_of_action = DOORS[door]
            command = name
            if name == "viva" and place_of_action == SANDBOX:
                command = "viva --sheet"
            owners = WHOSE
            if door == VOUCHED:
                owners = EXPORTS
            owner = owners.get(command, TOOLKITS)
            if owner != TOOLKITS:
                actions.setdefault((command, place_of_action, owner), {})[action] = None
        for (command, place_of_action, owner), texts in actions.items():
            rows.append(f"| `{command}` | {', '.join(texts)} | {place_of_action} | {owner} |")
    return "\n".join(rows)


def test_the_list_is_what_the_code_does() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert table() in text, f"SECURITY.md should have:\n{table()}"


@functools.cache
def calls() -> list[tuple[str, ast.Call]]:
    """Each call that may run or load code, with the definition that it is in."""
    return list(find_calls())


def find_calls() -> Iterator[tuple[str, ast.Call]]:
    for source in (ROOT / "toolkit", ROOT / "demos"):
        for path in sorted(source.rglob("*.py")):
            base = ROOT if source.name == "toolkit" else source
            name = ".".join(path.relative_to(base).with_suffix("").parts)
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                for inner in ast.walk(node):
                    if not isinstance(inner, ast.Call) or not inner.args:  # as `model.eval()`
                        continue
                    called = getattr(inner.func, "attr", getattr(inner.func, "id", ""))
                    if called in MAY_LOAD and CALLS.search(ast.unparse(inner.func)):
                        yield f"{name.removesuffix('.__init__')}:{getattr(node, 'name', '')}", inner


def test_every_door_is_known() -> None:
    """A call that runs or loads code is in the child, in the sandbox, or behind a listed door."""
    for place, call in calls():
        text = f"{place}, line {call.lineno}: {ast.unparse(call.func)}"
        assert place.startswith(tuple(INSIDE)) or place in DOORS, text


def test_nothing_is_unpickled_outside_of_a_sandbox() -> None:
    """`torch.load` says `weights_only=True`, but in the child, which `grade` runs in a sandbox."""
    for place, call in calls():
        if ast.unparse(call.func) == "torch.load":
            arguments = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            is_child = place.startswith("toolkit.assignment.running.")
            assert arguments.get("weights_only") == str(not is_child), place


def test_doors_exist() -> None:
    """A door that has moved would be watched by nobody."""
    for place in DOORS:
        name, _, definition = place.partition(":")
        known = module(name)
        assert known is not None, place
        assert definition in known.definitions, place
    for prefix in INSIDE:
        assert any(place.startswith(prefix) for place, _ in calls()), prefix
    names = {name for name, _ in commands(app)}
    assert {*WHOSE, *EXPORTS} <= names | {"viva --sheet"}


def test_help_says_that_it_runs_your_code() -> None:
    """Each command for one's own code says so in its first lines."""
    for info in app.registered_commands:
        function = info.callback
        assert function is not None
        name = info.name or function.__name__
        place = f"{function.__module__}:{function.__name__}"
        if "toolkit.assignment.asking.host:Host" in reached([place]):
            help_text = " ".join((function.__doc__ or "").split())
            assert "user account, without a sandbox" in help_text, name


def test_the_installed_command_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["toolkit", "--help"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert "Usage: toolkit" in capsys.readouterr().out
