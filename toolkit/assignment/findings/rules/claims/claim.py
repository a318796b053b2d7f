"""A claim is a named condition on numbers, together with a list of the faults that it can prove or
rule out.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, ParamSpec

from toolkit.assignment.findings.findings import Id, Kind

Numbers = ParamSpec("Numbers")


@dataclass(frozen=True)
class Claim(Generic[Numbers]):
    """A condition that proves a finding if the observed numbers satisfy it.

    Calling a claim merely stores the numbers passed to it; the condition is evaluated later.

    Args:
        holds: the function that returns True if the numbers satisfy the condition stated in the
            first line of its docstring. The numbers have passed through JSON: tuples and sets have
            become lists, and a list has at most a hundred items.
        verdict: "wrong" if the claim proves that the code has a fault, or "right" if it rules
            faults out.
        kind: how the claim proves a finding, for example by an experiment or from the code's
            syntax.
        ids: the ids of the faults that the claim can prove or, if the verdict is "right", rule out.
    """

    holds: Callable[Numbers, bool]
    verdict: Literal["wrong", "right"]
    kind: Kind
    ids: frozenset[Id]

    @property
    def name(self) -> str:
        """The names of the claim's module and of its function, joined by a dot."""
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
        """Return the claim together with the observed numbers passed to it, without yet checking
        whether they satisfy the claim.
        """
        bound = inspect.signature(self.holds).bind(*args, **kwargs)
        return Evidence(self, bound.arguments)


class Evidence(NamedTuple):
    """A claim, together with the numbers observed by the check, which show whether the claim is
    true.
    """

    claim: Claim[...]
    seen: Mapping[str, Any]  # by the names of the claim's parameters


def proves(kind: Kind, *ids: Id) -> Callable[[Callable[Numbers, bool]], Claim[Numbers]]:
    """Turn the decorated function into a claim that one of the given faults exists."""

    def make(holds: Callable[Numbers, bool]) -> Claim[Numbers]:
        return Claim(holds, "wrong", kind, frozenset(ids))

    return make


def rules_out(kind: Kind, *ids: Id) -> Callable[[Callable[Numbers, bool]], Claim[Numbers]]:
    """Turn the decorated function into a claim that proves the verdict "right".

    If the claim is true, the code has none of the faults with the given ids.
    """

    def make(holds: Callable[Numbers, bool]) -> Claim[Numbers]:
        return Claim(holds, "right", kind, frozenset(ids))

    return make
