"""The tracer of a student's script, which records what happens while the script runs."""

import time
from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.weak import WeakIdKeyDictionary

from toolkit.assignment.running.places import Place, place
from toolkit.assignment.running.record.origins import Origins, Sources
from toolkit.assignment.running.record.script.drawing import Drawing
from toolkit.assignment.running.record.script.values import (
    Losses,
    Values,
    differs,
    graph,
    tensors_in,
    unwatched,
)

MAX_EVENTS = 4000
MAX_SOURCES = 600_000  # numbers created without an input tensor that are sent
FACTOR = 12  # any training is stopped after this many times the steps of one loop
LATE = 0.4  # after this share of the time, fewer steps are enough
SOFTMAX = {"softmax", "log_softmax"}  # torch's functions that are recorded
CLAMPS = {"clamp", "clamp_", "clip", "clip_"}
PASSES = 16  # without steps, this number of backward passes counts as a step


class EnoughSteps(BaseException):
    """The exception that ends a student's training; `except Exception` does not catch it."""


@dataclass
class Returned:
    """The gradients that one call of torch.autograd.grad returned.

    The call's event is of the kind "gradients". It becomes a backward pass once a parameter holds
    one of the gradients or was moved by hand.
    """

    gradients: dict[int, Tensor]  # id of a parameter -> its gradient
    fields: dict[str, Any]  # of the event, as a backward pass
    index: int  # of the event


