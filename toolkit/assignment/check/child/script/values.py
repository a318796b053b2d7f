"""What the judge is told about tensors and losses, and which parameters a gradient reaches."""

import dataclasses
import functools
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from toolkit.assignment.check.child.origins import Origins

MAX_VALUES = 110_000  # numbers of one tensor that are sent: 128 images and more
FEWEST_BYTES = 64  # of a part of a row
MAX_COMPARED = 20 * MAX_VALUES  # numbers of a tensor whose rows are recognised
MAX_SENT = 6_000_000  # numbers of all tensors together
MAX_NODES = 20_000  # of a graph that is followed
RECENT = 24  # outputs that a tensor is compared with
KEPT = 16  # losses whose graphs are kept

P = ParamSpec("P")
R = TypeVar("R")


def unwatched(function: Callable[P, R]) -> Callable[P, R]:
    """What the check computes itself need not pass through what watches a student's calls."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with torch._C.DisableTorchFunction():
            return function(*args, **kwargs)

    return call


class _Kept:
    def __init__(self, thing: Any) -> None:
        self.thing = thing


class Values:
    """Describes tensors as plain values; the same tensor has the same id as long as it lives."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self.owners: dict[int, int] = {}  # id of a parameter -> id of its network
        self._ids: Any = WeakIdKeyDictionary()
        self._kept: dict[int, Any] = {}  # what cannot be referred to weakly, by Python's own id
        self._count = 0
        self._sent = 0
        self._outputs = deque[tuple[int, Tensor, set[bytes]]](maxlen=RECENT)

    def id_of(self, thing: Any) -> int:
        """A small number that no other tensor, network or optimiser has."""
        if type(thing).__weakrefoffset__ == 0:  # a list is a data set, too
            thing = self._kept.setdefault(id(thing), _Kept(thing))
        if thing not in self._ids:
            self._ids[thing] = self._count
            self._count += 1
        found: int = self._ids[thing]
        return found

    @unwatched
    def keep(self, event: int, output: Tensor) -> None:
        """Remember that this is the output of the call with this index, to recognise it later."""
        copy = output.detach().clone()
        self._outputs.append((event, copy, set(_rows(copy))))

    @unwatched
    def describe(self, tensor: Tensor) -> dict[str, Any]:
        """A tensor as plain values; see the trace for what they are."""
        reached, owners = map(self.id_of, graph(tensor)[0]), self.owners
        moments = _moments(tensor.detach().reshape(-1))
        varied = bool(moments["std"])  # numbers that are all the same tell nothing
        source = self._source(tensor) if varied else None
        return {
            "id": self.id_of(tensor),
            "shape": list(tensor.shape),
            **self._origins.of_tensor(tensor)._asdict(),
            **moments,
            "from": source,
            "rows_from": self._row_sources(tensor) if varied and source is None else [],
            "values": self._numbers(tensor) if source is None else None,
            "networks": sorted({owners[p] for p in reached if p in owners}),
        }

    def _numbers(self, tensor: Tensor) -> Tensor | None:
        """A copy to send, unless that is too much."""
        size = tensor.numel()
        if size > MAX_VALUES or self._sent + size > MAX_SENT:
            return None
        self._sent += size
        return tensor.detach().clone()

    def _source(self, tensor: Tensor) -> int | None:
        """The index of the last call whose output has the same numbers in the same order."""
        flat = tensor.detach().reshape(-1)
        size = len(flat)
        for event, output, _ in reversed(self._outputs):
            same = output.numel() == size and output.dtype == flat.dtype
            if same and torch.equal(output.reshape(-1), flat):
                return event
        return None

    def _row_sources(self, tensor: Tensor) -> list[list[Any]]:
        """Pairs of a call's index and which of the tensor's rows are in its output, (batch,)."""
        if tensor.dim() == 0 or len(tensor) < 2 or not tensor.is_floating_point():
            return []
        rows = list(_rows(tensor.detach()))
        found: list[list[Any]] = [
            [event, torch.tensor(_are_among(rows, known), dtype=torch.bool)]
            for event, _, known in (self._outputs if rows else [])
        ]
        return [pair for pair in found if bool(pair[1].any())]


