"""Remembers which losses were made, to recognise them in a backward pass."""

from typing import Any

from torch import Tensor

KEPT = 16  # losses whose graphs are kept


class Losses:
    """Where loss objects were made, and what loss functions returned.

    Attributes:
        made: id of a loss object of torch's -> file and line where it was made.
        called: the place where the one was made that is being called.
        inside: whether a loss function is running.
    """

    def __init__(self) -> None:
        self.made: dict[int, Any] = {}
        self.called: Any = None
        self.inside = False
        self._nodes: dict[int, Any] = {}  # event -> the node of the graph that it has made

    def keep(self, index: int, result: Any) -> None:
        """Remember what the loss function of an event returned."""
        if isinstance(result, Tensor) and result.grad_fn is not None:
            self._nodes[index] = result.grad_fn
            for old in list(self._nodes)[:-KEPT]:
                del self._nodes[old]

    def among(self, nodes: set[Any]) -> list[int]:
        """The events of those that are among the nodes of a graph."""
        return [index for index, node in self._nodes.items() if node in nodes]
