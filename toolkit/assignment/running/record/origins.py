"""A record of where a student's code creates modules, parameters and tensors and assigns
attributes.
"""

import functools
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

from toolkit.assignment.running.places import NOWHERE, Place, place, running
from toolkit.assignment.running.record.mode import FunctionMode

SETTERS = ("__setattr__", "register_parameter", "register_buffer")
DRAWS = ("normal", "uniform", "rand", "randn", "random", "standard_normal", "random_sample")
MAX_SOURCE = 200_000  # largest kept tensor, in numbers
MAX_END = 2_000  # largest tensor among the first ones; more than two ends need
LIKE = ("new_", "_like")  # in names of functions that use only a tensor's shape


class Origin(NamedTuple):
    """Two places in the student's code: the call that returned a tensor, and the call that first
    created the values from which the tensor was computed.
    """

    made: Place  # the call that returned it
    drawn: Place  # the call that created its numbers, even if they have changed since


class Sources:
    """Copies of tensors, such as noise, whose values were not computed from other tensors.

    The object keeps the most recent tensors (at most `limit` values in total) and, in addition,
    some of the tensors that were created first. A script may draw the random end points of an
    interpolation before the training but use them only afterwards. The first small tensors are
    therefore kept, up to a quarter of `limit` values.
    """

    def __init__(self, limit: int = 0) -> None:
        self._is_on = limit > 0
        self._left, self._left_for_first = limit, limit // 4  # numbers
        self._first: list[Tensor] = []
        self._last = deque[Tensor]()

    def add(self, made: Any) -> None:
        """Keep a copy of a floating-point tensor or array."""
        if not self._is_on or not isinstance(made, Tensor | np.ndarray):
            return
        with torch._C.DisableTorchFunction():
            numbers = torch.as_tensor(made).detach()
            if not numbers.is_floating_point() or not 0 < numbers.numel() <= MAX_SOURCE:
                return
            if numbers.numel() <= min(MAX_END, self._left_for_first):
                self._left_for_first -= numbers.numel()
                self._first.append(numbers.float().clone())
                return
            self._last.append(numbers.float().clone())
            self._left -= numbers.numel()
            while self._left < 0:
                self._left += self._last.popleft().numel()

    def __iter__(self) -> Iterator[Tensor]:
        return iter([*self._first, *self._last])


