"""Judges the steps of both optimisers: which parameters a step updates, and from which loss its
gradients come.
"""

from collections.abc import Iterable

from toolkit.assignment.findings.findings import Placed
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.gan.game import Game, Turn
from toolkit.assignment.judging.train.player import (
    MIN_STEPS,
    Player,
    check_moves,
    parameters_of,
    reached_by,
)
from toolkit.assignment.judging.train.trace import Backward, Call, Step


def check_steps(game: Game, verdicts: Verdicts) -> bool:
    """Check that all parameters of each network are updated, and that only the network's own loss
    updates them.

    Returns:
        True if the optimisers hold the wrong parameters; this fault would explain any other fault
        in the steps, so the steps are not checked any further.
    """
    num_faults = len(verdicts.faults)
    generator, discriminator = game.players()
    if _check_optimisers(game, generator, discriminator, verdicts):
        return True
    for player in (discriminator, generator):
        if not player.steps and _never_steps(game, player, verdicts):
            return False
    _check_gradients(game, generator, discriminator, verdicts)
    for player in (generator, discriminator):
        _check_moves(game, player, verdicts)
    if len(verdicts.faults) == num_faults and generator.steps and discriminator.steps:
        _confirm(game, generator, discriminator, verdicts)
    return False


def _confirm(game: Game, generator: Player, discriminator: Player, verdicts: Verdicts) -> None:
    """Say that the steps are right, if the check saw backward passes for both networks.

    The check does not record from which loss torch.autograd.grad computes gradients.
    """
    for player in (discriminator, generator):
        if not any(step.passes for step in player.steps):
            verdicts.not_seen("by-hand-gradients", at=player.steps[0], name=player.name)
            return
    verdicts.right("steps", proof=_proof(game, generator, discriminator))


def _proof(game: Game, generator: Player, discriminator: Player) -> claims.Evidence:
    """Return the evidence that the steps are correct: the number of updated parameters in each
    network, and the count of each kind of fault, which should be zero.
    """
    num_both = 0
    for step in game.steps:
        num_both += _moves_both(step, generator, discriminator)
    num_stale = 0
    num_idle = 0
    num_moved = []
    reached = reached_by(game.passes.values())
    for player in (generator, discriminator):
        parameters = player.parameters.keys()
        num_stale += sum(len(step.stale) for step in player.steps)
        num_idle += len((reached & parameters) - player.moved - player.held)
        num_moved.append(len(player.moved & parameters))
    return claims.gan.each_moves_its_own(
        moved=num_moved,
        both=num_both,
        stale=num_stale,
        foreign=len(_foreign_passes(game)),
        idle=num_idle,
    )


def _moves_both(step: Step, first: Player, second: Player) -> bool:
    return bool(step.moved & first.parameters.keys() and step.moved & second.parameters.keys())


def _foreign_passes(game: Game) -> list[int]:
    """Return the indices, in ascending order, of the backward passes in which the discriminator's
    loss gave gradients to the generator.

    If the discriminator's loss gives gradients to the generator, the generated images were not
    detached (`missing-detach`).
    """
    of_discriminator = {backward.index for backward in game.passes_of(game.discriminator)}
    of_generator = {backward.index for backward in game.passes_of(game.generator)}
    foreign = []
    for index in sorted(of_discriminator - of_generator):
        if game.passes[index].changed & game.generator.parameters.keys():
            foreign.append(index)
    return foreign


def _check_optimisers(
    game: Game, generator: Player, discriminator: Player, verdicts: Verdicts
) -> bool:
    """Report a fault if one optimiser step updates both networks, or if several optimisers update
    one network and no optimiser updates the other.

    Returns:
        True if a fault was reported.
    """
    for step in game.steps:
        if _moves_both(step, generator, discriminator):
            proof = claims.gan.a_step_moves_both(
                moved=step.moved,
                generator=generator.parameters.keys(),
                discriminator=discriminator.parameters.keys(),
            )
            verdicts.fault("wrong-optimiser.both", at=game.trace.maker(step), proof=proof)
            return True
    for idle, busy in ((discriminator, generator), (generator, discriminator)):
        optimisers = {step.optimiser for step in busy.steps}
        if not idle.steps and len(optimisers) > 1:
            step = _step_meant_for(idle is discriminator, game, busy.steps)
            proof = claims.shared.none_is_among(
                items=idle.parameters.keys(), among=parameters_of(game.steps)
            )
            maker = game.trace.maker(step)
            verdicts.fault("wrong-optimiser.neither", at=maker, proof=proof, name=idle.name)
            return True
    return False


