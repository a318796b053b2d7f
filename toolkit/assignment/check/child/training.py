"""Records the first steps of a student's training, and stops it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.utils.data
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from toolkit.assignment.check.student.recorder import Recorder

LOSSES = {
    "cross_entropy",
    "nll_loss",
    "mse_loss",
    "l1_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
}


class EnoughSteps(BaseException):
    """Ends a student's training; no `except Exception` of theirs stops it."""


class Loss(NamedTuple):
    """One call of a loss function."""

    name: str
    input: Tensor
    target: Tensor
    file: str | None
    line: int | None
    backward: int  # how many backward passes came before


class Update(NamedTuple):
    """One step of an optimiser."""

    optimizer: Optimizer
    file: str | None
    line: int | None
    passes: set[int]  # the backward passes that its gradients are the sum of
    stale: set[int]  # those of them that an earlier step used already


class Output(NamedTuple):
    """One call of a network, not of the layers in it."""

    network: nn.Module
    input: Any
    more: tuple[Any, ...]  # its other arguments, e.g. labels
    output: Any
    training: bool
    grad: bool  # whether gradients were recorded
    file: str | None
    line: int | None


class Load(NamedTuple):
    """One DataLoader that was made."""

    dataset: Any
    file: str | None
    line: int | None


class TrainingRecorder(Recorder):
    """Records which losses, networks, gradients and optimisers meet in the first steps.

    Args:
        root: the student's folder.
        max_steps: optimiser steps after which the training is stopped.
        max_seconds: CPU time after which it is stopped.
    """

    def __init__(self, root: Path, max_steps: int, max_seconds: float) -> None:
        super().__init__(root)
        self.max_steps = max_steps
        self.deadline = time.process_time() + max_seconds
        self.losses: list[Loss] = []
        self.updates: list[Update] = []
        self.outputs: list[Output] = []
        self.loads: list[Load] = []
        self.depth = 0
        self.num_backward = 0
        self.passes: dict[int, set[int]] = {}  # id of a parameter -> passes in its gradient
        self.reaches: dict[int, set[int]] = {}  # pass -> ids of the parameters that it reached
        self.used_by: dict[int, list[int]] = {}  # pass -> ids of the optimisers that stepped on it
        self.networks: list[nn.Module] = []

    def run(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Make the call, and record losses and backward passes."""
        if name in LOSSES:
            target = args[1] if len(args) > 1 else kwargs.get("target")
            given = args[0] if args else kwargs.get("input")
            if isinstance(given, Tensor) and isinstance(target, Tensor):
                values = (given.detach().clone(), target.detach().clone())
                self.losses.append(Loss(name, *values, *self.place(), self.num_backward))
            if len(self.losses) > 50 * self.max_steps or time.process_time() > self.deadline:
                raise EnoughSteps
        if name != "backward":
            return func(*args, **kwargs)
        before = self._gradients()
        self._forget_cleared()
        result = func(*args, **kwargs)
        self.num_backward += 1
        for key, gradient in self._gradients().items():
            if key not in before or not torch.equal(before[key], gradient):
                self.passes.setdefault(key, set()).add(self.num_backward)
                self.reaches.setdefault(self.num_backward, set()).add(key)
        return result

    def before_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Called by torch before every optimiser step."""
        self._forget_cleared()
        passes: set[int] = set()
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                passes |= self.passes.get(id(parameter), set())
        stale = {p for p in passes if self.used_by.get(p)}
        self.updates.append(Update(optimizer, *self.place(), passes, stale))
        for p in passes:
            self.used_by.setdefault(p, []).append(id(optimizer))

    def after_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Called by torch after every optimiser step."""
        if len(self.updates) >= self.max_steps or time.process_time() > self.deadline:
            raise EnoughSteps

    def reached(self, ids: set[int]) -> set[int]:
        """The backward passes that gave some of these parameters a gradient."""
        return {p for p, keys in self.reaches.items() if keys & ids}

    def first_user(self, backward: int) -> int | None:
        """The id of the optimiser that was the first to step on this pass."""
        return next(iter(self.used_by.get(backward, [])), None)

    def enter(self, network: nn.Module, args: Any) -> None:
        """Called by torch before every forward of any module."""
        self.depth += 1

    def leave(self, network: nn.Module, args: Any, output: Any) -> None:
        """Called by torch after every forward of any module."""
        self.depth -= 1
        if self.depth == 0 and next(network.parameters(), None) is not None:  # no loss function
            if all(network is not known for known in self.networks):
                self.networks.append(network)
            given = args[0].detach().clone() if args and isinstance(args[0], Tensor) else None
            grad = torch.is_grad_enabled()
            kept = output.detach().clone() if isinstance(output, Tensor) else output
            self.outputs.append(
                Output(network, given, args[1:], kept, network.training, grad, *self.place())
            )
            if len(self.outputs) > 200 * self.max_steps:
                raise EnoughSteps

    def _parameters(self) -> Iterator[nn.Parameter]:
        for network in self.networks:
            yield from network.parameters()

    def _gradients(self) -> dict[int, Tensor]:
        return {id(p): p.grad.clone() for p in self._parameters() if p.grad is not None}

    def _forget_cleared(self) -> None:
        for parameter in self._parameters():
            if parameter.grad is None or not bool(parameter.grad.any()):
                self.passes.pop(id(parameter), None)


@contextmanager
def recording(recorder: TrainingRecorder) -> Iterator[None]:
    """Inside this block torch tells `recorder` what happens, and data is loaded in this process."""
    loader = torch.utils.data.DataLoader
    original = loader.__init__

    def init(self: Any, dataset: Any, *args: Any, **kwargs: Any) -> None:
        for name in ("prefetch_factor", "persistent_workers", "multiprocessing_context"):
            kwargs.pop(name, None)
        kwargs["num_workers"] = 0
        kwargs["pin_memory"] = False
        recorder.loads.append(Load(dataset, *recorder.place()))
        original(self, dataset, *args[:4], **kwargs)  # the fifth would be num_workers

    handles = [
        register_optimizer_step_pre_hook(recorder.before_step),
        register_optimizer_step_post_hook(recorder.after_step),
        nn.modules.module.register_module_forward_pre_hook(recorder.enter),
        nn.modules.module.register_module_forward_hook(recorder.leave),
    ]
    loader.__init__ = init  # type: ignore[method-assign]
    try:
        with recorder:
            yield
    finally:
        loader.__init__ = original  # type: ignore[method-assign]
        for handle in handles:
            handle.remove()
