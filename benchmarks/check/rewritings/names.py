"""Other names for the same things."""

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
    """Another name for each, which says nothing and is not taken."""
    free = [word for word in WORDS if word not in taken]
    rng.shuffle(free)
    return dict(zip(sorted(names), free, strict=False))


def variables(program: Program, part: str, rng: random.Random) -> Program | None:
    """The local variables of all functions."""
    module = program.module(part)
    arguments = {p for f in functions(module) for p in params(f)}
    lambdas = {p.name.value for x in m.findall(module, m.Lambda()) for p in x.params.params}
    found = {name for f in functions(module) for name in stores(f)}
    outside = stores(*[s for s in module.body if not isinstance(s, cst.FunctionDef | cst.ClassDef)])
    found -= arguments | lambdas | outside | keywords(module) | set(dir(builtins))
    found = {name for name in found if not name.startswith("_")}
    new = fresh(rng.sample(sorted(found), min(8, len(found))), words(module), rng)
    return program.replaced(part, substituted(module, new)) if new else None


def arguments(program: Program, part: str, rng: random.Random) -> Program | None:
    """The parameters of functions, but not of those by which something is built."""
    module = program.module(part)
    plain = [f for f in functions(module) if f.name.value != "__init__"]
    kept = {p for f in functions(module) if f not in plain for p in params(f)}
    given = set().union(
        *(keywords(cst.parse_module(t)) for p, t in program.files.items() if p.endswith(".py"))
    )
    names = {p for f in plain for p in params(f)} - {"self", "cls"} - kept - given
    new = fresh(names, words(module), rng)
    return program.replaced(part, substituted(module, new)) if new else None


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
    """The attributes and methods of objects that only the object itself uses."""
    module = program.module(part)
    own: set[str] = set()
    for c in classes(module):
        assigned = m.findall(c, m.AssignTarget(m.Attribute(m.Name("self"))))
        own |= {t.target.attr.value for t in assigned}
        methods = [f for f in body(c) if isinstance(f, cst.FunctionDef)]
        own |= {f.name.value for f in methods if not f.name.value.startswith("__")}
    elsewhere = {
        a.attr.value
        for path, text in program.files.items()
        if path.endswith(".py")
        for a in m.findall(cst.parse_module(text), m.Attribute())
        if not m.matches(a.value, m.Name("self")) or path != program.parts[part]
    }
    top = {s.name.value for s in module.body if isinstance(s, cst.FunctionDef)}
    texts = {w for s in m.findall(module, m.SimpleString()) for w in s.value.strip("\"'").split()}
    new = fresh(own - elsewhere - TORCHS - top - texts - {"forward"}, words(module), rng)
    return program.replaced(part, module.visit(_Members(new))) if new else None


def _everywhere(program: Program, part: str, new: dict[str, str]) -> Program | None:
    """A name of a part's file, here and where it is imported."""
    if not new:
        return None
    files = {
        path: substituted(cst.parse_module(text), new).code if path.endswith(".py") else text
        for path, text in program.files.items()
    }
    return program._replace(files=files)


def _others(program: Program) -> set[str]:
    """Names that mean a variable somewhere."""
    trees = [cst.parse_module(t) for p, t in program.files.items() if p.endswith(".py")]
    arguments = {p for t in trees for f in functions(t) for p in params(f)}
    return arguments.union(*(stores(t) for t in trees), *(keywords(t) for t in trees))


def class_names(program: Program, part: str, rng: random.Random) -> Program | None:
    """The classes, here and where they are imported."""
    module = program.module(part)
    names = {c.name.value for c in classes(module)} - _others(program)
    if any(not p.endswith(".py") for p in program.files):
        return None
    taken = set().union(*(words(cst.parse_module(t)) for t in program.files.values()))
    new = {old: word.capitalize() for old, word in fresh(names, taken, rng).items()}
    return _everywhere(program, part, new)


def function_names(program: Program, part: str, rng: random.Random) -> Program | None:
    """The functions of a file, here and where they are imported."""
    module = program.module(part)
    if any(not p.endswith(".py") for p in program.files):
        return None
    names = {s.name.value for s in module.body if isinstance(s, cst.FunctionDef)}
    taken = set().union(*(words(cst.parse_module(t)) for t in program.files.values()))
    return _everywhere(program, part, fresh(names - _others(program), taken, rng))


def aliases(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Torch's modules and classes under other names: `from torch import nn as grove`."""
    found = {
        (alias.asname.name if alias.asname else alias.name).value
        for line in m.findall(module, m.Import() | m.ImportFrom())
        if "torch" in cst.Module([]).code_for_node(line)
        and not isinstance(line.names, cst.ImportStar)
        for alias in line.names
        if alias.asname or (isinstance(line, cst.ImportFrom) and isinstance(alias.name, cst.Name))
    }
    bound = fresh(found - keywords(module) - stores(module), words(module), rng)

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
