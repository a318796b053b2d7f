"""One call of a student's network under the watch: what it computes, makes and keeps."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from toolkit.assignment.check.child.lstm.operations import Operations, notable, pieces
from toolkit.assignment.check.child.lstm.tensors import all_tensors, changed, snapshot, tensors_in
from toolkit.assignment.check.child.origins import Origins


class Watched(NamedTuple):
    """A network, and how it is called."""

    network: nn.Module
    call: Callable[[Tensor], Any]
    origins: Origins  # of its building
    root: Path

    def operations(self) -> Operations:
        """Records what it computes."""
        return Operations(self.root, {id(t): n for n, t in all_tensors(self.network).items()})


def recorded(watched: Watched, inputs: Sequence[Tensor], batch: int, hidden: int) -> dict[str, Any]:
    """Call a network with each input, and tell what it computes.

    Returns:
        what `operations.pieces`, `operations.notable` and `tensors.changed` return; the `outputs`;
        where the forward has `written` to attributes, by name; and of the lines that use a layer
        without a bias where it was made (`bare`: pairs of places).
    """
    network = watched.network.eval()
    before = snapshot(network)
    runs, outputs, written = [], [], Origins(str(watched.root))
    for x in inputs:
        operations = watched.operations()
        torch.manual_seed(0)
        with operations, written:
            result = watched.call(x)
        outputs.append([t.detach() for t in tensors_in(result)])
        runs.append(operations)
    names = changed(before, network)
    bare = {f"{n}.weight": n for n, m in network.named_modules() if getattr(m, "bias", m) is None}
    return (
        pieces([run.made for run in runs], batch, hidden)
        | notable(runs[0], outputs[0])
        | names
        | {
            "outputs": outputs,
            "written": {n: written.of(network, n) for n in (*names["remade"], *names["kept"])},
            "bare": [
                [line, watched.origins.of(network, bare[name])]
                for name in runs[0].read.keys() & bare.keys()
                for line in runs[0].read[name]
            ],
        }
    )


def makes(watched: Watched, x: Tensor) -> list[Any]:
    """What a call makes of nothing until it stops: `new`, as of `operations.notable`."""
    operations = watched.operations()
    with contextlib.suppress(Exception), operations:  # whatever a student's code raises
        watched.call(x)
    return operations.new
