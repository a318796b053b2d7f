"""Which way the two losses push the discriminator's output, for real images and for drawn ones.

The gradient of a loss with respect to the discriminator's output says which way a step on that loss
moves it, for each image: without chance, whatever the loss is, and whichever of real and drawn is
called 1. What the discriminator's own steps do to real images, the generator's must do to drawn
ones.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.check.gan.game import Game
from toolkit.assignment.check.gan.trace import Backward, Step
from toolkit.assignment.check.verdicts import Placed, Verdicts

LOW, HIGH = 0.25, 0.75  # outputs beyond may be pushed back by targets that are not 0 or 1
WAYS = {1: "up", -1: "down"}
MIN_IMAGES = 16  # to see how a push depends on the output
MIN_SPREAD = 1e-4  # of the outputs, for the same
STRAIGHT = 0.02  # at most so far, of its fall, is the push in a loss of squares off a line
NEAR = 0.05  # two such targets are the same


class Push(NamedTuple):
    """How much a loss wants the output to rise (less than 0: to fall)."""

    real: float
    drawn: float


def push_of(game: Game, passes: Iterable[Backward]) -> Push:
    """What some backward passes want together."""
    clear = _sum(game, passes, clear=True)
    every = _sum(game, passes, clear=False) if not all(clear) and not _is_bounded(game) else clear
    return Push(clear.real or every.real, clear.drawn or every.drawn)


def _sum(game: Game, passes: Iterable[Backward], *, clear: bool) -> Push:
    """The sum over all images.

    Args:
        clear: leave out those that are pushed back to the middle. A target of 0.9 pushes an output
            of 0.95 down, and yet stands for real.
    """
    real = drawn = 0.0
    for backward in passes:
        for number, gradient in backward.gradients.items():
            judged = game.judged.get(number)
            if judged is None or len(gradient) != len(judged.drawn):
                continue
            push = -gradient.double()
            rows = judged.call.output.rows if judged.call.output else None
            if clear and rows is not None and rows.size(1) == 1:
                push = push.masked_fill(_is_back(rows[:, 0].double(), push), 0)
            drawn += float(push[judged.drawn].sum())
            real += float(push[~judged.drawn].sum())
    return Push(real, drawn)


def _is_back(x: Tensor, push: Tensor) -> Tensor:
    """Which outputs are pushed back to the middle, and not to the other side of it."""
    target = x + len(x) * push * x * (1 - x)  # of a mean cross-entropy
    up, down = (target > 0.4) & (target < 1.05), (target < 0.6) & (target > -0.05)
    return ((x > HIGH) & (push < 0) & ~down) | ((x < LOW) & (push > 0) & ~up)


def _is_bounded(game: Game) -> bool:
    """Whether all outputs of the discriminator that were seen are between 0 and 1."""
    outputs = [j.call.output for j in game.judged.values() if j.call.output is not None]
    return all(output.least >= 0 and output.largest <= 1 for output in outputs)


class Targets(NamedTuple):
    """The outputs of the discriminator at which a loss of squares wants nothing more."""

    real: float
    drawn: float


def targets_of(game: Game, steps: list[Step]) -> Targets | None:
    """Where the discriminator's steps pull its output, if they pull it in proportion to the way."""
    (x, real), (y, drawn) = (_points(game, steps, drawn=mark) for mark in (False, True))
    if _is_one_way(real) and _is_one_way(drawn) and (real.sum() > 0) != (drawn.sum() > 0):
        return None  # the signs tell
    pulls = _target(x, real), _target(y, drawn)
    return None if pulls[0] is None or pulls[1] is None else Targets(pulls[0], pulls[1])


def _is_one_way(pushes: Tensor) -> bool:
    return bool((pushes >= 0).all()) or bool((pushes <= 0).all())


def _points(game: Game, steps: list[Step], *, drawn: bool) -> tuple[Tensor, Tensor]:
    """The discriminator's outputs for real, or for drawn, images, and the push on each of them."""
    outputs, pushes = [], []
    for step in steps:
        sign = 1.0 if step.maximize else -1.0
        for number, gradient in (x for b in game.own_passes(step) for x in b.gradients.items()):
            judged = game.judged.get(number)
            rows = judged.call.output.rows if judged and judged.call.output else None
            if judged is None or rows is None or rows.shape != (len(gradient), 1):
                continue
            mark = judged.drawn if drawn else ~judged.drawn
            outputs.append(rows[mark, 0])
            pushes.append(sign * gradient.double()[mark] * len(gradient))
    none = torch.empty(0, dtype=torch.float64)
    return torch.cat([none, *outputs]), torch.cat([none, *pushes])


def _target(x: Tensor, y: Tensor) -> float | None:
    """Where the pushes y on outputs x are 0, if they fall in a line as outputs rise."""
    if len(x) < MIN_IMAGES or float(x.std()) < MIN_SPREAD:
        return None
    mean, level = x.mean(), y.mean()
    slope = ((x - mean) * (y - level)).mean() / (x - mean).square().mean()
    off = (y - level - slope * (x - mean)).norm()
    if float(slope) >= 0 or float(off) > STRAIGHT * float((slope * (x - mean)).norm()):
        return None
    return float(mean - level / slope)


