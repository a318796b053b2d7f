"""What the judge is told about networks."""

from typing import Any

from torch import nn

from toolkit.assignment.check.child.places import NOWHERE, place_of_class
from toolkit.assignment.check.child.script.trace import Trace


def describe_networks(trace: Trace) -> list[dict[str, Any]]:
    """The networks that were seen: the classes, the parameters, and what was made where."""
    return [_described(key, network, trace) for key, network in trace.networks.items()]


def _described(key: int, network: nn.Module, trace: Trace) -> dict[str, Any]:
    kind, origins = type(network), trace.origins
    file, line = place_of_class(kind, trace.root) or NOWHERE
    forward = place_of_class(kind, trace.root, "forward") or NOWHERE
    names = [name for name, _ in network.named_parameters()]
    layers = [module for module in network.modules() if not list(module.children())]
    return {
        "id": key,
        "parameters": [trace.values.id_of(p) for p in network.parameters()],
        "class": kind.__name__,
        "file": file,
        "line": line,
        "forward_line": forward[1],
        "names": names,
        "classes": sorted({k.__name__ for m in network.modules() for k in type(m).__mro__[:-2]}),
        "training": network.training,
        "made": origins.of_module(network),
        "made_last": origins.of_module(layers[-1]),
        "made_parameters": [origins.of(network, name) for name in names],
    }
