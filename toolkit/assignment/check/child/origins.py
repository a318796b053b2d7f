"""The places in a student's code where modules, parameters, attributes and tensors are made."""

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
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from toolkit.assignment.check.child.places import NOWHERE, Place, place, running

SETTERS = ("__setattr__", "register_parameter", "register_buffer")
DRAWS = ("normal", "uniform", "rand", "randn", "random", "standard_normal", "random_sample")
MAX_SOURCE = 200_000  # numbers of one tensor that is kept
MAX_END = 2_000  # numbers of one that is kept among the first: more than two ends have
LIKE = ("new_", "_like")  # in the names of what takes only a shape from a tensor


class Origin(NamedTuple):
    """The origin of a tensor."""

    made: Place  # the call that returned it
    drawn: Place  # the call that made its numbers of nothing, however they were changed since


class Sources:
    """Numbers that were made of nothing, as noise is: the last `most`, and some of the first.

    Two ends may be drawn before the training, and joined after it: small tensors are kept until
    they have a quarter of `most` numbers.
    """

    def __init__(self, most: int = 0) -> None:
        self._is_on = most > 0
        self._left, self._left_for_first = most, most // 4  # numbers
        self._first: list[Tensor] = []
        self._last = deque[Tensor]()

    def add(self, made: Any) -> None:
        """Keep a copy of a tensor or an array of floats."""
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


class Origins(TorchFunctionMode):
    """Notes the place where all was made inside this block, the first one of an attribute.

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
        self._by_numpy = NOWHERE  # the last draw: what is made of an array does not pass here
        self._stack = ExitStack()
        self.numbers_came = Sources()

    def __enter__(self) -> "Origins":
        watched: list[Any] = [(nn.Module, name, self._set) for name in SETTERS]
        watched += [(nn.Module, "__init__", self._init)]
        watched += [(np.random, name, self._draw) for name in DRAWS]
        for owner, name, handler in watched:
            call = handled(getattr(owner, name), handler)
            self._stack.enter_context(patch.object(owner, name, call))
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        self._stack.close()

    def _set(self, function: Any, module: Any, /, name: str, *value: Any, **more: Any) -> None:
        function(module, name, *value, **more)
        self._attributes.setdefault(module, {}).setdefault(name, place(self._root))

    def _init(self, function: Any, module: Any, /, *args: Any, **more: Any) -> None:
        function(module, *args, **more)
        outside = (
            (file, frame.f_lineno)
            for frame, file in running(self._root)
            if all(value is not module for value in frame.f_locals.values())
        )
        self._modules[module] = next(outside, NOWHERE)

    def _draw(self, function: Any, /, *args: Any, **more: Any) -> Any:
        self._by_numpy = place(self._root)
        result = function(*args, **more)
        self.numbers_came.add(result)
        return result

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note where the result was made, and where its numbers were."""
        result = func(*args, **(kwargs or {}))
        results = result if isinstance(result, tuple) else (result,)
        made = [x for x in results if isinstance(x, Tensor)]
        if made:
            here, name = place(self._root), getattr(func, "__name__", "")
            given = None if any(word in name for word in LIKE) else _first_tensor(args)
            drawn = here if given is None else self.of_tensor(given).drawn
            if given is None:
                self.numbers_came.add(made[0])
            for x in made:
                self._tensors[x] = Origin(here, drawn)
                if given is None or address(given) != address(x):
                    self._numbers[address(x)] = here
        return result

    def of_tensor(self, tensor: Tensor) -> Origin:
        """The origin of a tensor."""
        known: Origin = self._tensors.get(tensor, Origin(NOWHERE, self._by_numpy))
        return known

    def of_module(self, module: nn.Module) -> Place:
        """The place where a module was made: a line outside of its class."""
        known: Place = self._modules.get(module, NOWHERE)
        return known

    def all_modules(self, kind: str) -> Iterator[Place]:
        """The places where the modules of a class were made, as far as they are still there."""
        return (at for module, at in self._modules.items() if type(module).__name__ == kind)

    def of(self, network: nn.Module, name: str, tensor: Tensor | None = None) -> Place:
        """The place of a module, or of a tensor, that is called like this in a network.

        What is an attribute of a module was made where it was assigned; else its numbers tell.
        """
        modules = network.named_modules()
        around = [(p, m) for p, m in modules if not p or name.startswith(f"{p}.")]
        prefix, owner = max(around, key=lambda found: len(found[0]))
        rest = name[len(prefix) :].strip(".")
        attribute = re.split(r"\W", rest)[0]
        known: Place = self._attributes.get(owner, {}).get(attribute, NOWHERE)
        if tensor is None or rest == attribute:
            return known
        return self._numbers.get(address(tensor), known)


def handled(function: Callable[..., Any], handler: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose calls a handler makes: handler(function, *arguments)."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return handler(function, *args, **kwargs)

    return call


def address(tensor: Tensor) -> int:
    """The address of its numbers; two tensors that are alive share it only with their numbers."""
    return tensor.untyped_storage().data_ptr() or id(tensor)


def _first_tensor(args: Any) -> Tensor | None:
    for x in args:
        if isinstance(x, list | tuple):
            x = _first_tensor(x)
        if isinstance(x, Tensor):
            return x
    return None
