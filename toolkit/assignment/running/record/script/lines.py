"""A short run of a student's script, with a record of the results of its statements."""

import ast
import builtins
import math
import random
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from traceback import walk_stack
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data._utils import fetch

from toolkit.assignment.running.record.script.running import Script
from toolkit.assignment.running.record.script.tracer import EnoughSteps, Tracer
from toolkit.assignment.running.record.script.values import unwatched

SIMPLE = ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return | ast.Expr
FETCH = fetch.__file__  # where a DataLoader takes items
LINES = "__lines__"  # a name that a student's file will not have
MAX_STEPS = 12  # steps in a loop
SEVERAL = 0.05  # share of negative numbers from which a tensor counts as negative


class Lines(Script):
    """A script whose statements are recorded as they run, until each of its optimisers has taken a
    step.

    Args:
        seed: the seed for all random number generators.
        game: True if at least two optimisers must make a step, as for a GAN.
        batch: the number of items in a batch of a DataLoader; None keeps the student's number.
        edit: new contents for some of the student's files, by path.
        passes: if this number is not 0, the run ends after this many backward passes, and nothing
            is recorded about the individual lines of the script.
    """

    def __init__(
        self, root: Path, file: str, seed: int, max_seconds: float, game: bool, batch: int | None,
        edit: Mapping[str, str] = {}, passes: int = 0
    ) -> None:  # fmt: skip
        self._seed, self._batch, self._edit, self._most = seed, batch, edit, passes
        self._networks = 1 + game  # the least number of networks
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the generator that students' code uses
        torch.manual_seed(seed)
        self._lines: dict[str, dict[str, Any]] = {}
        self._passes: list[dict[str, Any]] = []
        self._made: set[Any] = set()  # ids of optimisers
        self._stepped: set[Any] = set()  # ids of optimisers that have made a step
        self._whole = False
        super().__init__(root, file, MAX_STEPS, max_seconds)

    def watch(self) -> dict[str, Any]:
        """Run the script, and return a record of the run, which includes how often each simple
        statement ran.

        Returns:
            a dictionary with these entries: `ended`, how the run ended; `whole`, True or False;
            `cpu`, the CPU seconds used; `passes`, a list of the backward passes; and `lines`, a
            list of simple statements. `whole` is True if each optimiser has taken a step and, for a
            GAN, there are at least two optimisers. `passes` contains, for each backward pass, its
            location (`at`), its loss (`value`) and a checksum of the random number generators'
            states (`random`). `lines` contains, for each simple statement, how often it ran before
            `whole` became True, and the facts that `_facts` returned after the statement's first
            run. Instead of the number of runs, `lines` contains None if a DataLoader was reading
            items when the statement first ran.
        """
        rng = np.random.default_rng
        setattr(builtins, LINES, self._ran_line)
        torch._C._set_deterministic_algorithms(True, warn_only=True)  # empty memory is nan
        with patch.object(np.random, "default_rng", lambda seed=self._seed: rng(seed)):
            answer = self.run()
        return {
            "ended": answer["ended"],
            "whole": self._whole,
            "cpu": time.process_time(),
            "passes": self._passes,
            "lines": list(self._lines.values()),
        }

    def _begin(self, tracer: Tracer) -> None:
        super()._begin(tracer)
        tracer.batch = self._batch
        tracer.add = partial(self._add, tracer.add)  # type: ignore[method-assign]

    def _attempt_in_modes(self) -> None:
        """Do nothing: the base class would rerun the script here with command-line arguments, but
        the record describes only a run without arguments.
        """

    def _add(self, add: Any, kind: str, **fields: Any) -> Any:
        index = add(kind, **fields)
        if kind not in ("optimiser", "backward", "step") or fields.get("error"):
            return index
        if kind == "optimiser":
            self._made.add(fields["optimiser"])
            return index
        if kind == "step":
            self._stepped.add(fields["optimiser"])
            all_step = self._made <= self._stepped and len(self._stepped) >= self._networks
            self._whole = self._whole or all_step
        else:
            self._add_pass(self.tracer.events[-1])
        if len(self._passes) >= self._enough():
            raise EnoughSteps
        return index

    def _add_pass(self, event: Mapping[str, Any]) -> None:
        """Record a backward pass: its location, its loss, and the random generators' state."""
        mean = None
        if event["value"]:
            mean = event["value"]["mean"]
        place = [event["file"], event["line"]]
        self._passes.append({"at": place, "value": mean, "random": _random()})

    def _enough(self) -> float:
        """Return the number of backward passes after which the run ends."""
        if self._most:
            return self._most
        if self._whole:
            return 2
        return math.inf

    def _change(self, tree: ast.Module, file: str) -> ast.Module:
        name = Path(file).relative_to(self.root).as_posix()
        if name in self._edit:
            tree = ast.parse(self._edit[name])
        if not self._most:
            tree = _Change(name, tree).visit(tree)
        return super()._change(tree, file)

    def _ran_line(self, file: str, line: int, value: Any = None) -> Any:
        """Record that a statement has run, and return `value`, which is the value that the
        statement has assigned or returned, or None if there is no such value.
        """
        if self._whole:
            return value
        key = f"{file}:{line}"
        record = self._lines.get(key)
        if record is None:
            record = {"at": [file, line], "count": 0, **_facts(value), "random": _random()}
            if is_loading(frame.f_code.co_filename for frame, _ in walk_stack(None)):
                record["count"] = None
            self._lines[key] = record
        if record["count"] is not None:
            record["count"] += 1
        return value


