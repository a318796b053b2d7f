"""Classes and functions that describe tensors, store the recent results of loss functions, and find
the parameters that a backward pass reaches.
"""

import dataclasses
import functools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from toolkit.assignment.running.record.origins import Origins

MAX_VALUES = 110_000  # numbers of one tensor that are sent; more than 128 images
FEWEST_BYTES = 64  # of a comparable part of a row
MAX_COMPARED = 20 * MAX_VALUES  # numbers of a tensor whose rows are compared
MAX_SENT = 6_000_000  # numbers of all tensors together
MAX_NODES = 20_000  # nodes of a graph that are visited
RECENT = 24  # outputs that a tensor is compared with
KEPT = 16  # losses whose graphs are kept

P = ParamSpec("P")
R = TypeVar("R")


def unwatched(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function of the toolkit so that its own calls to torch are not recorded."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with torch._C.DisableTorchFunction():
            return function(*args, **kwargs)

    return call


class _Kept:
    def __init__(self, value: Any) -> None:
        self.value = value


class Values:
    """Describes each tensor by plain values, such as its shape and mean, and by an id that does not
    change while the tensor exists.
    """

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self.owners: dict[int, int] = {}  # id of a parameter -> id of its network
        self._ids: Any = WeakIdKeyDictionary()
        self._kept: dict[int, Any] = {}  # objects without weak references, by Python's id
        self._count = 0
        self._sent = 0
        self._outputs = deque[tuple[int, Tensor, set[bytes]]](maxlen=RECENT)

    def id_of(self, value: Any) -> int:
        """Return a small number that identifies an object, such as a tensor, a network or an
        optimiser; no other object gets the same number.
        """
        if type(value).__weakrefoffset__ == 0:  # for example, a list that is a data set
            value = self._kept.setdefault(id(value), _Kept(value))
        if value not in self._ids:
            self._ids[value] = self._count
            self._count += 1
        number: int = self._ids[value]
        return number

    @unwatched
    def keep(self, event: int, output: Tensor) -> None:
        """Remember a call's output so that it can be recognised later.

        Args:
            event: the call's index in the list of recorded events.
        """
        copy = output.detach().clone()
        self._outputs.append((event, copy, set(_rows(copy))))

    @unwatched
    def describe(self, tensor: Tensor, with_numbers: bool = True) -> dict[str, Any]:
        """Describe a tensor as a dictionary of plain values; the class `Value` in the module
        `trace` explains most of the dictionary's fields.

        Args:
            with_numbers: False to leave out the copy of the tensor.
        """
        number = self.id_of(tensor)
        networks: set[int] = set()
        for leaf in graph(tensor)[0]:
            owner = self.owners.get(self.id_of(leaf))
            if owner is not None:
                networks.add(owner)
        moments = _moments(tensor.detach().reshape(-1))
        return {
            "id": number,
            "shape": list(tensor.shape),
            **self._origins.of_tensor(tensor)._asdict(),
            **moments,
            **self._sources(tensor, is_varied=bool(moments["std"]), with_numbers=with_numbers),
            "networks": sorted(networks),
        }

    def _sources(self, tensor: Tensor, is_varied: bool, with_numbers: bool) -> dict[str, Any]:
        """Find the call whose output equals a tensor, or the calls whose outputs contain its rows.

        Unless one call is known to have returned the whole tensor, the result also includes a copy
        of the tensor as `values`, if the tensor is not too large.

        Args:
            is_varied: False if all elements of the tensor are equal, so that the values cannot show
                which call the tensor came from.
        """
        source = None
        rows_from: list[list[Any]] = []
        if is_varied:
            source = self._source(tensor)
        if is_varied and source is None:
            rows_from = self._row_sources(tensor)
        numbers = None
        if source is None and with_numbers:
            numbers = self._numbers(tensor)
        return {"from": source, "rows_from": rows_from, "values": numbers}

    def _numbers(self, tensor: Tensor) -> Tensor | None:
        """Return a copy of a tensor for the record, or None if the copy would make the record too
        large.
        """
        size = tensor.numel()
        if size > MAX_VALUES or self._sent + size > MAX_SENT:
            return None
        self._sent += size
        return tensor.detach().clone()

    def _source(self, tensor: Tensor) -> int | None:
        """Return the index of the last call whose flattened output equals the flattened tensor."""
        flat = tensor.detach().reshape(-1)
        size = len(flat)
        for event, output, _ in reversed(self._outputs):
            same = output.numel() == size and output.dtype == flat.dtype
            if same and torch.equal(output.reshape(-1), flat):
                return event
        return None

    def _row_sources(self, tensor: Tensor) -> list[list[Any]]:
        """For each call that returned some of a tensor's rows, return the call's index and a mask
        (batch,) that marks these rows.
        """
        if tensor.dim() == 0 or len(tensor) < 2 or not tensor.is_floating_point():
            return []
        rows = _rows(tensor.detach())
        if not rows:
            return []
        pairs: list[list[Any]] = []
        for event, _, output_rows in self._outputs:
            are_known = _are_among(rows, output_rows)
            if any(are_known):
                pairs.append([event, torch.tensor(are_known, dtype=torch.bool)])
        return pairs


def flat(*values: Any) -> Iterator[Any]:
    """Yield the values in lists, tuples, dictionaries and dataclasses, at any depth."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from flat(*value)
        elif isinstance(value, Mapping):
            yield from flat(*value.values())
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            yield from flat(*vars(value).values())
        else:
            yield value


def tensors_in(*values: Any) -> Iterator[Tensor]:
    """Return an iterator over the tensors in `values`, including those in nested containers such as
    lists and dictionaries.
    """
    return (value for value in flat(*values) if isinstance(value, Tensor))


def are_tensors(value: Any) -> bool:
    """Return True for a non-empty list or tuple of tensors."""
    if not isinstance(value, list | tuple) or not value:
        return False
    return all(isinstance(item, Tensor) for item in value)


def stacked(tensors: Sequence[Tensor]) -> Tensor | None:
    """Stack tensors into one tensor, or return None if their shapes differ."""
    shapes = {tensor.shape for tensor in tensors}
    if len(shapes) > 1:
        return None
    return torch.stack(list(tensors))


def differs(old: Tensor | None, new: Tensor | None) -> bool:
    """Return True if a backward pass changed a gradient; a change from None to all zeros does not
    count.
    """
    if new is None:
        return False
    if old is None:
        return bool(new.any())
    return not torch.equal(old, new)


def graph(*roots: Tensor) -> tuple[list[Tensor], set[Any]]:
    """Return the leaf tensors that a backward pass from `roots` reaches, and the nodes of the
    autograd graph that it passes through.

    A leaf is a tensor that no recorded operation produced and whose gradient the backward pass
    computes.
    """
    leaves: list[Tensor] = []
    roots_without_history: list[Tensor] = []
    waiting = []
    for root in roots:
        if root.grad_fn is not None:
            waiting.append(root.grad_fn)
        elif root.requires_grad:
            roots_without_history.append(root)
    nodes = set(waiting)
    while waiting and len(nodes) < MAX_NODES:
        node = waiting.pop()
        variable = getattr(node, "variable", None)
        if isinstance(variable, Tensor):
            leaves.append(variable)
        for following, _ in node.next_functions:
            if following is not None and following not in nodes:
                nodes.add(following)
                waiting.append(following)
    return leaves + roots_without_history, nodes


def has_softmax(tensor: Tensor) -> bool:
    """Return True if a tensor was computed from the result of a softmax."""
    _, nodes = graph(tensor)
    return any(type(node).__name__.startswith("SoftmaxBackward") for node in nodes)


def _rows(tensor: Tensor) -> list[bytes]:
    """Return the rows of a batch as bytes, or [] for a scalar, an oversized tensor or a tensor of
    dtype bfloat16.
    """
    if tensor.dim() == 0 or tensor.numel() > MAX_COMPARED or tensor.dtype == torch.bfloat16:
        return []
    array = tensor.reshape(len(tensor), -1).cpu().contiguous().numpy()
    return [row.tobytes() for row in array]


def _are_among(rows: list[bytes], known: set[bytes]) -> list[bool]:
    """Return, for each row, True if the row is in `known`, and False otherwise.

    The rows in `known` may be shorter than those in `rows`. If they are, but have more than
    `FEWEST_BYTES` bytes, the result is also True for a row that begins or ends with a row in
    `known`. The rest of such a row may be a label.
    """
    size = len(next(iter(known), b""))
    if not FEWEST_BYTES < size < len(rows[0]):
        return [row in known for row in rows]
    return [row[:size] in known or row[-size:] in known for row in rows]


def _moments(flat: Tensor) -> dict[str, float | None]:
    """Return the minimum, the maximum, the mean and the standard deviation of a tensor."""
    names = ("min", "max", "mean", "std")
    if not len(flat) or flat.is_complex():
        return dict.fromkeys(names)
    numbers = flat.double()
    mean, std = numbers.mean(), numbers.std(correction=0)
    least, largest = numbers.aminmax()
    return dict(zip(names, map(float, (least, largest, mean, std)), strict=True))


class Losses:
    """The recent results of a script's loss functions.

    Attributes:
        called: while a loss object is being called, the place where the script created the object,
            if known; otherwise None.
        inside: True while a loss function is running.
    """

    def __init__(self) -> None:
        self.called: Any = None
        self.inside = False
        self._nodes = deque[tuple[int, Any]](maxlen=KEPT)  # events, and the graph node of each loss

    def keep(self, index: int, result: Any) -> None:
        """Remember the loss that a loss function has returned, with the index of the event that
        records the call.
        """
        if isinstance(result, Tensor) and result.grad_fn is not None:
            self._nodes.append((index, result.grad_fn))

    def among(self, nodes: set[Any]) -> list[int]:
        """For each stored loss whose node in the autograd graph is in `nodes`, return the index of
        the event that records the call of the loss function.
        """
        return [index for index, node in self._nodes if node in nodes]
