"""Makes training short: a student's loop in which an optimiser has stepped often enough is left.

What comes after the loop still runs, as if the training were over, so that sampling and saving are
seen. A loop over a `range` goes through its last number first, since many save something there. In
a brisk run a slow loop is left after fewer steps.
"""

import ast
import builtins
import math
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from torch.optim.optimizer import register_optimizer_step_post_hook

from toolkit.assignment.running.importing.files import import_file
from toolkit.assignment.running.record.script.tracer import Tracer

LOOPS = "__loops__"  # a name that a student's file will not have
FEW = 6  # steps in a loop that are enough if they take long
SHORT = 2  # steps in a loop, of which nothing is looked at


def import_briefly(path: Path, root: Path, name: str | None = None) -> ModuleType:
    """As `import_file`, with few steps of what trains while it is imported."""
    tracer = Tracer(root, SHORT, math.inf)

    def count(*_: Any) -> None:
        tracer.steps += 1

    handle = register_optimizer_step_post_hook(count)
    try:
        return import_file(path, root, Loops(tracer).change, name)
    finally:
        handle.remove()
        tracer.max_steps = sys.maxsize


class Loops:
    """Counts the steps that are made in each loop.

    Args:
        tracer: counts the steps.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._steps: Counter[str] = Counter()  # in each loop, named by its place
        self.entered: set[tuple[str, int]] = set()  # file and line of functions
        self._seen: dict[str, int] = {}  # while loops: steps in all when the test was last made
        setattr(builtins, LOOPS, self)

    def change(self, tree: ast.Module, file: str) -> ast.Module:
        """Let every loop in a file ask whether it goes on, and every function say that it began."""
        changed: ast.Module = _Change(file).visit(tree)
        return ast.fix_missing_locations(changed)

    def each(self, items: Any, loop: str) -> Iterator[Any]:
        """The items of a `for` loop."""
        for item in items:
            yield from self._counted(item, loop)
            if self._enough(loop):
                if isinstance(items, range) and item != items[-1]:
                    yield from self._counted(items[-1], loop)
                return

    def start(self, loop: str) -> None:
        """A `while` loop begins; steps before that are not its own."""
        self._seen.pop(loop, None)

    def more(self, loop: str) -> bool:
        """True if a `while` loop may go on; what comes after it relies on one time at least."""
        steps = self._tracer.steps
        before = self._seen.get(loop)
        self._seen[loop] = steps
        if before is None:
            return True
        self._steps[loop] += steps - before
        return not self._enough(loop)

    def enter(self, file: str, line: int) -> None:
        """A function begins."""
        path, root = Path(file), Path(self._tracer.root)
        if path.is_relative_to(root):
            self.entered.add((path.relative_to(root).as_posix(), line))

    def _counted(self, item: Any, loop: str) -> Iterator[Any]:
        before = self._tracer.steps
        try:
            yield item
        finally:
            self._steps[loop] += self._tracer.steps - before

    def _enough(self, loop: str) -> bool:
        enough = self._tracer.max_steps
        if self._tracer.brisk and time.process_time() > self._tracer.late:
            enough = FEW
        return self._steps[loop] >= enough


class _Change(ast.NodeTransformer):
    def __init__(self, file: str) -> None:
        self.file = file

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        method = ast.Attribute(ast.Name(LOOPS, ast.Load()), "enter", ast.Load())
        call = ast.Call(method, [ast.Constant(self.file), ast.Constant(node.lineno)], [])
        enter = ast.copy_location(ast.Expr(call), node.body[0])
        has_docstring = ast.get_docstring(node) is not None
        node.body.insert(int(has_docstring), enter)
        return node

    def visit_For(self, node: ast.For) -> ast.For:
        self.generic_visit(node)
        if _yields(node):
            return node
        node.iter = self._call("each", node, node.iter)
        return node

    def visit_While(self, node: ast.While) -> list[ast.stmt]:
        self.generic_visit(node)
        if _yields(node) or _is_endless(node):
            return [node]
        test = ast.BoolOp(ast.And(), [self._call("more", node), node.test])
        node.test = ast.copy_location(test, node.test)
        start = ast.Expr(self._call("start", node))
        return [ast.copy_location(start, node), node]

    def _call(self, name: str, node: ast.stmt, *arguments: ast.expr) -> ast.Call:
        """A call of a method of `Loops`, with the place as its last argument."""
        place = ast.Constant(f"{self.file}:{node.lineno}:{node.col_offset}")
        method = ast.Attribute(ast.Name(LOOPS, ast.Load()), name, ast.Load())
        return ast.copy_location(ast.Call(method, [*arguments, place], []), (*arguments, node)[0])


def _yields(loop: ast.stmt) -> bool:
    """True if a loop gives its items to another one, which then is the one that trains."""
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(loop))


def _is_endless(loop: ast.While) -> bool:
    """True for a loop without an end; what follows it never runs, so it is not left."""
    if not isinstance(loop.test, ast.Constant):
        return False
    return not any(isinstance(node, ast.Break) for node in ast.walk(loop))
