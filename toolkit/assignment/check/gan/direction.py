"""Which way the two losses push the discriminator's output, for real images and for drawn ones.

The gradient of a loss with respect to the discriminator's output says which way a step on that loss
moves it, for each image: without chance, whatever the loss is, and whichever of real and drawn is
called 1. What the discriminator's own steps do to real images, the generator's must do to drawn
ones.
"""

from collections.abc import Iterable
from typing import NamedTuple

from toolkit.assignment.check.gan.game import Game
from toolkit.assignment.check.gan.trace import Backward, Event, Step
from toolkit.assignment.check.verdicts import Verdicts

MIN_SHARE = 0.02  # of the larger push: a smaller one is none
WAYS = {1: "up", -1: "down"}


class Push(NamedTuple):
    """How much a loss wants the output to rise (less than 0: to fall)."""

    real: float
    drawn: float


def push_of(game: Game, passes: Iterable[Backward]) -> Push:
    """What some backward passes want together."""
    real = drawn = 0.0
    for backward in passes:
        for number, gradient in backward.gradients.items():
            judged = game.judged.get(number)
            if judged is not None and len(gradient) == len(judged.drawn):
                drawn -= float(gradient[judged.drawn].double().sum())
                real -= float(gradient[~judged.drawn].double().sum())
    return Push(real, drawn)


def drawn_push(game: Game, passes: Iterable[Backward]) -> float:
    """What some backward passes want for drawn images."""
    return push_of(game, passes).drawn


def check_direction(game: Game, verdicts: Verdicts) -> None:
    """The discriminator tells the two apart, and the generator makes its images look real."""
    steps_d = game.steps_of(game.discriminator)
    steps_g = game.steps_of(game.generator)
    pushes = [p for s in steps_d if (p := _push_of_step(game, s)) != (0.0, 0.0)]
    if not pushes:
        verdicts.not_seen(
            "What the discriminator's loss does with its output was not seen, so its direction is "
            "not known."
        )
        return
    real, drawn = _majority(p.real for p in pushes), _majority(p.drawn for p in pushes)
    if _one_sided(game, steps_d, pushes, verdicts):
        return
    if real == drawn:
        verdicts.fault(
            "wrong-direction",
            f"The discriminator's loss pushes its output {WAYS[real]} for real images and for "
            "generated ones alike. Which targets, or which signs, should the two terms have?",
            equation=10,
            at=_loss_of(game, steps_d, drawn=real > 0) or steps_d[0],
        )
        return
    wanted = [_majority([p.drawn]) for s in steps_g if (p := _push_of_step(game, s)).drawn]
    if not wanted:
        if steps_g and not verdicts.has("dead-parameter", "does-not-learn"):
            verdicts.not_seen("What the generator's loss wants from the discriminator was not seen.")
        return
    if (way := _majority(wanted)) != real:
        in_d = real < 0  # real images are usually pushed up
        verdicts.fault(
            "wrong-direction",
            f"The discriminator's steps push its output {WAYS[real]} for real images and "
            f"{WAYS[drawn]} for generated ones, and the generator's steps push it {WAYS[way]} for "
            "generated ones. So the generator learns to be found out. Which of the losses has the "
            "wrong target or sign?",
            equation=10,
            at=_loss_of(game, steps_d if in_d else steps_g, drawn=not in_d)
            or (steps_d if in_d else steps_g)[0],
        )
        return
    verdicts.right(
        "The discriminator's steps tell real from generated images, and the generator's steps make "
        "its images look more real to it."
    )


def _push_of_step(game: Game, step: Step) -> Push:
    """What the step's own loss wants, for its network."""
    push = push_of(game, game.own_passes(step))
    return Push(-push.real, -push.drawn) if step.maximize else push


def _majority(numbers: Iterable[float]) -> int:
    """1 if most steps push up, -1 if most push down: labels may be flipped now and then."""
    votes = [1 if number > 0 else -1 for number in numbers if number]
    return 1 if sum(votes) >= 0 else -1


def _one_sided(game: Game, steps: list[Step], pushes: list[Push], verdicts: Verdicts) -> bool:
    """Whether the discriminator's loss lacks one of its terms."""
    real = sum(abs(push.real) for push in pushes)
    drawn = sum(abs(push.drawn) for push in pushes)
    if min(real, drawn) > MIN_SHARE * max(real, drawn):
        return False
    if drawn < real and _both_ways(game, steps):
        verdicts.not_seen("Which of the discriminator's images are generated was not seen.")
        return True
    lacking = "generated" if drawn < real else "real"
    verdicts.fault(
        "one-sided-loss",
        f"In the {len(steps)} steps that were seen, no {lacking} image was in the discriminator's "
        "loss. What are the two terms of V, and which of them is missing?",
        equation=10,
        at=_loss_of(game, steps, drawn=drawn > real) or steps[0],
    )
    return True


def _both_ways(game: Game, steps: list[Step]) -> bool:
    """Whether some calls are pushed up and others down, whatever their images are."""
    signs = set()
    for step in steps:
        for backward in game.own_passes(step):
            for number, gradient in backward.gradients.items():
                if number in game.judged and bool(gradient.any()):
                    signs.add(bool(gradient.double().sum() > 0))
    return len(signs) > 1


def _loss_of(game: Game, steps: list[Step], *, drawn: bool) -> Event | None:
    """The loss of these steps on drawn, or on real, images; else the pass backward from it."""
    for step in steps:
        for backward in game.own_passes(step):
            calls = [
                number
                for number in backward.gradients
                if number in game.judged and bool(game.judged[number].drawn.any()) == drawn
            ]
            for loss in game.trace.losses:
                if loss.input is not None and loss.input.source in calls:
                    return loss
            if calls:
                return backward
    return None
