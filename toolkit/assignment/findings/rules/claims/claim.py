"""A claim is a named function of numbers, together with the findings that it may prove."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, ParamSpec

from toolkit.assignment.findings.findings import Id, Kind

Numbers = ParamSpec("Numbers")


@dataclass(frozen=True)
class Claim(Generic[Numbers]):
    """A condition on numbers that makes a finding certain.

    Calling a claim with numbers does not compute the condition yet.

    Args:
        holds: returns true if the numbers show what its docstring says. It gets the numbers as
            JSON stores them: lists for tuples and sets, and at most a hundred items of a list.
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
        """The name of the claim's file and the name of its function, joined by a point."""
        return f"{self.holds.__module__.rpartition('.')[2]}.{self.holds.__name__}"

    @property
    def sentence(self) -> str:
        """The claim in words, which is the first line of the function's docstring."""
        return (inspect.getdoc(self.holds) or "").partition("\n")[0]

    @property
    def parameters(self) -> list[str]:
        """The names of the claim's parameters."""
        return list(inspect.signature(self.holds).parameters)

    def __call__(self, *args: Numbers.args, **kwargs: Numbers.kwargs) -> "Evidence":
        """Return the claim together with the numbers that should satisfy it."""
        bound = inspect.signature(self.holds).bind(*args, **kwargs)
        return Evidence(self, bound.arguments)


class Evidence(NamedTuple):
    """A claim, and the numbers that were seen."""

    claim: Claim[...]
    seen: Mapping[str, Any]  # by the names of the claim's parameters


def proves(kind: Kind, *ids: Id) -> Callable[[Callable[Numbers, bool]], Claim[Numbers]]:
    """Make the decorated function a claim that one of these faults exists."""

    def make(holds: Callable[Numbers, bool]) -> Claim[Numbers]:
        return Claim(holds, "wrong", kind, frozenset(ids))

    return make


def rules_out(kind: Kind, *ids: Id) -> Callable[[Callable[Numbers, bool]], Claim[Numbers]]:
    """Make the decorated function a claim that something is right and that none of these faults
    exists.
    """

    def make(holds: Callable[Numbers, bool]) -> Claim[Numbers]:
        return Claim(holds, "right", kind, frozenset(ids))

    return make
