"""The same statements in another order, in other functions, or in more or fewer lines."""

import ast
import random
from typing import Any

import libcst as cst
from libcst import matchers as m

from rewritings.names import EVERY, fresh
from rewritings.program import (
    Kind,
    all_replaced,
    assignment,
    blocks,
    body,
    classes,
    code,
    expression,
    functions,
    has,
    is_call,
    is_docstring,
    loads,
    of_module,
    params,
    plain_args,
    replace_calls,
    replaced,
    statements,
    stores,
    substituted,
    with_body,
    words,
)

LAZY = (ast.Lambda, ast.comprehension, ast.IfExp, ast.BoolOp)
FLOW = (ast.Return, ast.Yield, ast.Break, ast.Continue, ast.Global, ast.Nonlocal, ast.Await)


def _chosen(options: list[Any], rng: random.Random) -> Any:
    return rng.choice(options) if options else None


def methods_reordered(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """The methods of all classes, which Python reads in any order."""
    pairs = []
    for owner in classes(module):
        plain = [f for f in body(owner) if isinstance(f, cst.FunctionDef) and not f.decorators]
        others = [f for f in body(owner) if f not in plain]
        pairs.append((owner, [with_body(owner, [*others, *plain[::-1]])]))
    return all_replaced(module, pairs)


def statements_swapped(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Up to three pairs of neighbours, of which neither needs the other."""
    for _ in range(3):
        pairs = []
        for block in blocks(module):
            for one, two in zip(block.body, block.body[1:], strict=False):
                if not (isinstance(one, cst.SimpleStatementLine) and assignment(two)):
                    continue
                if is_docstring(one) or not assignment(one):
                    continue
                if has(ast.Call, one) and has(ast.Call, two):  # both may draw
                    continue
                written, other = stores(one), stores(two)
                if written & (loads(two) | other) or other & loads(one):
                    continue
                pairs.append((block, one, two))
        found = _chosen(pairs, rng)
        if found is None:
            break
        block, one, two = found
        lines = list(block.body)
        at = lines.index(one)
        lines[at : at + 2] = [two, one]
        new = with_body(block, lines)
        module = new if block is module else replaced(module, block, new)
    return module


def parts_named(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Up to four inner expressions, evaluated in a line of their own before the whole."""
    for _ in range(4):
        options = []
        for block in blocks(module):
            for line in block.body:
                simple = m.SimpleStatementLine(body=[m.Assign() | m.Return() | m.AugAssign()])
                if not m.matches(line, simple) or block is module or line.body[0].value is None:
                    continue
                if has(LAZY, line.with_changes(leading_lines=())):
                    continue
                whole = line.body[0].value
                inner = [c for c in m.findall(whole, m.Call()) if c is not whole]
                # what is evaluated first, so that nothing is drawn or done in another order
                inner = [c for c in inner if code(whole).startswith(code(c))]
                options += [(line, c) for c in inner if not is_call(c, "super")]
        found = _chosen(options, rng)
        if found is None:
            break
        line, call = found
        name = next(iter(fresh(["part"], words(module), rng).values()))
        before = statements(f"{name} = {code(call)}\n")[0].with_changes(
            leading_lines=line.leading_lines
        )
        after = replaced(line.with_changes(leading_lines=()), call, cst.Name(name))
        module = replaced(module, line, before, after)
    return module


def variables_inlined(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Up to three variables that hold an element, replaced by what they hold."""
    for _ in range(3):
        options = []
        for function in functions(module):
            for block in [function.body, *m.findall(function.body, m.IndentedBlock())]:
                for at, line in enumerate(block.body):
                    pair, rest = assignment(line), block.body[at + 1 :]
                    if pair is None or not m.matches(pair[1], m.Subscript() | m.Attribute()):
                        continue
                    name, value = pair
                    once = sum(name in stores(s) for s in body(function)) == 1
                    changed = stores(*rest) & (loads(cst.Expr(value)) | {name})
                    used = sum(code(s).count(name) for s in rest)
                    everywhere = used == code(function).count(name) - 1
                    if rest and once and not changed and name in loads(*rest) and everywhere:
                        options.append((block, at, name, value))
        found = _chosen(options, rng)
        if found is None:
            break
        block, at, name, value = found
        rest = [substituted(s, {name: code(value)}) for s in block.body[at + 1 :]]
        module = replaced(module, block, with_body(block, [*block.body[:at], *rest]))
    return module


def loop_body_pulled_out(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Make a function or a method of the body of a loop."""
    options = []
    for owner in [None, *classes(module)]:
        for function in functions(module) if owner is None else body(owner):
            inside = isinstance(function, cst.FunctionDef) and not function.decorators
            if not inside or (owner is None and function not in module.body):
                continue
            for loop in [s for s in m.findall(function.body, m.For() | m.While())]:
                if not has(FLOW, *body(loop)) and len(body(loop)) > 1:
                    options.append((owner, function, loop))
    found = _chosen(options, rng)
    if found is None:
        return None
    owner, function, loop = found
    others = replaced(function, loop, *statements("pass\n"))
    header = cst.Expr(loop.iter) if isinstance(loop, cst.For) else cst.Expr(loop.test)
    targets = (
        {n.value for n in m.findall(loop.target, m.Name())} if isinstance(loop, cst.For) else set()
    )
    bound = set(params(function)) | stores(*body(others)) | targets
    for around in m.findall(function.body, m.For()):  # loops around this one
        if loop in m.findall(around.body, m.For() | m.While()):
            bound |= {n.value for n in m.findall(around.target, m.Name())}
    inner = body(loop)
    given = sorted((loads(*inner) | stores(*inner)) & bound - {"self", "_"})
    later = loads(*body(others)) | set(given) | loads(statements(code(header))[0])
    back = sorted(stores(*inner) & later)
    name = next(iter(fresh(["step"], words(module), rng).values()))
    method = owner is not None and "self" in params(function)
    signature = ", ".join([*(["self"] if method else []), *given])
    made = statements(f"def {name}({signature}):\n    pass\n")[0]
    result = statements(f"return {', '.join(back)}\n") if back else []
    made = with_body(made, [*inner, *result]).with_changes(
        leading_lines=[cst.EmptyLine(indent=False)]
    )
    call = f"{'self.' if method else ''}{name}({', '.join(given)})"
    line = statements(f"{', '.join(back)} = {call}\n" if back else f"{call}\n")
    new = replaced(function, loop, with_body(loop, line))
    if method or owner is None:
        return replaced(module, function, *((new, made) if method else (made, new)))
    return None


def functions_inlined(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Calls of functions and methods that are one expression, replaced by it."""
    short: dict[str, tuple[list[str], str]] = {}
    for function in functions(module):
        lines = [s for s in body(function) if not is_docstring(s)]
        simple = m.SimpleStatementLine(body=[m.Return(value=m.DoNotCare())])
        plain = not function.decorators and function.params.star_arg in (
            "",
            cst.MaybeSentinel.DEFAULT,
        )
        if len(lines) == 1 and m.matches(lines[0], simple) and plain and lines[0].body[0].value:
            names = params(function)
            name = function.name.value
            if name.startswith("__") or name == "forward" or name in short:
                continue
            if names[:1] == ["self"]:
                name, names = f"self.{name}", names[1:]
            short[name] = (names, code(lines[0].body[0].value))

    def change(call: cst.Call) -> cst.BaseExpression | None:
        names, text = short.get(code(call.func), ([], ""))
        given = plain_args(call)
        if not text or given is None or len(given) != len(names):
            return None
        values = dict(zip(names, (f"({g})" for g in given), strict=True))
        return expression(f"({code(substituted(expression(text), values))})")

    return all_replaced(module, [(f, [replace_calls(f, change)]) for f in functions(module)])


def for_as_while(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """`for t in range(n)` that counts by itself."""
    for loop in m.findall(module, m.For(target=m.Name(), iter=m.Call(func=m.Name("range")))):
        given = plain_args(loop.iter)
        counter = loop.target.value
        if given is None or len(given) > 2 or has((ast.Continue,), *body(loop)):
            continue
        if counter in stores(*body(loop)) or counter == "_":
            continue
        begin, end = ["0", *given][-2:]
        lines = statements(f"{counter} = {begin}\nwhile {counter} < {end}:\n    pass\n")
        lines[1] = with_body(lines[1], [*body(loop), *statements(f"{counter} += 1\n")])
        return replaced(module, loop, *lines)
    return None


def loop_for_comprehension(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """A list that is filled in a loop."""
    lines = [s for b in blocks(module) for s in b.body if b is not module]
    options = [
        (s, p)
        for s in lines
        if (p := assignment(s))
        and isinstance(p[1], cst.ListComp)
        and p[1].for_in.inner_for_in is None
    ]
    found = _chosen(options, rng)
    if found is None:
        return None
    line, (name, value) = found
    part = value.for_in
    test = "".join(f"if {code(i.test)}: " for i in part.ifs[:1])
    if len(part.ifs) > 1:
        return None
    header = f"{name} = []\nfor {code(part.target)} in {code(part.iter)}:\n"
    return replaced(
        module, line, *statements(f"{header}    {test}{name}.append({code(value.elt)})\n")
    )


def steps_of_an_expression(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """`a = b + c` in two lines: `a = b`, and what is added."""
    options = []
    for function in functions(module):
        for line in m.findall(function.body, m.SimpleStatementLine()):
            pair = assignment(line)
            if pair is None or not m.matches(pair[1], m.BinaryOperation(operator=m.Add())):
                continue
            if pair[0] not in loads(cst.Expr(pair[1].right)) and "\n" not in code(pair[1]):
                options.append((line, pair))
    found = _chosen(options, rng)
    if found is None:
        return None
    line, (name, value) = found
    two = statements(f"{name} = {code(value.left)}\n{name} = {name} + {code(value.right)}\n")
    return replaced(module, line, *two)


KINDS = {
    "methods in another order": Kind(EVERY, of_module(methods_reordered)),
    "statements in another order": Kind(EVERY, of_module(statements_swapped)),
    "inner expressions named": Kind(EVERY, of_module(parts_named)),
    "variables inlined": Kind(EVERY, of_module(variables_inlined)),
    "a loop's body pulled out": Kind(("lstm", "train", "gan"), of_module(loop_body_pulled_out)),
    "functions inlined": Kind(("lstm", "train", "gan"), of_module(functions_inlined)),
    "while for for": Kind(EVERY, of_module(for_as_while)),
    "a loop for a comprehension": Kind(EVERY, of_module(loop_for_comprehension)),
    "sums in two lines": Kind(("lstm", "train", "gan"), of_module(steps_of_an_expression)),
}
