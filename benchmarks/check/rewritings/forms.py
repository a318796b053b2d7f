"""Rewritings that move code to other files or change how a script gets its settings."""

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
    """Move the classes and functions that need nothing else of their file into another module.

    Args:
        stem: the path of the new module without ".py", relative to the folder of the file.
        package: add an empty `__init__.py` to the new module's folder.
    """
    module = program.module(part)
    target = PurePosixPath(program.parts[part]).parent / f"{stem}.py"
    moved = _movable(module)
    if not any(isinstance(definition, cst.ClassDef) for definition in moved):
        return None
    imports = [statement for statement in module.body if is_import(statement)]
    if len(moved) + len(imports) == len(module.body) and part in SCRIPTS:
        return None  # the script would be empty
    if str(target) in program.files:
        return None
    names = ", ".join(definition.name.value for definition in moved)
    dotted = stem.replace("/", ".")
    text = module.with_changes(header=(), body=[*imports, *moved]).code
    remaining = [statement for statement in module.body if statement not in moved]
    module = module.with_changes(body=remaining)
    module = after_imports(module, f"from {dotted} import {names}\n")
    files = {**program.replaced(part, module).files, str(target): text}
    if package:
        files[str(target.parent / "__init__.py")] = ""
    return program._replace(files=files)


def _movable(module: cst.Module) -> list[Any]:
    """Return the classes and functions that need nothing of their file except each other."""
    defined: set[str] = set()
    for statement in module.body:
        if isinstance(statement, cst.FunctionDef | cst.ClassDef):
            defined.add(statement.name.value)
        elif not is_import(statement):
            defined |= stores(statement)
    moved: list[Any] = []
    names: set[str] = set()  # the names of the moved classes and functions
    for statement in module.body:
        if not isinstance(statement, cst.ClassDef | cst.FunctionDef):
            continue
        name = statement.name.value
        needed = (loads(statement) & defined) - names - {name}
        if name not in ("main", "train") and not needed:
            moved.append(statement)
            names.add(name)
    return moved


def class_in_another_file(program: Program, part: str, rng: random.Random) -> Program | None:
    return _class_elsewhere(program, part, f"{part}_pieces", False)


def class_in_a_folder(program: Program, part: str, rng: random.Random) -> Program | None:
    return _class_elsewhere(program, part, f"pieces/{part}_code", rng.random() < 0.5)


def two_parts_in_one_file(program: Program, part: str, rng: random.Random) -> Program | None:
    """Move the model or the data set into the file with the training."""
    train = program.parts["train"]
    file = program.parts.get(part, "")
    if not train.endswith(".py") or not file.endswith(".py") or train == file:
        return None
    stem = PurePosixPath(file).stem
    line = re.search(rf"from {stem} import \w+\n", program.files[train])
    inner = program.module(part)
    outer = program.module("train")
    if line is None or _num_imports(program, stem) != 1 or _clash(inner, outer):
        return None
    if any(is_guard(statement) for statement in inner.body):
        return None
    imports = ""
    definitions = ""
    for statement in inner.body:
        if is_import(statement):
            imports += code(statement)
        else:
            definitions += code(statement)
    joined = cst.parse_module(program.files[train].replace(line[0], imports, 1))
    joined = after_imports(joined, definitions + "\n")
    files = {**program.files, train: joined.code}
    del files[file]
    return program._replace(files=files, parts={**program.parts, part: train})


def _num_imports(program: Program, stem: str) -> int:
    """Return the number of imports of a module in the Python files of a program."""
    number = 0
    for path, text in program.files.items():
        if path.endswith(".py"):
            number += len(re.findall(rf"\b(from|import) {stem}\b", text))
    return number


def _clash(inner: cst.Module, outer: cst.Module) -> bool:
    """Return True if two files define the same name."""
    inner_names = stores(*inner.body) | {owner.name.value for owner in classes(inner)}
    outer_names = stores(outer) | {function.name.value for function in functions(outer)}
    return not inner_names.isdisjoint(outer_names)


def renamed_file(program: Program, part: str, rng: random.Random) -> Program | None:
    """Rename a file, and change the imports in the other files accordingly."""
    path = PurePosixPath(program.parts[part])
    new = {"dataset": "palindromes", "lstm": "network", "train": "run_part1", "gan": "part2"}[part]
    target = str(path.with_name(f"{new}.py"))
    if target in program.files or not all(name.endswith(".py") for name in program.files):
        return None
    pattern = rf"^(\s*)(from|import) {path.stem}\b"
    files = {}
    for name, text in program.files.items():
        if name != str(path):
            files[name] = re.sub(pattern, rf"\1\2 {new}", text, flags=re.MULTILINE)
    files[str(path)] = program.files[str(path)]
    return program._replace(files=files).moved(part, target, program.files[str(path)])