def flat(*things: Any) -> Iterator[Any]:
    """What is in lists, tuples, dictionaries and dataclasses, one inside the other."""
    for thing in things:
        if isinstance(thing, list | tuple):
            yield from flat(*thing)
        elif isinstance(thing, Mapping):
            yield from flat(*thing.values())
        elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
            yield from flat(*vars(thing).values())
        else:
            yield thing


def tensors_in(*things: Any) -> Iterator[Tensor]:
    """The tensors among arguments or outputs."""
    return (thing for thing in flat(*things) if isinstance(thing, Tensor))


def differs(old: Tensor | None, new: Tensor | None) -> bool:
    """Whether a backward pass changed this gradient; one of zeros changes nothing."""
    if new is None:
        return False
    return bool(new.any()) if old is None else not torch.equal(old, new)


def graph(*roots: Tensor) -> tuple[list[Tensor], set[Any]]:
    """The tensors without a history that a backward pass from `roots` gives a gradient to.

    And the nodes of the graph on the way to them.
    """
    found: list[Tensor] = []
    waiting = [root.grad_fn for root in roots if root.grad_fn is not None]
    seen = set(waiting)
    while waiting and len(seen) < MAX_NODES:
        node = waiting.pop()
        variable = getattr(node, "variable", None)
        if isinstance(variable, Tensor):
            found.append(variable)
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                waiting.append(following)
    alone = [root for root in roots if root.grad_fn is None and root.requires_grad]
    return found + alone, seen


def has_softmax(tensor: Tensor) -> bool:
    """Whether a tensor was computed from what a softmax gave."""
    return any(type(node).__name__.startswith("SoftmaxBackward") for node in graph(tensor)[1])


def _rows(tensor: Tensor) -> list[bytes]:
    """Each row of a batch as bytes; nothing for what has no batch axis, or is too large."""
    if tensor.dim() == 0 or tensor.numel() > MAX_COMPARED or tensor.dtype == torch.bfloat16:
        return []
    array = tensor.reshape(len(tensor), -1).cpu().contiguous().numpy()
    return [row.tobytes() for row in array]


def _are_among(rows: list[bytes], known: set[bytes]) -> list[bool]:
    """Whether each row is among some others, or begins or ends as one of them, beside labels."""
    size = len(next(iter(known), b""))
    if not FEWEST_BYTES < size < len(rows[0]):
        return [row in known for row in rows]
    return [row[:size] in known or row[-size:] in known for row in rows]


def _moments(flat: Tensor) -> dict[str, float | None]:
    """Least and largest number, mean and deviation."""
    names = ("min", "max", "mean", "std")
    if not len(flat) or flat.is_complex():
        return dict.fromkeys(names)
    numbers = flat.double()
    mean, std = numbers.mean(), numbers.std(correction=0)
    least, largest = numbers.aminmax()
    return dict(zip(names, map(float, (least, largest, mean, std)), strict=True))


class Losses:
    """What loss functions returned.

    Attributes:
        called: the place where the loss object of torch's was made that is being called.
        inside: whether a loss function is running.
    """

    def __init__(self) -> None:
        self.called: Any = None
        self.inside = False
        self._nodes = deque[tuple[int, Any]](maxlen=KEPT)  # events, and what each made in a graph

    def keep(self, index: int, result: Any) -> None:
        """Remember what the loss function of an event returned."""
        if isinstance(result, Tensor) and result.grad_fn is not None:
            self._nodes.append((index, result.grad_fn))

    def among(self, nodes: set[Any]) -> list[int]:
        """The events of those that are among the nodes of a graph."""
        return [index for index, node in self._nodes if node in nodes]
