"""What the steps of both optimisers do: which parameters move, by whose loss, and which way."""

from typing import Any, NamedTuple

from toolkit.assignment.check.gan.direction import push_of
from toolkit.assignment.check.gan.game import Game
from toolkit.assignment.check.gan.trace import Backward, Event, Network, Step
from toolkit.assignment.check.verdicts import Verdicts

MIN_STEPS = 3  # of one network, to say that a parameter is never moved
NAMED = 3  # parameters in a message


class Moves(NamedTuple):
    """The steps that were meant for each of the two networks."""

    generator: list[Step]
    discriminator: list[Step]


def check_steps(game: Game, verdicts: Verdicts) -> None:
    """Each network is moved by its own loss, and wholly."""
    before = len(verdicts.faults)
    moves = Moves(game.steps_of(game.generator), game.steps_of(game.discriminator))
    if _in_one_optimiser(game, moves, verdicts) or _never_step(game, moves, verdicts):
        return
    _check_gradients(game, moves, verdicts)
    _check_parameters(game, game.generator, "generator", moves.generator, verdicts)
    _check_parameters(game, game.discriminator, "discriminator", moves.discriminator, verdicts)
    if len(verdicts.faults) == before and moves.generator and moves.discriminator:
        verdicts.right("steps")


def _in_one_optimiser(game: Game, moves: Moves, verdicts: Verdicts) -> bool:
    """Whether a step moves both networks, or the optimisers hold the wrong one."""
    ours, theirs = game.generator.parameters.keys(), game.discriminator.parameters.keys()
    both = next((s for s in game.steps if s.moved & ours and s.moved & theirs), None)
    if both is not None:
        verdicts.fault(
            "wrong-optimiser.both",
            at=_maker(game, both),
            proof={"moved": both.moved, "one": ours, "other": theirs},
        )
        return True
    for name, idle, busy in (
        ("discriminator", moves.discriminator, moves.generator),
        ("generator", moves.generator, moves.discriminator),
    ):
        optimizers = {step.optimizer for step in busy}
        if not idle and len(optimizers) > 1:
            last = next(
                (s for s in busy if _follows_real(game, s) == (name == "discriminator")), busy[-1]
            )
            verdicts.fault(
                "wrong-optimiser.neither",
                at=_maker(game, last),
                proof={
                    "these": theirs if name == "discriminator" else ours,
                    "those": {p for step in game.steps for p in step.holds},
                },
                name=name,
            )
            return True
    return False


def _follows_real(game: Game, step: Step) -> bool:
    """Whether the last backward pass before a step came from a loss on real images."""
    before = [b for b in game.trace.passes.values() if b.number < step.number]
    judged = [game.judged[n] for n in before[-1].gradients if n in game.judged] if before else []
    return any(not bool(j.drawn.all()) for j in judged)


def _maker(game: Game, step: Step) -> Event:
    """Where the optimiser of a step was made, if that was seen."""
    made = game.trace.made.get(step.optimizer) if step.optimizer is not None else None
    return made if made is not None and made.file else step


def _never_step(game: Game, moves: Moves, verdicts: Verdicts) -> bool:
    """Whether a network has losses and gradients, but nothing that steps on them."""
    for name, network, steps in (
        ("discriminator", game.discriminator, moves.discriminator),
        ("generator", game.generator, moves.generator),
    ):
        if steps:
            continue
        passes = [b for b in game.unused if b.reaches & network.parameters.keys()]
        if len(passes) >= MIN_STEPS:
            verdicts.fault(
                "does-not-learn.no-step",
                at=passes[0],
                proof={
                    "these": network.parameters.keys(),
                    "those": {p for step in game.steps for p in step.moved},
                },
                name=name,
                n=len(passes),
            )
            return True
        if game.was_cut_off:  # by what has a name already
            verdicts.not_seen("cleared", name=name)
        else:
            verdicts.not_seen("learns", name=name)
    return False


