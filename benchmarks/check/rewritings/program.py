"""A submission that is rewritten, and what the rewritings know about its syntax."""

import ast
import random
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import libcst as cst
from libcst import matchers as m


class Program(NamedTuple):
    """A submission: its files, and which of them is which part."""

    name: str
    files: Mapping[str, str]  # a file's path -> its text
    parts: Mapping[str, str]  # a part -> its file

    def module(self, part: str) -> cst.Module:
        """The syntax tree of a part's file."""
        return cst.parse_module(self.files[self.parts[part]])

    def replaced(self, part: str, module: cst.Module) -> "Program":
        """With another text for a part's file."""
        return self._replace(files={**self.files, self.parts[part]: module.code})

    def moved(self, part: str, path: str, text: str) -> "Program":
        """With a part's file under another path."""
        old = self.parts[part]
        files = {p: t for p, t in self.files.items() if p != old} | {path: text}
        parts = {p: path if f == old else f for p, f in self.parts.items()}
        return self._replace(files=files, parts=parts)


Rewriting = Callable[[Program, str, random.Random], Program | None]


class Kind(NamedTuple):
    """A kind of rewriting; it gives None where a style has nothing that it fits."""

    parts: tuple[str, ...]  # whose files it rewrites
    rewrite: Rewriting
    mirrored: bool = False  # it is the same program for a discriminator of the opposite sign


def of_module(change: Callable[[cst.Module, random.Random], cst.Module | None]) -> Rewriting:
    """A rewriting that looks at one file."""

    def rewrite(program: Program, part: str, rng: random.Random) -> Program | None:
        module = program.module(part)
        changed = change(module, rng)
        same = changed is None or changed.code == module.code
        return None if changed is None or same else program.replaced(part, changed)

    return rewrite


# -- reading a tree


def code(node: cst.CSTNode) -> str:
    """The text of a piece of a tree."""
    return cst.Module([]).code_for_node(node)


def tree(*nodes: cst.CSTNode) -> ast.Module:
    """Statements, or an expression, as `ast` has them."""
    text = "".join(code(node) for node in nodes)
    return ast.parse(textwrap.dedent(text.lstrip("\n")) or "pass")