def _check_targets(game: Game, targets: Targets, verdicts: Verdicts) -> None:
    """As `check_direction`, for losses that pull towards a number from both sides of it."""
    real, drawn = targets
    steps_d, steps_g = game.meant_for(game.discriminator), game.meant_for(game.generator)
    outputs = torch.cat([_points(game, steps_d, drawn=mark)[0] for mark in (False, True)])
    far = max(1.0, *(abs(float(target - outputs.mean())) for target in targets))
    if abs(real - drawn) < NEAR * far:
        verdicts.fault(
            "wrong-direction.same-target",
            at=_loss_of(game, steps_d, drawn=real > 0.5) or steps_d[0],
            proof={"real": real, "drawn": drawn, "wanted": None, "far": far},
        )
        return
    wanted = _target(*_points(game, steps_g, drawn=True))
    way = _majority(_push_of_step(game, s).drawn for s in steps_g)
    share = (wanted - drawn) / (real - drawn) if wanted is not None else None
    if share is None:
        share = 1.0 if way * (real - drawn) > 0 else None
    if share is None or 0.2 < share < 0.4:
        verdicts.not_seen("pull")
    elif share < 0.3:
        verdicts.fault(
            "wrong-direction.target",
            at=_loss_of(game, steps_d if real < drawn else steps_g, drawn=real > drawn)
            or steps_g[0],
            proof={"real": real, "drawn": drawn, "wanted": wanted, "far": far},
        )
    else:
        verdicts.right("direction")


def check_direction(game: Game, verdicts: Verdicts) -> None:
    """The discriminator tells the two apart, and the generator makes its images look real."""
    steps_d = game.meant_for(game.discriminator)
    steps_g = game.meant_for(game.generator)
    pushes = [p for s in steps_d if (p := _push_of_step(game, s)) != (0.0, 0.0)]
    if not pushes:
        verdicts.not_seen("direction")
        return
    if _one_sided(game, steps_d, verdicts):
        return
    if (targets := targets_of(game, steps_d)) is not None:
        _check_targets(game, targets, verdicts)
        return
    real, drawn = _majority(p.real for p in pushes), _majority(p.drawn for p in pushes)
    if not real or not drawn:  # all outputs are beyond the targets
        real, drawn = real or -drawn, drawn or -real
    if real == drawn:
        verdicts.fault(
            "wrong-direction.alike",
            at=_loss_of(game, steps_d, drawn=real > 0) or steps_d[0],
            proof={"real": real, "drawn": drawn, "wanted": 0},
            way=WAYS[real],
        )
        return
    wanted = [_majority([p.drawn]) for s in steps_g if (p := _push_of_step(game, s)).drawn]
    if not wanted:
        if steps_g and not verdicts.has("dead-parameter", "does-not-learn"):
            verdicts.not_seen("generator-direction")
        return
    if (way := _majority(wanted)) != real:
        in_d = real < 0  # real images are usually pushed up
        verdicts.fault(
            "wrong-direction.generator",
            at=_loss_of(game, steps_d if in_d else steps_g, drawn=not in_d)
            or (steps_d if in_d else steps_g)[0],
            proof={"real": real, "drawn": drawn, "wanted": way},
            way_real=WAYS[real],
            way_drawn=WAYS[drawn],
            way=WAYS[way],
        )
        return
    verdicts.right("direction")


def _push_of_step(game: Game, step: Step) -> Push:
    """What the step's own loss wants, for its network."""
    push = push_of(game, game.own_passes(step))
    return Push(-push.real, -push.drawn) if step.maximize else push


def _majority(numbers: Iterable[float]) -> int:
    """1 if most steps push up, -1 if most push down, as labels may be flipped; 0 if none does."""
    votes = sum(1 if number > 0 else -1 for number in numbers if number)
    return (votes > 0) - (votes < 0)


def _one_sided(game: Game, steps: list[Step], verdicts: Verdicts) -> bool:
    """Whether the discriminator's loss lacks one of its terms."""
    real, drawn = _has_term(game, steps, drawn=False), _has_term(game, steps, drawn=True)
    if real and drawn:
        return False
    if real and _both_ways(game, steps):
        verdicts.not_seen("generated")
        return True
    lacking = "generated" if real else "real"
    verdicts.fault(
        "one-sided-loss.lacking",
        at=_loss_of(game, steps, drawn=drawn) or steps[0],
        proof={"real": real, "drawn": drawn, "steps": len(steps)},
        lacking=lacking,
    )
    return True


def _has_term(game: Game, steps: list[Step], *, drawn: bool) -> bool:
    """Whether a loss of these steps depends on drawn, or on real, images, however little."""
    for step in steps:
        for backward in game.own_passes(step):
            for number, gradient in backward.gradients.items():
                judged = game.judged.get(number)
                if judged is None or len(gradient) != len(judged.drawn):
                    continue
                mark = judged.drawn if drawn else ~judged.drawn
                if bool(mark.all()) or bool(gradient[mark].any()):
                    return True
    return False


def _both_ways(game: Game, steps: list[Step]) -> bool:
    """Whether some calls are pushed up and others down, whatever their images are."""
    signs = set()
    for step in steps:
        for backward in game.own_passes(step):
            for number, gradient in backward.gradients.items():
                if number in game.judged and bool(gradient.any()):
                    signs.add(bool(gradient.double().sum() > 0))
    return len(signs) > 1


def _loss_of(game: Game, steps: list[Step], *, drawn: bool) -> Placed | None:
    """The loss of these steps on drawn, or on real, images; else what the pass starts from."""
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
                return backward.root if backward.root.line else game.judged[calls[0]].call
    return None
