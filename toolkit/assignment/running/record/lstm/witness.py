"""A record of how a student's training script builds and calls its network.

The script is stopped once a backward pass has reached the network that is being checked. If the
script calls the network once for each time step, the loop over the time steps is treated as part of
the network.
"""

import copy
import inspect
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from toolkit.assignment.running.names import meaning
from toolkit.assignment.running.record.script.loops import SHORT
from toolkit.assignment.running.record.script.running import Script
from toolkit.assignment.running.record.script.tracer import MAX_EVENTS, EnoughSteps, Tracer
from toolkit.assignment.running.record.script.values import tensors_in

CLASSES = 10
VARIED = ("hidden", "batch", "steps", "device")  # arguments that the experiments change


class Call(NamedTuple):
    """One call of a network: its flattened arguments, and the tensors that the network returned."""

    network: nn.Module
    leaves: list[Any]
    spec: TreeSpec  # structure of the positional and named arguments
    outputs: list[Tensor]


class Layout(NamedTuple):
    """The layout of an input tensor of digits: its axes, its encoding of the digits, its batch size
    and its number of time steps.
    """

    axes: str  # b: sequences, t: time steps, d: dimensions; "bf" combines t and d
    dim: int  # 10 for one-hot digits, 1 for digits as floats, 0 for integers
    batch: int
    steps: int


class Readout(NamedTuple):
    """A module of the network that the script itself calls to compute the logits from one of the
    network's outputs.
    """

    name: str
    output: int  # index of the network's output that the module reads


