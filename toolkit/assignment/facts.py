"""What a file of a submission defines and uses, read from its syntax tree; nothing is run."""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

MAX_SOURCE = 1 << 20  # characters; more is no program by hand
LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp)
TO_DO = re.compile(
    r"\b(TO[- ]?DO|FIXME|your code|implement|fill in|complete this)\b", re.IGNORECASE
)
# Functions that have no reason to be empty.
EXPECTED = re.compile(
    r"(forward|__getitem__|__len__|__iter__|main|.*interpol.*|(train|sample|eval).*)$"
)
MIRRORS = {"reversed", "flip", "fliplr", "flipud", "reverse"}


@dataclass(frozen=True)
class Definition:
    """A class or a function at the top of a file."""

    name: str
    is_class: bool
    words: frozenset[str]  # all identifiers in it
    methods: frozenset[str]
    bases: tuple[str, ...]  # the last word of each
    loops: bool  # outside of a constructor
    mirrors: bool  # puts a sequence the other way round

    @property
    def is_network(self) -> bool:
        """Whether it looks like a module of torch."""
        derived = any("Module" in base for base in self.bases)
        return self.is_class and (derived or "forward" in self.methods)


@dataclass(frozen=True)
class Import:
    """One import: `level` dots, the module, the names that are taken from it."""

    level: int
    module: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """One file."""

    definitions: tuple[Definition, ...]
    words: frozenset[str]
    imports: tuple[Import, ...]
    runs: bool  # does something when it is run, rather than only define
    to_do: int  # functions that are still empty

    def defines(self, name: str) -> bool:
        """Whether this is a class or a function at the top of the file."""
        return any(definition.name == name for definition in self.definitions)


def facts_of(source: str) -> Facts | None:
    """Read a file; None if it is not Python."""
    tree = parsed(source)
    if tree is None:
        return None
    tops = list(_tops(tree.body))
    definitions = tuple(_definition(node) for node in tops if isinstance(node, Defined))
    local = {definition.name for definition in definitions}
    imports = tuple(_imports(tree))
    local |= {name for one in imports if "torch" not in one.module for name in one.names}
    return Facts(
        definitions,
        words_in(tree),
        imports,
        runs=any(_runs(node, local) for node in tops),
        to_do=sum(1 for _ in unwritten(tree, source)),
    )


def parsed(source: str) -> ast.Module | None:
    """The syntax tree of a program; None if it is not Python, or too long for a human one."""
    if len(source) > MAX_SOURCE:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def words_in(*nodes: ast.AST) -> frozenset[str]:
    """All identifiers below some nodes: names, attributes, arguments, what is imported."""
    words: set[str] = set()
    for node in (node for top in nodes for node in ast.walk(top)):
        for name in ("id", "attr", "arg", "name", "asname", "module"):
            word = getattr(node, name, None)
            if isinstance(word, str):
                words.update(word.split("."))
    return frozenset(words)


def imported_files(
    path: PurePosixPath, facts: Facts, files: Iterable[PurePosixPath]
) -> list[PurePosixPath]:
    """The files of the submission that one of them imports.

    A module is looked for in the folder of the file, then in each folder above it: students run
    their files from any of these.
    """
    known = set(files)
    found: dict[PurePosixPath, None] = {}
    for one in facts.imports:
        above = [path.parent, *path.parent.parents]
        folders = above[one.level - 1 : one.level] if one.level else above
        stem = one.module.replace(".", "/") if one.module else "."
        for folder in folders:
            base = folder / stem
            places = [base.with_suffix(".py"), base / "__init__.py"] if one.module else []
            places += [base / f"{name}.py" for name in one.names]
            if here := [place for place in places if place in known and place != path]:
                found |= dict.fromkeys(here)
                break
    return list(found)


def unwritten(tree: ast.Module, source: str) -> Iterator[tuple[ast.stmt, str]]:
    """Each function that is still to be written: the statement that stands in for it, and its name.

    That is `raise NotImplementedError` among its statements; or nothing but `pass`, `...`, a
    docstring or `return None`, where the function has one of the assignment's names or a comment
    says that something is to be done. Abstract methods, and those that another class of the file
    overrides, are none.
    """
    lines = source.split("\n")
    bases = {word for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
             for word in words_in(*node.bases)}  # fmt: skip
    for owner in ast.walk(tree):
        if not isinstance(owner, ast.Module | ast.ClassDef):
            continue
        if isinstance(owner, ast.ClassDef) and (owner.name in bases or _is_abstract(owner)):
            continue
        for node in owner.body:
            if not isinstance(node, ast.FunctionDef) or _is_abstract(node):
                continue
            stand_in = _stand_in(node, lines)
            if stand_in is not None:
                inside = f"{owner.name}." if isinstance(owner, ast.ClassDef) else ""
                yield stand_in, inside + node.name