def _step_meant_for(is_discriminator: bool, game: Game, steps: list[Step]) -> Step:
    """Return the first of the optimiser steps in `steps` that was meant for the discriminator or,
    if `is_discriminator` is false, the first that was meant for the generator.

    An optimiser step counts as meant for the discriminator if the last backward pass before it came
    from a loss on real images.

    Returns:
        The first of `steps` that was meant to train the network in question or, if none of them
        was, the last of `steps`.
    """
    for step in steps:
        if _follows_real(game, step) == is_discriminator:
            return step
    return steps[-1]


def _follows_real(game: Game, step: Step) -> bool:
    """True if the last backward pass before a step came from a loss on real images."""
    earlier = [backward for backward in game.passes.values() if backward.index < step.index]
    if not earlier:
        return False
    return any(not bool(judged.drawn.all()) for judged in game.judged_in(earlier[-1]))


def _never_steps(game: Game, player: Player, verdicts: Verdicts) -> bool:
    """Report a network that gets gradients but no optimiser step.

    Returns:
        True if the missing optimiser step was reported as a fault of the network.
    """
    passes = [event for event in _unused(game) if event.changed & player.parameters.keys()]
    if len(passes) >= MIN_STEPS:
        _report_no_step(game, player, passes, verdicts)
        return True
    verdicts.not_seen("learns", name=player.name)
    return False


def _report_no_step(game: Game, player: Player, passes: list[Backward], verdicts: Verdicts) -> None:
    moved: set[int] = set()
    for step in game.steps:
        moved |= step.moved
    verdicts.fault(
        "does-not-learn.no-step",
        at=passes[0],
        proof=claims.shared.none_is_among(items=player.parameters.keys(), among=moved),
        name=player.name,
        n=len(passes),
    )


def check_classifiers(game: Game, verdicts: Verdicts) -> None:
    """Report a classifier of images that gets gradients from a loss of its own, but no optimiser
    step. Such a classifier may choose the ends of an interpolation.
    """
    of_gan = game.generator.parameters.keys() | game.discriminator.parameters.keys()
    own_passes = [event for event in _unused(game) if not event.changed & of_gan]
    for network in game.trace.networks.values():
        player = Player("classifier", network.parameters, game.steps_of(network), "dead-parameter")
        passes = [event for event in own_passes if event.changed & player.parameters.keys()]
        if not player.steps and len(passes) >= MIN_STEPS and game.reads_images(network):
            _report_no_step(game, player, passes, verdicts)


def _unused(game: Game) -> list[Backward]:
    """Return the backward passes whose gradients are not used by any optimiser step."""
    used: set[int] = set()
    for step in game.steps:
        used.update(step.passes)
    return [backward for index, backward in game.passes.items() if index not in used]


def _check_gradients(
    game: Game, generator: Player, discriminator: Player, verdicts: Verdicts
) -> None:
    """Check that each optimiser step uses only gradients of its own network's loss, and that no two
    steps use the same gradients.
    """
    foreign = _foreign_passes(game)
    if foreign:
        _report_foreign(game, generator, game.passes[foreign[0]], verdicts)
    else:
        _check_stale(generator, verdicts)
    if not _check_stale(discriminator, verdicts):
        _check_pushes(game, discriminator, verdicts)


