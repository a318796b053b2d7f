"""Shortened training: each loop is ended once a limited number of optimiser steps have been made in
it.

The code after the loop still runs, as if the training were over, so that the toolkit can check how
the script draws samples and saves files. If a loop over a `range` is left early, one more iteration
is run with the last number of the range. In the same way, the counter of a loop such as
`while step < steps` jumps to the value of its last iteration. The reason is that many scripts save
files and collect results in their final iteration. For a GAN, the tracer's option `brisk` is set.
With this option, a loop is left after only a few steps once a certain fraction of the time limit
has passed.

A shortened training may lack something that a full training makes, such as the picture of its
middle. If a statement at the top level of the script then fails, the script goes on with its next
statement, until it uses a network that the failed statement used: this network may be in another
state than it would be after a full training.
"""

import ast
import builtins
import copy
import http.client
import math
import socket
import sys
import time
import urllib.error
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

from torch.optim.optimizer import register_optimizer_step_post_hook

from toolkit.assignment.running.answering import described
from toolkit.assignment.running.importing.files import import_file
from toolkit.assignment.running.places import within
from toolkit.assignment.running.record.script.tracer import Tracer
from toolkit.assignment.running.replies import ErrorDescription

LOOPS, ERROR = "__loops__", "__error__"  # names that a student's file will not have
NETWORK = (
    urllib.error.URLError,
    http.client.HTTPException,
    socket.gaierror,
    ConnectionError,
    TimeoutError,
    FileNotFoundError,  # a file that was not handed in says nothing about the code
)
FEW = 6  # enough steps in a loop if they are slow
SHORT = 2  # steps in a loop that nobody examines


def import_briefly(path: Path, root: Path, name: str | None = None) -> ModuleType:
    """Import a file as `import_file` does, but leave training loops after a few steps."""
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
    """A counter of the optimiser steps in each loop.

    Args:
        tracer: the object that counts the optimiser steps of all loops together.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._steps: Counter[str] = Counter()  # steps in each loop, by the loop's place
        self._entered: set[tuple[str, int]] = set()  # path and line of functions that were called
        self.owners: dict[str, Any] = {}  # name of a class -> the last object with a called method
        self._seen: dict[str, int] = {}  # while loop -> all steps at its last test
        self._ending: set[str] = set()  # while loops whose last iteration has been allowed
        self.passed: ErrorDescription | None = None  # the first exception after which it went on
        self._is_cut = False  # whether a loop was left early
        self._begun = 0  # the number of events before the current statement
        setattr(builtins, LOOPS, self)

    def change(self, tree: ast.Module, file: str) -> ast.Module:
        """Rewrite a file so that its loops ask this object whether to continue, and its functions
        report each call to this object.
        """
        changed: ast.Module = _Change(file).visit(tree)
        return ast.fix_missing_locations(changed)

    def each(self, items: Any, loop: str) -> Iterator[Any]:
        """Yield the items of a `for` loop until the optimisers have made enough steps in this
        loop.
        """
        for item in items:
            yield from self._counted(item, loop)
            if self._enough(loop):
                if isinstance(items, range) and item != items[-1]:
                    yield from self._counted(items[-1], loop)
                return

    def start(self, loop: str) -> None:
        """Record that a `while` loop is starting again, so that optimiser steps made since it last
        ran are not counted as steps in this loop.
        """
        self._seen.pop(loop, None)
        self._ending.discard(loop)

    def more_or_last(self, loop: str) -> bool:
        """Return True if a `while` loop with a counter may continue. After enough steps, one more
        iteration is allowed, the last.
        """
        if self.more(loop):
            return True
        is_last = loop not in self._ending
        self._ending.add(loop)
        return is_last

    def count(self, counter: Any, bound: Any, is_below: bool, loop: str) -> Any:
        """Return the counter of a `while` loop: its current value or, in the last iteration that
        is allowed, the largest value with which the loop continues.

        Args:
            bound: the number with which the loop compares its counter.
            is_below: True for `counter < bound`, False for `counter <= bound`.
        """
        is_number = isinstance(counter, int | float) and isinstance(bound, int | float)
        if loop not in self._ending or not is_number:
            return counter
        last = math.ceil(bound) - 1 if is_below else math.floor(bound)
        return max(counter, last)

    def more(self, loop: str) -> bool:
        """Return True if a `while` loop may continue.

        The first iteration is always allowed, because later code may depend on it.
        """
        steps = self._tracer.steps
        before = self._seen.get(loop)
        self._seen[loop] = steps
        if before is None:
            return True
        self._steps[loop] += steps - before
        return not self._enough(loop)

    def enter(self, file: str, line: int, owner: Any = None) -> None:
        """Record that a function has been called.

        Args:
            owner: if the function is a method, the object to which it belongs.
        """
        self._entered.add((file, line))
        if owner is not None:
            self.owners[type(owner).__name__] = owner

    @property
    def entered(self) -> list[tuple[str, int]]:
        """The student's functions that were called, each by its file and line, in order."""
        places: list[tuple[str, int]] = []
        for path, line in self._entered:
            file = within(path, self._tracer.root)
            if file is not None:
                places.append((file, line))
        return sorted(places)

    def begin(self) -> None:
        """Record that a statement at the top level of the script begins."""
        self._begun = len(self._tracer.events)

    def goes_on(self, error: Exception) -> bool:
        """Return True if the script goes on with its next statement after an exception, because the
        exception may be due to the shortened training.
        """
        if self._tracer.full() or not self._is_cut or isinstance(error, NETWORK):
            return False
        for event in self._tracer.events[self._begun :]:
            if event["kind"] == "call":
                self._tracer.uncertain.add(event["network"])
        if self.passed is None:
            self.passed = described(error, Path(self._tracer.root))
        return True

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
        is_enough = self._steps[loop] >= enough
        self._is_cut = self._is_cut or is_enough
        return is_enough


