"""Tells a tracer about the calls that a script makes to functions of torch and other libraries.

Watching does not change what most functions do: their arguments and results are passed on
unchanged. `forward` is wrapped in every nn.Module subclass that is defined while a script is
watched, because many scripts call it directly rather than through `__call__`.
"""

import builtins
import io
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import PIL.Image
import torch
import torch.nn.utils.clip_grad
import torch.utils.data
import torchvision.utils
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

from toolkit.assignment.running.importing.stand_ins import Anything
from toolkit.assignment.running.places import NOWHERE
from toolkit.assignment.running.record.origins import handled
from toolkit.assignment.running.record.script import files, loaders
from toolkit.assignment.running.record.script.devices import ANSWERS, Recorder
from toolkit.assignment.running.record.script.tracer import Tracer
from toolkit.assignment.running.record.script.values import has_softmax, tensors_in

LOSSES = (
    *("cross_entropy", "nll_loss", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"),
    *("binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div", "soft_margin_loss"),
    *("multi_margin_loss", "multilabel_soft_margin_loss", "hinge_embedding_loss"),
)
CLIPS = ("clip_grad_norm_", "clip_grad_norm", "clip_grad_value_")

# A handler makes the call of a watched function: handler(tracer, function, *arguments).
Handler = Callable[..., Any]


@contextmanager
def watching(tracer: Tracer) -> Iterator[None]:
    """Report all calls in the `with` block to the tracer, and load data without worker
    processes.
    """
    with ExitStack() as stack:

        def watch(owner: Any, name: str, handler: Handler, always: bool = False) -> None:
            call = _watched(tracer, getattr(owner, name), handler, always)
            stack.enter_context(patch.object(owner, name, call))

        for owner, name, handler in HANDLERS:
            watch(owner, name, handler)
        watch(DataLoader, "__init__", loaders.made_loader, always=True)
        for name, answer in ANSWERS.items():
            watch(torch.cuda, name, partial(_asked_gpu, name, answer), always=True)
        stack.enter_context(patch.object(nn.Module, "__init_subclass__", _subclass_hook(tracer)))
        heard = staticmethod(partial(files.shown, tracer))
        stack.enter_context(patch.object(Anything, "heard", heard))
        for handle in _steps(tracer):
            stack.callback(handle.remove)
        stack.enter_context(tracer.origins)
        stack.enter_context(Recorder(tracer.heard, tracer.made))
        tracer.on = True
        try:
            yield
        finally:
            tracer.on = False


def _watched(
    tracer: Tracer, function: Callable[..., Any], handler: Handler, always: bool = False
) -> Callable[..., Any]:
    """Wrap a function so that calls to it go through a handler: all calls if `always` is True,
    otherwise only those made while the tracer is recording.
    """

    def handle(function: Any, /, *args: Any, **kwargs: Any) -> Any:
        if tracer.on or always:
            return handler(tracer, function, *args, **kwargs)
        return function(*args, **kwargs)

    return handled(function, handle)


def _subclass_hook(tracer: Tracer) -> Any:
    """Return a hook that watches the methods of each class that is derived from nn.Module."""

    def hook(cls: type[Any], /, **kwargs: Any) -> None:
        super(nn.Module, cls).__init_subclass__(**kwargs)
        for name, handler in (("forward", _network), ("__init__", _built)):
            method = vars(cls).get(name)
            if callable(method) and not isinstance(method, staticmethod | classmethod):
                setattr(cls, name, _watched(tracer, method, handler))

    return classmethod(hook)


def _built(tracer: Tracer, function: Any, network: Any, /, *args: Any, **kwargs: Any) -> None:
    """Call a network's constructor, and keep its arguments unless a derived class's constructor has
    already been called for the same network.

    A derived class's constructor is called before that of its base class, so only the arguments of
    the first call are kept.
    """
    tracer.built.setdefault(network, (args, kwargs))
    function(network, *args, **kwargs)


def _network(tracer: Tracer, function: Any, network: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call a network, and record the call unless it comes from inside another network."""
    number = None
    if not (tracer.depth or tracer.full()) and isinstance(network, nn.Module):
        number = tracer.know(network)
    if number is None or tracer.is_further_step(number):
        return tracer.drawn(network, args, function(network, *args, **kwargs))
    tracer.stop_if_uncertain(number)
    tracer.stop_if_slow()
    inputs = tracer.values_of_call(number, args, kwargs)
    tracer.note_inputs(number, inputs)
    tracer.depth += 1  # networks inside this network do not count
    tracer.caller = number
    try:
        result = tracer.drawn(network, args, function(network, *args, **kwargs))
    finally:
        tracer.depth -= 1
        tracer.caller = None
    index = tracer.add(
        "call",
        network=number,
        training=network.training,
        grad=torch.is_grad_enabled(),
        inputs=inputs,
        outputs=tracer.values_of_call(number, result),
    )
    for tensor in tensors_in(result):
        tracer.values.keep(index, tensor)
    tracer.watch_gradient(index, result)
    tracer.called(tracer.networks[number], args, kwargs, result)
    return result


def _criterion(
    tracer: Tracer, function: Any, criterion: nn.Module, /, *args: Any, **kwargs: Any
) -> Any:
    place = tracer.origins.of_module(criterion)
    tracer.losses.called = None
    if place != NOWHERE:
        tracer.losses.called = place
    try:
        return function(criterion, *args, **kwargs)
    finally:
        tracer.losses.called = None


def _loss(name: str, tracer: Tracer, function: Any, /, *args: Any, **kwargs: Any) -> Any:
    if tracer.losses.inside or tracer.full():
        return function(*args, **kwargs)
    arguments = kwargs | dict(zip(("input", "target"), args, strict=False))
    output = arguments.get("input")
    index = tracer.add(
        "loss",
        name=name,
        input=tracer.value(output),
        softmax=isinstance(output, Tensor) and has_softmax(output),
        target=tracer.value(arguments.get("target")),
        reduction=str(kwargs.get("reduction", "mean")),
        made=tracer.losses.called,
    )
    tracer.losses.inside = True  # torch calls this function again through the recorder
    try:
        result = function(*args, **kwargs)
    finally:
        tracer.losses.inside = False
    tracer.losses.keep(index, result)
    return result


def _backward(tracer: Tracer, function: Any, /, tensors: Any, *args: Any, **kwargs: Any) -> Any:
    if not isinstance(tensors, Tensor | list | tuple):
        tensors = list(tensors)
    roots = list(tensors_in(tensors))
    before = tracer.before_backward(roots)
    try:
        result = function(tensors, *args, **kwargs)
    except RuntimeError as error:
        tracer.after_backward(roots, before, str(error))
        raise
    tracer.after_backward(roots, before, None)
    return result


def _gradients(
    tracer: Tracer, function: Any, /, outputs: Any, inputs: Any, *args: Any, **kwargs: Any
) -> Any:
    if isinstance(inputs, Tensor):
        inputs = [inputs]
    inputs = list(inputs)  # an iterator can be read only once
    if tracer.in_pass():  # torch calls this function again through the recorder
        return function(outputs, inputs, *args, **kwargs)
    roots = list(tensors_in(outputs))
    tracer.before_gradients(roots)
    result: Any = ()
    try:
        result = function(outputs, inputs, *args, **kwargs)
    finally:
        tracer.after_gradients(roots, inputs, result)
    return result


def _clip(
    name: str, tracer: Tracer, function: Any, /, parameters: Any, *args: Any, **kwargs: Any
) -> Any:
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    parameters = list(parameters)  # an iterator can be read only once
    tracer.see_gradients()
    result = function(parameters, *args, **kwargs)
    tracer.clipped(name, parameters)
    return result


def _optimizer(
    tracer: Tracer, function: Any, optimizer: Optimizer, /, *args: Any, **kwargs: Any
) -> None:
    function(optimizer, *args, **kwargs)
    tracer.add("optimiser", optimiser=tracer.values.id_of(optimizer))


def _parsed(
    tracer: Tracer, function: Any, parser: ArgumentParser, /, *args: Any, **kwargs: Any
) -> Any:
    tracer.parsers.append(parser)
    return function(parser, *args, **kwargs)


def _asked_gpu(
    name: str, answer: Any, tracer: Tracer, function: Any, /, *args: Any, **kwargs: Any
) -> Any:
    """Record a call to a function that needs a GPU, and return `answer` instead of calling it."""
    tracer.heard("gpu", name)
    return answer


HANDLERS: tuple[tuple[Any, str, Handler], ...] = (
    (nn.Module, "__call__", _network),
    *((kind, "forward", _network) for kind in (nn.Sequential, nn.Linear)),
    (_Loss, "__call__", _criterion),
    *((functional, name, partial(_loss, name)) for name in LOSSES),
    (torch.autograd, "backward", _backward),
    (torch.autograd, "grad", _gradients),
    *((nn.utils.clip_grad, name, partial(_clip, name)) for name in CLIPS),
    *((nn.utils, name, partial(_clip, name)) for name in CLIPS),
    (Optimizer, "__init__", _optimizer),
    (_BaseDataLoaderIter, "__next__", loaders.next_batch),
    *((owner, "open", files.opened) for owner in (builtins, io)),
    (torch, "save", files.stored),
    (torchvision.utils, "save_image", files.saved),
    (PIL.Image.Image, "save", files.saved),
    (ArgumentParser, "parse_known_args", _parsed),
)


def _steps(tracer: Tracer) -> list[Any]:
    """Register hooks that run before and after each optimiser step, and return their handles."""
    begun: list[dict[str, Any]] = []

    def before(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if tracer.on:
            begun.append(tracer.before_step(optimizer))

    def after(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if tracer.on and begun:
            tracer.after_step(optimizer, begun.pop())

    return [register_optimizer_step_pre_hook(before), register_optimizer_step_post_hook(after)]
