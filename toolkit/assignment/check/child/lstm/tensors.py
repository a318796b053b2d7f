"""Tensors in what a student's code makes: in a network's attributes, in what a forward returns."""

import sys
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

MAX_DEPTH = 4
NOT_THEIRS = {"torch", "numpy", *sys.stdlib_module_names}


def all_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Every tensor of a network, by name."""
    return dict([*network.named_parameters(), *network.named_buffers(), *loose_tensors(network)])


def described(network: nn.Module) -> list[dict[str, Any]]:
    """Of each floating tensor of a network its name, kind and shape, and what is in it."""
    kinds = {name: "parameter" for name, _ in network.named_parameters()}
    kinds |= {name: "buffer" for name, _ in network.named_buffers()}
    return [
        {
            "name": name,
            "kind": kinds.get(name, "loose"),
            "shape": list(x.shape),
            "grad": x.requires_grad,
            "zero": not bool(x.detach().any()),
            "unfilled": bool(x.detach().isnan().any()),
        }
        for name, x in all_tensors(network).items()
        if x.is_floating_point()
    ]


def changed(before: Mapping[str, tuple[int, Tensor]], network: nn.Module) -> dict[str, list[str]]:
    """What a forward has changed.

    Args:
        before: of each tensor of the network its id, and a copy of its values.

    Returns:
        the names of the parameters that it has replaced (`remade`); and of other tensors that are
        others or have other values now (`kept`), first of those that were there before.
    """
    parameters = dict(network.named_parameters())
    replaced, kept = [], []
    for name, x in all_tensors(network).items():
        number, values = before.get(name, (0, None))
        if number != id(x) and name in parameters:
            replaced.append(name)
        elif number != id(x) or values is None or not torch.equal(x.detach(), values):
            kept.append(name)
    kept = [name for name in kept if name not in parameters]
    return {"remade": replaced, "kept": sorted(kept, key=lambda name: name not in before)}


def loose_tensors(network: nn.Module) -> list[tuple[str, Tensor]]:
    """Tensors that the network has, but that are neither its parameters nor its buffers.

    They are attributes, or items of lists and dictionaries, or belong to modules or to objects of a
    student's own in such.
    """
    registered = {id(x) for x in [*network.parameters(), *network.buffers()]}
    found: list[tuple[str, Tensor]] = []
    seen: set[int] = set()

    def visit(name: str, value: Any, depth: int = 0) -> None:
        if isinstance(value, Tensor):
            if id(value) not in registered:
                found.append((name, value))
        elif isinstance(value, nn.Module):
            found.extend(
                (f"{name}.{n}", p) for n, p in value.named_parameters() if id(p) not in registered
            )
        elif depth < MAX_DEPTH and isinstance(value, list | tuple | dict):
            for k, x in value.items() if isinstance(value, dict) else enumerate(value):
                visit(f"{name}[{k!r}]", x, depth + 1)
        elif depth < MAX_DEPTH and _is_theirs(value) and id(value) not in seen:
            seen.add(id(value))
            for k, x in vars(value).items():
                visit(f"{name}.{k}", x, depth + 1)

    for prefix, module in network.named_modules():
        for name, value in vars(module).items():
            if not name.startswith("_") or isinstance(value, Tensor):
                visit(f"{prefix}.{name}" if prefix else name, value)
    return found


def _is_theirs(value: Any) -> bool:
    """Whether it is an object of a class of a student's own."""
    module = type(value).__module__
    return hasattr(value, "__dict__") and module.partition(".")[0] not in NOT_THEIRS
