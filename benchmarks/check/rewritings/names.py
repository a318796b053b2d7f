"""Rewritings that rename variables, functions, classes and imports."""

import builtins
import random
from collections.abc import Iterable
from typing import Any

import libcst as cst
import torch
from libcst import matchers as m

from rewritings.program import (
    Kind,
    Program,
    Substitute,
    body,
    classes,
    code,
    functions,
    keywords,
    of_module,
    params,
    stores,
    substituted,
    words,
)

EVERY = ("dataset", "lstm", "train", "gan")
WORDS = (  # noqa: SIM905
    "amber basin cedar delta ember fjord grove haven inlet jetty knoll ledge meadow nook orchard "
    "prairie quarry ridge shore thicket upland valley willow yonder zenith brook canyon dune "
    "estuary forest glade heath isle lagoon marsh oasis pond reef stream tundra vista woods"
).split()
TORCHS = set(dir(torch.nn.Linear)) | set(dir(torch.Tensor)) | set(dir(torch.optim.Adam))


def fresh(names: Iterable[str], taken: set[str], rng: random.Random) -> dict[str, str]:
    """Return a new, meaningless name for each name, as long as `WORDS` has enough of them."""
    free = [word for word in WORDS if word not in taken]
    rng.shuffle(free)
    return dict(zip(sorted(names), free, strict=False))


def fresh_name(name: str, module: cst.Module, rng: random.Random) -> str:
    """Return a new name, in place of `name`, that does not occur in the file."""
    return fresh([name], words(module), rng)[name]


def variables(program: Program, part: str, rng: random.Random) -> Program | None:
    """Rename up to eight local variables of functions."""
    module = program.module(part)
    taken = keywords(module) | set(dir(builtins))
    names: set[str] = set()
    for function in functions(module):
        names |= stores(function)
        taken.update(params(function))
    for function in m.findall(module, m.Lambda()):
        taken.update(parameter.name.value for parameter in function.params.params)
    for statement in module.body:
        if not isinstance(statement, cst.FunctionDef | cst.ClassDef):
            taken |= stores(statement)
    renamed = sorted(name for name in names - taken if not name.startswith("_"))
    new = fresh(rng.sample(renamed, min(8, len(renamed))), words(module), rng)
    return _renamed(program, part, new)


def arguments(program: Program, part: str, rng: random.Random) -> Program | None:
    """Rename the parameters of functions, but not those of `__init__`."""
    module = program.module(part)
    names: set[str] = set()
    kept = {"self", "cls"}
    for function in functions(module):
        if function.name.value == "__init__":
            kept.update(params(function))
        else:
            names.update(params(function))
    for tree in _trees(program):
        kept |= keywords(tree)
    new = fresh(names - kept, words(module), rng)
    return _renamed(program, part, new)


def _renamed(program: Program, part: str, new: dict[str, str]) -> Program | None:
    """Rename variables in a part's file; return None if `new` is empty."""
    if not new:
        return None
    return program.replaced(part, substituted(program.module(part), new))


def _trees(program: Program) -> list[cst.Module]:
    """Return the syntax trees of all Python files."""
    trees = []
    for path, text in program.files.items():
        if path.endswith(".py"):
            trees.append(cst.parse_module(text))
    return trees


class _Members(cst.CSTTransformer):
    def __init__(self, new: dict[str, str]) -> None:
        self.new = new

    def leave_Attribute(self, original: cst.Attribute, updated: cst.Attribute) -> cst.Attribute:
        name = self.new.get(original.attr.value, original.attr.value)
        return updated.with_changes(attr=cst.Name(name))

    def leave_FunctionDef(self, original: cst.FunctionDef, updated: cst.FunctionDef) -> cst.CSTNode:
        name = self.new.get(original.name.value, original.name.value)
        return updated.with_changes(name=cst.Name(name))


def members(program: Program, part: str, rng: random.Random) -> Program | None:
    """Rename the attributes and methods that are used only through `self`."""
    module = program.module(part)
    kept = _foreign_attributes(program, part) | TORCHS | {"forward"}
    for statement in module.body:
        if isinstance(statement, cst.FunctionDef):
            kept.add(statement.name.value)
    for string in m.findall(module, m.SimpleString()):
        kept.update(string.value.strip("\"'").split())
    new = fresh(_own_members(module) - kept, words(module), rng)
    if not new:
        return None
    return program.replaced(part, module.visit(_Members(new)))