def notebook(program: Program, part: str, rng: random.Random) -> Program | None:
    """Turn a script into a notebook, which is split into cells by `_cells`."""
    module = program.module(part)
    path = PurePosixPath(program.parts[part])
    if "parse_args" in code(module) or "Path(__file__" in code(module):
        return None
    for text in program.files.values():
        if f"import {path.stem}" in text or f"from {path.stem} " in text:
            return None
    cells = []
    for text in _cells(module):
        source = text.strip("\n").splitlines(keepends=True)
        cells.append(
            {
                "cell_type": "code",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
        )
    content = {
        "cells": cells,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return program.moved(part, str(path.with_suffix(".ipynb")), json.dumps(content))


def _cells(module: cst.Module) -> list[str]:
    """Split a script into cells; a new cell begins at each definition, `for` loop and `if`."""
    cells = [""]
    for statement in module.body:
        begins = isinstance(statement, cst.FunctionDef | cst.ClassDef | cst.For | cst.If)
        if begins and cells[-1].strip():
            cells.append("")
        cells[-1] += code(statement)
    return [cell for cell in cells if cell.strip()]


# -- settings


def _options(module: cst.Module) -> dict[str, str]:
    """Return the command-line options (name -> default), or {} if one of them has no default."""
    options = {}
    for call in m.findall(module, m.Call(func=m.Attribute(attr=m.Name("add_argument")))):
        name = ""
        default = None
        for argument in call.args:
            if argument.keyword is None:
                name = code(argument.value).strip("\"'")
            elif argument.keyword.value == "default":
                default = code(argument.value)
        if default is None or not name:
            return {}
        options[name.lstrip("-").replace("-", "_")] = default
    return options


def _without_parser(module: cst.Module, settings: str) -> cst.Module | None:
    """Remove the parser, and replace the call of `parse_args()` by the expression `settings`."""
    calls = m.findall(module, m.Call(func=m.Attribute(attr=m.Name("parse_args"))))
    if len(calls) != 1 or calls[0].args:
        return None
    pairs: list[Any] = [(calls[0], [cst.parse_expression(settings)])]
    for line in m.findall(module, m.SimpleStatementLine()):
        if "ArgumentParser(" in code(line) or ".add_argument(" in code(line):
            pairs.append((line, []))
    if len(pairs) == 1:
        return None
    return all_replaced(module, pairs)


def object_for_argparse(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Replace argparse by an object with the default values."""
    options = _options(module)
    if not options:
        return None
    values = ", ".join(f"{name}={default}" for name, default in options.items())
    changed = _without_parser(module, f"SimpleNamespace({values})")
    return changed and after_imports(changed, "from types import SimpleNamespace\n")


def class_for_argparse(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Replace argparse by a class with the default values."""
    options = _options(module)
    if not options or "Settings" in code(module):
        return None
    lines = "".join(f"    {name} = {default}\n" for name, default in options.items())
    changed = _without_parser(module, "Settings()")
    return changed and after_imports(changed, f"\n\nclass Settings:\n{lines}\n")


def constants_for_argparse(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Replace argparse by constants, if the parsed options are assigned to only one variable."""
    options = _options(module)
    holder = _holder_of_options(module)
    if not options or holder is None:
        return None
    uses = m.findall(module, m.Attribute(value=m.Name(holder)))
    if len(re.findall(rf"\b{holder}\b", code(module))) != len(uses) + 1:
        return None
    changed = _without_parser(module, "None")
    if changed is None:
        return None
    pairs = []
    for use in m.findall(changed, m.Attribute(m.Name(holder))):
        pairs.append((use, [cst.Name(use.attr.value.upper())]))
    changed = all_replaced(changed, pairs)
    lines = "".join(f"{name.upper()} = {default}\n" for name, default in options.items())
    return after_imports(changed, lines)


def _holder_of_options(module: cst.Module) -> str | None:
    """Return the only variable to which the result of `parse_args` is assigned, if no function has
    a parameter of the same name.
    """
    holders = []
    for line in m.findall(module, m.SimpleStatementLine()):
        pair = assignment(line)
        if pair and code(pair[1]).endswith(".parse_args()"):
            holders.append(pair[0])
    if len(holders) != 1 or any(holders[0] in params(function) for function in functions(module)):
        return None
    return holders[0]


def argparse_for_constants(program: Program, part: str, rng: random.Random) -> Program | None:
    """Turn the constants of a script into command-line options."""
    module = program.module(part)
    stem = PurePosixPath(program.parts[part]).stem
    if "parse_args" in code(module) or not any(is_guard(s) for s in module.body):
        return None
    if any(f"from {stem} import" in text for text in program.files.values()):
        return None
    options = {}
    remaining = []
    parser = "parser = argparse.ArgumentParser()\n"
    for statement in module.body:
        constant = _constant(statement)
        if constant is None:
            remaining.append(statement)
            continue
        name, value = constant
        option = name.lower()
        options[name] = f"options.{option}"
        kind = "int" if isinstance(value, cst.Integer) else "float"
        parser += f'parser.add_argument("--{option}", type={kind}, default={code(value)})\n'
    if not options:
        return None
    parser += "options = parser.parse_args()\n"
    module = substituted(module.with_changes(body=remaining), options)
    return program.replaced(part, after_imports(module, f"import argparse\n\n{parser}"))


def _constant(statement: Any) -> tuple[str, cst.BaseExpression] | None:
    """Return the name and the value in a line such as `STEPS = 100`, or None for other lines."""
    pair = assignment(statement)
    if pair and pair[0].isupper() and isinstance(pair[1], cst.Integer | cst.Float):
        return pair
    return None


def described(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Add docstrings to the functions that have none."""
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
