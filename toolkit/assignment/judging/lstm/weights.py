"""Distinguishes a network's weights from its states, and gives the weights new values."""

import math
from typing import Any

import torch
from torch import Tensor

from toolkit.assignment.judging.lstm.network import HIDDEN, Network
from toolkit.assignment.running.names import meaning

WEIGHT, BIAS = 0.35, 0.35  # standard deviations of the weights that are tried


def find_counting(network: Network) -> None:
    """Find the tensors whose initial values affect the output of the network.

    A tensor's initial values have no effect if every forward pass overwrites the tensor before
    reading it.
    """
    x = network.digits(network.usage.batch, network.usage.steps)
    rng = torch.Generator().manual_seed(0)
    tensors = network.tensors
    network.build()
    usual = network.run([x])[0]
    for tensor in tensors:
        if tensor["kind"] == "parameter" and not tensor["unfilled"]:
            continue
        network.build()
        value = torch.randn(tensor["shape"], generator=rng)
        network.child.ask.put(values={tensor["name"]: value})
        if not torch.equal(usual, network.run([x])[0]):
            network.counting.add(tensor["name"])
    network.build()


def randomise(
    network: Network,
    keep: frozenset[str] = frozenset(),
    scale: float = 1.0,
    same: frozenset[str] = frozenset(),
) -> None:
    """Give every weight and bias a new random value.

    Args:
        keep: the names of tensors that get no random values, but are reset to their initial values.
        scale: a factor by which all random values are multiplied.
        same: the names of tensors with a row for each sequence; all rows of such a tensor get the
            same values.
    """
    rng = torch.Generator().manual_seed(1)
    values: dict[str, Tensor | None] = {}
    for tensor in network.tensors:
        name = tensor["name"]
        value = _random_value(tensor, network, name in same, rng)
        if name in keep or name in network.states:
            values[name] = None
        elif is_weight(tensor, network):
            values[name] = scale * value
    network.child.ask.put(values=values)


def _random_value(
    tensor: dict[str, Any], network: Network, has_rows: bool, rng: torch.Generator
) -> Tensor:
    """Draw random values for a tensor; if the tensor has a row for each sequence, all rows are
    equal.

    Args:
        has_rows: True if the tensor is known to have a row for each sequence; otherwise, this is
            inferred from its shape.
    """
    shape: list[int] = tensor["shape"]
    hidden, batch = network.usage.hidden or 128, network.usage.batch
    if len(shape) > 1 and batch in shape and (has_rows or batch != hidden):
        single = list(shape)
        single[shape.index(batch)] = 1
        return torch.randn(single, generator=rng).expand(shape) * BIAS
    is_matrix = len(shape) > 1 and max(shape) > 1
    deviation = WEIGHT * math.sqrt(HIDDEN / max(HIDDEN, hidden)) if is_matrix else BIAS
    return torch.randn(shape, generator=rng) * deviation


def is_weight(tensor: dict[str, Any], network: Network) -> bool:
    """True if a tensor is probably a weight or a bias, and not an initial state."""
    if tensor["kind"] == "parameter":
        return not (tensor["zero"] and not tensor["grad"])
    if tensor["name"] not in network.counting or tensor["name"] in network.states:
        return False
    if tensor["kind"] == "buffer":
        return counts_always(tensor, network)
    if not tensor["zero"] or tensor["uses"] >= network.usage.steps - 1:
        return True
    is_of_readout = math.prod(tensor["shape"]) == 10 != network.usage.hidden
    return bool(tensor["uses"]) and is_of_readout


def unlearnt(network: Network) -> list[str]:
    """Return the names of the weights and biases that are missing from `parameters()`."""
    names = []
    for tensor in network.tensors:
        if tensor["kind"] == "parameter" or not tensor["uses"]:
            continue
        if not is_weight(tensor, network) or is_state(tensor):
            continue
        if not is_factor(tensor, network):
            names.append(tensor["name"])
    return names


def is_factor(tensor: dict[str, Any], network: Network) -> bool:
    """True if a vector multiplies a parameter: the parameter affects the output, but no longer does
    so if all entries of the vector are 0.

    Such a vector is a constant, like the 2 in tanh(a) = 2 sigmoid(2a) - 1. It is neither a weight
    nor a bias, because equations (1) to (6) do not multiply a weight or a bias by another vector
    of constants. The matrix of the readout, equation (7), is not a vector.
    """
    if len(tensor["shape"]) != 1:
        return False
    zeros: dict[str, Tensor | None] = {tensor["name"]: torch.zeros(tensor["shape"])}
    for parameter in network.tensors:
        if parameter["kind"] != "parameter" or not parameter["uses"]:
            continue
        if _has_effect(parameter, {}, network) and not _has_effect(parameter, zeros, network):
            return True
    return False


def _has_effect(
    parameter: dict[str, Any], values: dict[str, Tensor | None], network: Network
) -> bool:
    """True if a parameter affects the output of the network while other tensors have the given
    values.
    """
    x = network.digits(network.usage.batch, network.usage.steps)
    rng = torch.Generator().manual_seed(0)
    drawn: Tensor = torch.randn(parameter["shape"], generator=rng)
    outputs = []
    for changed in (values, {**values, parameter["name"]: drawn}):
        network.build()
        network.child.ask.put(values=changed)
        outputs.append(network.run([x])[0])
    network.build()
    return not torch.equal(*outputs)


def is_state(tensor: dict[str, Any]) -> bool:
    """True if the tensor's name suggests an initial state."""
    return meaning(tensor["name"].split(".")[-1], "attributes") == "state"


def counts_always(buffer: dict[str, Any], network: Network) -> bool:
    """True if a buffer is probably a weight or a bias. This is so if nearly every step uses the
    buffer, its last dimension is a multiple of the hidden size, and it does not hold running
    statistics.
    """
    shape, hidden = buffer["shape"], network.usage.hidden
    return bool(
        hidden
        and shape
        and shape[-1] % hidden == 0
        and buffer["uses"] >= network.usage.steps - 1 > 0
        and "running_" not in buffer["name"]
    )
