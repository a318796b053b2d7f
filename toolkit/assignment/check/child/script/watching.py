"""Tells a trace what happens: while it watches, torch's own functions pass through here.

Nothing that works is changed by it: arguments and results are passed on as they are. `forward` is
wrapped in every class that is defined meanwhile, since many call it without `__call__`.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.utils.clip_grad
import torch.utils.data
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.loss import _Loss
from torch.optim import Optimizer
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _BaseDataLoaderIter

from toolkit.assignment.check.child.places import outside_lambda
from toolkit.assignment.check.child.script.devices import Devices, without_questions
from toolkit.assignment.check.child.script.loaders import made_loader, next_batch
from toolkit.assignment.check.child.script.trace import Trace
from toolkit.assignment.check.child.script.values import tensors_in

LOSSES = (
    *("cross_entropy", "nll_loss", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"),
    *("binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div", "soft_margin_loss"),
    *("multi_margin_loss", "multilabel_soft_margin_loss", "hinge_embedding_loss"),
)
CLIPS = ("clip_grad_norm_", "clip_grad_norm", "clip_grad_value_")


@contextmanager
def watching(trace: Trace) -> Iterator[None]:
    """Inside this block the trace is told what happens, and data is loaded in this process."""
    with ExitStack() as stack:

        def replace(owner: Any, name: str, wrap: Callable[..., Any]) -> None:
            stack.enter_context(patch.object(owner, name, wrap(trace, getattr(owner, name))))

        replace(nn.Module, "__call__", lambda trace, f: _network(trace, f, "__call__"))
        replace(nn.Module, "train", _mode)
        for name in ("to", "cuda"):
            replace(nn.Module, name, _moved)
        for kind in (nn.Sequential, nn.Linear):
            replace(kind, "forward", lambda trace, f: _network(trace, f, "forward"))
        stack.enter_context(
            patch.object(nn.Module, "__init_subclass__", _subclass_hook(trace), create=True)
        )
        replace(_Loss, "__call__", _called_criterion)
        for name in LOSSES:
            replace(functional, name, lambda trace, f, name=name: _loss(trace, f, name))
        replace(torch.autograd, "backward", _backward)
        for name in CLIPS:
            clip = _clip(trace, getattr(nn.utils.clip_grad, name), name)
            stack.enter_context(patch.object(nn.utils.clip_grad, name, clip))
            stack.enter_context(patch.object(nn.utils, name, clip))
        replace(Optimizer, "__init__", _optimizer)
        replace(DataLoader, "__init__", made_loader)
        replace(_BaseDataLoaderIter, "__next__", next_batch)
        for handle in _steps(trace):
            stack.callback(handle.remove)
        stack.enter_context(without_questions(trace))
        stack.enter_context(trace.origins)
        stack.enter_context(Devices(trace))
        trace.on = True
        try:
            yield
        finally:
            trace.on = False


def _subclass_hook(trace: Trace) -> Any:
    def hook(cls: type[Any], /, **kwargs: Any) -> None:
        super(nn.Module, cls).__init_subclass__(**kwargs)
        forward = vars(cls).get("forward")
        if callable(forward) and not isinstance(forward, staticmethod | classmethod):
            cls.forward = _network(trace, forward, "forward")

    return classmethod(hook)


def _network(trace: Trace, function: Callable[..., Any], how: str) -> Callable[..., Any]:
    """Record calls of a network, of which only the outermost count."""

    @functools.wraps(function)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not trace.on or trace.depth or trace.full() or not isinstance(self, nn.Module):
            return function(self, *args, **kwargs)
        network = trace.know(self)
        if network is None:
            return function(self, *args, **kwargs)
        trace.stop_if_slow()
        inputs = trace.all_values(args, kwargs)
        trace.depth += 1
        try:
            result = function(self, *args, **kwargs)
        finally:
            trace.depth -= 1
        index = trace.add(
            "call",
            network=network,
            how=how,
            training=self.training,
            grad=torch.is_grad_enabled(),
            inputs=inputs,
            outputs=trace.all_values(result),
        )
        for tensor in tensors_in(result):
            trace.values.keep(index, tensor)
        trace.watch_gradient(index, result)
        return result

    return wrapper


def _mode(trace: Trace, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def train(self: nn.Module, mode: bool = True) -> Any:
        if not trace.on or trace.depth or trace.full():
            return function(self, mode)
        trace.depth += 1  # it calls itself for the modules inside
        try:
            result = function(self, mode)
        finally:
            trace.depth -= 1
        if (network := trace.know(self)) is not None:
            trace.add("mode", network=network, training=bool(mode))
        return result

    return train


def _moved(trace: Trace, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def move(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        kinds = [type(x) for x in (*args, *kwargs.values())]
        if trace.on and not trace.full() and kinds != [torch.dtype]:
            held = [trace.values.id_of(parameter) for parameter in self.parameters()]
            trace.add("device", parameters=held)
        return function(self, *args, **kwargs)

    return move


def _called_criterion(trace: Trace, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        made = trace.origins.of_module(self)
        trace.losses.called = made if made[0] else None
        try:
            return function(self, *args, **kwargs)
        finally:
            trace.losses.called = None

    return call


def _loss(trace: Trace, function: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not trace.on or trace.losses.inside or trace.full():
            return function(*args, **kwargs)
        index = trace.add(
            "loss",
            name=name,
            input=trace.value(args[0] if args else kwargs.get("input")),
            target=trace.value(args[1] if len(args) > 1 else kwargs.get("target")),
            reduction=str(kwargs.get("reduction", "mean")),
            made=trace.losses.called,
            outer=outside_lambda(trace.root),
        )
        trace.losses.inside = True  # torch comes back here by way of `Devices`
        try:
            result = function(*args, **kwargs)
        finally:
            trace.losses.inside = False
        trace.losses.keep(index, result)
        return result

    return wrapper


def _backward(trace: Trace, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        if not trace.on:
            return function(tensors, *args, **kwargs)
        roots = list(tensors_in(tensors, list(tensors) if not _is_one(tensors) else []))
        before = trace.before_backward(roots)
        try:
            result = function(tensors, *args, **kwargs)
        except RuntimeError as error:
            trace.after_backward(roots, before, str(error))
            raise
        trace.after_backward(roots, before, None)
        return result

    return backward


def _is_one(tensors: Any) -> bool:
    return isinstance(tensors, Tensor | list | tuple)


def _clip(trace: Trace, function: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def clip(parameters: Any, *args: Any, **kwargs: Any) -> Any:
        if not trace.on:
            return function(parameters, *args, **kwargs)
        given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
        result = function(given, *args, **kwargs)
        trace.clipped(name, given)
        return result

    return clip


def _optimizer(trace: Trace, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def init(self: Optimizer, *args: Any, **kwargs: Any) -> None:
        function(self, *args, **kwargs)
        if trace.on:
            trace.made(self)

    return init


def _steps(trace: Trace) -> list[Any]:
    """Before and after each step of an optimiser."""
    begun: list[dict[str, Any]] = []

    def before(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if trace.on:
            begun.append(trace.before_step(optimizer))
            trace.stepping = True

    def after(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if trace.on and begun:
            trace.after_step(optimizer, begun.pop())
            trace.stepping = False

    return [register_optimizer_step_pre_hook(before), register_optimizer_step_post_hook(after)]
