"""A player is a network that is being trained, together with the recorded steps of its optimisers.

In the training of the LSTM, there is one player; in the training of a GAN, there are two: the
generator and the discriminator.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from toolkit.assignment.findings.findings import Id
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts, listed
from toolkit.assignment.judging.train.trace import Backward, Step, Trace

MANY = 16  # backward passes after which a step should have been seen
MIN_STEPS = 3  # to say that a parameter is never moved


class Player(NamedTuple):
    """A network that learns, and its optimiser steps."""

    name: str
    parameters: Mapping[int, str]  # id -> name
    steps: list[Step]
    idle: Id  # the fault if some parameters are never moved

    @property
    def held(self) -> set[int]:
        """The parameters held by the optimisers that took this network's recorded steps, and the
        parameters that were changed in steps taken without an optimiser.
        """
        return parameters_of(self.steps)

    @property
    def moved(self) -> set[int]:
        """The parameters that the recorded optimiser steps of this network have updated."""
        moved: set[int] = set()
        for step in self.steps:
            moved |= step.moved
        return moved

    def listed(self, parameters: Iterable[int]) -> str:
        """Return a string that lists the names of those `parameters` that belong to this network; a
        long list is shortened.
        """
        chosen = set(parameters)
        return listed([name for key, name in self.parameters.items() if key in chosen])


def parameters_of(steps: Iterable[Step]) -> set[int]:
    """Return the parameters of the optimisers that made these steps and, for steps made without an
    optimiser, the parameters that were changed.
    """
    held: set[int] = set()
    for step in steps:
        held |= step.parameters
    return held


def reached_by(passes: Iterable[Backward]) -> set[int]:
    """Return the parameters that received a gradient in at least one of the given backward
    passes.
    """
    reached: set[int] = set()
    for event in passes:
        reached |= event.changed
    return reached


def should_step(trace: Trace, passes: list[Backward]) -> bool:
    """True if an optimiser step should have followed these backward passes: either the run was not
    cut short, or there were many passes.
    """
    return trace.ended in ("finished", "enough") or len(passes) >= MANY


def check_moves(player: Player, trace: Trace, verdicts: Verdicts) -> bool:
    """Report parameters that get a gradient but are not updated.

    Returns:
        True if all parameters with a gradient are updated, as far as the check can tell.
    """
    moved = player.moved
    reached = reached_by(trace.all(Backward)) & player.parameters.keys()
    first = player.steps[0]
    maker = trace.maker(first)
    named: dict[str, Any] = {"name": player.name, "n": len(player.steps), "rate": first.lr}
    if reached and not moved & player.parameters.keys():
        proof = claims.shared.none_is_among(items=reached, among=moved)
        verdicts.fault("does-not-learn.moves-nothing", at=maker, proof=proof, **named)
        return False
    missing = reached - moved - player.held
    if len(player.steps) < MIN_STEPS or not missing:
        return True
    named |= {"n": len(missing), "names": player.listed(missing)}
    proof = claims.shared.none_is_among(items=missing, among=moved)
    verdicts.fault(f"{player.idle}.not-held", at=maker, proof=proof, **named)
    return False
