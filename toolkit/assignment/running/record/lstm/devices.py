"""A simulated GPU for a network: the CPU computes everything, and the toolkit only records the
device on which each tensor would be.
"""

import contextlib
import sys
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from toolkit.assignment.running.importing.files import forget_imports
from toolkit.assignment.running.places import place
from toolkit.assignment.running.record.lstm.tensors import loose_tensors
from toolkit.assignment.running.record.mode import FunctionMode
from toolkit.assignment.running.record.origins import address
from toolkit.assignment.running.record.script.devices import is_gpu
from toolkit.assignment.running.record.script.values import flat, tensors_in

GPU, CPU = torch.device("cuda", 0), torch.device("cpu")
MOVES = {"to", "cuda", "cpu", "type_as", "copy_", "new_zeros", "new_ones", "new_empty", "new_full",
         "new_tensor", "set_", "__get__", "__set__", "size", "dim", "item", "numpy"}  # fmt: skip


class LeftBehind(Exception):
    """The error for an operation whose inputs are on different devices."""


class Elsewhere(FunctionMode):
    """A torch function mode that simulates a GPU, and finds tensors that were left on the CPU.

    The mode raises an error if an operation combines a CPU tensor with a GPU tensor. No real GPU is
    needed, because the CPU computes everything. For each tensor whose simulated device is known,
    the mode records this device.

    Args:
        root: the student's folder.
    """

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = str(root)
        self.on_gpu: dict[int, bool] = {}  # id of a tensor -> whether it is on the GPU
        self.origin: dict[int, list[Any]] = {}  # id of a CPU tensor -> file, line and name
        self.stores: dict[int, Tensor] = {}  # address of numbers -> their last tensor
        self.alive: list[Any] = []
        self.left: list[Any] | None = None

    def put(self, tensor: Tensor, on_gpu: bool, origin: list[Any] | None = None) -> None:
        """Record whether a tensor is on the GPU. For a tensor on the CPU, also record its origin.
        The origin is the file and line of the code that made the tensor, or the tensor's name in
        the network.
        """
        self.alive.append(tensor)
        self.on_gpu[id(tensor)] = on_gpu
        self.stores[address(tensor)] = tensor
        if not on_gpu and origin is not None:
            self.origin.setdefault(id(tensor), origin)

    def move(self, network: nn.Module, moved: Container[str]) -> None:
        """Move a network's parameters, its buffers and the tensors named in `moved` to the GPU."""
        for tensor in [*network.parameters(), *network.buffers()]:
            self.put(tensor, True)
        for name, tensor in loose_tensors(network):
            if not self.on_gpu.get(id(tensor)):
                self.origin[id(tensor)] = [None, None, name]
                self.put(tensor, name in moved)

    def make(self, function: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
        """Call a torch function on the CPU, or raise an error if its inputs are on different
        simulated devices.
        """
        if function is torch.device:
            return function(*args, **kwargs)
        inputs = list(tensors_in(args, kwargs))
        self._recognise(inputs)
        if function == torch.Tensor.device.__get__:
            return self._device_of(args[0])
        if function == torch.Tensor.is_cuda.__get__:  # type: ignore[attr-defined]
            return self.on_gpu.get(id(args[0]), False)
        known = [self.on_gpu[id(tensor)] for tensor in inputs if id(tensor) in self.on_gpu]
        if name not in MOVES and not all(known):
            self._complain(inputs)
        result = _computed(name, function, args, kwargs)
        if name == "__get__":
            return result
        devices = list(filter(_is_device, flat(args, kwargs)))
        on_gpu = self._is_result_on_gpu(name, inputs, devices, known)
        if on_gpu is not None:
            result = self._put_result(name, result, inputs, on_gpu)
        return result

    def _device_of(self, tensor: Tensor) -> torch.device:
        """Return the simulated device of a tensor, or the CPU if the device is unknown."""
        if self.on_gpu.get(id(tensor)):
            return GPU
        return CPU

    def _put_result(self, name: str, result: Any, inputs: list[Tensor], on_gpu: bool) -> Any:
        """Record whether the result of a torch function is on the simulated GPU, and return the
        result.

        If the method `to` returned its input itself, a copy of the tensor is returned instead, so
        that input and result can have different simulated devices.
        """
        origin = self._origin_of(inputs) or [*place(self.root), None]
        for tensor in tensors_in(result):
            if name == "to" and any(tensor is value for value in inputs):
                tensor = result = tensor.clone()
            self.put(tensor, on_gpu, origin)
        return result

    def _is_result_on_gpu(
        self, name: str, inputs: list[Tensor], devices: list[Any], known: list[bool]
    ) -> bool | None:
        """Return True if the result of a call is on the GPU, or None if its device is unknown.

        Args:
            name: the name of the function.
            inputs: the tensors among the function's arguments.
            devices: the devices among the function's arguments.
            known: for each input whose device is known, True if it is on the GPU.
        """
        if name in ("cuda", "cpu"):
            return name == "cuda"
        if devices:
            return is_gpu(devices[-1])
        if name in ("to", "type_as") and len(inputs) > 1:
            return self.on_gpu.get(id(inputs[1]), True)
        if inputs and not known:
            return None
        if name in MOVES and known:
            return known[0]
        return any(known)  # False if there is no input

    def _origin_of(self, inputs: list[Tensor]) -> list[Any] | None:
        """Return the origin (see `put`) of the first input whose origin is known; None if there is
        no such input.
        """
        for tensor in inputs:
            if id(tensor) in self.origin:
                return self.origin[id(tensor)]
        return None

    def _recognise(self, inputs: list[Tensor]) -> None:
        """Note the device of each input that shares memory with a tensor whose device is known.

        Such a tensor's device may not have been noted yet. The torch mode that tracks devices
        misses some calls, for example the call that makes a parameter from a tensor.
        """
        for tensor in inputs:
            known = self.stores.get(address(tensor))
            if id(tensor) not in self.on_gpu and known is not None:
                self.put(tensor, self.on_gpu[id(known)], self.origin.get(id(known)))

    def _complain(self, inputs: list[Tensor]) -> None:
        """Raise an error if the inputs mix a GPU tensor with a CPU tensor other than a scalar."""
        if GPU not in map(self._device_of, inputs):
            return
        for tensor in inputs:
            if self.on_gpu.get(id(tensor)) is False and tensor.dim() > 0:
                self.left = self.origin.get(id(tensor))
                raise LeftBehind


def _computed(name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function, with the CPU in place of every device among its arguments. The tensor
    methods `cuda` and `cpu` are not called; the result is a copy of the tensor instead.
    """
    if name in ("cuda", "cpu"):
        return args[0].clone()
    named = {key: _on_cpu(value) for key, value in kwargs.items()}
    return function(*map(_on_cpu, args), **named)


def _on_cpu(value: Any) -> Any:
    """Return the CPU in place of a device, and any other value unchanged."""
    if _is_device(value):
        return CPU
    return value


def _is_device(x: Any) -> bool:
    """Return True for a device or the name of a device."""
    if isinstance(x, str):
        return x == "cpu" or x.startswith("cuda")
    return isinstance(x, torch.device)


@contextlib.contextmanager
def pretend_gpu(root: Path, again: bool) -> Iterator[None]:
    """Within the `with` block, make torch report that a GPU is available.

    Args:
        again: True to remove the student's modules from `sys.modules` before the block, so that the
            block imports them again.
    """
    before = dict(sys.modules)
    if again:
        forget_imports(root)
    try:
        with (
            patch.object(torch.cuda, "is_available", lambda: True),
            patch.object(torch.cuda, "device_count", lambda: 1),
        ):
            yield
    finally:
        sys.modules.update(before)
