"""Which tensors of a network are weights and which are states, and other values for them."""

import math
from typing import Any

import torch
from torch import Tensor

from toolkit.assignment.check.lstm.network import HIDDEN, Network
from toolkit.assignment.check.names import meaning

WEIGHT, BIAS = 0.35, 0.35  # standard deviations of the weights that are tried


def find_counting(network: Network) -> None:
    """Find out which tensors would give another answer if they began with other numbers.

    What every forward fills before it reads it does not, whatever it is called.
    """
    x = network.digits(network.way.batch, network.way.steps)
    rng = torch.Generator().manual_seed(0)
    answers: list[Tensor] = []
    for tensor in [None, *network.tensors]:
        if tensor and tensor["kind"] == "parameter" and not tensor["unfilled"]:
            continue
        network.build()
        if tensor:
            value = torch.randn(tensor["shape"], generator=rng)
            network.student.ask("put", values={tensor["name"]: value})
        answers.append(network.run([x])[0])
        if tensor and not torch.equal(answers[0], answers[-1]):
            network.counting.add(tensor["name"])
    network.build()


def randomise(
    network: Network,
    keep: frozenset[str] = frozenset(),
    scale: float = 1.0,
    same: frozenset[str] = frozenset(),
) -> None:
    """Give every weight and bias another value; what `keep` names has its first one.

    Args:
        scale: how large they are, relative to the usual.
        same: what has a row for each sequence, and is given the same one for all of them.
    """
    rng = torch.Generator().manual_seed(1)
    hidden, batch = network.way.hidden or 128, network.way.batch
    usual = WEIGHT * math.sqrt(HIDDEN / max(HIDDEN, hidden))
    values: dict[str, Tensor | None] = {}
    for tensor in network.tensors:
        shape, name = tensor["shape"], tensor["name"]
        if len(shape) > 1 and batch in shape and (name in same or batch != hidden):
            one = [1 if k == shape.index(batch) else n for k, n in enumerate(shape)]
            value = torch.randn(one, generator=rng).expand(shape) * BIAS
        else:
            is_matrix = len(shape) > 1 and max(shape) > 1
            value = torch.randn(shape, generator=rng) * (usual if is_matrix else BIAS)
        if name in keep or name in network.states:
            values[name] = None
        elif is_weight(tensor, network):
            values[name] = scale * value
    network.student.ask("put", values=values)


def is_weight(tensor: dict[str, Any], network: Network) -> bool:
    """Whether it is a weight or a bias, not an initial state: it counts at every step."""
    if tensor["kind"] == "parameter":
        return not (tensor["zero"] and not tensor["grad"])
    if tensor["name"] not in network.counting or tensor["name"] in network.states:
        return False
    if tensor["kind"] == "buffer":
        return counts_always(tensor, network)
    of_readout = bool(tensor["uses"]) and math.prod(tensor["shape"]) == 10 != network.way.hidden
    return not tensor["zero"] or tensor["uses"] >= network.way.steps - 1 or of_readout


def unlearnt(network: Network) -> list[str]:
    """Weights and biases that are no parameters."""
    others = [t for t in network.tensors if t["kind"] != "parameter"]
    return [t["name"] for t in others if t["uses"] and is_weight(t, network) and not is_state(t)]


def is_state(tensor: dict[str, Any]) -> bool:
    """Whether a tensor is called like an initial state."""
    return meaning(tensor["name"].split(".")[-1], "attributes") == "state"


def counts_always(buffer: dict[str, Any], network: Network) -> bool:
    """Whether every step uses this buffer, and it is as large as a bias or a weight."""
    shape, hidden = buffer["shape"], network.way.hidden
    return bool(
        hidden
        and shape
        and shape[-1] % hidden == 0
        and buffer["uses"] >= network.way.steps - 1 > 0
        and "running_" not in buffer["name"]
    )