def _own_members(module: cst.Module) -> set[str]:
    """Return the names of the attributes that classes assign to `self`, and of their methods."""
    names = set()
    for owner in classes(module):
        for target in m.findall(owner, m.AssignTarget(m.Attribute(m.Name("self")))):
            names.add(target.target.attr.value)
        for statement in body(owner):
            if isinstance(statement, cst.FunctionDef):
                names.add(statement.name.value)
    return {name for name in names if not name.startswith("__")}


def _foreign_attributes(program: Program, part: str) -> set[str]:
    """Return the attributes that are used on other objects than `self`, or in other files."""
    names = set()
    for path, text in program.files.items():
        if not path.endswith(".py"):
            continue
        for attribute in m.findall(cst.parse_module(text), m.Attribute()):
            of_self = m.matches(attribute.value, m.Name("self"))
            if not of_self or path != program.parts[part]:
                names.add(attribute.attr.value)
    return names


def _everywhere(program: Program, part: str, new: dict[str, str]) -> Program | None:
    """Rename classes or functions in all files of a program; return None if `new` is empty."""
    if not new:
        return None
    files = {}
    for path, text in program.files.items():
        files[path] = text
        if path.endswith(".py"):
            files[path] = substituted(cst.parse_module(text), new).code
    return program._replace(files=files)


def _variables(program: Program) -> set[str]:
    """Return the names of all variables, parameters and keyword arguments of a program."""
    names: set[str] = set()
    for tree in _trees(program):
        names |= stores(tree) | keywords(tree)
        for function in functions(tree):
            names.update(params(function))
    return names


def _taken(program: Program) -> set[str]:
    """Return every name in the files of a program."""
    return set().union(*map(words, _trees(program)))


def class_names(program: Program, part: str, rng: random.Random) -> Program | None:
    """Rename the classes of a file, also in the files that import them."""
    if not all(path.endswith(".py") for path in program.files):
        return None
    names = {owner.name.value for owner in classes(program.module(part))}
    new = {}
    for old, word in fresh(names - _variables(program), _taken(program), rng).items():
        new[old] = word.capitalize()
    return _everywhere(program, part, new)


def function_names(program: Program, part: str, rng: random.Random) -> Program | None:
    """Rename the functions of a file, also in the files that import them."""
    if not all(path.endswith(".py") for path in program.files):
        return None
    names = set()
    for statement in program.module(part).body:
        if isinstance(statement, cst.FunctionDef):
            names.add(statement.name.value)
    new = fresh(names - _variables(program), _taken(program), rng)
    return _everywhere(program, part, new)


def _torch_names(module: cst.Module) -> set[str]:
    """Return the names that imports from torch bind, except by a plain `import torch`."""
    names = set()
    for line in m.findall(module, m.Import() | m.ImportFrom()):
        if "torch" not in code(line) or isinstance(line.names, cst.ImportStar):
            continue
        for alias in line.names:
            if alias.asname:
                names.add(alias.asname.name.value)
            elif isinstance(line, cst.ImportFrom) and isinstance(alias.name, cst.Name):
                names.add(alias.name.value)
    return names


def aliases(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Import torch's modules and classes under other names: `from torch import nn as grove`."""
    names = _torch_names(module) - keywords(module) - stores(module)
    bound = fresh(names, words(module), rng)

    class Bind(Substitute):
        def leave_ImportAlias(self, original: cst.ImportAlias, updated: cst.ImportAlias) -> Any:
            name = original.asname.name if original.asname else original.name
            if not isinstance(name, cst.Name) or name.value not in bound:
                return original
            return original.with_changes(asname=cst.AsName(cst.Name(bound[name.value])))

    return module.visit(Bind(bound))


KINDS = {
    "variables renamed": Kind(EVERY, variables),
    "arguments renamed": Kind(EVERY, arguments),
    "attributes and methods renamed": Kind(EVERY, members),
    "classes renamed": Kind(EVERY, class_names),
    "functions renamed": Kind(("dataset", "train", "gan"), function_names),
    "imports under other names": Kind(EVERY, of_module(aliases)),
}
