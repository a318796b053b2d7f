"""What the judge is told about networks."""

import inspect
from collections.abc import Mapping
from typing import Any

from torch import nn

from toolkit.assignment.check.child.places import line_of, within
from toolkit.assignment.check.child.script.values import Values


def describe_networks(
    networks: Mapping[int, nn.Module], values: Values, root: str
) -> list[dict[str, Any]]:
    """Networks by their id, with the ids of their parameters."""
    return [
        {
            "id": key,
            "parameters": [values.id_of(p) for p in network.parameters()],
            **describe_network(network, root),
        }
        for key, network in networks.items()
    ]


def describe_network(network: nn.Module, root: str) -> dict[str, Any]:
    """Its class and where that is, the names of its parameters, and what is in it.

    Args:
        root: of the submission; a place elsewhere is not told.
    """
    kind = type(network)
    try:
        file = inspect.getsourcefile(kind) or ""
    except (OSError, TypeError):
        file = ""
    place = within(file, root)
    return {
        "class": kind.__name__,
        "file": place,
        "line": line_of(kind) if place else None,
        "forward_line": line_of(kind, "forward") if place else None,
        "names": [name for name, _ in network.named_parameters()],
        "classes": sorted({k.__name__ for m in network.modules() for k in type(m).__mro__[:-2]}),
        "training": network.training,
    }