def loads(*nodes: cst.CSTNode) -> set[str]:
    """The names that are read."""
    found = [n for n in ast.walk(tree(*nodes)) if isinstance(n, ast.Name | ast.AugAssign)]
    read = {n.id for n in found if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    augmented = {n.target for n in found if isinstance(n, ast.AugAssign)}
    return read | {t.id for t in augmented if isinstance(t, ast.Name)}


def stores(*nodes: cst.CSTNode) -> set[str]:
    """The variables that are assigned, without those that belong to comprehensions."""
    parsed = tree(*nodes)
    inner = {
        id(name)
        for node in ast.walk(parsed)
        if isinstance(node, ast.comprehension)
        for name in ast.walk(node.target)
    }
    names = (n for n in ast.walk(parsed) if isinstance(n, ast.Name) and id(n) not in inner)
    return {n.id for n in names if isinstance(n.ctx, ast.Store)}


def has(kinds: Any, *nodes: cst.CSTNode) -> bool:
    """True if the program has this kind of `ast` node."""
    return any(isinstance(n, kinds) for n in ast.walk(tree(*nodes)))


def words(module: cst.Module) -> set[str]:
    """Every name in a file, whatever it means, also in its texts."""
    found = {n.value for n in m.findall(module, m.Name())}
    texts = {n.value for n in m.findall(module, m.SimpleString())}
    return found | {word for text in texts for word in text.strip("\"'").split()}


def keywords(module: cst.Module) -> set[str]:
    """The names of arguments that some call gives by keyword."""
    return {n.keyword.value for n in m.findall(module, m.Arg(keyword=m.Name()))}


def functions(node: cst.CSTNode) -> list[cst.FunctionDef]:
    """Yield the functions and methods, but not those that torch compiles from their source."""
    found = m.findall(node, m.FunctionDef())
    return [f for f in found if not any("jit" in code(d) for d in f.decorators)]


def params(function: cst.FunctionDef) -> list[str]:
    """The names of a function's parameters."""
    of = function.params
    return [p.name.value for p in (*of.posonly_params, *of.params, *of.kwonly_params)]


def classes(module: cst.Module) -> list[cst.ClassDef]:
    """The classes of a file."""
    return [s for s in module.body if isinstance(s, cst.ClassDef)]


def method(owner: cst.ClassDef, name: str) -> cst.FunctionDef | None:
    """A method of a class."""
    for one in owner.body.body:
        if isinstance(one, cst.FunctionDef) and one.name.value == name:
            return one
    return None


def body(node: Any) -> Sequence[Any]:
    """The statements of a function, a loop or a class."""
    return node.body.body if isinstance(node.body, cst.IndentedBlock) else ()


def blocks(module: cst.Module) -> Iterator[Any]:
    """Yield the nodes that have statements of their own: the file, functions, loops, branches."""
    yield module
    yield from m.findall(module, m.IndentedBlock())


def assignment(statement: Any) -> tuple[str, cst.BaseExpression] | None:
    """The variable and the value of a line `name = value`."""
    if m.matches(
        statement, m.SimpleStatementLine(body=[m.Assign(targets=[m.AssignTarget(m.Name())])])
    ):
        assign = statement.body[0]
        return assign.targets[0].target.value, assign.value
    return None


def is_docstring(statement: Any) -> bool:
    return bool(m.matches(statement, m.SimpleStatementLine(body=[m.Expr(m.SimpleString())])))


def is_import(statement: Any) -> bool:
    one = m.SimpleStatementLine(body=[m.Import() | m.ImportFrom(), m.ZeroOrMore()])
    return bool(m.matches(statement, one))


def is_guard(statement: Any) -> bool:
    """`if __name__ == "__main__":`"""
    return isinstance(statement, cst.If) and "__name__" in code(statement.test)


# -- writing a tree


def statements(text: str) -> list[Any]:
    """Statements from their text."""
    return list(cst.parse_module(textwrap.dedent(text)).body)


def expression(text: str) -> cst.BaseExpression:
    return cst.parse_expression(text)


def with_body(node: Any, new: Sequence[Any]) -> Any:
    """A function, a loop, a class or a file with other statements."""
    if isinstance(node, cst.Module | cst.IndentedBlock):
        return node.with_changes(body=list(new))
    return node.with_changes(body=node.body.with_changes(body=list(new)))


def all_replaced(node: Any, pairs: Iterable[tuple[cst.CSTNode, Sequence[cst.CSTNode]]]) -> Any:
    """With other nodes, or none, in the place of some; at once, since a new tree shares none."""
    new = {id(old): nodes for old, nodes in pairs}

    class Replace(cst.CSTTransformer):
        def on_leave(self, original: Any, updated: Any) -> Any:
            nodes = new.get(id(original))
            if nodes is None:
                return updated
            return nodes[0] if len(nodes) == 1 else cst.FlattenSentinel(nodes)

    return node.visit(Replace())


def replaced(node: Any, old: cst.CSTNode, *new: cst.CSTNode) -> Any:
    """With other nodes in the place of one."""
    return all_replaced(node, [(old, new)])


def after_imports(module: cst.Module, text: str) -> cst.Module:
    """With more statements behind the imports at the top of a file."""
    last = max((k for k, s in enumerate(module.body) if is_import(s)), default=-1)
    return module.with_changes(
        body=[*module.body[: last + 1], *statements(text), *module.body[last + 1 :]]
    )


class Substitute(cst.CSTTransformer):
    """Variables replaced by expressions or by other names, wherever they are meant."""

    def __init__(self, new: Mapping[str, str]) -> None:
        self.new = new

    def leave_Attribute(self, original: cst.Attribute, updated: cst.Attribute) -> Any:
        return updated.with_changes(attr=original.attr)

    def leave_Arg(self, original: cst.Arg, updated: cst.Arg) -> Any:
        return updated.with_changes(keyword=original.keyword)

    def leave_Name(self, original: cst.Name, updated: cst.Name) -> Any:
        if original.value not in self.new:
            return updated
        new = self.new[original.value]
        return updated.with_changes(value=new) if new.isidentifier() else expression(new)


def substituted(node: Any, new: Mapping[str, str]) -> Any:
    """With other names or expressions in the place of variables."""
    return node.visit(Substitute(new))


def replace_calls(node: Any, change: Callable[[cst.Call], cst.BaseExpression | None]) -> Any:
    """With each call changed for which there is something else, the inner ones first."""

    class Calls(cst.CSTTransformer):
        def leave_Call(self, original: cst.Call, updated: cst.Call) -> Any:
            new = change(updated)
            return updated if new is None else new

        def leave_Decorator(self, original: Any, updated: Any) -> Any:
            return original

    return node.visit(Calls())


def is_call(node: Any, *names: str) -> bool:
    """True if a node calls something that ends in one of these names, such as `torch.zeros`."""
    return isinstance(node, cst.Call) and any(
        code(node.func) == n or code(node.func).endswith(f".{n}") for n in names
    )


def plain_args(call: cst.Call) -> list[str] | None:
    """The arguments of a call, if they are all given by their place."""
    if any(a.keyword is not None or a.star for a in call.args):
        return None
    return [code(a.value) for a in call.args]


def built(program: Program, *parts: str) -> set[str]:
    """The names that hold a network in the text of these parts: `model`, `self.model`, `G`.

    That is what is assigned a call of one of the classes that the parts define, or `nn.Sequential`.
    """
    trees = [program.module(p) for p in parts if program.parts.get(p, "").endswith(".py")]
    known = {c.name.value for t in trees for c in classes(t)} | {"nn.Sequential"}
    found = set()
    for assign in (a for t in trees for a in m.findall(t, m.Assign())):
        pairs = [(assign.targets[0].target, assign.value)]
        if isinstance(pairs[0][0], cst.Tuple) and isinstance(pairs[0][1], cst.Tuple):
            targets, values = pairs[0]
            pairs = [
                (t.value, v.value) for t, v in zip(targets.elements, values.elements, strict=False)
            ]
        for target, value in pairs:
            while m.matches(value, m.Call(func=m.Attribute(attr=m.Name("to")))):
                value = value.func.value
            if isinstance(value, cst.Call) and code(value.func) in known:
                found.add(code(target))
    return found
