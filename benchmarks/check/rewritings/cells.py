"""Rewritings that compute the same LSTM differently, or that change the form of its input."""

import random
from collections.abc import Callable
from typing import Any

import libcst as cst
from libcst import matchers as m

from rewritings.names import fresh
from rewritings.program import (
    Kind,
    Program,
    all_replaced,
    assignment,
    blocks,
    body,
    built,
    classes,
    code,
    expression,
    functions,
    is_call,
    loads,
    method,
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

Cell = tuple[cst.ClassDef, cst.FunctionDef, cst.FunctionDef]


def with_forward(module: cst.Module) -> list[Cell]:
    """Return the classes that define both `__init__` and `forward`."""
    found = []
    for owner in classes(module):
        made, forward = method(owner, "__init__"), method(owner, "forward")
        if made is not None and forward is not None:
            found.append((owner, made, forward))
    return found


# -- the input


def _reading(program: Program, before: str, call: str) -> Program | None:
    """Change the form of the model's input in the training script, and change it back in `forward`.

    Args:
        before: the statement at the beginning of `forward`, with {x} for the input.
        call: the new argument in the calls of the model, with {x} for the old argument.
    """
    if not program.parts.get("train", "").endswith(".py"):
        return None
    module = program.module("lstm")
    owner = next((c for c in with_forward(module) if c[0].name.value == "LSTM"), None)
    models = built(program, "lstm", "train")
    if owner is None or not models:
        return None
    forward = owner[2]
    if len(params(forward)) < 2 or "def forward" not in code(forward):
        return None
    x = params(forward)[1]
    lines = list(body(forward))
    new = with_body(forward, [*statements(before.format(x=x)), *lines])

    def change(given: cst.Call) -> cst.BaseExpression | None:
        names = {code(given.func), code(given.func).removesuffix(".forward")}
        if not names & models or len(given.args) != 1:
            return None
        value = call.format(x=f"({code(given.args[0].value)})").replace("((", "((", 1)
        return given.with_changes(args=[cst.Arg(expression(value))])

    train = program.module("train")
    changed = replace_calls(train, change)
    if changed.code == train.code:
        return None
    return program.replaced("lstm", replaced(module, forward, new)).replaced("train", changed)


def axes_swapped(program: Program, part: str, rng: random.Random) -> Program | None:
    """Swap the batch axis and the time axis of the input."""
    return _reading(program, "{x} = {x}.transpose(0, 1)\n", "{x}.transpose(0, 1)")


def digits_for_one_hot(program: Program, part: str, rng: random.Random) -> Program | None:
    """Pass the digits as integers, and encode them as one-hot vectors in the model."""
    made = "{x} = torch.nn.functional.one_hot({x}, 10).float()\n"
    return _reading(program, made, "{x}.argmax(dim=-1)")


def embedding_for_one_hot(program: Program, part: str, rng: random.Random) -> Program | None:
    """Pass the digits as integers, and look them up in a fixed embedding, the identity matrix."""
    given = _reading(program, "{x} = self.one_hot({x})\n", "{x}.argmax(dim=-1)")
    if given is None:
        return None
    module = given.module("lstm")
    made = next(c[1] for c in with_forward(module) if c[0].name.value == "LSTM")
    line = "self.one_hot = torch.nn.Embedding.from_pretrained(torch.eye(10), freeze=True)\n"
    new = with_body(made, [*body(made), *statements(line)])
    return given.replaced("lstm", replaced(module, made, new))


# -- the parameters


def _alike(made: cst.FunctionDef) -> list[tuple[str, list[tuple[Any, str]]]]:
    """Return the groups of at least four attributes that `__init__` sets to the same expression."""
    groups: dict[str, list[tuple[Any, str]]] = {}
    for line in body(made):
        one = m.SimpleStatementLine(body=[m.Assign([m.AssignTarget(m.Attribute(m.Name("self")))])])
        if m.matches(line, one):
            assign = line.body[0]
            name = assign.targets[0].target.attr.value
            groups.setdefault(code(assign.value), []).append((line, name))
    return [(value, group) for value, group in groups.items() if len(group) >= 4]


def _packed(
    module: cst.Module, kept: Callable[[str], bool], text: str, back: str
) -> cst.Module | None:
    for owner, made, forward in with_forward(module):
        for value, group in _alike(made):
            names = [name for _, name in group]
            only = all(
                code(owner).count(f"self.{n}") == 1 + code(forward).count(f"self.{n}")
                for n in names
            )
            if (
                not kept(value)
                or not only
                or set(names) & (stores(*body(forward)) | loads(*body(forward)))
            ):
                continue
            local = [
                [replaced(line, line.body[0].targets[0].target, cst.Name(name))]
                for line, name in group
            ]
            local[-1] += statements(text.format(names=", ".join(names)))
            pairs = list(zip((line for line, _ in group), local, strict=True))
            first = statements(f"{', '.join(names)} = {back}\n")
            run = with_body(forward, [*first, *body(_without_self(forward, names))])
            return all_replaced(module, [*pairs, (forward, [run])])
    return None


def _without_self(node: Any, names: list[str]) -> Any:
    class Local(cst.CSTTransformer):
        def leave_Attribute(self, original: cst.Attribute, updated: cst.Attribute) -> Any:
            own = m.matches(updated.value, m.Name("self")) and updated.attr.value in names
            return updated.attr if own else updated

    return node.visit(Local())


def packed(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Pack four matrices into one parameter."""
    torch_ = "nn." if "nn" in words(module) else "torch.nn."
    return _packed(
        module,
        lambda value: "Linear" not in value and not value.isidentifier(),
        f"self.packed = {torch_}Parameter(torch.cat([{{names}}], dim=0).detach())\n",
        "self.packed.chunk(4, dim=0)",
    )


def layers_in_a_list(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Put four layers into one list."""
    return _packed(
        module,
        lambda value: "nn.Linear(" in value,
        "self.layers = nn.ModuleList([{names}])\n",
        "self.layers",
    )


def slices_for_chunk(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Slice the parts out of a packed product one by one instead of calling `chunk`."""
    for block in blocks(module):
        for line in block.body:
            one = m.SimpleStatementLine(body=[m.Assign([m.AssignTarget(m.Tuple())], m.Call())])
            if not m.matches(line, one):
                continue
            names = [code(e.value) for e in line.body[0].targets[0].target.elements]
            call = line.body[0].value
            if not is_call(call, "chunk") or len(names) not in (3, 4):
                continue
            if not m.matches(call.func, m.Attribute()) or code(call.func.value) == "torch":
                continue
            whole = next(iter(fresh(["whole"], words(module), rng).values()))
            text = f"{whole} = {code(call.func.value)}\n"
            for k, name in enumerate(names):
                n = f"{whole}.size(-1) // {len(names)}"
                text += f"{name} = {whole}[..., {k} * ({n}) : {k + 1} * ({n})]\n"
            return replaced(module, line, *statements(text))
    return None


# -- the operations


def _products(module: cst.Module, text: str) -> cst.Module | None:
    class Products(cst.CSTTransformer):
        def leave_BinaryOperation(self, original: Any, updated: cst.BinaryOperation) -> Any:
            if not isinstance(updated.operator, cst.MatrixMultiply):
                return updated
            return expression(text.format(a=code(updated.left), b=code(updated.right)))

        def leave_Call(self, original: Any, updated: cst.Call) -> Any:
            given = plain_args(updated)
            if not is_call(updated, "torch.matmul", "torch.mm") or given is None:
                return updated
            return expression(text.format(a=given[0], b=given[1]))

    return module.visit(Products())


def einsum(module: cst.Module, rng: random.Random) -> cst.Module | None:
    return _products(module, 'torch.einsum("ij,jk->ik", {a}, {b})')


def matmul(module: cst.Module, rng: random.Random) -> cst.Module | None:
    return _products(module, "torch.matmul({a}, {b})")


def linear_by_hand(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Replace the calls of linear layers by `x @ weight.T + bias`."""
    for _, made, forward in with_forward(module):
        layers: dict[str, bool] = {}
        for line in body(made):
            for assign in m.findall(line, m.Assign(value=m.Call())):
                if is_call(assign.value, "nn.Linear") and isinstance(
                    assign.targets[0].target, cst.Attribute
                ):
                    without = "False" in code(assign.value)
                    layers[code(assign.targets[0].target)] = not without

        def change(call: cst.Call, layers: dict[str, bool] = layers) -> cst.BaseExpression | None:
            name = code(call.func)
            if name not in layers or len(call.args) != 1:
                return None
            text = f"({code(call.args[0].value)}) @ {name}.weight.T"
            return expression(f"({text} + {name}.bias)" if layers[name] else f"({text})")

        if layers:
            return replaced(module, forward, replace_calls(forward, change))
    return None


SIGMOID = (
    "torch.sigmoid({x})",
    "({x}).sigmoid()",
    "torch.nn.functional.sigmoid({x})",
    "1 / (1 + torch.exp(-({x})))",
)
TANH = (
    "torch.tanh({x})",
    "({x}).tanh()",
    "torch.nn.functional.tanh({x})",
    "2 * torch.sigmoid(2 * ({x})) - 1",
)


def activations(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Replace each sigmoid and tanh by another function that computes the same."""
    logistic, hyperbolic = rng.choice(SIGMOID), rng.choice(TANH)

    def change(call: cst.Call) -> cst.BaseExpression | None:
        for names, text in ((("sigmoid",), logistic), (("tanh",), hyperbolic)):
            if not is_call(call, *names) or code(call.func) in names:
                continue
            if len(call.args) == 1:
                value = code(call.args[0].value)
            elif not call.args and isinstance(call.func, cst.Attribute):
                value = code(call.func.value)
            else:
                return None
            return expression(f"({text.format(x=value)})")
        return None

    return all_replaced(module, [(f, [replace_calls(f, change)]) for f in functions(module)])


# -- the states


def states_on_self(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Store the states that a loop updates in attributes of `self`."""
    for _, _, forward in with_forward(module):
        loops = [s for s in body(forward) if isinstance(s, cst.For | cst.While)]
        if not loops:
            continue
        before = body(forward)[: list(body(forward)).index(loops[0])]
        carried = stores(*body(loops[0])) & stores(*before) - set(params(forward))
        carried -= {code(loops[0].target)} if isinstance(loops[0], cst.For) else set()
        names = {n: f"self.{n}" for n in sorted(carried)}
        if names and not m.findall(forward.body, m.FunctionDef() | m.Lambda()):
            return replaced(module, forward.body, substituted(forward.body, names))
    return None


def empty_then_filled(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Create the zero states as empty tensors, and then fill them with zeros."""
    pairs = []
    for line in [s for _, _, forward in with_forward(module) for s in body(forward)]:
        pair = assignment(line)
        if pair is not None and is_call(pair[1], "torch.zeros", "new_zeros", "zeros_like"):
            name, empty = pair[0], code(pair[1]).replace("zeros", "empty", 1)
            fill = rng.choice(
                ["{}.fill_(0)", "{}.zero_()", "torch.nn.init.zeros_({})", "{}[:] = 0"]
            )
            pairs.append((line, statements(f"{name} = {empty}\n{fill.format(name)}\n")))
    return all_replaced(module, pairs)


def shapes_checked(module: cst.Module, rng: random.Random) -> cst.Module | None:
    """Add an assertion about the input's shape at the start of `forward`."""
    for _, _, forward in with_forward(module):
        x = params(forward)[1]
        lines = statements(f'assert {x}.dim() in (2, 3), f"unexpected shape {{{x}.shape}}"\n')
        return replaced(module, forward, with_body(forward, [*lines, *body(forward)]))
    return None


ONE = ("lstm",)
KINDS = {
    "axes swapped": Kind(ONE, axes_swapped),
    "digits for one-hot": Kind(ONE, digits_for_one_hot),
    "an embedding for one-hot": Kind(ONE, embedding_for_one_hot),
    "matrices packed": Kind(ONE, of_module(packed)),
    "layers in a list": Kind(ONE, of_module(layers_in_a_list)),
    "slices for chunk": Kind(ONE, of_module(slices_for_chunk)),
    "einsum": Kind(ONE, of_module(einsum)),
    "matmul": Kind(ONE, of_module(matmul)),
    "linear layers by hand": Kind(ONE, of_module(linear_by_hand)),
    "other activations": Kind(ONE, of_module(activations)),
    "states on self": Kind(ONE, of_module(states_on_self)),
    "empty, then filled": Kind(ONE, of_module(empty_then_filled)),
    "shapes checked": Kind(ONE, of_module(shapes_checked)),
}
