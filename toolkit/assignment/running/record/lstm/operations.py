"""The record of a forward pass: each new tensor, and the line of code that made it.

The recording takes place below autograd, where views, in-place operations, `.data` and TorchScript
all appear as ordinary operations.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from toolkit.assignment.running.places import NOWHERE, Place, running
from toolkit.assignment.running.record.origins import LIKE
from toolkit.assignment.running.record.script.values import flat, tensors_in
from toolkit.assignment.running.replies import Made

MAX_PIECES = 96  # of one tensor
MAX_OPERATIONS = 20_000
DRAWN = ("randn", "rand", "normal", "uniform", "randn_like", "rand_like", "kaiming")
AFFINE = ("addmm", "mm", "bmm", "add", "mv", "addmv")
CUTS = ("detach", "_local_scalar_dense")  # operations that autograd does not follow


class Operation(NamedTuple):
    """A record of an operation and of one tensor that it made."""

    name: str  # ATen's name without a final underscore
    calls: tuple[int, ...]  # where in the student's code, from the innermost frame outwards
    file: str | None
    line: int | None
    around: Place  # in the outermost frame
    value: Tensor


class Operations(TorchDispatchMode):
    """A torch dispatch mode that records the floating-point tensors that are made while the mode is
    active.

    Args:
        root: the student's folder.
        leaves: tensors, keyed by name; for each, the operations that use it are counted.
    """

    def __init__(self, root: Path, leaves: dict[str, Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.root = str(root)
        self.leaves = leaves  # kept alive, so that no other tensor gets the same id
        self._names = {id(x): name for name, x in leaves.items()}
        self.made: list[Operation] = []
        self.uses: Counter[str] = Counter()
        self.twice: list[list[Any]] = []  # name, file and line of operations that get a leaf twice
        self.new: list[Made] = []  # tensors created without an input tensor
        self.cuts: list[Place] = []  # where a gradient ends
        self._calls: tuple[int, ...] = ()  # the calls of the previous operation

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to skip the compiler, torch would import it

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call the operation, and keep a copy of its results."""
        result = func(*args, **(kwargs or {}))
        used = [self._names[id(x)] for x in flat(args) if id(x) in self._names]
        self.uses.update(set(used))
        outputs = [tensor for tensor in tensors_in(result) if tensor.is_floating_point()]
        name = func.overloadpacket.__name__.removesuffix("_")
        is_cut = name in CUTS or not torch.is_grad_enabled()
        if (outputs or is_cut) and len(self.made) <= MAX_OPERATIONS:
            self._note(name, args, used, outputs, is_cut)
        return result

    def _note(
        self, name: str, args: Any, used: list[str], outputs: list[Tensor], is_cut: bool
    ) -> None:
        """Record an operation.

        Args:
            used: the names of those arguments that are tensors in `leaves`; a tensor that is passed
                twice is named twice.
            outputs: the floating-point tensors that the operation has made.
            is_cut: True if no gradient goes through the operation.
        """
        calls, inner, outer = self._running()
        if is_cut and calls != self._calls:  # autograd itself detaches saved tensors
            self.cuts.append(inner)
        self._calls = calls
        if len(used) > len(set(used)):
            self.twice.append([name, *inner])
        if _makes_of_nothing(name, args):
            for output in outputs:
                self.new.append((inner, list(output.shape), not bool(output.any())))
        for output in outputs:
            copy = output.detach().clone()
            self.made.append(Operation(name, calls, *inner, outer, copy))

    def _running(self) -> tuple[tuple[int, ...], Place, Place]:
        """Return hashes of the positions that the active calls in the student's code have reached,
        and two places. The hashes begin with that of the innermost call. The places are the file
        and line of the innermost position and those of the outermost position.
        """
        frames = [(file, frame.f_lineno, frame.f_lasti) for frame, file in running(self.root)]
        if not frames:
            return (), NOWHERE, NOWHERE
        inner, outer = Place(*frames[0][:2]), Place(*frames[-1][:2])
        return tuple(map(hash, frames)), inner, outer


def _makes_of_nothing(name: str, args: tuple[Any, ...]) -> bool:
    """Return True if an operation reads no tensor, or reads only the shape of a tensor."""
    if any(word in name for word in LIKE):
        return True
    return next(iter(tensors_in(args)), None) is None


