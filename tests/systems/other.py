"""What other systems lack of Python's standard library, according to typeshed; and the stand-in."""

import ast
import json
import os
import sys
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import mypy

STUBS = Path(mypy.__file__).parent / "typeshed" / "stdlib"
STAND_IN = Path(__file__).parent / "stand_in"
CHANGED = ("os", "signal", "time", "socket", "select", "mmap", "errno", "threading")


def names(body: list[ast.stmt], platform: str) -> Iterator[str]:
    """The names that a stub defines on a system."""
    there = types.SimpleNamespace(platform=platform, version_info=sys.version_info)
    for node in body:
        match node:
            case ast.If():
                if eval(ast.unparse(node.test), {"sys": there, "TYPE_CHECKING": True}):
                    yield from names(node.body, platform)
                else:
                    yield from names(node.orelse, platform)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield name


@cache
def defined(stub: Path, platform: str) -> frozenset[str]:
    """The public names of one stub."""
    body = ast.parse(stub.read_text(encoding="utf-8")).body
    return frozenset(name for name in names(body, platform) if not name.startswith("_"))


def lacks(module: str, platform: str) -> list[str]:
    """What a module has on Linux and not there."""
    stub = STUBS / module / "__init__.pyi"
    stub = stub if stub.exists() else STUBS / f"{module}.pyi"
    return sorted(defined(stub, "linux") - defined(stub, platform))


def no_modules(platform: str) -> list[str]:
    """The modules that are there on Linux only."""
    stubs = [*STUBS.glob("[a-z]*.pyi"), *STUBS.glob("[a-z]*/__init__.pyi")]
    return sorted(
        stub.stem if stub.stem != "__init__" else stub.parent.name
        for stub in stubs
        if defined(stub, "linux") and not defined(stub, platform)
    )


def environment(platform: str, folder: Path) -> dict[str, str]:
    """The environment variables that make a Python look like one on another system.

    Args:
        platform: "win32" or "darwin", as `sys.platform` has it.
        folder: where the description of that system is written.
    """
    described = {
        "platform": platform,
        "lacks": {module: lacks(module, platform) for module in CHANGED},
        "no_modules": no_modules(platform),
    }
    file = folder / f"{platform}.json"
    file.write_text(json.dumps(described), encoding="utf-8")
    paths = [str(STAND_IN), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "STAND_IN": str(file)}
