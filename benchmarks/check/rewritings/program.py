"""A submission to be rewritten, and functions that read and change its syntax trees."""

import ast
import random
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import libcst as cst
from libcst import matchers as m


class Program(NamedTuple):
    """A submission: its files, and the file of each part."""

    name: str
    files: Mapping[str, str]  # a file's path -> its text
    parts: Mapping[str, str]  # a part -> its file

    def module(self, part: str) -> cst.Module:
        """Return the syntax tree of a part's file."""
        return cst.parse_module(self.files[self.parts[part]])

    def replaced(self, part: str, module: cst.Module) -> "Program":
        """Return the program with a new text for a part's file."""
        return self._replace(files={**self.files, self.parts[part]: module.code})

    def moved(self, part: str, path: str, text: str) -> "Program":
        """Return the program with a new path and a new text for a part's file."""
        old = self.parts[part]
        files = dict(self.files)
        del files[old]
        files[path] = text
        parts = dict(self.parts)
        for name, file in self.parts.items():
            if file == old:
                parts[name] = path
        return self._replace(files=files, parts=parts)


Rewriting = Callable[[Program, str, random.Random], Program | None]


class Kind(NamedTuple):
    """A kind of rewriting; `rewrite` returns None if it cannot be applied to a program."""

    parts: tuple[str, ...]  # the parts whose files it can rewrite
    rewrite: Rewriting
    mirrored: bool = False  # it trains a discriminator of the opposite sign


def of_module(change: Callable[[cst.Module, random.Random], cst.Module | None]) -> Rewriting:
    """Return a rewriting that applies a function to the syntax tree of a part's file."""

    def rewrite(program: Program, part: str, rng: random.Random) -> Program | None:
        module = program.module(part)
        changed = change(module, rng)
        if changed is None or changed.code == module.code:
            return None
        return program.replaced(part, changed)

    return rewrite


# -- reading a tree


def code(node: cst.CSTNode) -> str:
    """Return the source code of a node."""
    return cst.Module([]).code_for_node(node)


def tree(*nodes: cst.CSTNode) -> ast.Module:
    """Convert statements or an expression into a tree of the module `ast`."""
    text = "".join(code(node) for node in nodes)
    return ast.parse(textwrap.dedent(text.lstrip("\n")) or "pass")