class Tracer:
    """Records the networks, losses, gradients and optimiser steps of a running script.

    Args:
        root: the student's folder; only locations in its files are recorded.
        max_steps: each loop is ended once this number of optimiser steps has been taken in it.
        max_seconds: the CPU time, in seconds, after which the script is stopped if it is training.
        brisk: True to shorten the run even more than `max_steps` and `max_seconds` do. Large
            batches may then be reduced. Loops are then left after fewer steps once much of the time
            limit has passed.
    """

    def __init__(self, root: Path, max_steps: int, max_seconds: float, brisk: bool = False) -> None:
        self.root = str(root)
        self.max_steps = max_steps
        self.brisk = brisk
        self.late = time.process_time() + LATE * max_seconds
        self.deadline = self.late + (1 - LATE) * max_seconds
        self.on = False  # whether anything is recorded
        self.depth = 0  # nesting depth of network calls
        self.caller: int | None = None  # the network whose call is running
        self.origins = Origins(self.root)
        self.origins.numbers_came = Sources(MAX_SOURCES if brisk else 0)
        self.device: Place | None = None  # where a GPU was first named
        self.losses = Losses()
        self.steps = 0  # steps of optimisers or by hand, or many passes without steps
        self.slow = False
        self._idle = 0  # backward passes since the last step
        self.events: list[dict[str, Any]] = []
        self.values = Values(self.origins)
        self.networks: dict[int, nn.Module] = {}
        self.uncertain: set[int] = set()  # networks that a failed statement used
        self.met_uncertain = False  # whether one of them was called afterwards
        self._recurrent: set[int] = set()  # networks that have read their own output
        self.loads: dict[int, Any] = {}  # id -> the DataLoader
        self.begun: dict[int | None, int] = {}  # id of a DataLoader -> steps before its first batch
        self.drawing: Drawing | None = None  # draws for a generator
        self.batch: int | None = None  # items in a batch; None: the script's number
        self.parsers: list[ArgumentParser] = []  # parsers of a command's arguments
        self._reached: dict[int, Tensor] = {}  # parameters that some backward pass reached
        self.nodes: set[Any] = set()  # graph nodes of the last backward pass
        self.built: Any = WeakIdKeyDictionary()  # a network -> the arguments of its constructor
        self._gradients: dict[int, Tensor] | None = None  # gradients of the current backward pass
        self._passes: dict[int, set[int]] = {}  # id of a parameter -> passes in its gradient
        self._returned: dict[int, Returned] = {}  # id of a parameter -> its last returned gradient
        self._clamps: list[tuple[int, int, Tensor]] = []  # event, parameter and result
        self._used: set[int] = set()  # backward passes that a step has used
        self._weights: dict[int, Tensor] = {}  # after the last pass or step, to see manual steps

    def another(self) -> "Tracer":
        """Return a new tracer with the same settings, limited to the time that is left."""
        max_seconds = max(0.0, self.deadline - time.process_time())
        tracer = Tracer(Path(self.root), self.max_steps, max_seconds, self.brisk)
        tracer.drawing = self.drawing
        return tracer

    def go_on(self, max_seconds: float) -> None:
        """Set a new CPU time limit for code that does not train, and reset the step count to 0."""
        self.deadline = time.process_time() + max_seconds
        self.steps = 0

    def drawn(self, network: nn.Module, inputs: Any, result: Any) -> Any:
        """Return the result of a network's call. If `drawing` replaces this result, return the
        images or logits of the stand-in instead.
        """
        if self.drawing is None:
            return result
        return self.drawing.instead(self.steps, network, inputs, result)

    def add(self, kind: str, **fields: Any) -> int:
        """Record an event, and return its index."""
        file, line = place(self.root)
        self.events.append({"kind": kind, **fields, "file": file, "line": line})
        self.stop_if_slow()
        return len(self.events) - 1

    def heard(self, kind: str, name: str) -> None:
        """Record that the code asked for a GPU, created a `torch.device` for a GPU, or called a
        recurrent layer.
        """
        if self.on and kind == "device":
            self.device = self.device or place(self.root)
        elif self.on:
            self.add(kind, name=name, device=self.device, network=self.caller)

    def full(self) -> bool:
        """Return True once there are so many events that later ones are shortened or omitted."""
        return len(self.events) > MAX_EVENTS

    def stop_if_slow(self) -> None:
        """Stop training that takes too long or makes too many steps.

        Raises:
            EnoughSteps: the training has taken too much time or too many steps, and should end
                here.
        """
        if self.on and self.steps:
            self.slow = time.process_time() > self.deadline
            if self.slow or self.steps >= FACTOR * self.max_steps:
                raise EnoughSteps

    def stop_if_uncertain(self, number: int) -> None:
        """Stop the script if it calls a network that a failed statement used.

        Raises:
            EnoughSteps: this is the case.
        """
        if number in self.uncertain:
            self.met_uncertain = True
            raise EnoughSteps

    def value(self, tensor: Any) -> dict[str, Any] | None:
        """Return a description of a tensor, or None for a value that is not a tensor."""
        if not isinstance(tensor, Tensor):
            return None
        return self.values.describe(tensor)

    def all_values(self, *values: Any, with_numbers: bool = True) -> list[dict[str, Any]]:
        """Return a description of each tensor in `values`; see `Values.describe`."""
        return [self.values.describe(tensor, with_numbers) for tensor in tensors_in(*values)]

    def values_of_call(self, network: int, *values: Any) -> list[dict[str, Any]]:
        """Return a description of each input or output of a network's call.

        The states of an LSTM that is called step by step are numerous, and nobody needs them. So
        the numbers are left out once a network has read its own output.
        """
        return self.all_values(*values, with_numbers=network not in self._recurrent)

    def note_inputs(self, network: int, inputs: list[dict[str, Any]]) -> None:
        """Note if one of a call's inputs is an earlier output of the same network."""
        for value in inputs:
            source = value["from"]
            if source is not None and self.events[source].get("network") == network:
                self._recurrent.add(network)

    def know(self, network: nn.Module) -> int | None:
        """Register a network and return its id, or return None for a module without parameters,
        such as a loss.
        """
        if isinstance(network, nn.DataParallel):
            network = network.module
        parameters = list(network.parameters())
        if not parameters:
            return None
        number = self.values.id_of(network)
        self.networks[number] = network
        for parameter in parameters:
            self.values.owners.setdefault(self.values.id_of(parameter), number)
        return number

    def is_further_step(self, number: int) -> bool:
        """Return True for a further step of an LSTM that is evaluated step by step. Of each batch,
        one step is recorded; all steps of a large test set would fill the record.
        """
        last = self.events[-1] if self.events else {}
        if torch.is_grad_enabled() or last.get("kind") != "call" or last["grad"]:
            return False
        whole = self._whole(number)
        return whole in self._recurrent and whole == self._whole(last["network"])

    def _whole(self, number: int) -> int:
        """Return the id of the network to which a module with this id belongs."""
        first = next(self.networks[number].parameters())
        return self.values.owners[self.values.id_of(first)]

    def called(self, network: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        """Do nothing; this method is called after each recorded call of a network, and a `Witness`
        replaces it with a method of its own.
        """

    def watch_gradient(self, index: int, result: Any) -> None:
        """Record the gradient that each backward pass computes for the output of a call."""
        output = _first_with_gradient(result)
        if output is None or output.is_leaf:
            return

        def note(gradient: Tensor) -> None:
            if self._gradients is not None:
                self._gradients[index] = gradient.detach().reshape(len(gradient), -1).sum(1)

        output.register_hook(note)

    @unwatched
    def before_backward(self, roots: Iterable[Tensor]) -> dict[int, Tensor | None]:
        """Record the tensors that a backward pass is about to reach.

        Returns:
            a dictionary that maps each tensor's id to a copy of its current gradient, or to None if
            it has no gradient yet.
        """
        self.see_moves_by_hand()
        self.see_gradients()
        leaves, self.nodes = graph(*roots)
        self._gradients = {}
        before: dict[int, Tensor | None] = {}
        for leaf in leaves:
            key = self.values.id_of(leaf)
            self._reached[key] = leaf
            before[key] = None
            if leaf.grad is not None:
                before[key] = _copy(leaf.grad)
        return before

    @unwatched
    def after_backward(
        self, roots: list[Tensor], before: dict[int, Tensor | None], error: str | None
    ) -> None:
        """Record a backward pass that has ended."""
        changed = [key for key, old in before.items() if differs(old, self._reached[key].grad)]
        self._idle += 1
        if self._idle % PASSES == 0:
            self.steps += 1
        fields = self._end_pass(roots)
        index = self.add(
            "backward", parameters=list(before), changed=changed, error=error, **fields
        )
        for key in changed:
            self._passes.setdefault(key, set()).add(index)
        for key in before:
            self._weights[key] = _copy(self._reached[key])

    def _end_pass(self, roots: list[Tensor]) -> dict[str, Any]:
        """Return what is known about the backward pass that has just ended, as an event's fields,
        apart from its parameters.
        """
        gradients = self._gradients or {}
        self._gradients = None
        value = None
        if roots:
            value = self.value(roots[0])
        return {
            "value": value,
            "gradients": [[call, gradient] for call, gradient in gradients.items()],
            "losses": self.losses.among(self.nodes),
            "whole": not self.full(),
        }

    def in_pass(self) -> bool:
        """Return True while gradients are computed."""
        return self._gradients is not None

    @unwatched
    def before_gradients(self, roots: list[Tensor]) -> None:
        """Prepare to record the pass of a call of torch.autograd.grad."""
        self.see_moves_by_hand()
        self.see_gradients()
        _, self.nodes = graph(*roots)
        self._gradients = {}

    @unwatched
    def after_gradients(self, roots: list[Tensor], inputs: list[Any], result: Any) -> None:
        """Note the gradients that a call of torch.autograd.grad has returned: none if it failed.

        Only gradients of leaf tensors are noted: others cannot be parameters.
        """
        gradients: dict[int, Tensor] = {}
        for tensor, gradient in zip(inputs, result, strict=False):
            if isinstance(tensor, Tensor) and tensor.is_leaf and gradient is not None:
                key = self.values.id_of(tensor)
                gradients[key] = gradient.detach()
                self._reached[key] = tensor
                self._weights[key] = _copy(tensor)
        fields = self._end_pass(roots)
        if not gradients:
            return
        returned = Returned(gradients, fields, self.add("gradients"))
        for key in gradients:
            self._returned[key] = returned

    def _use_returned(self, key: int) -> None:
        """Record that a parameter's gradient is now the one that torch.autograd.grad returned."""
        returned = self._returned.pop(key)
        event = self.events[returned.index]
        if event["kind"] == "gradients":
            parameters = list(returned.gradients)
            event.update(returned.fields, kind="backward", parameters=parameters)
            event.update(changed=[], error=None)
        event["changed"].append(key)
        self._passes[key] = {returned.index}

    @unwatched
    def before_step(self, optimizer: Optimizer) -> dict[str, Any]:
        """Note the gradients that an optimiser is about to use.

        Returns:
            a dictionary with the optimiser's parameters, copies of their values and facts about
            their gradients, to be passed to `after_step`.
        """
        self.see_gradients()
        for index, key, result in self._clamps:
            gradient = self._reached[key].grad
            self.events[index]["kept"] = gradient is not None and torch.equal(gradient, result)
        self._clamps.clear()
        parameters: dict[int, Tensor] = {}
        weights: dict[int, Tensor] = {}
        has_gradient = False
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                key = self.values.id_of(parameter)
                parameters[key] = parameter
                weights[key] = _copy(parameter)
                has_gradient = has_gradient or not _is_empty(parameter.grad)
        return {
            "parameters": parameters,
            **self._use(parameters),
            "given": has_gradient,
            "weights": weights,
        }

    @unwatched
    def after_step(self, optimizer: Optimizer, before: dict[str, Any]) -> None:
        """Record a step that an optimiser has just taken."""
        parameters: dict[int, Tensor] = before["parameters"]
        moved = []
        for key, parameter in parameters.items():
            if not torch.equal(before["weights"][key], parameter):
                moved.append(key)
            self._weights[key] = _copy(parameter)
            self._returned.pop(key, None)
        group = optimizer.param_groups[0]
        self._add_step(
            [kind.__name__ for kind in type(optimizer).__mro__],
            optimiser=self.values.id_of(optimizer),
            lr=float(group.get("lr", 0.0)),
            maximize=bool(group.get("maximize", False)),
            passes=before["passes"],
            stale=before["stale"],
            given=before["given"],
            parameters=list(parameters),
            moved=moved,
        )

    def _add_step(self, kinds: list[str], **fields: Any) -> None:
        self.steps += 1
        self._idle = 0
        self.add("step", classes=kinds, **fields)

    def _passes_of(self, keys: Iterable[int]) -> set[int]:
        """Return the backward passes that contributed to the gradients of the given parameters."""
        passes: set[int] = set()
        for key in keys:
            passes |= self._passes.get(key, set())
        return passes

    def _use(self, keys: Iterable[int]) -> dict[str, list[int]]:
        """Return the backward passes whose gradients a step uses.

        A pass is stale if an earlier step has already used its gradients.
        """
        passes = self._passes_of(keys)
        stale = passes & self._used
        self._used |= passes
        return {"passes": sorted(passes), "stale": sorted(stale)}

    @unwatched
    def clipped(self, name: str, parameters: list[Tensor]) -> None:
        """Record a call that clips gradients."""
        keys = set(map(self.values.id_of, parameters))
        self._add_clip(name, sorted(keys), kept=True)

    def _add_clip(self, name: str, keys: list[int], kept: bool) -> int:
        """Record that the gradients of parameters were clipped.

        Args:
            kept: True if the gradients were clipped in place; False if the clipped values are so
                far only in a new tensor.
        """
        is_fresh = bool(self._passes_of(keys) - self._used)
        return self.add("clip", name=name, fresh=is_fresh, kept=kept, parameters=keys)

    def made(self, name: str, args: Any, result: Any) -> None:
        """Record a call to a torch function if the function is a clamp or a softmax."""
        if not self.on:
            return
        if name in CLAMPS and isinstance(args[0], Tensor):
            self.clamped(name, args[0], result)
        elif name in SOFTMAX and not self.full():
            self.add("softmax", name=name, output=self.values.id_of(result))

    @unwatched
    def clamped(self, name: str, tensor: Tensor, result: Tensor) -> None:
        """Record a call to a clamp function if the input of the call is a parameter's gradient."""
        key = self._key_of_gradient(tensor)
        if key is None:
            return
        if name.endswith("_"):  # in place
            self._add_clip(name, [key], kept=True)
        elif not torch.equal(tensor, result):  # otherwise nothing was clipped
            event = self._add_clip(name, [key], kept=False)
            self._clamps.append((event, key, result))

    def _key_of_gradient(self, tensor: Tensor) -> int | None:
        """Return the id of the parameter whose gradient shares memory with `tensor`, or None if
        there is no such parameter.
        """
        for key, parameter in self._reached.items():
            gradient = parameter.grad
            if gradient is not None and gradient.data_ptr() == tensor.data_ptr():
                return key
        return None

    @unwatched
    def see_gradients(self) -> None:
        """Forget the backward passes whose gradients have been deleted or set to zero, and notice
        the gradients that torch.autograd.grad returned and that a parameter now holds.
        """
        for key in list(self._passes):
            if _is_empty(self._reached[key].grad):
                del self._passes[key]
        for key, returned in list(self._returned.items()):
            gradient = self._reached[key].grad
            if gradient is None or _is_empty(gradient):
                continue
            if torch.equal(gradient, returned.gradients[key]):
                self._use_returned(key)

    @unwatched
    def see_moves_by_hand(self) -> None:
        """Record an optimisation step if the program has changed parameters without an optimiser,
        and if some of these parameters have gradients that no earlier step has used.
        """
        moved = []
        for key, old in self._weights.items():
            if key in self._reached and not torch.equal(old, self._reached[key]):
                moved.append(key)
                self._weights[key] = _copy(self._reached[key])
                if key in self._returned and self._reached[key].grad is None:
                    self._use_returned(key)
        used = self._use(moved)
        if used["passes"] == used["stale"]:
            return  # without a new gradient, weights are only kept within bounds
        self._add_step(
            [],
            optimiser=None,
            lr=None,
            maximize=False,
            **used,
            given=True,
            parameters=moved,
            moved=moved,
        )


def _first_with_gradient(result: Any) -> Tensor | None:
    """Return a result's first non-scalar tensor that requires a gradient, or None."""
    for tensor in tensors_in(result):
        if tensor.requires_grad and tensor.dim():
            return tensor
    return None


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().clone()


def _is_empty(gradient: Tensor | None) -> bool:
    """Return True if a gradient is missing or all zero."""
    return gradient is None or not bool(gradient.any())
