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
from torch.optim import Optimizer
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, SequentialSampler
from torch.utils.data.dataloader import _BaseDataLoaderIter

from toolkit.assignment.check.child.script.devices import Devices
from toolkit.assignment.check.child.script.trace import Trace
from toolkit.assignment.check.child.script.values import tensors_in

LOSSES = (
    *("cross_entropy", "nll_loss", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"),
    *("binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div", "soft_margin_loss"),
    *("multi_margin_loss", "multilabel_soft_margin_loss", "hinge_embedding_loss"),
)
CLIPS = ("clip_grad_norm_", "clip_grad_norm", "clip_grad_value_")
MNIST = 60_000  # items of its training data
LARGE = 2500  # numbers of an image, of which a network needs long
LARGE_BATCH, SMALL_BATCH = 64, 32
INFINITE = 10**7  # items; more are not stored but drawn


@contextmanager
def watching(trace: Trace) -> Iterator[None]:
    """Inside this block the trace is told what happens, and data is loaded in this process."""
    with ExitStack() as stack:

        def replace(owner: Any, name: str, wrap: Callable[..., Any]) -> None:
            stack.enter_context(patch.object(owner, name, wrap(trace, getattr(owner, name))))

        replace(nn.Module, "__call__", lambda trace, f: _network(trace, f, "__call__"))
        replace(nn.Module, "train", _mode)
        for kind in (nn.Sequential, nn.Linear):
            replace(kind, "forward", lambda trace, f: _network(trace, f, "forward"))
        stack.enter_context(
            patch.object(nn.Module, "__init_subclass__", _subclass_hook(trace), create=True)
        )
        for name in LOSSES:
            replace(functional, name, lambda trace, f, name=name: _loss(trace, f, name))
        replace(torch.autograd, "backward", _backward)
        for name in CLIPS:
            clip = _clip(trace, getattr(nn.utils.clip_grad, name), name)
            stack.enter_context(patch.object(nn.utils.clip_grad, name, clip))
            stack.enter_context(patch.object(nn.utils, name, clip))
        replace(Optimizer, "__init__", _optimizer)
        replace(DataLoader, "__init__", _loader)
        replace(_BaseDataLoaderIter, "__next__", _batch)
        for handle in _steps(trace):
            stack.callback(handle.remove)
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
        if not trace.on or trace.depth or not isinstance(self, nn.Module):
            return function(self, *args, **kwargs)
        network = trace.know(self)
        if network is None or trace.full():
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


def _loss(trace: Trace, function: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not trace.on or trace.in_loss or trace.full():
            return function(*args, **kwargs)
        trace.add(
            "loss",
            name=name,
            input=trace.value(args[0] if args else kwargs.get("input")),
            target=trace.value(args[1] if len(args) > 1 else kwargs.get("target")),
            reduction=str(kwargs.get("reduction", "mean")),
        )
        trace.in_loss = True  # torch comes back here by way of `Devices`
        try:
            return function(*args, **kwargs)
        finally:
            trace.in_loss = False

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

    def after(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if trace.on and begun:
            trace.after_step(optimizer, begun.pop())

    return [register_optimizer_step_pre_hook(before), register_optimizer_step_post_hook(after)]


def _loader(trace: Trace, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def init(self: Any, dataset: Any, *args: Any, **kwargs: Any) -> None:
        for name in ("prefetch_factor", "persistent_workers", "multiprocessing_context", "timeout"):
            kwargs.pop(name, None)
        if trace.brisk:
            args, kwargs = _fewer(dataset, args, kwargs)
        kwargs["num_workers"] = 0
        kwargs["pin_memory"] = False
        collate = {"collate_fn": args[5]} if len(args) > 5 else {}
        function(self, dataset, *args[:4], **collate, **kwargs)  # the fifth would be num_workers
        if trace.on:
            load = trace.values.id_of(self)
            trace.loads[load] = self
            trace.add(
                "load",
                load=load,
                dataset=trace.values.id_of(dataset),
                **{"class": type(dataset).__name__},
                size=_size(dataset),
                batch_size=self.batch_size,
                stream=_size(dataset) is None,
                sampled=not isinstance(self.sampler, RandomSampler | SequentialSampler),
            )

    return init


def _fewer(
    dataset: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a loader with a smaller batch, where its last one would be smaller too."""
    size = args[0] if args else kwargs.get("batch_size")
    if not isinstance(size, int) or kwargs.get("drop_last") or len(args) > 7 or not MNIST % size:
        return args, kwargs
    try:
        item = next(tensors_in([*dataset[0]]), None)
    except Exception:  # whatever a student's code raises
        return args, kwargs
    few = LARGE_BATCH if item is None or item.numel() < LARGE else SMALL_BATCH
    if size <= few:
        return args, kwargs
    return (few, *args[1:]) if args else args, kwargs if args else kwargs | {"batch_size": few}


def _size(dataset: Any) -> int | None:
    """How many items a data set has; None if it draws them anew for ever."""
    if isinstance(dataset, IterableDataset):
        return None
    try:
        size = len(dataset)
    except Exception:  # it has none
        return None
    return size if size <= INFINITE else None


def _batch(trace: Trace, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def following(self: Any) -> Any:
        batch = function(self)
        if trace.on and not trace.full():
            sampler = self._index_sampler
            loader = next((k for k, v in trace.loads.items() if v._index_sampler is sampler), None)
            index = trace.add("batch", load=loader, values=trace.all_values(batch))
            for tensor in tensors_in(batch):
                trace.values.keep(index, tensor)
        return batch

    return following
