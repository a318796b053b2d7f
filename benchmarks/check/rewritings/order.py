"""Rewritings that reorder statements, move them into functions, or split and join lines."""

import ast
import random
from typing import Any

import libcst as cst
from libcst import matchers as m

from rewritings.names import EVERY, fresh_name
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
)

LAZY = (ast.Lambda, ast.comprehension, ast.IfExp, ast.BoolOp)
FLOW = (ast.Return, ast.Yield, ast.Break, ast.Continue, ast.Global, ast.Nonlocal, ast.Await)


def methods_reordered(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Reverse the order of the methods in all classes; the order does not matter to Python."""
    pairs = []
    for owner in classes(module):
        methods = []
        remaining = []
        for statement in body(owner):
            if isinstance(statement, cst.FunctionDef) and not statement.decorators:
                methods.append(statement)
            else:
                remaining.append(statement)
        pairs.append((owner, [with_body(owner, [*remaining, *methods[::-1]])]))
    return all_replaced(module, pairs)


def statements_swapped(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Swap up to three pairs of adjacent statements that do not depend on each other."""
    for _ in range(3):
        pairs = []
        for block in blocks(module):
            for first, second in zip(block.body, block.body[1:], strict=False):
                if _are_independent(first, second):
                    pairs.append((block, first, second))
        if not pairs:
            break
        block, first, second = rng.choice(pairs)
        lines = list(block.body)
        index = lines.index(first)
        lines[index : index + 2] = [second, first]
        new = with_body(block, lines)
        module = new if block is module else replaced(module, block, new)
    return module


def _are_independent(first: Any, second: Any) -> bool:
    """Return True if two assignments may be swapped."""
    if not isinstance(first, cst.SimpleStatementLine) or is_docstring(first):
        return False
    if not assignment(first) or not assignment(second):
        return False
    if has(ast.Call, first) and has(ast.Call, second):  # both may draw random numbers
        return False
    first_stores = stores(first)
    second_stores = stores(second)
    if first_stores & (loads(second) | second_stores):
        return False
    return not second_stores & loads(first)


def parts_named(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Assign up to four inner expressions to variables before the statement that uses them."""
    for _ in range(4):
        options = []
        for block in blocks(module):
            if block is not module:
                for line in block.body:
                    options += [(line, call) for call in _first_calls(line)]
        if not options:
            break
        line, call = rng.choice(options)
        name = fresh_name("part", module, rng)
        before = statements(f"{name} = {code(call)}\n")[0].with_changes(
            leading_lines=line.leading_lines
        )
        after = replaced(line.with_changes(leading_lines=()), call, cst.Name(name))
        module = replaced(module, line, before, after)
    return module


def _first_calls(line: Any) -> list[cst.Call]:
    """Return the inner calls with which the evaluation of a line begins.

    To name another call could change the order in which the line draws random numbers.
    """
    simple = m.SimpleStatementLine(body=[m.Assign() | m.Return() | m.AugAssign()])
    if not m.matches(line, simple) or line.body[0].value is None:
        return []
    if has(LAZY, line.with_changes(leading_lines=())):
        return []
    whole = line.body[0].value
    calls = []
    for call in m.findall(whole, m.Call()):
        if call is not whole and code(whole).startswith(code(call)) and not is_call(call, "super"):
            calls.append(call)
    return calls


def variables_inlined(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Replace up to three variables by the element or attribute that they were assigned."""
    for _ in range(3):
        options = []
        for function in functions(module):
            for block in [function.body, *m.findall(function.body, m.IndentedBlock())]:
                for index in range(len(block.body)):
                    if _may_be_inlined(function, block, index):
                        options.append((block, index))
        if not options:
            break
        block, index = rng.choice(options)
        name, value = assignment(block.body[index])
        following = []
        for statement in block.body[index + 1 :]:
            following.append(substituted(statement, {name: code(value)}))
        module = replaced(module, block, with_body(block, [*block.body[:index], *following]))
    return module


def _may_be_inlined(function: cst.FunctionDef, block: Any, index: int) -> bool:
    """Return True if a line assigns an element or an attribute to a variable that is assigned only
    once and read only by later lines.
    """
    pair = assignment(block.body[index])
    following = block.body[index + 1 :]
    if pair is None or not following:
        return False
    name, value = pair
    if not m.matches(value, m.Subscript() | m.Attribute()) or name not in loads(*following):
        return False
    if stores(*following) & (loads(cst.Expr(value)) | {name}):
        return False
    num_assignments = sum(name in stores(statement) for statement in body(function))
    num_uses = sum(code(statement).count(name) for statement in following)
    return num_assignments == 1 and num_uses == code(function).count(name) - 1


def loop_body_pulled_out(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Move the body of a loop into a function or a method."""
    options = _loops_to_pull_out(module)
    if not options:
        return None
    owner, function, loop = rng.choice(options)
    arguments, results = _variables_of(function, loop)
    name = fresh_name("step", module, rng)
    is_method = owner is not None and "self" in params(function)
    parameters = ["self", *arguments] if is_method else arguments
    step = statements(f"def {name}({', '.join(parameters)}):\n    pass\n")[0]
    call = f"{name}({', '.join(arguments)})"
    if is_method:
        call = f"self.{call}"
    lines = list(body(loop))
    if results:
        lines += statements(f"return {', '.join(results)}\n")
        call = f"{', '.join(results)} = {call}"
    step = with_body(step, lines).with_changes(leading_lines=[cst.EmptyLine(indent=False)])
    calling = replaced(function, loop, with_body(loop, statements(f"{call}\n")))
    if is_method:
        return replaced(module, function, calling, step)
    if owner is None:
        return replaced(module, function, step, calling)
    return None


def _loops_to_pull_out(module: cst.Module) -> list[tuple[Any, cst.FunctionDef, Any]]:
    """Return the loops whose body could become a function, each with its class and its function."""
    loops = []
    for owner, function in _functions_and_methods(module):
        if function.decorators:
            continue
        for loop in m.findall(function.body, m.For() | m.While()):
            if not has(FLOW, *body(loop)) and len(body(loop)) > 1:
                loops.append((owner, function, loop))
    return loops


def _functions_and_methods(module: cst.Module) -> list[tuple[Any, Any]]:
    """Return the functions and methods of a file, each with its class, or None for a function."""
    pairs: list[tuple[Any, Any]] = []
    for function in functions(module):
        if function in module.body:
            pairs.append((None, function))
    for owner in classes(module):
        for statement in body(owner):
            if isinstance(statement, cst.FunctionDef):
                pairs.append((owner, statement))
    return pairs


def _variables_of(function: cst.FunctionDef, loop: Any) -> tuple[list[str], list[str]]:
    """Return the arguments and the results of a function that replaces the body of a loop."""
    without_loop = body(replaced(function, loop, *statements("pass\n")))
    bound = set(params(function)) | stores(*without_loop)
    if isinstance(loop, cst.For):
        header = cst.Expr(loop.iter)
        bound |= _names_in(loop.target)
    else:
        header = cst.Expr(loop.test)
    for outer in m.findall(function.body, m.For()):
        if loop in m.findall(outer.body, m.For() | m.While()):
            bound |= _names_in(outer.target)
    inner = body(loop)
    arguments = sorted((loads(*inner) | stores(*inner)) & bound - {"self", "_"})
    read_later = loads(*without_loop) | set(arguments) | loads(statements(code(header))[0])
    return arguments, sorted(stores(*inner) & read_later)


def _names_in(node: cst.CSTNode) -> set[str]:
    return {name.value for name in m.findall(node, m.Name())}


def functions_inlined(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Replace the calls of functions that only return an expression by this expression."""
    short: dict[str, tuple[list[str], str]] = {}
    for function in functions(module):
        value = _only_expression(function)
        name = function.name.value
        if value is None or name.startswith("__") or name == "forward" or name in short:
            continue
        names = params(function)
        if names[:1] == ["self"]:
            name = f"self.{name}"
            names = names[1:]
        short[name] = (names, code(value))

    def change(call: cst.Call) -> cst.BaseExpression | None:
        names, text = short.get(code(call.func), ([], ""))
        arguments = plain_args(call)
        if not text or arguments is None or len(arguments) != len(names):
            return None
        values = {}
        for name, argument in zip(names, arguments, strict=True):
            values[name] = f"({argument})"
        return expression(f"({code(substituted(expression(text), values))})")

    pairs = []
    for function in functions(module):
        pairs.append((function, [replace_calls(function, change)]))
    return all_replaced(module, pairs)


def _only_expression(function: cst.FunctionDef) -> cst.BaseExpression | None:
    """Return the expression that a function returns, or None if the function does anything else."""
    if function.decorators:
        return None
    if function.params.star_arg not in ("", cst.MaybeSentinel.DEFAULT):
        return None
    lines = [statement for statement in body(function) if not is_docstring(statement)]
    simple = m.SimpleStatementLine(body=[m.Return(value=m.DoNotCare())])
    if len(lines) != 1 or not m.matches(lines[0], simple):
        return None
    value: cst.BaseExpression | None = lines[0].body[0].value
    return value


def for_as_while(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Turn `for t in range(n)` into a `while` loop with a counter."""
    for loop in m.findall(module, m.For(target=m.Name(), iter=m.Call(func=m.Name("range")))):
        arguments = plain_args(loop.iter)
        counter = loop.target.value
        if arguments is None or len(arguments) > 2 or has((ast.Continue,), *body(loop)):
            continue
        if counter in stores(*body(loop)) or counter == "_":
            continue
        begin, end = ["0", *arguments][-2:]
        lines = statements(f"{counter} = {begin}\nwhile {counter} < {end}:\n    pass\n")
        lines[1] = with_body(lines[1], [*body(loop), *statements(f"{counter} += 1\n")])
        return replaced(module, loop, *lines)
    return None


def loop_for_comprehension(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Replace a list comprehension by a loop that fills the list."""
    options = []
    for block in blocks(module):
        if block is not module:
            for line in block.body:
                pair = assignment(line)
                if pair and isinstance(pair[1], cst.ListComp) and _has_one_loop(pair[1]):
                    options.append((line, pair))
    if not options:
        return None
    line, (name, value) = rng.choice(options)
    loop = value.for_in
    if len(loop.ifs) > 1:
        return None
    test = ""
    if loop.ifs:
        test = f"if {code(loop.ifs[0].test)}: "
    header = f"{name} = []\nfor {code(loop.target)} in {code(loop.iter)}:\n"
    filling = statements(f"{header}    {test}{name}.append({code(value.elt)})\n")
    return replaced(module, line, *filling)


def _has_one_loop(value: cst.ListComp) -> bool:
    return value.for_in.inner_for_in is None


def steps_of_an_expression(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Write `a = b + c` as two lines: `a = b` and `a = a + c`."""
    options = []
    for function in functions(module):
        for line in m.findall(function.body, m.SimpleStatementLine()):
            pair = assignment(line)
            if pair is None or not m.matches(pair[1], m.BinaryOperation(operator=m.Add())):
                continue
            if pair[0] not in loads(cst.Expr(pair[1].right)) and "\n" not in code(pair[1]):
                options.append((line, pair))
    if not options:
        return None
    line, (name, value) = rng.choice(options)
    lines = statements(f"{name} = {code(value.left)}\n{name} = {name} + {code(value.right)}\n")
    return replaced(module, line, *lines)


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