def going_on(tree: ast.Module) -> ast.Module:
    """Rewrite a script so that it asks its `Loops` object whether to go on with the next statement
    after an exception.
    """
    tree.body = [_going_on(statement) for statement in tree.body]
    return ast.fix_missing_locations(tree)


def _going_on(statement: ast.stmt) -> ast.stmt:
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
        return statement
    source = f"try: {LOOPS}.begin()\nexcept Exception as {ERROR}:\n"
    source += f"    if not {LOOPS}.goes_on({ERROR}): raise"
    attempt = ast.parse(source).body[0]
    assert isinstance(attempt, ast.Try)
    for part in ast.walk(attempt):
        if isinstance(part, ast.stmt | ast.expr | ast.ExceptHandler):
            ast.copy_location(part, statement)
    attempt.body.append(statement)
    return attempt


class _Change(ast.NodeTransformer):
    def __init__(self, file: str) -> None:
        self.file = file

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        method = ast.Attribute(ast.Name(LOOPS, ast.Load()), "enter", ast.Load())
        call = ast.Call(method, [ast.Constant(self.file), ast.Constant(node.lineno)], [])
        first = [argument.arg for argument in node.args.args[:1]]
        if first == ["self"]:
            call.args.append(ast.Name("self", ast.Load()))
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
        more = "more"
        if _has_counter(node.test):
            more = "more_or_last"
            node.test.left = self._counted(node, node.test)
        test = ast.BoolOp(ast.And(), [self._call(more, node), node.test])
        node.test = ast.copy_location(test, node.test)
        start = ast.Expr(self._call("start", node))
        return [ast.copy_location(start, node), node]

    def _counted(self, node: ast.While, test: ast.Compare) -> ast.expr:
        """Return an assignment of the counter that may jump to its last value, as an expression."""
        assert isinstance(test.left, ast.Name)
        is_below = ast.Constant(isinstance(test.ops[0], ast.Lt))
        bound = copy.deepcopy(test.comparators[0])
        counter = self._call("count", node, test.left, bound, is_below)
        return ast.copy_location(ast.NamedExpr(ast.Name(test.left.id, ast.Store()), counter), node)

    def _call(self, name: str, node: ast.stmt, *arguments: ast.expr) -> ast.Call:
        """Return the syntax-tree node of a call to a method of `Loops`; the last argument of the
        call is the loop's location.
        """
        place = ast.Constant(f"{self.file}:{node.lineno}:{node.col_offset}")
        method = ast.Attribute(ast.Name(LOOPS, ast.Load()), name, ast.Load())
        return ast.copy_location(ast.Call(method, [*arguments, place], []), (*arguments, node)[0])


def _yields(loop: ast.stmt) -> bool:
    """Return True if a loop contains `yield`; the training loop is then another loop, which
    iterates over the items that this one yields.
    """
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(loop))


def _has_counter(test: ast.expr) -> TypeGuard[ast.Compare]:
    """Return True for a comparison such as `step < steps` of a variable with a bound."""
    if not isinstance(test, ast.Compare) or not isinstance(test.left, ast.Name):
        return False
    is_bounded = len(test.ops) == 1 and isinstance(test.ops[0], ast.Lt | ast.LtE)
    return is_bounded and not any(isinstance(part, ast.Call) for part in ast.walk(test))


def _is_endless(loop: ast.While) -> bool:
    """Return True for a `while` loop that has a constant condition and no `break`; such a loop is
    not shortened, because no code after it can run.
    """
    if not isinstance(loop.test, ast.Constant):
        return False
    return not any(isinstance(node, ast.Break) for node in ast.walk(loop))