class _Change(ast.NodeTransformer):
    """A syntax-tree transformer that makes simple statements, such as assignments, report each time
    they run and, where possible, the value that they assign or return.
    """

    def __init__(self, file: str, tree: ast.AST) -> None:
        self._file = file
        self._count = Counter[int]()  # line -> simple statements in it
        for node in ast.walk(tree):
            if isinstance(node, SIMPLE):
                self._count[node.lineno] += 1

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, SIMPLE) and self._count[node.lineno] > 1:
            return node
        return super().visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if node.name == "__len__":  # the check calls this method, too
            return node
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        return self._report(node, node.targets[0])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> list[ast.stmt]:
        return self._report(node, node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        return self._report(node, node.target)

    def _report(
        self, node: ast.Assign | ast.AnnAssign | ast.AugAssign, target: ast.expr
    ) -> list[ast.stmt]:
        """Return two statements: the given assignment, and a call that reports its file and line
        and, if the target is a name or an attribute, also the assigned value.
        """
        arguments = []
        if node.value is not None and isinstance(target, ast.Name | ast.Attribute):
            arguments.append(ast.parse(ast.unparse(target), mode="eval").body)  # it is now read
        call = self._call(node, *arguments)
        return [node, ast.copy_location(ast.Expr(call), node)]

    def visit_Expr(self, node: ast.Expr) -> list[ast.stmt]:
        if isinstance(node.value, ast.Constant):
            return [node]
        return [node, ast.copy_location(ast.Expr(self._call(node)), node)]

    def visit_Return(self, node: ast.Return) -> ast.Return:
        arguments = []
        if node.value is not None:
            arguments.append(node.value)
        node.value = self._call(node, *arguments)
        return node

    def _call(self, node: ast.stmt, *value: ast.expr) -> ast.Call:
        arguments = [ast.Constant(self._file), ast.Constant(node.lineno), *value]
        call = ast.Call(ast.Name(LINES, ast.Load()), arguments, [])
        return ast.fix_missing_locations(ast.copy_location(call, node))


def is_loading(files: Iterable[str]) -> bool:
    """Return True if the source files on the call stack show that a DataLoader is reading items.

    While a DataLoader reads items, it is not known how often a line runs, because the DataLoader's
    worker processes may run it too.
    """
    return FETCH in files


def is_ours(kind: type) -> bool:
    """Return True for a class defined in the toolkit, such as the class that replaces MNIST."""
    return kind.__module__.partition(".")[0] == __name__.partition(".")[0]


@unwatched
def _facts(value: Any) -> dict[str, Any]:
    """Return facts about a value, such as its class and, for a tensor, its shape, its dtype and the
    facts that `_facts_of_numbers` returns.
    """
    if value is None or is_ours(type(value)):
        return {}
    facts: dict[str, Any] = {"class": type(value).__name__}
    if isinstance(value, nn.Parameter):
        facts["size"] = value.numel()
    elif isinstance(value, nn.Module):
        facts["size"] = sum(parameter.numel() for parameter in value.parameters())
    if isinstance(value, Tensor) and not value.is_complex() and not value.is_sparse:
        facts |= {
            "shape": list(value.shape),
            "dtype": str(value.dtype).removeprefix("torch."),
            "made_by": "None",
            "tracked": value.requires_grad,
            **_facts_of_numbers(value.detach().reshape(-1).double()),
        }
        if value.grad_fn:
            facts["made_by"] = type(value.grad_fn).__name__
    return facts


def _facts_of_numbers(numbers: Tensor) -> dict[str, Any]:
    """Return a summary of a tensor's values (n,): whether they are whole numbers, whether none is
    negative, and a checksum.

    If a fact is uncertain, its value is None. If any of the tensor's values is nan, every fact that
    is stated about the values is uncertain. During the run, uninitialised memory is filled with
    nan, so the nan may come from such memory. The sign is also uncertain if some values are
    negative, but they make up no more than the fraction `SEVERAL` of all values.
    """
    if bool(numbers.isnan().any()):
        return {"whole": None, "nonnegative": None, "numbers": None}
    share = SEVERAL  # share of negative numbers
    if len(numbers):
        share = float((numbers < 0).double().mean())
    nonnegative = None
    if share == 0 or share > SEVERAL:
        nonnegative = share == 0
    return {
        "whole": bool((numbers == numbers.round()).all()),
        "nonnegative": nonnegative,
        "numbers": zlib.crc32(numbers.numpy().tobytes()),
    }


def _random() -> int:
    """Return a checksum of the states of the random number generators."""
    states = torch.get_rng_state().tolist(), np.random.get_state(), random.getstate()  # noqa: NPY002
    return zlib.crc32(repr(states).encode())
