"""The same training by other means, and with more around it."""

import ast
import random
from typing import Any

import libcst as cst
from libcst import matchers as m

from rewritings.names import fresh
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
    words,
)

SCRIPTS = ("train", "gan")


def forward_called(program: Program, part: str, rng: random.Random) -> Program | None:
    """`model.forward(x)` for `model(x)`."""
    module = program.module(part)
    networks = built(program, *(("lstm", "train") if part == "train" else (part,)))

    def change(call: cst.Call) -> cst.BaseExpression | None:
        if code(call.func) not in networks:
            return None
        return call.with_changes(func=cst.Attribute(call.func, cst.Name("forward")))

    return program.replaced(part, replace_calls(module, change))


def optimisers_in_a_dict(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Put the optimisers of a function, or of the script, into one dictionary."""
    for scope in [*functions(module), module, *[s for s in module.body if is_guard(s)]]:
        lines = list(scope.body if scope is module else body(scope))
        made = [
            s for s in lines if (p := assignment(s)) and is_call(p[1], "Adam", "RMSprop", "SGD")
        ]
        names = [assignment(s)[0] for s in made if assignment(s)]
        if not names or any(n in params(f) for n in names for f in functions(module)):
            continue
        if scope is not module and names[0] in stores(*[s for s in module.body if s is not scope]):
            continue
        holder = next(iter(fresh(["optimisers"], words(module), rng).values()))
        new = {n: f'{holder}["{n}"]' for n in names}
        first = lines.index(made[0])
        changed = [substituted(s, new) for s in lines]
        changed[first:first] = statements(f"{holder} = {{}}\n")
        return (
            module.with_changes(body=changed)
            if scope is module
            else replaced(module, scope, with_body(scope, changed))
        )
    return None


def cleared_by_hand(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """The gradients set to None, parameter by parameter, for `optimizer.zero_grad()`."""
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
    """0 is real and 1 is generated, everywhere: the course permits that."""
    if not any(name in code(module) for name in ("BCE", "binary_cross_entropy")):
        return None
    if any(name in code(module) for name in ("full", "fill_", "label", "0.9", "cat([torch.ones")):
        return None
    other = {"ones": "zeros", "zeros": "ones", "ones_like": "zeros_like", "zeros_like": "ones_like"}
    other |= {"new_ones": "new_zeros", "new_zeros": "new_ones"}

    class Swap(cst.CSTTransformer):
        def leave_Attribute(self, original: cst.Attribute, updated: cst.Attribute) -> Any:
            name = other.get(updated.attr.value)
            return updated if name is None else updated.with_changes(attr=cst.Name(name))

    return module.visit(Swap())


def printed(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """A word in each loop, at its beginning, its end, or both."""
    pairs = []
    where = rng.choice([(0,), (1,), (0, 1)])
    for block in [x.body for x in m.findall(module, m.For()) if body(x)]:
        word = statements('print("one more")\n')
        last = has((ast.Break, ast.Return, ast.Continue), block.body[-1])
        lines = [*(word if 0 in where or last else ()), *block.body]
        pairs.append(
            (block, [block.with_changes(body=lines + (word if 1 in where and not last else []))])
        )
    inner = [block for block, _ in pairs if m.findall(block, m.For())]
    return all_replaced(module, [pair for pair in pairs if pair[0] not in inner])


def logged(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """A log of every loss."""
    lines = m.findall(module, m.SimpleStatementLine())
    call = m.Call(m.Attribute(m.Name(), m.Name("backward")))
    pairs = []
    for line in lines:
        if m.matches(line, m.SimpleStatementLine(body=[m.Expr(call)])):
            name = code(line.body[0].value.func.value)
            text = f'logging.info("loss %f", {name}.item())\nlosses_so_far.append({name}.item())\n'
            pairs.append((line, [line, *statements(text)]))
    changed = all_replaced(module, pairs)
    return after_imports(changed, "import logging\n\nlosses_so_far = []\n") if pairs else None


def plotted(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """A plot of the losses at the end."""
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
    """The state of what an optimiser has, written after each epoch."""
    for loop in m.findall(module, m.For()):
        inner = [s for s in body(loop) if isinstance(s, cst.For)]
        if not inner:
            continue
        for assign in m.findall(module, m.Assign(value=m.Call())):
            if is_call(assign.value, "Adam", "RMSprop") and assign.value.args:
                source = code(assign.value.args[0].value)
                if source.endswith(".parameters()") and "." not in source[: -len(".parameters()")]:
                    name = source[: -len(".parameters()")]
                    text = f'torch.save({name}.state_dict(), "{name}.pth")\n'
                    new = with_body(loop, [*body(loop), *statements(text)])
                    return replaced(module, loop, new)
    return None


def guarded(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Move the top level of a script below a guard; or the body of a guard into a function."""
    guards = [s for s in module.body if is_guard(s)]
    kept = (cst.FunctionDef, cst.ClassDef)
    name = next(iter(fresh(["main"], words(module), rng).values()))
    if guards:
        lines = list(body(guards[0]))
        shared = stores(*lines)
        declared = statements(f"global {', '.join(sorted(shared))}\n") if shared else []
        made = statements(f"def {name}():\n    pass\n")[0]
        made = with_body(made, [*declared, *lines])
        call = with_body(guards[0], statements(f"{name}()\n"))
        return replaced(module, guards[0], made, call)
    top = [
        s
        for s in module.body
        if not isinstance(s, kept) and not is_import(s) and not is_docstring(s)
    ]
    if not top:
        return None
    above = [s for s in module.body if s not in top]
    guard = statements('if __name__ == "__main__":\n    pass\n')[0]
    return module.with_changes(body=[*above, with_body(guard, top)])


def no_grad_by_decorator(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """`with torch.no_grad()` for the decorator."""
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
    """`zero_grad`, `backward` and `step` behind a function of their own."""
    for block in blocks(module):
        lines = list(block.body)
        for at in range(len(lines) - 2):
            three = lines[at : at + 3]
            texts = [code(s).strip() for s in three]
            if not (
                texts[0].endswith(".zero_grad()")
                and texts[1].endswith(".backward()")
                and texts[2].endswith(".step()")
            ):
                continue
            optimiser, loss = texts[2][: -len(".step()")], texts[1][: -len(".backward()")]
            if texts[0] != f"{optimiser}.zero_grad()":
                continue
            name = next(iter(fresh(["update"], words(module), rng).values()))
            new = [*lines[:at], *statements(f"{name}({optimiser}, {loss})\n"), *lines[at + 3 :]]
            module = (
                module.with_changes(body=new)
                if block is module
                else replaced(module, block, with_body(block, new))
            )
            return after_imports(module, UPDATE.format(name=name))
    return None


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