def loads(*nodes: cst.CSTNode) -> set[str]:
    """Return the variables that are read."""
    names = set()
    for node in ast.walk(tree(*nodes)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def stores(*nodes: cst.CSTNode) -> set[str]:
    """Return the variables that are assigned, except the loop variables of comprehensions."""
    parsed = tree(*nodes)
    inner = set()
    for node in ast.walk(parsed):
        if isinstance(node, ast.comprehension):
            inner.update(map(id, ast.walk(node.target)))
    names = set()
    for node in ast.walk(parsed):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in inner:
            names.add(node.id)
    return names


def has(kinds: Any, *nodes: cst.CSTNode) -> bool:
    """Return True if the nodes contain one of these kinds of `ast` nodes."""
    return any(isinstance(node, kinds) for node in ast.walk(tree(*nodes)))


def words(module: cst.Module) -> set[str]:
    """Return all names in a file, and all words of its strings."""
    names = {name.value for name in m.findall(module, m.Name())}
    for string in m.findall(module, m.SimpleString()):
        names.update(string.value.strip("\"'").split())
    return names


def keywords(module: cst.Module) -> set[str]:
    """Return the names of all keyword arguments in the calls of a file."""
    return {argument.keyword.value for argument in m.findall(module, m.Arg(keyword=m.Name()))}


def functions(node: cst.CSTNode) -> list[cst.FunctionDef]:
    """Return the functions and methods, except those that torch compiles from their source."""
    plain = []
    for function in m.findall(node, m.FunctionDef()):
        if not any("jit" in code(decorator) for decorator in function.decorators):
            plain.append(function)
    return plain


def params(function: cst.FunctionDef) -> list[str]:
    """Return the names of a function's parameters."""
    lists = function.params
    parameters = (*lists.posonly_params, *lists.params, *lists.kwonly_params)
    return [parameter.name.value for parameter in parameters]


def classes(module: cst.Module) -> list[cst.ClassDef]:
    """Return the classes at the top level of a file."""
    return [statement for statement in module.body if isinstance(statement, cst.ClassDef)]


def method(owner: cst.ClassDef, name: str) -> cst.FunctionDef | None:
    """Return a method of a class, or None if it does not exist."""
    for statement in owner.body.body:
        if isinstance(statement, cst.FunctionDef) and statement.name.value == name:
            return statement
    return None


def body(node: Any) -> Sequence[Any]:
    """Return the statements of a function, a loop or a class; () if they are on the same line."""
    if not isinstance(node.body, cst.IndentedBlock):
        return ()
    return node.body.body


def blocks(module: cst.Module) -> Iterator[Any]:
    """Yield the file and all indented blocks, such as the bodies of functions and loops."""
    yield module
    yield from m.findall(module, m.IndentedBlock())


def assignment(statement: Any) -> tuple[str, cst.BaseExpression] | None:
    """Return the variable and the value of a line `name = value`, or None for other lines."""
    if m.matches(
        statement, m.SimpleStatementLine(body=[m.Assign(targets=[m.AssignTarget(m.Name())])])
    ):
        assign = statement.body[0]
        return assign.targets[0].target.value, assign.value
    return None


def is_docstring(statement: Any) -> bool:
    return bool(m.matches(statement, m.SimpleStatementLine(body=[m.Expr(m.SimpleString())])))


def is_import(statement: Any) -> bool:
    pattern = m.SimpleStatementLine(body=[m.Import() | m.ImportFrom(), m.ZeroOrMore()])
    return bool(m.matches(statement, pattern))


def is_guard(statement: Any) -> bool:
    """Return True for `if __name__ == "__main__":`."""
    return isinstance(statement, cst.If) and "__name__" in code(statement.test)


# -- writing a tree


def statements(text: str) -> list[Any]:
    """Parse statements."""
    return list(cst.parse_module(textwrap.dedent(text)).body)


def expression(text: str) -> cst.BaseExpression:
    return cst.parse_expression(text)


def with_body(node: Any, new: Sequence[Any]) -> Any:
    """Return a copy of a function, a loop, a class or a file with new statements."""
    if isinstance(node, cst.Module | cst.IndentedBlock):
        return node.with_changes(body=list(new))
    return node.with_changes(body=node.body.with_changes(body=list(new)))


def all_replaced(node: Any, pairs: Iterable[tuple[cst.CSTNode, Sequence[cst.CSTNode]]]) -> Any:
    """Replace each of some nodes by a list of nodes, which may be empty.

    All nodes are replaced at once, because the new tree does not contain the old nodes.
    """
    new = {id(old): nodes for old, nodes in pairs}

    class Replace(cst.CSTTransformer):
        def on_leave(self, original: Any, updated: Any) -> Any:
            nodes = new.get(id(original))
            if nodes is None:
                return updated
            return nodes[0] if len(nodes) == 1 else cst.FlattenSentinel(nodes)

    return node.visit(Replace())


def replaced(node: Any, old: cst.CSTNode, *new: cst.CSTNode) -> Any:
    """Replace one node by other nodes."""
    return all_replaced(node, [(old, new)])


def after_imports(module: cst.Module, text: str) -> cst.Module:
    """Add statements after the last import at the top level of a file."""
    end = 0
    for index, statement in enumerate(module.body):
        if is_import(statement):
            end = index + 1
    return module.with_changes(body=[*module.body[:end], *statements(text), *module.body[end:]])


class Substitute(cst.CSTTransformer):
    """Replaces variables by names or expressions; attributes and keywords stay as they are."""

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
    """Replace variables by names or expressions, see `Substitute`."""
    return node.visit(Substitute(new))


def replace_calls(node: Any, change: Callable[[cst.Call], cst.BaseExpression | None]) -> Any:
    """Replace each call by the result of `change`, unless it is None; inner calls come first."""

    class Calls(cst.CSTTransformer):
        def leave_Call(self, original: cst.Call, updated: cst.Call) -> Any:
            new = change(updated)
            return updated if new is None else new

        def leave_Decorator(self, original: Any, updated: Any) -> Any:
            return original

    return node.visit(Calls())


def is_call(node: Any, *names: str) -> bool:
    """Return True if a node calls a function with one of these names, alone or after a dot."""
    if not isinstance(node, cst.Call):
        return False
    function = code(node.func)
    return any(function == name or function.endswith(f".{name}") for name in names)


def plain_args(call: cst.Call) -> list[str] | None:
    """Return the arguments of a call, or None if some of them are not positional."""
    if any(argument.keyword is not None or argument.star for argument in call.args):
        return None
    return [code(argument.value) for argument in call.args]


def built(program: Program, *parts: str) -> set[str]:
    """Return the names of networks in the code of these parts, such as `model` or `self.model`.

    A name counts if it is assigned a call of `nn.Sequential` or of a class that the parts define.
    """
    trees = []
    known = {"nn.Sequential"}
    for part in parts:
        if program.parts.get(part, "").endswith(".py"):
            module = program.module(part)
            trees.append(module)
            known.update(owner.name.value for owner in classes(module))
    names = set()
    for module in trees:
        for assign in m.findall(module, m.Assign()):
            for target, value in _targets_and_values(assign):
                while m.matches(value, m.Call(func=m.Attribute(attr=m.Name("to")))):
                    value = value.func.value
                if isinstance(value, cst.Call) and code(value.func) in known:
                    names.add(code(target))
    return names


def _targets_and_values(assign: cst.Assign) -> list[tuple[Any, Any]]:
    """Return the target and the value of an assignment, or of each element if both are tuples."""
    target: Any = assign.targets[0].target
    value: Any = assign.value
    if not isinstance(target, cst.Tuple) or not isinstance(value, cst.Tuple):
        return [(target, value)]
    pairs = []
    for target_element, value_element in zip(target.elements, value.elements, strict=False):
        pairs.append((target_element.value, value_element.value))
    return pairs