class Seen:
    """How a student's training script built and called a network.

    Args:
        calls: the calls to the network that led to one loss, in order; if there are several, each
            is assumed to be one time step of a loop.
        others: the calls of other modules that led to the same loss.
        args, kwargs: the arguments of the constructor.
        rows: the possible batch sizes, taken from the shape of the labels that the loss function
            received.
    """

    def __init__(
        self,
        calls: Sequence[Call],
        others: Sequence[Call],
        args: Any,
        kwargs: Mapping[str, Any],
        rows: set[int],
    ) -> None:
        self.kind = type(calls[0].network)
        self.dtype = next(calls[0].network.parameters()).dtype
        self.built = inspect.signature(self.kind).bind(*args, **kwargs)
        self.built.apply_defaults()
        self.loop = len(calls) > 1
        self.first, self.later = calls[0], calls[-1]
        self.carried: dict[int, int] = {}
        if self.loop:
            self.later = calls[1]
            self.carried = _carried(self.first, self.later)
        predicted = calls[-1].outputs
        self.readout: Readout | None = None
        if not _has_logits(predicted):
            self.readout, predicted = _find_readout(calls[-1], others)
        self.input, self.layout = self._find_input(calls, predicted, rows)
        self.predicts = _has_logits(predicted)
        self.sizes = self._sizes(self.built.arguments)

    def _find_input(
        self, calls: Sequence[Call], predicted: Sequence[Tensor], rows: set[int]
    ) -> tuple[int, Layout | None]:
        """Return the index of the argument that contains the digits, and the digits' layout.

        Args:
            predicted: the tensors among which the logits are.
        """
        shapes = [output.shape for output in predicted if CLASSES in output.shape]
        rows = rows.intersection(*shapes)
        if not rows:
            for shape in shapes:
                rows |= {*shape[:-1]}
        for k, leaf in enumerate(calls[0].leaves):
            if not isinstance(leaf, Tensor) or k in self.carried:
                continue
            if self.loop:
                leaf = torch.stack([call.leaves[k] for call in calls])
            layout = find_layout(leaf, rows, self.loop)
            if layout is not None:
                return k, layout
        return 0, None

    def _sizes(self, named: Mapping[str, Any]) -> dict[str, int]:
        """Return the hidden size, the batch size and the number of time steps that the arguments
        contain, directly or in objects that hold settings.
        """
        sizes: dict[str, int] = {}
        for name, value in named.items():
            word = meaning(name, "network")
            if word == "settings":
                sizes |= self._sizes(_inside(value))
            elif word in VARIED and word != "device" and self._is_size(word, value):
                sizes[word] = value
        return sizes

    def _change(self, named: MutableMapping[str, Any], varied: Mapping[str, Any]) -> None:
        """Replace each size among the arguments, and the device, with its new value in `varied`, if
        there is one. If an argument is an object that holds settings, replace the object with a
        copy, and make the same changes in the copy.
        """
        for name, value in list(named.items()):
            word = meaning(name, "network")
            if word == "settings":
                named[name] = copy.copy(value)
                self._change(_inside(named[name]), varied)
            elif word is not None and word in varied and self._is_size(word, value):
                named[name] = varied[word]

    def _is_size(self, word: str, value: Any) -> bool:
        """Return True if an argument's value is plausible for the quantity that `word` names, such
        as "batch", given the sizes in the recorded calls.
        """
        if word == "device" or self.layout is None:
            return word == "device"
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        called = {"batch": self.layout.batch, "steps": self.layout.steps}
        return abs(value - called.get(word, value)) <= (word == "steps")

    def said(self) -> dict[str, Any] | None:
        """Return the layout of the network's input, and a number of extra time steps. This number
        says by how many steps the length given to the constructor exceeds the length of the input.
        The result is None if it is unclear how the script uses the network.
        """
        states_inside = self.loop and not self.carried  # it is unclear when the states begin again
        if self.layout is None or not self.predicts or states_inside:
            return None
        steps = self.layout.steps
        # A network that is built for fewer digits than it gets is judged with the smaller number.
        extra = max(0, self.sizes.get("steps", steps) - steps)
        return {**self.layout._asdict(), "extra": extra}

    def build(self, kind: type, sizes: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Build the network with the arguments that the training script used, except for the sizes
        given in `sizes`.

        Args:
            kind: the class of the network.
            sizes: a dictionary that maps the meaning of an argument, such as "hidden", to a new
                value; None keeps the student's value.

        Returns:
            the network, and a dictionary whose keys are the names of the sizes that the network's
            constructor takes, such as "hidden". Every value in this dictionary is None, because
            this method does not determine the sizes' defaults.
        """
        varied = {word: sizes[word] for word in VARIED if sizes.get(word) is not None}
        bound = inspect.signature(kind).bind(*self.built.args, **self.built.kwargs)
        self._change(bound.arguments, varied)
        network = kind(*bound.args, **bound.kwargs).to(self.dtype)
        return network, dict.fromkeys(self.sizes)

    def call(self, network: Any, x: Tensor, hidden: int | None) -> Any:
        """Call a network with an input that has the same layout as the inputs in the student's
        training.

        If the student's code loops over the time steps, the result is the output of the last time
        step. If the code calls one of the network's modules to compute the logits, so does this
        method.
        """
        assert self.layout is not None
        if x.is_floating_point():
            x = x.to(self.dtype)
        call = self.first
        outputs: list[Tensor] = []
        inputs: Iterable[Tensor] = [x]
        if self.loop:
            inputs = x
        for step_input in inputs:
            leaves = [self._resized(leaf, x, hidden) for leaf in call.leaves]
            leaves[self.input] = step_input
            if outputs:
                for k, output in self.carried.items():
                    leaves[k] = outputs[output]
            args, kwargs = tree_unflatten(leaves, call.spec)
            result = network(*args, **kwargs)
            call, outputs = self.later, list(tensors_in(result))
        if self.readout is not None:
            return network.get_submodule(self.readout.name)(outputs[self.readout.output])
        return result

    def _resized(self, leaf: Any, x: Tensor, hidden: int | None) -> Any:
        """Adapt an argument of a recorded call to a new input and a new hidden size.

        The batch size and the length of the new input may differ from those in the recorded call.
        """
        assert self.layout is not None
        axes, steps = self.layout.axes, self.layout.steps
        batch = x.size(axes.index("b"))
        if type(leaf) is int:
            new_steps = _steps(axes, x.shape)
            changes = {steps + 1: new_steps + 1, steps: new_steps, self.layout.batch: batch}
            return changes.get(leaf, leaf)
        if not isinstance(leaf, Tensor):
            return leaf
        hidden_size = self.sizes.get("hidden")
        batches = {self.layout.batch: batch}  # the batch has priority over an equal hidden size
        for axis, size in enumerate(leaf.shape):
            wanted = size
            if size in batches:
                wanted = batches.pop(size)
            elif hidden and size == hidden_size:
                wanted = hidden
            leaf = leaf.index_select(axis, torch.arange(wanted) % size)
        return x.new_zeros(leaf.shape, dtype=leaf.dtype).copy_(leaf)


class Witness(Script):
    """A training script that is run until a backward pass has reached the network being checked.

    Args:
        name: the name of the network's class. The script is stopped as soon as a backward pass
            reaches a network of this class. If the name is None, the networks of all classes are
            recorded, and the script is not stopped at a backward pass.
    """

    def __init__(self, root: Path, file: str, name: str | None, max_seconds: float) -> None:
        self._name = name
        self.seen: dict[str, Seen] = {}
        super().__init__(root, file, SHORT, max_seconds)

    def _begin(self, tracer: Tracer) -> None:
        super()._begin(tracer)
        self._calls = deque[Call](maxlen=MAX_EVENTS)
        self._rows: set[int] = set()  # possible batch sizes, from the labels
        tracer.called = self._called  # type: ignore[method-assign]
        tracer.add = partial(self._add, tracer.add)  # type: ignore[method-assign]

    @property
    def _is_it(self) -> bool:
        return bool(self.seen) and self._name in {None, *self.seen}

    def _called(self, network: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        leaves, spec = tree_flatten((args, kwargs))
        if network in self.tracer.built or len(leaves) == 1:  # a readout takes one tensor
            self._calls.append(Call(network, leaves, spec, list(tensors_in(result))))

    def _add(self, add: Callable[..., int], kind: str, **fields: Any) -> int:
        index = add(kind, **fields)
        if kind == "loss" and fields["target"]:
            self._rows = {*fields["target"]["shape"][:1]}
        if kind in ("backward", "gradients"):
            self._look()
        return index

    def _look(self) -> None:
        """Find the calls of networks whose outputs were used to compute the loss of the current
        backward pass.
        """
        reached = [call for call in self._calls if self._is_reached(call)]
        self._calls.clear()
        calls_of: dict[int, list[Call]] = defaultdict(list)  # by network
        for call in reached:
            calls_of[id(call.network)].append(call)
        for calls in calls_of.values():
            network = calls[0].network
            if network not in self.tracer.built:
                continue
            name = type(network).__name__
            args, kwargs = self.tracer.built[network]
            others = [call for call in reached if call.network is not network]
            self.seen[name] = Seen(calls, others, args, kwargs, self._rows)
            if name == self._name:
                raise EnoughSteps

    def _is_reached(self, call: Call) -> bool:
        """Return True if the backward pass went through an output of this call to a network."""
        for output in call.outputs:
            if output.grad_fn is not None and output.grad_fn in self.tracer.nodes:
                return True
        return False


def _has_logits(outputs: Iterable[Tensor]) -> bool:
    """Return True if the logits of the ten digits may be among the outputs."""
    return any(CLASSES in output.shape[-2:] for output in outputs)


def _find_readout(last: Call, others: Iterable[Call]) -> tuple[Readout | None, list[Tensor]]:
    """Find the module of a network that the script calls to compute the logits.

    Args:
        last: the network's call of the last time step.
        others: the calls of other modules.

    Returns:
        the module, and its outputs; (None, []) if there is no such module.
    """
    names = {module: name for name, module in last.network.named_modules()}
    for call in others:
        if call.network not in names or not _has_logits(call.outputs):
            continue
        for k, output in enumerate(last.outputs):
            if _ends_with(call.leaves[0], output):
                return Readout(names[call.network], k), call.outputs
    return None, []


def _ends_with(x: Any, last: Tensor) -> bool:
    """Return True if a tensor is the output of the last time step, or contains the outputs of all
    steps.
    """
    if not isinstance(x, Tensor):
        return False
    candidates = [x]
    if x.dim() == last.dim() + 1:
        candidates += [x.select(axis, -1) for axis in range(x.dim())]
    return any(
        candidate.shape == last.shape and torch.equal(candidate, last) for candidate in candidates
    )


def _inside(settings: Any) -> MutableMapping[str, Any]:
    """Return a mapping from names to values for an object that holds settings, such as a dictionary
    or a namespace.
    """
    if isinstance(settings, MutableMapping):
        return settings
    return cast(MutableMapping[str, Any], getattr(settings, "__dict__", {}))


def find_layout(x: Tensor, rows: set[int], stepwise: bool) -> Layout | None:
    """Find out which axis of a tensor of digits is which, and how the digits are encoded.

    The result is None if the axes or the encoding cannot be determined. For example, the tensor may
    contain no digits, or it may be impossible to tell its batch axis from its time axis.

    Args:
        rows: the possible batch sizes, taken from the shape of the labels that the loss function
            received.
        stepwise: True if the first axis is the time axis.
    """
    for axes in ("btd", "tbd", "bdt", "bf", "bt", "tb"):
        if len(axes) != x.dim() or (stepwise and axes[0] != "t"):
            continue
        batch = x.size(axes.index("b"))
        if batch not in rows:
            continue
        if not stepwise and axes != "bf" and x.size(axes.index("t")) == batch:
            return None
        dim = _encoding(x, axes)
        if dim is not None:
            return Layout(axes, dim, batch, _steps(axes, x.shape))
    return None


def _steps(axes: str, shape: Sequence[int]) -> int:
    """Return the number of time steps in a tensor of the given shape; `axes` names the tensor's
    axes, as in `Layout.axes`.
    """
    if axes == "bf":
        return shape[1] // CLASSES
    return shape[axes.index("t")]


def _encoding(x: Tensor, axes: str) -> int | None:
    """Return a number for the way in which a tensor encodes digits, as in `Layout.dim`. The number
    is 10 for one-hot digits, 1 for floats and 0 for integers. The result is None if the tensor uses
    none of these encodings.
    """
    if "d" in axes:
        x = x.movedim(axes.index("d"), -1)
    if axes == "bf" and x.size(-1) % CLASSES == 0:
        x = x.unflatten(-1, (-1, CLASSES))
    if axes in ("bt", "tb") or ("d" in axes and x.size(-1) == 1):
        return int(x.is_floating_point())
    if x.size(-1) != CLASSES:
        return None
    is_one_hot = bool(((x == 0) | (x == 1)).all() & (x.sum(-1) == 1).all())
    if not is_one_hot:
        return None
    return CLASSES


def _carried(first: Call, second: Call) -> dict[int, int]:
    """Find the arguments of a call that equal outputs of the previous call.

    The result maps the index of each argument of `second` that equals an output of `first` to the
    index of this output.
    """
    carried = {}
    for k, leaf in enumerate(second.leaves):
        if not isinstance(leaf, Tensor):
            continue
        for output, tensor in enumerate(first.outputs):
            if leaf.shape == tensor.shape and torch.equal(leaf, tensor):
                carried[k] = output
    return carried
