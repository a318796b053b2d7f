"""Tensors in what a student's code makes: in a network's attributes, in what a forward returns."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

MAX_DEPTH = 4
NOT_THEIRS = {"torch", "numpy", *sys.stdlib_module_names}


def all_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Every tensor of a network, by name."""
    return dict([*network.named_parameters(), *network.named_buffers(), *loose_tensors(network)])


def described(network: nn.Module) -> list[dict[str, Any]]:
    """Describe each floating tensor of a network: its name, kind and shape, and what is in it."""
    kinds = {name: "parameter" for name, _ in network.named_parameters()}
    kinds |= {name: "buffer" for name, _ in network.named_buffers()}
    descriptions = []
    for name, tensor in all_tensors(network).items():
        if not tensor.is_floating_point():
            continue
        description = {
            "name": name,
            "kind": kinds.get(name, "loose"),
            "shape": list(tensor.shape),
            "grad": tensor.requires_grad,
            "zero": not bool(tensor.detach().any()),
            "unfilled": bool(tensor.detach().isnan().any()),
        }
        descriptions.append(description)
    return descriptions


def changed(before: Mapping[str, tuple[int, Tensor]], network: nn.Module) -> dict[str, list[str]]:
    """Find the tensors that a forward has changed.

    Args:
        before: of each tensor of the network its id, and a copy of its values.

    Returns:
        the names of the parameters that it has replaced (`remade`); and of other tensors that are
        others or have other values now (`kept`), first of those that were there before.
    """
    parameters = dict(network.named_parameters())
    replaced, kept = [], []
    for name, tensor in all_tensors(network).items():
        number, values = before.get(name, (0, None))
        is_same = number == id(tensor)
        if name in parameters:
            if not is_same:
                replaced.append(name)
        elif not is_same or values is None or not torch.equal(tensor.detach(), values):
            kept.append(name)
    return {"remade": replaced, "kept": sorted(kept, key=lambda name: name not in before)}


def loose_tensors(network: nn.Module) -> list[tuple[str, Tensor]]:
    """Find tensors that the network has, but that are neither its parameters nor its buffers.

    They are attributes, or items of lists and dictionaries, or belong to modules or to objects of a
    student's own in such.
    """
    search = _LooseTensors(network)
    for prefix, module in network.named_modules():
        for name, value in vars(module).items():
            if not name.startswith("_") or isinstance(value, Tensor):
                full_name = name
                if prefix:
                    full_name = f"{prefix}.{name}"
                search.visit(full_name, value)
    return search.tensors


class _LooseTensors:
    """Collects the tensors in values that are neither parameters nor buffers of a network."""

    def __init__(self, network: nn.Module) -> None:
        self.tensors: list[tuple[str, Tensor]] = []
        self._registered = set(map(id, [*network.parameters(), *network.buffers()]))
        self._visited: set[int] = set()  # objects of a student's own

    def visit(self, name: str, value: Any, depth: int = 0) -> None:
        """Collect what is in a value: itself, its items or its attributes."""
        if isinstance(value, Tensor):
            self._add(name, value)
        elif isinstance(value, nn.Module):
            for parameter_name, parameter in value.named_parameters():
                self._add(f"{name}.{parameter_name}", parameter)
        elif depth < MAX_DEPTH:
            for inner_name, item in self._inside(name, value):
                self.visit(inner_name, item, depth + 1)

    def _inside(self, name: str, value: Any) -> Iterator[tuple[str, Any]]:
        """Yield the items or the attributes of a value, with their names."""
        if isinstance(value, dict):
            for key, item in value.items():
                yield f"{name}[{key!r}]", item
        elif isinstance(value, list | tuple):
            for k, item in enumerate(value):
                yield f"{name}[{k}]", item
        elif _is_theirs(value) and id(value) not in self._visited:
            self._visited.add(id(value))
            for attribute, item in vars(value).items():
                yield f"{name}.{attribute}", item

    def _add(self, name: str, tensor: Tensor) -> None:
        if id(tensor) not in self._registered:
            self.tensors.append((name, tensor))


def _is_theirs(value: Any) -> bool:
    """True for an object of a class of a student's own."""
    module = type(value).__module__
    return hasattr(value, "__dict__") and module.partition(".")[0] not in NOT_THEIRS