def pieces(runs: Sequence[Sequence[Operation]], batch: int, hidden: int) -> dict[str, Any]:
    """Cut the tensors that were made in one or more runs of a network into matrices, called pieces,
    with axes (sequence, unit).

    Args:
        runs: for each run of the network, its operations. Where the same operation occurs in every
            run, the matrices cut from its results are joined along the first axis. This axis counts
            the sequences.
        batch: the number of sequences in each run.
        hidden: the number of hidden units, which is the length of each piece's second axis.

    Returns:
        a dictionary with the entries `values` and `seen`. `values` holds the distinct pieces,
        float32 (n, runs * batch, hidden). `seen` holds one list for each piece in order of
        creation, duplicates included: [index in `values`, place, inner place, operation's name,
        file, line, outermost place]. The outermost place is the file and the line that the
        outermost call in the student's code was executing when the piece was made. The place and
        the inner place are numbers that stand for the origin of a
        piece: two pieces have the same place if three conditions hold. They come from operations of
            the same name, they are cut from the same position in their tensors, and they were made
            with the same call stack in the student's code. Two pieces have the same inner place if
            the first two conditions hold and the innermost calls of the two stacks are the same.
    """
    values: list[Tensor] = []
    known: dict[bytes, int] = {}
    places: dict[Any, int] = {}
    rows: list[list[Any]] = []
    for together in zip(*runs, strict=False):
        first = together[0]
        if any(operation.value.shape != first.value.shape for operation in together):
            continue
        for k, cut in enumerate(_cuts(tuple(first.value.shape), batch, hidden)):
            parts = [cut(operation.value).float() for operation in together]
            value = torch.cat(parts).contiguous()
            key = hashlib.sha1(value.numpy().tobytes()).digest()
            if key not in known:
                known[key] = len(values)
                values.append(value)
            outer = places.setdefault((first.calls, first.name, k), len(places))
            inner = places.setdefault((first.calls[:1], first.name, k), len(places))
            place = (first.name, first.file, first.line, first.around)
            rows.append([known[key], outer, inner, *place])
    if not values:
        return {"values": torch.zeros(0, batch * len(runs), hidden), "seen": rows}
    return {"values": torch.stack(values), "seen": rows}


def pieces_of(made: Sequence[Operation], batch: int, hidden: int) -> list[Callable[[], Tensor]]:
    """For each matrix that `pieces` cuts from the tensors of a run, return a function that cuts out
    this matrix.

    The functions are in the same order as the entries of `seen` in the dictionary that `pieces`
    returns for this run.
    """
    takers: list[Callable[[], Tensor]] = []
    for operation in made:
        for cut in _cuts(tuple(operation.value.shape), batch, hidden):
            takers.append(partial(cut, operation.value))
    return takers


def notable(run: Operations, outputs: Sequence[Tensor]) -> dict[str, Any]:
    """Return facts about a run of the network other than those that `pieces` returns; unless stated
    otherwise below, a place in the code is given as [operation, file, line].

    Returns:
        a dictionary with eight entries. `uses` contains the number of operations that use each
        tensor of the network. `twice` contains the places where an operation gets the same tensor
        twice. `new` lists the tensors that were created without an input tensor ([file, line],
        shape, and True if the tensor is zero). `cut` contains the first place ([file, line]) where
        a gradient is cut off. `random` lists the tensors drawn at random (operation, shape, file,
        line). `softmax` contains the place of each softmax. `last` contains the place of the last
        affine map to 10 outputs. `made` contains the first place where a tensor equal to one of the
        outputs is made. This place is needed if the code computes a softmax by hand.
    """
    drawn: list[list[Any]] = []
    softmax: list[list[Any]] = []
    last: list[list[Any]] = []
    made: list[list[Any]] = []
    for operation in run.made:
        name, shape = operation.name, operation.value.shape
        place = [name, operation.file, operation.line]
        if name in DRAWN:
            drawn.append([name, list(shape), operation.file, operation.line])
        if "softmax" in name:
            softmax.append(place)
        if name in AFFINE and 10 in shape:
            last = [place]
        if operation.line and not made and _is_among(operation.value, outputs):
            made = [place]
    return {
        "uses": dict(run.uses),
        "twice": run.twice,
        "new": run.new,
        "cut": run.cuts[:1],
        "random": drawn,
        "softmax": softmax,
        "last": last,
        "made": made,
    }


def _is_among(value: Tensor, outputs: Sequence[Tensor]) -> bool:
    """Return True if `value` has the same shape and entries as one of the tensors in `outputs`."""
    return any(value.shape == output.shape and torch.equal(value, output) for output in outputs)


def _cuts(shape: tuple[int, ...], batch: int, hidden: int) -> list[Callable[[Tensor], Tensor]]:
    """Return functions that each cut one (batch, hidden) piece from a tensor of the given shape."""
    rows = [axis for axis, size in enumerate(shape) if size == batch]
    if batch == 1:
        rows = [-1]  # an additional first axis
    units = [axis for axis, size in enumerate(shape) if size % hidden == 0]
    count = math.prod(shape) // (batch * hidden)  # of pieces, for each pair of axes
    axes = [(row, unit) for row, unit in product(rows, units) if unit != row]
    cuts: list[Callable[[Tensor], Tensor]] = []
    for row, unit in axes[: MAX_PIECES // max(1, count)]:
        for k in range(count):
            cuts.append(partial(_cut, row, unit, hidden, k))
    return cuts


def _cut(row: int, unit: int, hidden: int, k: int, x: Tensor) -> Tensor:
    if row < 0:
        x = x.unsqueeze(0)
        row, unit = 0, unit + 1
    x = x.movedim((row, unit), (0, -1))
    return x.reshape(len(x), -1)[:, k * hidden : (k + 1) * hidden]
