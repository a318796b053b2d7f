"""The conversion of the image networks (generator, discriminator and classifier) into lists of
layers, from which the playground's web page computes the networks' outputs.

The network is run, and the torch operations that it performs on its input are recorded as layers,
so it does not matter how its code is written.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from toolkit.common.errors import ToolkitError
from toolkit.export.golden import example_inputs

BATCH = 2  # images in a record: a network may treat a single image differently
# Operations that change only the shape of a tensor.
RESHAPES = {
    *("view", "_unsafe_view", "reshape", "flatten", "unsqueeze", "squeeze"),
    *("alias", "detach", "clone", "contiguous"),
}
# The keys are "op", "of" (the places of the inputs), "shape" and the operation's parameters.
Layer = dict[str, Any]


def layers_of(path: Path, network: Any, name: str) -> tuple[dict[str, Tensor], list[Layer]]:
    """Return the weights and the layers of a network whose only input is one tensor.

    Args:
        path: the path to show in error messages.
        name: the name under which the network is exported, such as "generator"; the name determines
            whether the network is run on latent points or on images.

    Raises:
        ToolkitError: the network performs an operation that the page cannot compute, or its
            operations vary with the input or with random numbers.
    """
    first = _recorded(path, network, example_inputs(name, network, 2)[0])
    second = _recorded(path, network, example_inputs(name, network, 3)[0])
    same_tensors = all(map(torch.equal, first.tensors.values(), second.tensors.values()))
    if first.layers != second.layers or not same_tensors:
        raise ToolkitError(
            f"The operations of {path} depend on its input or on random numbers, so it is not a "
            "list of layers that the page could compute; the demos can show it. Nothing was "
            "written."
        )
    return first.tensors, first.layers


@torch.no_grad()
def _recorded(path: Path, network: Any, examples: Tensor) -> "_Record":
    x = examples[:BATCH].clone()
    record = _Record(x)
    with record:
        network(x)
    if record.foreign:
        raise ToolkitError(
            f"{path} calls torch's {record.foreign}, which the page in one file cannot compute; "
            "the demos can. Nothing was written."
        )
    return record


class _Record(TorchDispatchMode):
    """A recorder of the operations that lead from a network's input to its output.

    Attributes:
        layers: the layers in order; the first layer is the input, and the last layer is the output.
        tensors: the layers' weights and biases, under "<place>.weight" and "<place>.bias", where
            <place> is the layer's index in `layers`.
        foreign: the name of an operation that the page does not support, or "" if the page supports
            all operations.
    """

    def __init__(self, x: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.layers: list[Layer] = [{"op": "input", "of": [], "shape": list(x.shape[1:])}]
        self.tensors: dict[str, Tensor] = {}
        self.foreign = ""
        self._places = {id(x): 0}
        self._alive: list[Any] = [x]  # keeps each id unique

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if result is None:  # an assertion; a .pt2 file has many assertions
            return result
        inputs = [self._places[id(x)] for x in tree_leaves(args) if id(x) in self._places]
        name = function.overloadpacket.__name__
        output = result[0] if isinstance(result, tuple) else result
        if torch.Tag.nondeterministic_seeded in function.tags:
            self.foreign = name
            self._add({}, inputs, output)
        elif inputs:
            layer = self._layer_of(name, args, kwargs, inputs, output)
            if layer is None:
                self.foreign = self.foreign or name
            self._add(layer or {}, inputs, output)
        return result

    def _layer_of(
        self, name: str, args: Any, kwargs: Any, inputs: list[int], output: Tensor
    ) -> Layer | None:
        """Return the layer for an operation, or None if the operation is not supported.

        An operation is supported only if one or two of its operands depend on the network's input.
        """
        first = args[1] if name == "addmm" else args[0]
        if id(first) not in self._places or len(output) != BATCH or len(inputs) > 2:
            return None
        return _layer(name.rstrip("_"), args, kwargs, len(inputs))

    def _add(self, layer: Layer, inputs: list[int], output: Tensor) -> None:
        """Add a layer to `layers`, and the weights of the layer to `tensors`."""
        place = len(self.layers)
        for key in ("weight", "bias"):
            if key in layer:
                self.tensors[f"{place}.{key}"] = layer.pop(key).detach()
        self.layers.append({**layer, "of": inputs, "shape": list(output.shape[1:])})
        self._places[id(output)] = place
        self._alive.append(output)


def _layer(called: str, args: Sequence[Any], kwargs: Any, num_inputs: int) -> Layer | None:
    """Return the layer for an ATen operation, or None if the page does not support the operation.

    Args:
        called: the name of the operation without the in-place suffix "_".
    """
    if called in RESHAPES:
        return {"op": "reshape"}
    if kwargs or (num_inputs == 2 and called not in ("add", "sub")):
        return None
    match called, *args:
        case "add" | "sub", a, b if num_inputs == 2:
            if a.shape != b.shape:
                return None
            return {"op": "add", "sign": 1 if called == "add" else -1}
        case "add" | "sub" | "rsub" | "mul" | "div" | "neg", _, *others:
            return _affine(called, *others)
        case "addmm", bias, x, weight if x.dim() == 2 and bias.dim() == 1:
            return {"op": "linear", "weight": weight.t(), "bias": bias}
        case "mm", _, weight:
            return {"op": "linear", "weight": weight.t(), "bias": torch.zeros(weight.size(1))}
        case "convolution" | "_convolution", _, weight, bias, [s, x], [p, y], [
            1,
            1,
        ], back, _, 1, *_:
            return _convolution(weight, bias, (s, x), (p, y), bool(back))
        case "native_batch_norm", _, weight, bias, mean, variance, False, _, epsilon:
            return _batch_norm(weight, bias, mean, (variance.double() + epsilon).rsqrt())
        case "relu", _:
            return {"op": "leaky", "slope": 0}
        case "leaky_relu", _, *slope:
            return {"op": "leaky", "slope": slope[0] if slope else 0.01}
        case "tanh" | "sigmoid" | "erf" | "log", _:
            return {"op": called}
        case "clamp", _, low, high:
            return {"op": "clamp", "low": low, "high": high}
        case "upsample_nearest2d", _, _, *_:
            return {"op": "resize", "smooth": False}
        case "upsample_bilinear2d", _, _, False, *_:  # corners are not aligned
            return {"op": "resize", "smooth": True}
        case "mean", x, [1], True if x.dim() == 4:
            return {"op": "channels", "share": 1 / x.size(1)}
        case "repeat", x, [1, _, 1, 1] if x.size(1) == 1:
            return {"op": "channels", "share": 1}
        case "pixel_shuffle", _, factor:
            return {"op": "shuffle", "factor": factor}
        case "max_pool2d_with_indices", _, [2, 2], [2, 2] | []:
            return {"op": "pool"}
    return None


def _convolution(
    weight: Tensor,
    bias: Tensor | None,
    strides: tuple[int, int],
    paddings: tuple[int, int],
    transposed: bool,
) -> Layer | None:
    """Return the description of a convolution for the playground's page, or None if the page does
    not support the convolution. The page requires that the stride, padding and kernel size are each
    the same for height and width.
    """
    stride, padding = strides[0], paddings[0]
    if strides[1] != stride or paddings[1] != padding or weight.size(2) != weight.size(3):
        return None
    if bias is None:
        bias = torch.zeros(weight.size(1 if transposed else 0))
    op = "transposed" if transposed else "convolution"
    return {"op": op, "stride": stride, "padding": padding, "weight": weight, "bias": bias}


def _batch_norm(weight: Tensor | None, bias: Tensor | None, mean: Tensor, scale: Tensor) -> Layer:
    """Return the layer for a batch normalisation, y = (x - mean) * scale * weight + bias, where
    `scale` is 1 / sqrt(variance + epsilon).
    """
    if weight is not None:
        scale = weight * scale
    shift = -mean * scale
    if bias is not None:
        shift = bias - mean * scale
    return {"op": "scale", "weight": scale, "bias": shift}


def _affine(called: str, number: Any = 0.0) -> Layer | None:
    """Return the layer y = times * x + plus for an operation on x. The operation is addition,
    subtraction, multiplication, division or negation. The result is None if the second operand,
    `number`, is a tensor of several values.
    """
    if isinstance(number, Tensor) and number.numel() != 1:
        return None
    c = float(number)
    times = {"mul": c, "div": 1 / (c or 1), "rsub": -1, "neg": -1}.get(called, 1)
    return {"op": "affine", "times": times, "plus": {"add": c, "rsub": c, "sub": -c}.get(called, 0)}
