"""One forward pass of a student's network, as series with one tensor (batch, hidden) per time step.

A series holds the values that are computed at one place in the code, either at every step or at
every step but the first. How values are sorted into series does not depend on the names, the layout
or the style of the code.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

MAX_PER_STEP = 24  # times that one place may be passed in a step
MAX_LAYERS = 4


class Operation(NamedTuple):
    """The operation that first computed a value, and the operation's location in the code."""

    name: str  # as ATen calls it, without a last underscore
    file: str | None
    line: int | None
    around: tuple[str | None, int | None] = (None, None)  # the call in forward itself


class Series(NamedTuple):
    """The values that one place in the code computes at each step."""

    ids: tuple[int, ...]  # of the values
    operation: Operation
    times: int = 1  # the number of places that compute these values


@dataclass
class Recording:
    """The values that were computed in a forward pass over a known input."""

    x: Tensor  # (rows, steps, D): real, or one-hot
    logits: Tensor  # (rows, 10)
    values: Tensor  # (n, rows, hidden), all pieces that were seen, float64
    operations: list[Operation]  # of each value, the first one that gave it
    series: list[Series]  # that have a value at every step
    late: list[Series]  # that have one at every step but the first
    last: Operation | None  # the last affine map to ten numbers
    twice: Operation | None  # the first that is given a tensor of the network twice
    order: list[int]  # the values as they were made

    @property
    def steps(self) -> int:
        return self.x.size(1)


def read(answer: dict[str, Any], x: Tensor, logits: Tensor) -> Recording:
    """Build a recording from the values that come from the child process, which runs the student's
    code, by sorting these values into series.

    Args:
        answer: the child process's reply to a `record` request: the operations of a forward pass
            and their values.
        x: the input of the network, (rows, steps, D).
        logits: the output of the network, (rows, 10), up to a constant in each row.
    """
    operations: dict[int, Operation] = {}
    outer: dict[int, list[int]] = defaultdict(list)
    inner: dict[int, list[int]] = defaultdict(list)
    names: dict[int, str] = {}
    order: list[int] = []
    for value, place, inner_place, name, file, line, around in answer["seen"]:
        operations.setdefault(value, Operation(name, file, line, tuple(around)))
        outer[place].append(value)
        names[place] = name
        inner[inner_place].append(value)
        order.append(value)
    count = len(answer["values"])
    if operations.keys() != {*range(count)}:
        raise ValueError("values without an operation, or operations without a value")
    steps = x.size(1)
    times: Counter[tuple[int, ...]] = Counter()
    for place, ids in outer.items():
        for cut in _strides(ids, steps):
            times[cut] += names[place] == operations[cut[-1]].name
    full: dict[tuple[int, ...], None] = {}
    late: dict[tuple[int, ...], None] = {}
    for ids in [*outer.values(), *inner.values()]:
        full |= dict.fromkeys(_strides(ids, steps))
        if steps > 2:
            late |= dict.fromkeys(_strides(ids, steps - 1))
    return Recording(
        x=x.double(),
        logits=logits.double(),
        values=answer["values"].double(),
        operations=[operations[k] for k in range(count)],
        series=[Series(ids, operations[ids[-1]], max(times[ids], 1)) for ids in full],
        late=[Series(ids, operations[ids[-1]]) for ids in late],
        last=_first_operation(answer["last"]),
        twice=_first_operation(answer["twice"]),
        order=order,
    )


def _first_operation(answer: Sequence[Sequence[Any]]) -> Operation | None:
    """Return the first operation in a list from the child process, or None if the list is empty."""
    return Operation(*answer[0]) if answer else None


def _strides(ids: Sequence[int], steps: int) -> Iterator[tuple[int, ...]]:
    """Yield tuples with one id per time step, selected from the ids of the values that one place in
    the code computes.

    If a network has several layers, all steps of one layer may be computed before those of the next
    layer. Therefore, each block of `steps` consecutive ids is also yielded, unless there are more
    than `MAX_LAYERS` blocks.
    """
    count, remainder = divmod(len(ids), steps)
    if remainder or not 0 < count <= MAX_PER_STEP:
        return
    cuts = [slice(k, None, count) for k in range(count)]
    if 1 < count <= MAX_LAYERS and steps > 1:
        cuts += [slice(k * steps, (k + 1) * steps) for k in range(count)]
    for cut in cuts:
        series = tuple(ids[cut])
        if len(set(series)) > 1 or steps == 1:
            yield series


def stacked(recording: Recording, series: Sequence[Series]) -> Tensor:
    """Return the values of several series as one tensor, (n, steps, rows, hidden)."""
    ids = torch.tensor([entry.ids for entry in series], dtype=torch.long)
    return recording.values[ids]
