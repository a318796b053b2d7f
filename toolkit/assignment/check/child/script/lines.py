"""Runs a student's script until it has trained a little, and records what its statements make."""

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

from toolkit.assignment.check.child.script.running import Script
from toolkit.assignment.check.child.script.trace import EnoughSteps, Trace
from toolkit.assignment.check.child.script.values import unwatched

SIMPLE = ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return | ast.Expr
FETCH = fetch.__file__  # where a DataLoader takes items
LINES = "__lines__"  # a name that a student's file will not have
MAX_STEPS = 12  # in a loop
SEVERAL = 0.05  # of the numbers of a tensor, to say that some are negative


class Lines(Script):
    """A script that is watched until each of its optimisers has stepped.

    Args:
        seed: of all random numbers.
        game: whether at least two optimisers step, as for a GAN.
        batch: items in a batch of a DataLoader; None for as many as they say.
        edit: the texts of files that are run in place of theirs.
        passes: backward passes after which it ends, when no line is recorded.
    """

    def __init__(
        self, root: Path, file: str, seed: int, max_seconds: float, game: bool, batch: int | None,
        edit: Mapping[str, str] = {}, passes: int = 0
    ) -> None:  # fmt: skip
        self._seed, self._batch, self._edit, self._most = seed, batch, edit, passes
        self._networks = 1 + game  # at least
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the generator that students' code uses
        torch.manual_seed(seed)
        self._lines: dict[str, dict[str, Any]] = {}
        self._passes: list[dict[str, Any]] = []
        self._ids: dict[str, set[Any]] = {"optimiser": set(), "step": set()}  # of optimisers
        self._whole = False
        super().__init__(root, file, MAX_STEPS, max_seconds)

    def watch(self) -> dict[str, Any]:
        """Run it.

        Returns:
            how it `ended`; whether it is `whole`: each optimiser has stepped; `cpu` seconds;
            `passes`: of each backward pass its place (`at`), its `value`, and the state of what
            draws `random` numbers; and `lines`: of each simple statement how often it ran, and what
            was so after its first time, as of `_seen`.
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

    def _begin(self, trace: Trace) -> None:
        super()._begin(trace)
        trace.batch = self._batch
        trace.add = partial(self._add, trace.add)  # type: ignore[method-assign]

    def _attempt_in_modes(self) -> None:
        """Nothing: it is about what runs without being asked."""

    def _add(self, add: Any, kind: str, **fields: Any) -> Any:
        index, event = add(kind, **fields), self.trace.events[-1]
        if kind == "backward" and not fields["error"]:
            value = (fields["value"] or {}).get("mean")
            at = [event["file"], event["line"]]
            self._passes.append({"at": at, "value": value, "random": _random()})
        self._ids.get(kind, set()).add(fields.get("optimiser"))
        self._whole |= self._ids["optimiser"] <= self._ids["step"] and (
            len(self._ids["step"]) >= self._networks
        )
        enough = self._most or (2 if self._whole else math.inf)
        if kind in ("backward", "step") and not fields.get("error") and len(self._passes) >= enough:
            raise EnoughSteps
        return index

    def _change(self, tree: ast.Module, file: str) -> ast.Module:
        name = Path(file).relative_to(self.root).as_posix()
        tree = ast.parse(self._edit[name]) if name in self._edit else tree
        return super()._change(tree if self._most else _Change(name, tree).visit(tree), file)

    def _ran_line(self, file: str, line: int, value: Any = None) -> Any:
        """Called after a statement, or with what it returns."""
        if self._whole:
            return value
        one = self._lines.setdefault(f"{file}:{line}", {})
        if not one:
            loads = is_loading(frame.f_code.co_filename for frame, _ in walk_stack(None))
            one |= {"at": [file, line], "count": None if loads else 0, **_seen(value)}
            one["random"] = _random()
        one["count"] = None if one["count"] is None else one["count"] + 1
        return value


class _Change(ast.NodeTransformer):
    """Lets each simple statement say that it has run, and what it has assigned or returns."""

    def __init__(self, file: str, tree: ast.AST) -> None:
        self._file = file
        self._times = Counter(n.lineno for n in ast.walk(tree) if isinstance(n, SIMPLE))

    def visit(self, node: ast.AST) -> Any:
        alone = not isinstance(node, SIMPLE) or self._times[node.lineno] == 1
        return super().visit(node) if alone else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node if node.name == "__len__" else self.generic_visit(node)  # the check asks, too

    def visit_Assign(self, node: Any) -> list[ast.stmt]:
        target = node.target if hasattr(node, "target") else node.targets[0]
        made = ast.parse(ast.unparse(target), mode="eval").body  # which is to be read now
        known = node.value and isinstance(made, ast.Name | ast.Attribute)
        call = self._call(node, *([made] if known else []))
        return [node, ast.copy_location(ast.Expr(call), node)]

    visit_AugAssign = visit_AnnAssign = visit_Assign

    def visit_Expr(self, node: ast.Expr) -> list[ast.stmt]:
        call = ast.copy_location(ast.Expr(self._call(node)), node)
        return [node] if isinstance(node.value, ast.Constant) else [node, call]

    def visit_Return(self, node: ast.Return) -> ast.Return:
        node.value = self._call(node, *([node.value] if node.value else []))
        return node

    def _call(self, node: ast.stmt, *seen: ast.expr) -> ast.Call:
        given = [ast.Constant(self._file), ast.Constant(node.lineno), *seen]
        call = ast.Call(ast.Name(LINES, ast.Load()), given, [])
        return ast.fix_missing_locations(ast.copy_location(call, node))


def is_loading(files: Iterable[str]) -> bool:
    """Whether a DataLoader takes items in one of these frames: other processes may, and more."""
    return FETCH in files


def is_ours(kind: type) -> bool:
    """Whether a class is the toolkit's, as the one that stands in for MNIST."""
    return kind.__module__.partition(".")[0] == __name__.partition(".")[0]


@unwatched
def _seen(value: Any) -> dict[str, Any]:
    """The class of a value, and what else can be said of it."""
    if value is None or is_ours(type(value)):
        return {}
    seen: dict[str, Any] = {"class": type(value).__name__}
    if isinstance(value, nn.Module | nn.Parameter):
        held = [value] if isinstance(value, nn.Parameter) else value.parameters()
        seen["size"] = sum(p.numel() for p in held)
    if not isinstance(value, Tensor) or value.is_complex() or value.is_sparse:
        return seen
    flat = value.detach().reshape(-1).double()
    below = float((flat < 0).double().mean()) if len(flat) else SEVERAL
    empty = bool(flat.isnan().any())
    return seen | {
        "shape": list(value.shape),
        "dtype": str(value.dtype).removeprefix("torch."),
        "made_by": type(value.grad_fn).__name__ if value.grad_fn else "None",
        "tracked": value.requires_grad,
        "whole": None if empty else bool((flat == flat.round()).all()),
        "nonnegative": None if empty or 0 < below <= SEVERAL else not below,
        "numbers": None if empty else zlib.crc32(flat.numpy().tobytes()),
    }


def _random() -> int:
    """The states of the generators of random numbers, as one number."""
    states = torch.get_rng_state().tolist(), np.random.get_state(), random.getstate()  # noqa: NPY002
    return zlib.crc32(repr(states).encode())
