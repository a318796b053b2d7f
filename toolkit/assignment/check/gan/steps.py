"""What the steps of both optimisers do: which parameters move, by whose loss, and which way."""

from collections.abc import Iterable
from typing import Any

from toolkit.assignment.check.gan.game import Game
from toolkit.assignment.check.train.player import MIN_STEPS, Player, check_moves
from toolkit.assignment.check.train.trace import Backward, Call, Step
from toolkit.assignment.check.verdicts import Verdicts


def check_steps(game: Game, verdicts: Verdicts) -> bool:
    """Each network is moved by its own loss, and wholly.

    Returns:
        whether the optimisers hold the wrong networks, which accounts for whatever else they do.
    """
    before = len(verdicts.faults)
    generator, discriminator = game.players()
    if _in_one_optimiser(game, generator, discriminator, verdicts):
        return True
    for player in (discriminator, generator):
        if not player.steps and _never_steps(game, player, verdicts):
            return False
    _check_gradients(game, generator, discriminator, verdicts)
    for player in (generator, discriminator):
        _check_moves(game, player, verdicts)
    if len(verdicts.faults) == before and generator.steps and discriminator.steps:
        verdicts.right("steps", proof=_seen(game, generator, discriminator))
    return False


def _seen(game: Game, *players: Player) -> dict[str, int | list[int]]:
    """What the steps have moved, and how often they should not have."""
    own = [player.parameters.keys() for player in players]
    passes = [game.passes_of(network) for network in (game.generator, game.discriminator)]
    reached = {p for backward in game.passes.values() for p in backward.changed}
    foreign = {b.index for b in passes[1]} - {b.index for b in passes[0]}
    return {
        "moved": [len(player.moved & keys) for player, keys in zip(players, own, strict=True)],
        "both": sum(all(step.moved & keys for keys in own) for step in game.steps),
        "stale": sum(len(step.stale) for player in players for step in player.steps),
        "foreign": sum(bool(game.passes[number].changed & own[0]) for number in foreign),
        "idle": sum(
            len((reached & player.parameters.keys()) - player.moved - player.held)
            for player in players
        ),
    }


def _in_one_optimiser(game: Game, one: Player, other: Player, verdicts: Verdicts) -> bool:
    """Whether a step moves both networks, or the optimisers hold the wrong one."""
    ours, theirs = one.parameters.keys(), other.parameters.keys()
    both = next((s for s in game.steps if s.moved & ours and s.moved & theirs), None)
    if both is not None:
        seen = {"moved": both.moved, "one": ours, "other": theirs}
        verdicts.fault("wrong-optimiser.both", at=game.trace.maker(both), proof=seen)
        return True
    for idle, busy in ((other, one), (one, other)):
        if not idle.steps and len({step.optimiser for step in busy.steps}) > 1:
            mine = [s for s in busy.steps if _follows_real(game, s) == (idle is other)]
            verdicts.fault(
                "wrong-optimiser.neither",
                at=game.trace.maker((mine or busy.steps[-1:])[0]),
                proof={
                    "these": idle.parameters.keys(),
                    "those": {p for step in game.steps for p in step.parameters},
                },
                name=idle.name,
            )
            return True
    return False


def _follows_real(game: Game, step: Step) -> bool:
    """Whether the last backward pass before a step came from a loss on real images."""
    before = [b for b in game.passes.values() if b.index < step.index]
    judged = [game.judged[n] for n in before[-1].gradients if n in game.judged] if before else []
    return any(not bool(j.drawn.all()) for j in judged)


def _never_steps(game: Game, player: Player, verdicts: Verdicts) -> bool:
    """Whether a network without steps has gradients that nothing steps on."""
    used = {p for step in game.steps for p in step.passes}
    unused = [backward for number, backward in game.passes.items() if number not in used]
    passes = [b for b in unused if b.changed & player.parameters.keys()]
    if len(passes) >= MIN_STEPS:
        moved = {p for step in game.steps for p in step.moved}
        seen = {"these": player.parameters.keys(), "those": moved}
        at, n = passes[0], len(passes)
        verdicts.fault("does-not-learn.no-step", at=at, proof=seen, name=player.name, n=n)
        return True
    verdicts.not_seen("learns", name=player.name)
    return False


def _check_gradients(
    game: Game, generator: Player, discriminator: Player, verdicts: Verdicts
) -> None:
    """What is in the gradients when a network steps is its own loss, and only once."""
    theirs = {backward.index for backward in game.passes_of(game.discriminator)}
    own = {backward.index for backward in game.passes_of(game.generator)}
    ours = generator.parameters.keys()
    runs_on = [number for number in sorted(theirs - own) if game.passes[number].changed & ours]
    for number in runs_on[:1]:
        step = next((step for step in generator.steps if number in step.stale), None)
        verdicts.fault(
            "missing-detach.stale" if step else "missing-detach.cleared",
            at=undetached(game, [game.passes[number]]) or step,
            proof={"these": game.passes[number].changed & ours, "those": ours},
        )
    for player in (discriminator,) if runs_on else (generator, discriminator):
        stale = next((s for s in player.steps if s.stale), None)
        seen: dict[str, Any] = {"these": stale.passes, "those": stale.stale} if stale else {}
        if stale is None and player is discriminator:
            for step, turn in zip(player.steps, game.turns(game.discriminator), strict=False):
                pushes = [float(y[j.drawn].sum()) for j, y, _ in game.pushes([turn])]
                if min(pushes, default=0.0) < 0 < max(pushes, default=0.0):
                    stale, seen = step, {"pushes": pushes}
        if stale is not None:
            name = player.name
            verdicts.fault("gradients-not-cleared.stale", at=stale, proof=seen, name=name)


def undetached(game: Game, passes: Iterable[Backward]) -> Call | None:
    """The discriminator's call whose images led the first of these passes into the generator."""
    for backward in passes:
        if backward.changed & game.generator.parameters.keys():
            judged = [game.judged[number] for number in backward.gradients if number in game.judged]
            return next((j.call for j in judged if bool(j.drawn.any())), None)
    return None


def _check_moves(game: Game, player: Player, verdicts: Verdicts) -> None:
    """All parameters of the network move when it steps."""
    if len(player.steps) < MIN_STEPS or not check_moves(player, game.trace, verdicts):
        return
    passed = {p for backward in game.passes.values() for p in backward.parameters}
    reached = {p for backward in game.passes.values() for p in backward.changed}
    never = [p for p in player.parameters if p not in passed and p not in player.moved]
    if not player.moved & player.parameters.keys():
        before = [j.call for j in game.judged.values() if bool(j.drawn.any())]
        before = [call for call in before if call.index < player.steps[0].index]
        at = before[-1] if before else player.steps[0]
        seen = {"these": player.parameters.keys(), "those": reached}
        verdicts.fault("dead-parameter.no-gradient", at=at, proof=seen, name=player.name)
    elif never:
        network = game.generator if player.name == "generator" else game.discriminator
        seen = {"these": set(never), "those": passed}
        names = player.listed(never)
        made = network.lines[never[0]]
        verdicts.fault("dead-parameter.unused", at=made, proof=seen, name=player.name, names=names)
