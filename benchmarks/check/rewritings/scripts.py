"""Rewritings that write the training differently, or that add statements to it."""

import ast
import random
from typing import Any

import libcst as cst
from libcst import matchers as m

from rewritings.names import fresh_name
from rewritings.program import (
    Kind,
    Program,
    after_imports,
    all_replaced,
    assignment,
    blocks,
    body,
    built,
    code,
    functions,
    has,
    is_call,
    is_docstring,
    is_guard,
    is_import,
    of_module,
    params,
    replace_calls,
    replaced,
    statements,
    stores,
    substituted,
    with_body,
)

SCRIPTS = ("train", "gan")


def forward_called(program: Program, part: str, rng: random.Random) -> Program | None:
    """Replace `model(x)` by `model.forward(x)`."""
    module = program.module(part)
    parts = ("lstm", "train") if part == "train" else (part,)
    networks = built(program, *parts)

    def change(call: cst.Call) -> cst.BaseExpression | None:
        if code(call.func) not in networks:
            return None
        return call.with_changes(func=cst.Attribute(call.func, cst.Name("forward")))

    return program.replaced(part, replace_calls(module, change))


def optimisers_in_a_dict(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Put the optimisers of a function, or those of the script, into a dictionary."""
    parameters: set[str] = set()
    for function in functions(module):
        parameters.update(params(function))
    for scope in _scopes(module):
        lines = list(scope.body if scope is module else body(scope))
        first, names = _optimisers(lines)
        if not names or not parameters.isdisjoint(names):
            continue
        if scope is not module and names[0] in _stored_outside(module, scope):
            continue
        holder = fresh_name("optimisers", module, rng)
        new = {name: f'{holder}["{name}"]' for name in names}
        changed = [substituted(line, new) for line in lines]
        changed[first:first] = statements(f"{holder} = {{}}\n")
        return _with_scope(module, scope, changed)
    return None


def _scopes(module: cst.Module) -> list[Any]:
    """Return the functions, the file itself, and its guards (`if __name__ == "__main__"`)."""
    guards = [statement for statement in module.body if is_guard(statement)]
    return [*functions(module), module, *guards]


def _stored_outside(module: cst.Module, scope: Any) -> set[str]:
    """Return the variables that a file assigns outside the given function or block."""
    return stores(*(statement for statement in module.body if statement is not scope))


def _optimisers(lines: list[Any]) -> tuple[int, list[str]]:
    """Return the index of the first line that creates an optimiser, and the optimisers' names."""
    first = 0
    names: list[str] = []
    for index, line in enumerate(lines):
        pair = assignment(line)
        if pair and is_call(pair[1], "Adam", "RMSprop", "SGD"):
            if not names:
                first = index
            names.append(pair[0])
    return first, names


def _with_scope(module: cst.Module, scope: Any, lines: list[Any]) -> cst.Module:
    """Return a file with new statements in a function, in a block or at its top level."""
    if scope is module:
        return module.with_changes(body=lines)
    changed: cst.Module = replaced(module, scope, with_body(scope, lines))
    return changed


def cleared_by_hand(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Replace `optimizer.zero_grad()` by loops that set each gradient to None."""
    simple = m.SimpleStatementLine(
        body=[m.Expr(m.Call(func=m.Attribute(attr=m.Name("zero_grad"))))]
    )
    pairs = []
    for line in m.findall(module, simple):
        owner = code(line.body[0].value.func.value)
        if "opt" in owner.lower():
            text = (
                f'for group in {owner}.param_groups:\n    for weight in group["params"]:\n'
                "        weight.grad = None\n"
            )
            pairs.append((line, statements(text)))
    return all_replaced(module, pairs)


def labels_flipped(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Use the label 0 for real and 1 for generated images, which the course permits.

    A function without a loss is not changed, because its ones and zeros are not labels.
    """
    if not any(name in code(module) for name in ("BCE", "binary_cross_entropy")):
        return None
    if any(name in code(module) for name in ("full", "fill_", "label", "0.9", "cat([torch.ones")):
        return None
    swapped = {"ones": "zeros", "ones_like": "zeros_like", "new_ones": "new_zeros"}
    for ones, zeros in list(swapped.items()):
        swapped[zeros] = ones

    class Swap(cst.CSTTransformer):
        def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
            words = ("loss", "criterion", "backward", "BCE", "binary_cross_entropy")
            return any(word in code(node) for word in words)

        def leave_Attribute(self, original: cst.Attribute, updated: cst.Attribute) -> Any:
            name = updated.attr.value
            if name not in swapped:
                return updated
            return updated.with_changes(attr=cst.Name(swapped[name]))

    return module.visit(Swap())


def printed(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Print a text at the beginning or at the end of each innermost loop, or at both."""
    pairs = []
    at_begin, at_end = rng.choice([(True, False), (False, True), (True, True)])
    for loop in m.findall(module, m.For()):
        block = loop.body
        if not body(loop) or m.findall(block, m.For()):
            continue
        word = statements('print("one more")\n')
        leaves = has((ast.Break, ast.Return, ast.Continue), block.body[-1])
        lines = list(block.body)
        if at_begin or leaves:
            lines = [*word, *lines]
        if at_end and not leaves:
            lines = [*lines, *word]
        pairs.append((block, [block.with_changes(body=lines)]))
    return all_replaced(module, pairs)


def logged(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Log each loss after its backward pass."""
    lines = m.findall(module, m.SimpleStatementLine())
    call = m.Call(m.Attribute(m.Name(), m.Name("backward")))
    pairs = []
    for line in lines:
        if m.matches(line, m.SimpleStatementLine(body=[m.Expr(call)])):
            name = code(line.body[0].value.func.value)
            text = f'logging.info("loss %f", {name}.item())\nlosses_so_far.append({name}.item())\n'
            pairs.append((line, [line, *statements(text)]))
    if not pairs:
        return None
    changed = all_replaced(module, pairs)
    return after_imports(changed, "import logging\n\nlosses_so_far = []\n")


def plotted(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Plot the losses at the end."""
    module = logged(module, rng) or module
    if "losses_so_far" not in code(module):
        return None
    text = 'plt.plot(losses_so_far)\nplt.xlabel("step")\nplt.savefig("losses.png")\nplt.close()\n'
    last = module.body[-1]
    module = after_imports(module, "import matplotlib.pyplot as plt\n")
    if is_guard(last):
        return replaced(module, last, with_body(last, [*body(last), *statements(text)]))
    return module.with_changes(body=[*module.body, *statements(text)])


def saved(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Save the weights of a trained network after each epoch."""
    name = _trained_network(module)
    if name is None:
        return None
    for loop in m.findall(module, m.For()):
        if any(isinstance(statement, cst.For) for statement in body(loop)):
            text = f'torch.save({name}.state_dict(), "{name}.pth")\n'
            return replaced(module, loop, with_body(loop, [*body(loop), *statements(text)]))
    return None


def _trained_network(module: cst.Module) -> str | None:
    """Return the variable of the first network whose parameters are passed to an optimiser."""
    for assign in m.findall(module, m.Assign(value=m.Call())):
        if is_call(assign.value, "Adam", "RMSprop") and assign.value.args:
            source = code(assign.value.args[0].value)
            name = source.removesuffix(".parameters()")
            if name != source and "." not in name:
                return name
    return None


def guarded(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Move the body of the guard `if __name__ == ...` into a function or, if there is no guard,
    move the top level of the script into a new guard.
    """
    name = fresh_name("main", module, rng)
    for statement in module.body:
        if is_guard(statement):
            return _main_for_guard(module, statement, name)
    above = []
    below = []
    for statement in module.body:
        is_definition = isinstance(statement, cst.FunctionDef | cst.ClassDef)
        if is_definition or is_import(statement) or is_docstring(statement):
            above.append(statement)
        else:
            below.append(statement)
    if not below:
        return None
    guard = statements('if __name__ == "__main__":\n    pass\n')[0]
    return module.with_changes(body=[*above, with_body(guard, below)])


def _main_for_guard(module: cst.Module, guard: Any, name: str) -> cst.Module:
    """Move the body of a guard into a function, and call the function in the guard."""
    lines = list(body(guard))
    variables = sorted(stores(*lines))
    if variables:
        lines = [*statements(f"global {', '.join(variables)}\n"), *lines]
    main = with_body(statements(f"def {name}():\n    pass\n")[0], lines)
    call = with_body(guard, statements(f"{name}()\n"))
    changed: cst.Module = replaced(module, guard, main, call)
    return changed


def no_grad_by_decorator(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Replace the decorator `@torch.no_grad()` by `with torch.no_grad()`."""
    for function in functions(module):
        if [code(d).strip() for d in function.decorators] == ["@torch.no_grad()"]:
            within = statements("with torch.no_grad():\n    pass\n")[0]
            lines = list(body(function))
            new = with_body(function, [with_body(within, lines)]).with_changes(decorators=[])
            return replaced(module, function, new)
    return None


UPDATE = """

def {name}(optimiser, loss):
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
"""


def stepped_in_a_function(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Move `zero_grad`, `backward` and `step` into a new function."""
    for block in blocks(module):
        lines = list(block.body)
        for first in range(len(lines) - 2):
            update = _update(lines[first : first + 3])
            if update is None:
                continue
            optimiser, loss = update
            name = fresh_name("update", module, rng)
            lines[first : first + 3] = statements(f"{name}({optimiser}, {loss})\n")
            module = _with_scope(module, block, lines)
            return after_imports(module, UPDATE.format(name=name))
    return None


def _update(lines: list[Any]) -> tuple[str, str] | None:
    """Return the optimiser and the loss if three lines are an update, or None otherwise."""
    clear, backward, step = (code(line).strip() for line in lines)
    optimiser = step.removesuffix(".step()")
    loss = backward.removesuffix(".backward()")
    if optimiser == step or loss == backward or clear != f"{optimiser}.zero_grad()":
        return None
    return optimiser, loss


KINDS = {
    "forward called directly": Kind(SCRIPTS, forward_called),
    "optimisers in a dictionary": Kind(SCRIPTS, of_module(optimisers_in_a_dict)),
    "gradients cleared by hand": Kind(SCRIPTS, of_module(cleared_by_hand)),
    "labels flipped": Kind(("gan",), of_module(labels_flipped), mirrored=True),
    "prints": Kind(("dataset", "lstm", *SCRIPTS), of_module(printed)),
    "a log": Kind(SCRIPTS, of_module(logged)),
    "a plot": Kind(SCRIPTS, of_module(plotted)),
    "weights saved": Kind(SCRIPTS, of_module(saved)),
    "a guard or a main function": Kind(SCRIPTS, of_module(guarded)),
    "no_grad inside": Kind(SCRIPTS, of_module(no_grad_by_decorator)),
    "an update function": Kind(SCRIPTS, of_module(stepped_in_a_function)),
}
