"""The same code in other files, and settings that come from elsewhere."""

import json
import random
import re
from pathlib import PurePosixPath
from typing import Any

import libcst as cst
from libcst import matchers as m

from rewritings.names import EVERY
from rewritings.program import (
    Kind,
    Program,
    after_imports,
    all_replaced,
    assignment,
    classes,
    code,
    functions,
    is_docstring,
    is_guard,
    is_import,
    loads,
    of_module,
    params,
    statements,
    stores,
    substituted,
)

SCRIPTS = ("train", "gan")


# -- files


def _class_elsewhere(program: Program, part: str, stem: str, package: bool) -> Program | None:
    """The classes of a file that need nothing of it, in a module of their own."""
    module = program.module(part)
    path = PurePosixPath(program.parts[part])
    imports = [s for s in module.body if is_import(s)]
    own = [s for s in module.body if not is_import(s)]
    defined = {
        name
        for s in own
        for name in ({s.name.value} if isinstance(s, cst.FunctionDef | cst.ClassDef) else stores(s))
    }
    moved: list[Any] = []
    for one in own:
        known = {s.name.value for s in moved}
        plain = isinstance(one, cst.ClassDef | cst.FunctionDef) and one.name.value not in (
            "main",
            "train",
        )
        if plain and not (loads(one) & defined) - known - {one.name.value}:
            moved.append(one)
    kept = [s for s in own if s not in moved and not is_guard(s)]
    if not any(isinstance(s, cst.ClassDef) for s in moved) or (
        not kept and len(moved) == len(own) and part in SCRIPTS
    ):
        return None
    names = ", ".join(s.name.value for s in moved)
    target = path.parent / f"{stem}.py"
    if str(target) in program.files:
        return None
    dotted = stem.replace("/", ".")
    text = module.with_changes(header=(), body=[*imports, *moved]).code
    line = statements(f"from {dotted} import {names}\n")
    rest = [s for s in module.body if s not in moved]
    last = max((k for k, s in enumerate(rest) if is_import(s)), default=-1)
    module = module.with_changes(body=[*rest[: last + 1], *line, *rest[last + 1 :]])
    files = {**program.replaced(part, module).files, str(target): text}
    if package:
        files[str(target.parent / "__init__.py")] = ""
    return program._replace(files=files)


def class_in_another_file(program: Program, part: str, rng: random.Random) -> Program | None:
    return _class_elsewhere(program, part, f"{part}_pieces", False)


def class_in_a_folder(program: Program, part: str, rng: random.Random) -> Program | None:
    return _class_elsewhere(program, part, f"pieces/{part}_code", rng.random() < 0.5)


def two_parts_in_one_file(program: Program, part: str, rng: random.Random) -> Program | None:
    """The model, or the data set, in the file of the training."""
    train, other = program.parts["train"], program.parts.get(part, "")
    if not (train.endswith(".py") and other.endswith(".py")) or train == other:
        return None
    stem = PurePosixPath(other).stem
    mine = rf"from {stem} import \w+\n"
    texts = [t for p, t in program.files.items() if p.endswith(".py")]
    if sum(len(re.findall(rf"\b(from|import) {stem}\b", t)) for t in texts) != 1:
        return None
    line = re.search(mine, program.files[train])
    inner, outer = program.module(part), program.module("train")
    clash = (stores(*inner.body) | {c.name.value for c in classes(inner)}) & (
        stores(outer) | {f.name.value for f in functions(outer)}
    )
    if line is None or clash or any(is_guard(s) for s in inner.body):
        return None
    mixed = [s for s in inner.body if is_import(s)]
    text = program.files[train].replace(line[0], "".join(code(s) for s in mixed), 1)
    joined = cst.parse_module(text)
    rest = "".join(code(s) for s in inner.body if not is_import(s))
    joined = after_imports(joined, rest + "\n")
    files = {p: t for p, t in program.files.items() if p != other} | {train: joined.code}
    return program._replace(files=files, parts={**program.parts, part: train})


def renamed_file(program: Program, part: str, rng: random.Random) -> Program | None:
    """Another name for a file, with the imports of it."""
    path = PurePosixPath(program.parts[part])
    new = {"dataset": "palindromes", "lstm": "network", "train": "run_part1", "gan": "part2"}[part]
    target = str(path.with_name(f"{new}.py"))
    if target in program.files or any(not p.endswith(".py") for p in program.files):
        return None
    pattern = rf"^(\s*)(from|import) {path.stem}\b"
    files = {
        p: re.sub(pattern, rf"\1\2 {new}", t, flags=re.MULTILINE)
        for p, t in program.files.items()
        if p != str(path)
    }
    changed = program._replace(files={**files, str(path): program.files[str(path)]})
    return changed.moved(part, target, program.files[str(path)])


