"""Where the noise comes from that a student's generator is given."""

import ast

from toolkit.assignment.check.gan.lines import Lines, called
from toolkit.assignment.check.gan.trace import Event
from toolkit.assignment.check.verdicts import Place

DRAWING = ("rand", "normal", "uniform")  # in the names of what draws numbers
SAMPLING = ("sample", "rsample")  # of a distribution that was made elsewhere


def line_of_noise(lines: Lines, call: Event) -> Place:
    """The line that makes the noise that a call of the generator gets."""
    statement = lines.statement(call)
    names = [n.id for n in ast.walk(statement) if isinstance(n, ast.Name)] if statement else []
    made = [found for name in names if (found := _made(lines, call, name))]
    for node in (statement, *made):
        if node is not None and (place := _draws(lines, call.file, node)):
            return place
    variables = [n for n in made if isinstance(n.value, ast.Subscript)]
    return Place(call.file, variables[-1].lineno if variables else call.line)


def _made(lines: Lines, call: Event, name: str) -> ast.Assign | ast.AnnAssign | None:
    """The last assignment to a name before a call that is more than a change, as `z = z.to(d)`."""
    found = last = lines.assigned(call, name)
    while found is not None and found.value is not None:
        if all(getattr(node, "id", None) != name for node in ast.walk(found.value)):
            return found
        found = lines.assigned(Place(call.file, found.lineno - 1), name)
    return last


def _draws(lines: Lines, file: str | None, statement: ast.stmt) -> Place | None:
    """Where a statement, or a function of theirs that it calls, draws random numbers."""
    calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
    names = {called(node) for node in calls}
    functions = [
        (other, function)
        for other, tree in lines.trees.items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name in names
    ]
    inside = [(other, inner) for other, function in functions for inner in ast.walk(function)]
    found = [*((file, node) for node in calls), *inside]
    for other, inner in found:
        if isinstance(inner, ast.Call) and _is_drawing(inner):
            return Place(other, inner.lineno)
    sampled = any(called(inner) in SAMPLING for _, inner in found)
    return lines.find(_is_drawing) if sampled else None


def _is_drawing(node: ast.AST) -> bool:
    return any(word in called(node).lower() for word in DRAWING)