class Origins(FunctionMode):
    """A torch mode that, while it is active, notes where modules and tensors are created and where
    attributes of modules are assigned.

    For an attribute that is assigned more than once, the place of the first assignment is kept.

    Args:
        root: the student's folder.
    """

    def __init__(self, root: str) -> None:
        super().__init__()
        self._root = root
        self._attributes: Any = WeakIdKeyDictionary()  # module -> name -> place
        self._modules: Any = WeakIdKeyDictionary()  # module -> place, outside of its own class
        self._tensors: Any = WeakIdKeyDictionary()  # tensor -> Origin
        self._numbers: dict[int, Place] = {}  # address of a tensor's numbers -> place
        self._by_numpy = NOWHERE  # the last draw; tensors from arrays are not seen here
        self._stack = ExitStack()
        self.numbers_came = Sources()

    def __enter__(self) -> "Origins":
        for setter in SETTERS:
            self._watch(nn.Module, setter, self._set)
        self._watch(nn.Module, "__init__", self._init)
        for draw in DRAWS:
            self._watch(np.random, draw, self._draw)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def _watch(self, owner: Any, name: str, handler: Callable[..., Any]) -> None:
        """While this mode is active, redirect every call to the function `name` in `owner` so that
        `handler` receives it.
        """
        call = handled(getattr(owner, name), handler)
        self._stack.enter_context(patch.object(owner, name, call))

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        self._stack.close()

    def _set(self, function: Any, module: Any, /, name: str, *value: Any, **kwargs: Any) -> None:
        function(module, name, *value, **kwargs)
        self._attributes.setdefault(module, {}).setdefault(name, place(self._root))

    def _init(self, function: Any, module: Any, /, *args: Any, **kwargs: Any) -> None:
        function(module, *args, **kwargs)
        self._modules[module] = self._place_outside(module)

    def _place_outside(self, module: nn.Module) -> Place:
        """Return the innermost active line of student code that is not in one of the given module's
        own methods, such as `__init__`.
        """
        for frame, file in running(self._root):
            if all(value is not module for value in frame.f_locals.values()):
                return Place(file, frame.f_lineno)
        return NOWHERE

    def _draw(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        self._by_numpy = place(self._root)
        result = function(*args, **kwargs)
        self.numbers_came.add(result)
        return result

    def make(self, function: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
        """Call `function`, and note the origin of each tensor in its result."""
        result = function(*args, **kwargs)
        results = result if isinstance(result, tuple) else (result,)
        tensors = [x for x in results if isinstance(x, Tensor)]
        if tensors:
            self._note(tensors, _changed_tensor(name, args))
        return result

    def _note(self, tensors: list[Tensor], source: Tensor | None) -> None:
        """Note the origin of new tensors.

        Args:
            source: the tensor from which the new tensors were computed; None if their values do not
                come from another tensor.
        """
        made = place(self._root)
        if source is None:
            drawn = made
            self.numbers_came.add(tensors[0])
        else:
            drawn = self.of_tensor(source).drawn
        for tensor in tensors:
            self._tensors[tensor] = Origin(made, drawn)
            if source is None or address(source) != address(tensor):
                self._numbers[address(tensor)] = made

    def of_tensor(self, tensor: Tensor) -> Origin:
        """Return two places: the call that returned a tensor, and the call that first created the
        values from which the tensor was computed.
        """
        known: Origin = self._tensors.get(tensor, Origin(NOWHERE, self._by_numpy))
        return known

    def of_module(self, module: nn.Module) -> Place:
        """Return the place in the student's code where a module was made; lines in the module's own
        methods, such as `__init__`, do not count.
        """
        known: Place = self._modules.get(module, NOWHERE)
        return known

    def all_modules(self, kind: str) -> Iterator[Place]:
        """Yield, for each existing module whose class is named `kind`, the place where the module
        was made.
        """
        for module, made in self._modules.items():
            if type(module).__name__ == kind:
                yield made

    def of(self, network: nn.Module, name: str, tensor: Tensor | None = None) -> Place:
        """Return the place in the student's code where the network's module or tensor called `name`
        was created.

        For an attribute of a module, the method returns the line that first assigned the attribute.
        For any other tensor, the method uses the memory address of the tensor's storage to find the
        line that created this storage.
        """
        prefix, owner = _owner_of(name, network)
        path = name[len(prefix) :].strip(".")
        attribute = re.split(r"\W", path)[0]
        known: Place = self._attributes.get(owner, {}).get(attribute, NOWHERE)
        if tensor is None or path == attribute:
            return known
        return self._numbers.get(address(tensor), known)


def handled(function: Callable[..., Any], handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return a replacement for a function; calling the replacement calls handler(function,
    *arguments) instead.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return handler(function, *args, **kwargs)

    return call


def address(tensor: Tensor) -> int:
    """Return the memory address of a tensor's storage.

    Two tensors that exist at the same time have the same address only if they share memory.
    """
    return tensor.untyped_storage().data_ptr() or id(tensor)


def _owner_of(name: str, network: nn.Module) -> tuple[str, nn.Module]:
    """Of the modules in `network` that contain the tensor or module called `name`, return the name
    of the innermost one and the module itself.
    """
    prefix, owner = "", network
    for path, module in network.named_modules():
        if name.startswith(f"{path}.") and len(path) > len(prefix):
            prefix, owner = path, module
    return prefix, owner


def _changed_tensor(name: str, args: Any) -> Tensor | None:
    """Return the tensor from which a call computes its result. This tensor is taken to be the first
    tensor among the arguments. Return None if there is no such tensor, or if the function uses only
    a tensor's shape, as `zeros_like` does.
    """
    for word in LIKE:
        if word in name:
            return None
    return _first_tensor(args)


def _first_tensor(args: Any) -> Tensor | None:
    for x in args:
        if isinstance(x, list | tuple):
            x = _first_tensor(x)
        if isinstance(x, Tensor):
            return x
    return None
