"""Makes training short: a student's loop in which an optimiser has stepped often enough is left.

What comes after the loop still runs, as if the training were over, so that sampling and saving are
seen. A loop over a `range` goes through its last number first, since many save something there.
"""

import ast
import builtins
from collections import Counter
from collections.abc import Iterator
from typing import Any

from toolkit.assignment.check.child.script.trace import Trace

EACH, START, MORE = (
    "__each_of__",
    "__start_of__",
    "__more_of__",
)  # names that a student's file will not have


class Loops:
    """Counts the steps that are made in each loop.

    Args:
        trace: counts the steps.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._steps: Counter[str] = Counter()  # in each loop, named by its place
        self._seen: dict[str, int] = {}  # while loops: steps in all when the test was last made
        self.left = False  # whether a loop was left early
        setattr(builtins, EACH, self.each)
        setattr(builtins, START, self.start)
        setattr(builtins, MORE, self.more)

    def change(self, tree: ast.Module, file: str) -> ast.Module:
        """Let every loop in a file ask whether it goes on."""
        changed: ast.Module = _Change(file).visit(tree)
        return ast.fix_missing_locations(changed)

    def each(self, things: Any, loop: str) -> Iterator[Any]:
        """The items of a `for` loop."""
        last = things[-1] if isinstance(things, range) and len(things) > 1 else None
        items = iter(things)
        while True:
            try:
                thing = next(items)
            except StopIteration:
                return
            yield from self._counted(thing, loop)
            if self._enough(loop):
                if last is not None and thing != last:
                    yield from self._counted(last, loop)
                return

    def start(self, loop: str) -> None:
        """A `while` loop begins; steps before that are not its own."""
        self._seen.pop(loop, None)

    def more(self, loop: str) -> bool:
        """Whether a `while` loop may go on; what comes after it relies on one time at least."""
        steps, first = self._trace.steps, loop not in self._seen
        self._steps[loop] += steps - self._seen.get(loop, steps)
        self._seen[loop] = steps
        return first or not self._enough(loop)

    def _counted(self, thing: Any, loop: str) -> Iterator[Any]:
        before = self._trace.steps
        try:
            yield thing
        finally:
            self._steps[loop] += self._trace.steps - before

    def _enough(self, loop: str) -> bool:
        if self._steps[loop] < self._trace.max_steps:
            return False
        self.left = True
        return True


class _Change(ast.NodeTransformer):
    def __init__(self, file: str) -> None:
        self.file = file

    def visit_For(self, node: ast.For) -> ast.For:
        self.generic_visit(node)
        if _yields(node):
            return node
        node.iter = self._call(EACH, node.iter, node)
        return node

    def visit_While(self, node: ast.While) -> list[ast.stmt]:
        self.generic_visit(node)
        if _yields(node):
            return [node]
        test = ast.BoolOp(ast.And(), [self._call(MORE, None, node), node.test])
        node.test = ast.copy_location(test, node.test)
        start = ast.Expr(self._call(START, None, node))
        return [ast.copy_location(start, node), node]

    def _call(self, name: str, first: ast.expr | None, node: ast.stmt) -> ast.Call:
        place = ast.Constant(f"{self.file}:{node.lineno}:{node.col_offset}")
        arguments: list[ast.expr] = [place] if first is None else [first, place]
        call = ast.Call(ast.Name(name, ast.Load()), arguments, [])
        return ast.copy_location(call, first or node)


def _yields(loop: ast.stmt) -> bool:
    """Whether a loop gives its items to another one, which then is the one that trains."""
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(loop))