def notebook(program: Program, part: str, rng: random.Random) -> Program | None:
    """A script as a notebook: its imports, its definitions, and what it runs, cell by cell."""
    module = program.module(part)
    path = PurePosixPath(program.parts[part])
    if "parse_args" in code(module) or "Path(__file__" in code(module):
        return None
    if any(f"import {path.stem}" in t or f"from {path.stem} " in t for t in program.files.values()):
        return None
    cells, current = [], ""
    for statement in module.body:
        text = code(statement)
        apart = isinstance(statement, cst.FunctionDef | cst.ClassDef | cst.For | cst.If)
        if apart and current.strip():
            cells.append(current)
            current = ""
        current += text
    cells.append(current)
    kinds = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    whole = {
        "cells": [
            kinds | {"source": c.strip("\n").splitlines(keepends=True)} for c in cells if c.strip()
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return program.moved(part, str(path.with_suffix(".ipynb")), json.dumps(whole))


# -- settings


def _options(module: cst.Module) -> dict[str, str]:
    """The options that `add_argument` lists: the name in the result, and the default."""
    found = {}
    for call in m.findall(module, m.Call(func=m.Attribute(attr=m.Name("add_argument")))):
        names = [code(a.value).strip("\"'") for a in call.args if a.keyword is None]
        given = {a.keyword.value: code(a.value) for a in call.args if a.keyword is not None}
        if "default" not in given or not names:
            return {}
        found[names[-1].lstrip("-").replace("-", "_")] = given["default"]
    return found


def _without_parser(module: cst.Module, settings: str) -> cst.Module | None:
    """Without argparse: `parse_args()` becomes the name of an object."""
    lines = [
        s
        for s in m.findall(module, m.SimpleStatementLine())
        if "ArgumentParser(" in code(s) or ".add_argument(" in code(s)
    ]
    calls = m.findall(module, m.Call(func=m.Attribute(attr=m.Name("parse_args"))))
    if not lines or len(calls) != 1 or calls[0].args:
        return None
    given = (calls[0], [cst.parse_expression(settings)])
    return all_replaced(module, [given, *((line, []) for line in lines)])


def object_for_argparse(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """The defaults of argparse in an object."""
    options = _options(module)
    if not options:
        return None
    values = ", ".join(f"{name}={default}" for name, default in options.items())
    changed = _without_parser(module, f"SimpleNamespace({values})")
    return changed and after_imports(changed, "from types import SimpleNamespace\n")


def class_for_argparse(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """The defaults of argparse in a class."""
    options = _options(module)
    if not options or "Settings" in code(module):
        return None
    lines = "".join(f"    {name} = {default}\n" for name, default in options.items())
    changed = _without_parser(module, "Settings()")
    return changed and after_imports(changed, f"\n\nclass Settings:\n{lines}\n")


def constants_for_argparse(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """The defaults of argparse as constants, where the result is one variable of the script."""
    options = _options(module)
    holders = [
        p[0]
        for s in m.findall(module, m.SimpleStatementLine())
        if (p := assignment(s)) and code(p[1]).endswith(".parse_args()")
    ]
    if not options or len(holders) != 1:
        return None
    holder = holders[0]
    if any(holder in params(f) for f in functions(module)):
        return None
    uses = m.findall(module, m.Attribute(value=m.Name(holder)))
    if len(re.findall(rf"\b{holder}\b", code(module))) != len(uses) + 1:
        return None
    changed = _without_parser(module, "None")
    if changed is None:
        return None
    changed = all_replaced(
        changed,
        [
            (use, [cst.Name(use.attr.value.upper())])
            for use in m.findall(changed, m.Attribute(m.Name(holder)))
        ],
    )
    lines = "".join(f"{name.upper()} = {default}\n" for name, default in options.items())
    return after_imports(changed, lines)


def argparse_for_constants(program: Program, part: str, rng: random.Random) -> Program | None:
    """Constants of a script that become options."""
    module = program.module(part)
    stem = PurePosixPath(program.parts[part]).stem
    if "parse_args" in code(module) or not any(is_guard(s) for s in module.body):
        return None
    if any(f"from {stem} import" in t for t in program.files.values()):
        return None
    found = [
        (s, p)
        for s in module.body
        if (p := assignment(s)) and p[0].isupper() and isinstance(p[1], cst.Integer | cst.Float)
    ]
    if not found:
        return None
    text = "parser = argparse.ArgumentParser()\n"
    for _, (name, value) in found:
        kind = "int" if isinstance(value, cst.Integer) else "float"
        text += f'parser.add_argument("--{name.lower()}", type={kind}, default={code(value)})\n'
    text += "options = parser.parse_args()\n"
    lines = [s for s in module.body if s not in [s for s, _ in found]]
    module = module.with_changes(body=lines)
    module = substituted(module, {p[0]: f"options.{p[0].lower()}" for _, p in found})
    return program.replaced(part, after_imports(module, f"import argparse\n\n{text}"))


def described(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Docstrings and comments."""
    pairs = []
    for function in functions(module):
        text = f'"""{function.name.value}: what it does is said in the report."""\n'
        block = function.body
        if isinstance(block, cst.IndentedBlock) and not is_docstring(block.body[0]):
            pairs.append((block, [block.with_changes(body=[*statements(text), *block.body])]))
    return all_replaced(module, pairs)


KINDS = {
    "classes in another file": Kind(("lstm", "train", "gan"), class_in_another_file),
    "classes in a folder": Kind(("lstm", "train", "gan"), class_in_a_folder),
    "two parts in one file": Kind(("dataset", "lstm"), two_parts_in_one_file),
    "another file name": Kind(EVERY, renamed_file),
    "a notebook": Kind(SCRIPTS, notebook),
    "an object for argparse": Kind(SCRIPTS, of_module(object_for_argparse)),
    "a class for argparse": Kind(SCRIPTS, of_module(class_for_argparse)),
    "constants for argparse": Kind(SCRIPTS, of_module(constants_for_argparse)),
    "argparse for constants": Kind(SCRIPTS, argparse_for_constants),
    "docstrings": Kind(EVERY, of_module(described)),
}
