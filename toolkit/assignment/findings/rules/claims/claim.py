"""A claim is a function of numbers with a name, and with the findings that it may prove."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, ParamSpec

from toolkit.assignment.findings.findings import Id, Kind

Numbers = ParamSpec("Numbers")


@dataclass(frozen=True)
class Claim(Generic[Numbers]):
    """A way in which a finding can be certain. Calling it with numbers computes nothing yet.

    Args:
        holds: tells whether the numbers show what its docstring says. It gets them as JSON has
            them: lists for tuples and sets, and the first hundred items of a long list.
        verdict: of a finding that has this proof.
        kind: of the proof.
        ids: of the faults that it may prove; or, if the verdict is "right", may rule out.
    """

    holds: Callable[Numbers, bool]
    verdict: Literal["wrong", "right"]
    kind: Kind
    ids: frozenset[Id]

    @property
    def name(self) -> str:
        """The names of its file and of its function, with a point between them."""
        return f"{self.holds.__module__.rpartition('.')[2]}.{self.holds.__name__}"

    @property
    def sentence(self) -> str:
        """The claim in words: the first line of its docstring."""
        return (inspect.getdoc(self.holds) or "").partition("\n")[0]

    @property
    def parameters(self) -> list[str]:
        """The names of the numbers."""
        return list(inspect.signature(self.holds).parameters)

    def __call__(self, *args: Numbers.args, **kwargs: Numbers.kwargs) -> "Evidence":
        """Return the claim with the numbers that are to show it."""
        bound = inspect.signature(self.holds).bind(*args, **kwargs)
        return Evidence(self, bound.arguments)


class Evidence(NamedTuple):
    """A claim, and the numbers that were seen."""

    claim: Claim[...]
    seen: Mapping[str, Any]  # by the names of the claim's parameters


def proves(kind: Kind, *ids: Id) -> Callable[[Callable[Numbers, bool]], Claim[Numbers]]:
    """Make the function below a claim that there is one of these faults."""

    def make(holds: Callable[Numbers, bool]) -> Claim[Numbers]:
        return Claim(holds, "wrong", kind, frozenset(ids))

    return make


def rules_out(kind: Kind, *ids: Id) -> Callable[[Callable[Numbers, bool]], Claim[Numbers]]:
    """Make the function below a claim that something is right, and that no such fault is there."""

    def make(holds: Callable[Numbers, bool]) -> Claim[Numbers]:
        return Claim(holds, "right", kind, frozenset(ids))

    return make
