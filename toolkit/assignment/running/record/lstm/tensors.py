"""The tensors of a student's network: parameters, buffers, and tensors in attributes."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

MAX_DEPTH = 4
NOT_THEIRS = {"torch", "numpy", *sys.stdlib_module_names}


def all_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Return every tensor of a network, by name."""
    return dict([*network.named_parameters(), *network.named_buffers(), *loose_tensors(network)])


def described(network: nn.Module) -> list[dict[str, Any]]:
    """Describe each floating-point tensor of a network, including whether it is zero, and whether
    it contains NaN, which marks memory that was never filled.
    """
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
    """Find the tensors that a forward pass has changed.

    Args:
        before: for each tensor of the network, its id and a copy of its values before the pass.

    Returns:
        `remade`, the names of the parameters that were replaced; and `kept`, the names of all other
        tensors that are new, were replaced or got new values. In `kept`, names that existed before
        the forward pass come first.
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
    """Find the tensors of a network that are neither its parameters nor its buffers.

    The search covers the attributes of every module in the network. To a limited depth, it also
    covers the lists, tuples, dictionaries and modules in these attributes. Other objects are
    covered to the same depth, unless their classes are from torch, NumPy or the standard library.
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
    """A collector of the tensors in a network that are neither its parameters nor its buffers."""

    def __init__(self, network: nn.Module) -> None:
        self.tensors: list[tuple[str, Tensor]] = []
        self._registered = set(map(id, [*network.parameters(), *network.buffers()]))
        self._visited: set[int] = set()  # ids of the student's objects

    def visit(self, name: str, value: Any, depth: int = 0) -> None:
        """Collect the tensors in a value, which may be a tensor itself or contain tensors in its
        items or attributes.
        """
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
    """Return True for an object whose class is not from torch, NumPy or the standard library."""
    module = type(value).__module__
    return hasattr(value, "__dict__") and module.partition(".")[0] not in NOT_THEIRS