def _report_foreign(game: Game, generator: Player, backward: Backward, verdicts: Verdicts) -> None:
    """Report a backward pass of the discriminator's loss that gave gradients to the generator."""
    stale = (step for step in generator.steps if backward.index in step.stale)
    step = next(stale, None)
    parameters = generator.parameters.keys()
    verdicts.fault(
        "missing-detach.stale" if step else "missing-detach.cleared",
        at=call_to_detach(game, [backward]) or step,
        proof=claims.shared.some_are_among(items=backward.changed & parameters, among=parameters),
    )


def _check_stale(player: Player, verdicts: Verdicts) -> bool:
    """Report the first step that uses gradients which an earlier step has already used.

    Returns:
        True if such a step was found and reported.
    """
    for step in player.steps:
        if step.stale:
            proof = claims.shared.some_are_among(items=step.passes, among=step.stale)
            _report_not_cleared(player, step, proof, verdicts)
            return True
    return False


def _check_pushes(game: Game, discriminator: Player, verdicts: Verdicts) -> None:
    """Report the last discriminator step that pushes outputs for generated images both up and down.

    In such a step, some of the gradients push these outputs up and others push them down. The step
    therefore also uses gradients of the generator's loss.
    """
    last: Step | None = None
    last_pushes: list[float] = []
    turns = game.turns(game.discriminator)
    for step, turn in zip(discriminator.steps, turns, strict=False):
        pushes = _pushes_on_drawn(game, turn)
        if min(pushes, default=0.0) < 0 < max(pushes, default=0.0):
            last, last_pushes = step, pushes
    if last is not None:
        proof = claims.gan.passes_push_both_ways(last_pushes)
        _report_not_cleared(discriminator, last, proof, verdicts)


def _pushes_on_drawn(game: Game, turn: Turn) -> list[float]:
    """Return one number for each discriminator call whose gradients one optimiser step uses. The
    number is positive if the step should raise the outputs for generated images on average, and
    negative if the step should lower them.
    """
    return [float(push[judged.drawn].sum()) for judged, push, _ in game.pushes([turn])]


def _report_not_cleared(
    player: Player, step: Step, proof: claims.Evidence, verdicts: Verdicts
) -> None:
    verdicts.fault("gradients-not-cleared.stale", at=step, proof=proof, name=player.name)


def call_to_detach(game: Game, passes: Iterable[Backward]) -> Call | None:
    """Find the discriminator call through which a backward pass first reached the generator."""
    for backward in passes:
        if backward.changed & game.generator.parameters.keys():
            return _call_on_drawn(game, backward)
    return None


def _call_on_drawn(game: Game, backward: Backward) -> Call | None:
    """Of the discriminator calls that a backward pass went through, return the first one whose
    input contains generated images.
    """
    for judged in game.judged_in(backward):
        if bool(judged.drawn.any()):
            return judged.call
    return None


def _check_moves(game: Game, player: Player, verdicts: Verdicts) -> None:
    """Check that a network's optimiser steps update all parameters of the network."""
    if len(player.steps) < MIN_STEPS or not check_moves(player, game.trace, verdicts):
        return
    passed: set[int] = set()
    for backward in game.passes.values():
        passed |= backward.parameters
    unused = [key for key in player.parameters if key not in passed and key not in player.moved]
    if not player.moved & player.parameters.keys():
        proof = claims.shared.none_is_among(
            items=player.parameters.keys(), among=reached_by(game.passes.values())
        )
        before = _last_before(game, player.steps[0])
        verdicts.fault("dead-parameter.no-gradient", at=before, proof=proof, name=player.name)
    elif unused:
        network = game.generator if player.name == "generator" else game.discriminator
        verdicts.fault(
            "dead-parameter.unused",
            at=network.lines[unused[0]],
            proof=claims.shared.none_is_among(items=set(unused), among=passed),
            name=player.name,
            names=player.listed(unused),
        )


def _last_before(game: Game, step: Step) -> Placed:
    """Return the last discriminator call on generated images before an optimiser step, or the step
    itself if there is no such call.
    """
    last: Placed = step
    for judged in game.judged.values():
        if bool(judged.drawn.any()) and judged.call.index < step.index:
            last = judged.call
    return last