def marked(source: str) -> str:
    """A program in which each empty function that is still to be written raises, line for line."""
    tree = parsed(source)
    if tree is None:
        return source
    lines = [line.encode() for line in source.split("\n")]  # offsets count bytes
    for node, name in unwritten(tree, source):
        if not isinstance(node, ast.Raise):
            line, column = lines[node.lineno - 1], node.col_offset
            said = f"raise NotImplementedError({name!r}); ".encode()
            lines[node.lineno - 1] = line[:column] + said + line[column:]
    return b"\n".join(lines).decode()


def _stand_in(function: ast.FunctionDef, lines: list[str]) -> ast.stmt | None:
    """What stands where the code should be; None if there is code."""
    for node in function.body:
        if isinstance(node, ast.Raise) and "NotImplementedError" in words_in(node):
            return node
    to_do = any(map(TO_DO.search, _lines_of(function, lines)))
    expected = EXPECTED.match(function.name)
    if (to_do or expected) and all(_does_nothing(node, to_do) for node in function.body):
        return function.body[-1]
    return None


def _lines_of(function: ast.FunctionDef, lines: list[str]) -> list[str]:
    """The comments in a function and directly below it, further in than its first line."""
    end = function.end_lineno or function.lineno
    found = lines[function.lineno : end]
    for line in lines[end:]:
        text = line.lstrip()
        if text and (not text.startswith("#") or len(line) - len(text) <= function.col_offset):
            break
        found.append(line)
    return [line.partition("#")[2] for line in found]


def _does_nothing(node: ast.stmt, to_do: bool) -> bool:
    """Whether a statement is none; with something to do a call of `super().__init__` is none."""
    if isinstance(node, ast.Return):
        return node.value is None or getattr(node.value, "value", 0) is None
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return node.value.value is ... or isinstance(node.value.value, str)
    if isinstance(node, ast.Expr) and to_do:
        return ast.unparse(node).startswith("super(") and ".__init__(" in ast.unparse(node)
    return isinstance(node, ast.Pass)


def _is_abstract(node: ast.FunctionDef | ast.ClassDef) -> bool:
    words = words_in(*node.decorator_list)
    if isinstance(node, ast.ClassDef):
        words |= words_in(*node.bases)
    return not words.isdisjoint({"abstractmethod", "overload", "Protocol"})


Defined = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _definition(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Definition:
    is_class = isinstance(node, ast.ClassDef)
    methods = {n.name: n for n in node.body if isinstance(n, ast.FunctionDef)} if is_class else {}
    working = [m for name, m in methods.items() if name != "__init__"] if is_class else [node]
    inside = list(ast.walk(node))
    return Definition(
        node.name,
        is_class,
        words_in(node),
        frozenset(methods),
        tuple(ast.unparse(base).rpartition(".")[2] for base in getattr(node, "bases", ())),
        loops=any(isinstance(n, LOOPS) for m in working for n in ast.walk(m)),
        mirrors=not MIRRORS.isdisjoint(words_in(node)) or any(map(_is_backwards, inside)),
    )


def _is_backwards(node: ast.AST) -> bool:
    """`[::-1]`"""
    return isinstance(node, ast.Slice) and isinstance(node.step, ast.UnaryOp)


def _imports(tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(0, alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield Import(node.level, node.module or "", names)


def _tops(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements at the top of a file, also those inside of `try` and `if`."""
    for node in body:
        yield node
        if isinstance(node, ast.Try | ast.If) and not _is_guard(node):
            yield from _tops([*node.body, *node.orelse])


def _is_guard(node: ast.stmt) -> bool:
    """`if __name__ == "__main__":`"""
    return isinstance(node, ast.If) and "__name__" in words_in(node.test)


def _runs(node: ast.stmt, local: set[str]) -> bool:
    """Whether a statement at the top does work: a main part, a loop, a call of their own code."""
    if _is_guard(node) or isinstance(node, ast.While):
        return True
    if isinstance(node, Defined):
        return False
    calls = [n.func for n in ast.walk(node) if isinstance(n, ast.Call)]
    names = {getattr(function, "id", getattr(function, "attr", "")) for function in calls}
    return not names.isdisjoint(local | {"step", "backward"})


def closure(
    definition: Definition, visible: Mapping[str, Definition], seen: frozenset[str] = frozenset()
) -> tuple[frozenset[str], bool, bool]:
    """The words, loops and mirrors of a definition together with those of all that it uses."""
    words, loops, mirrors = set(definition.words), definition.loops, definition.mirrors
    waiting, known = [definition], {definition.name, *seen}
    while waiting:
        for word in waiting.pop().words & visible.keys() - known:
            other = visible[word]
            known.add(word)
            waiting.append(other)
            words |= other.words
            loops, mirrors = loops or other.loops, mirrors or other.mirrors
    return frozenset(words), loops, mirrors