def _check_gradients(game: Game, moves: Moves, verdicts: Verdicts) -> None:
    """What is in the gradients when a network steps is its own loss, and only once."""
    theirs = {p for step in moves.discriminator for p in _first_uses(game, step)}
    own = {p for step in moves.generator for p in _first_uses(game, step)}
    ours = game.generator.parameters.keys()
    for number in sorted(theirs - own):
        reached = game.trace.passes[number].reaches & ours
        if not reached:
            continue
        step = next((step for step in moves.generator if number in step.stale), None)
        verdicts.fault(
            "missing-detach.stale" if step else "missing-detach.cleared",
            at=_undetached(game, game.trace.passes[number]) or step,
            proof={"these": reached, "those": ours},
        )
        break
    for who, steps in (("generator", moves.generator), ("discriminator", moves.discriminator)):
        stale = next((s for s in steps if s.stale), None) or (
            _foreign(game, steps) if who == "discriminator" else None
        )
        if stale is not None and not (who == "generator" and verdicts.has("missing-detach")):
            verdicts.fault(
                "gradients-not-cleared.stale", at=stale, proof=_seen_in(game, stale), name=who
            )


def _seen_in(game: Game, step: Step) -> dict[str, Any]:
    """What shows that a step's gradients are not only its own."""
    if step.stale:
        return {"these": step.passes, "those": step.stale}
    return {"pushes": [push_of(game, [p]).drawn for p in game.own_passes(step)]}


def _first_uses(game: Game, step: Step) -> set[int]:
    return set(step.passes) - step.stale


def undetached(game: Game) -> Event | None:
    """The first of the discriminator's calls whose images led its step into the generator."""
    for step in game.meant_for(game.discriminator):
        for backward in game.own_passes(step):
            if backward.reaches & set(game.generator.parameters):
                return _undetached(game, backward)
    return None


def _undetached(game: Game, backward: Backward) -> Event | None:
    """The discriminator's call whose images led this pass into the generator."""
    for number in backward.gradients:
        judged = game.judged.get(number)
        if judged is not None and bool(judged.drawn.any()):
            return judged.call
    return None


def _foreign(game: Game, steps: list[Step]) -> Step | None:
    """A step of the discriminator on two losses that want its output for drawn images both ways."""
    for step in steps:
        pushes = [push_of(game, [p]).drawn for p in game.own_passes(step)]
        if any(push > 0 for push in pushes) and any(push < 0 for push in pushes):
            return step
    return None


def _check_parameters(
    game: Game,
    network: Network,
    name: str,
    steps: list[Step],
    verdicts: Verdicts,
) -> None:
    """All parameters of the network move when it steps."""
    if len(steps) < MIN_STEPS:
        return
    moved = {p for step in steps for p in step.moved}
    idle = [p for p in network.parameters if p not in moved]
    reached = {p for backward in game.trace.passes.values() for p in backward.reaches}
    passed = {p for backward in game.trace.passes.values() for p in backward.passes}
    names = ", ".join(network.parameters[p] for p in idle[:NAMED])
    names += f" and {len(idle) - NAMED} more" if len(idle) > NAMED else ""
    if not idle:
        return
    if len(idle) == len(network.parameters) and reached & set(idle):
        verdicts.fault(
            "does-not-learn.moves-nothing",
            at=steps[0],
            proof={"these": reached & set(idle), "those": moved},
            name=name,
            n=len(steps),
        )
    elif len(idle) == len(network.parameters):
        verdicts.fault(
            "dead-parameter.no-gradient",
            at=_last_judged(game, steps[0]) or steps[0],
            proof={"these": idle, "those": reached},
            name=name,
        )
    elif reached & set(idle) and not {p for s in steps for p in s.holds} & set(idle):
        verdicts.fault(
            "dead-parameter.not-held",
            at=_maker(game, steps[0]),
            proof={"these": reached & set(idle), "those": moved},
            name=name,
            names=names,
        )
    elif never := [p for p in idle if p not in passed]:
        verdicts.fault(
            "dead-parameter.unused",
            at=network.lines[never[0]],
            proof={"these": never, "those": passed},
            name=name,
            names=names,
        )


def _last_judged(game: Game, step: Step) -> Event | None:
    """The call of the discriminator on drawn images right before a step."""
    calls = [j.call for j in game.judged.values() if bool(j.drawn.any())]
    return max((c for c in calls if c.number < step.number), key=lambda c: c.number, default=None)
