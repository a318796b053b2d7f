"""A player: a network, and the steps that were meant for it.

The training of the LSTM is a game of one, that of a GAN of two.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from toolkit.assignment.check.findings import Id
from toolkit.assignment.check.train.trace import Backward, Step, Trace
from toolkit.assignment.check.verdicts import Verdicts, listed

MANY = 16  # backward passes after which a step should have been seen
MIN_STEPS = 3  # to say that a parameter is never moved


class Player(NamedTuple):
    """Who learns, and by which steps."""

    name: str
    parameters: Mapping[int, str]  # id -> name
    steps: list[Step]
    idle: Id  # what it is called if some of them are never moved

    @property
    def held(self) -> set[int]:
        """What its optimisers hold."""
        return {p for step in self.steps for p in step.parameters}

    @property
    def moved(self) -> set[int]:
        """What its steps have moved."""
        return {p for step in self.steps for p in step.moved}

    def listed(self, parameters: Iterable[int]) -> str:
        """The names of some of its parameters."""
        return listed([name for p, name in self.parameters.items() if p in set(parameters)])


def should_step(trace: Trace, passes: list[Backward]) -> bool:
    """Whether so much ran after these passes that a step would have been seen."""
    return trace.ended in ("finished", "enough") or len(passes) >= MANY


def check_moves(player: Player, trace: Trace, verdicts: Verdicts) -> bool:
    """What a loss gives a gradient is moved.

    Returns:
        whether it is, as far as that can be said.
    """
    passes, moved = trace.all(Backward), player.moved
    reached = {p for e in passes for p in e.changed} & player.parameters.keys()
    first = player.steps[0]
    maker = trace.maker(first)
    named: dict[str, Any] = {"name": player.name, "n": len(player.steps), "rate": first.lr}
    if reached and not moved & player.parameters.keys():
        seen = {"these": reached, "those": moved}
        verdicts.fault("does-not-learn.moves-nothing", at=maker, proof=seen, **named)
    elif len(player.steps) < MIN_STEPS:
        return True
    elif missing := reached - moved - player.held:
        named |= {"n": len(missing), "names": player.listed(missing)}
        seen = {"these": missing, "those": moved}
        verdicts.fault(f"{player.idle}.not-held", at=maker, proof=seen, **named)
    else:
        return True
    return False
