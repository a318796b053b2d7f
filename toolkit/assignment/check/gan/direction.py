"""Which way the two losses push the discriminator's output, for real images and for drawn ones.

The gradient of a loss with respect to the discriminator's output says which way a step on that loss
moves it, for each image: without chance, whatever the loss is, and whichever of real and drawn is
called 1. What the discriminator's own steps do to real images, the generator's must do to drawn
ones.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.check.gan.game import Game, Turn
from toolkit.assignment.check.train.trace import Loss
from toolkit.assignment.check.verdicts import Placed, Verdicts

WAYS = {1: "up", -1: "down"}
MIN_IMAGES = 16  # to see how a push depends on the output
MIN_SPREAD = 1e-4  # of the outputs, for the same
STRAIGHT = 0.02  # at most so far, of its fall, is the push in a loss with targets off a line
NEAR = 0.05  # two such targets are the same
# In which the push of a loss with a target falls in a straight line, to 0 at the target: squares,
# and the cross-entropy of probabilities, and of logits.
LINES: list[Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]] = [
    lambda x, y: (x, y),
    lambda x, y: (x, y * (x * (1 - x)).clamp_min(0)),
    lambda x, y: (x.sigmoid(), y),
]


class Pushes(NamedTuple):
    """The discriminator's outputs for real, or for drawn, images, and the push on each of them."""

    outputs: Tensor
    pushes: Tensor
    votes: list[float]  # the sum of each turn

    @property
    def way(self) -> int:
        """1 if most steps push up, -1 if most push down: labels may be flipped; 0 if none does."""
        votes = sum(1 if vote > 0 else -1 for vote in self.votes if vote)
        return (votes > 0) - (votes < 0)

    @property
    def is_one_way(self) -> bool:
        """Whether all images are pushed the same way."""
        return bool((self.pushes >= 0).all()) or bool((self.pushes <= 0).all())


def _pushes(game: Game, turns: list[Turn], *, drawn: bool) -> Pushes:
    outputs, pushes, votes = [], [], []
    for turn in turns:
        vote = 0.0
        for judged, push, _ in game.pushes([turn]):
            mark = judged.drawn if drawn else ~judged.drawn
            rows = judged.call.output.rows if judged.call.output else None
            vote += float(push[mark].sum())
            known = rows is not None and rows.shape == (len(push), 1)
            outputs.append(rows[mark, 0] if rows is not None and known else push[mark] * torch.nan)
            pushes.append(push[mark] * len(push))
        votes.append(vote)
    none = torch.empty(0, dtype=torch.float64)
    return Pushes(torch.cat([none, *outputs]), torch.cat([none, *pushes]), votes)


def _target(x: Tensor, y: Tensor) -> tuple[float, float]:
    """Where the pushes y on outputs x are 0, if they fall in a line; and how far off they are."""
    if len(x) < MIN_IMAGES or float(x.std()) < MIN_SPREAD:
        return 0.0, float("inf")
    mean, level = x.mean(), y.mean()
    slope = ((x - mean) * (y - level)).mean() / (x - mean).square().mean()
    off = (y - level - slope * (x - mean)).norm() / (slope * (x - mean)).norm().clamp_min(1e-30)
    return float(mean - level / slope), float(off) if float(slope) < 0 else float("inf")


def _targets(sides: list[Pushes]) -> tuple[list[float], float] | None:
    """Where losses pull the output, if they pull at all; and how far that is from where it was.

    Args:
        sides: what the discriminator wants for real and for drawn images, and then the generator.
    """
    found = []
    for line in LINES:
        points = [line(side.outputs, side.pushes) for side in sides]
        targets = [_target(*each) for each in points]
        away = [abs(t - float(x.mean())) for (x, _), (t, _) in zip(points, targets, strict=True)]
        found.append((max(off for _, off in targets), [t for t, _ in targets], max(1.0, *away[:2])))
    off, best, far = min(found)
    return (best, far) if off <= STRAIGHT else None


def check_direction(game: Game, verdicts: Verdicts) -> None:
    """The discriminator tells the two apart, and the generator makes its images look real."""
    turns_d, turns_g = game.turns(game.discriminator), game.turns(game.generator)
    real, drawn = (_pushes(game, turns_d, drawn=mark) for mark in (False, True))
    wanted = _pushes(game, turns_g, drawn=True)
    if not any([*real.votes, *drawn.votes]):
        verdicts.not_seen("direction")
        return
    if _one_sided(game, turns_d, verdicts):
        return
    sides = [real, drawn, wanted]
    if (targets := _targets(sides[:2])) is not None:
        _check_targets(game, *targets, _targets(sides), wanted, verdicts)
    else:  # all outputs of a kind may be beyond the targets
        ways = real.way or -drawn.way, drawn.way or -real.way
        _check_ways(game, *ways, wanted.way, all(side.is_one_way for side in sides), verdicts)


def _check_ways(
    game: Game, real: int, drawn: int, wanted: int, certain: bool, verdicts: Verdicts
) -> None:
    """For losses that push on and on.

    Args:
        certain: whether that is so: where labels are noisy, some may push back.
    """
    proof: dict[str, Any] = {"real": real, "drawn": drawn, "wanted": wanted}
    turns_d, turns_g = game.turns(game.discriminator), game.turns(game.generator)
    if wanted == real != drawn:
        verdicts.right("direction")
    elif not certain:
        verdicts.not_seen("direction")
    elif real == drawn:
        at = _loss_of(game, turns_d, drawn=real > 0)
        verdicts.fault("wrong-direction.alike", at=at, proof=proof, way=WAYS[real])
    elif wanted:
        in_d = real < 0  # real images are usually pushed up
        verdicts.fault(
            "wrong-direction.generator",
            at=_loss_of(game, turns_d if in_d else turns_g, drawn=not in_d),
            proof=proof,
            way_real=WAYS[real],
            way_drawn=WAYS[drawn],
            way=WAYS[wanted],
        )


def _check_targets(
    game: Game,
    targets: list[float],
    far: float,
    three: tuple[list[float], float] | None,
    wanted: Pushes,
    verdicts: Verdicts,
) -> None:
    """For losses that pull towards a number from both sides of it."""
    real, drawn, *more = three[0] if three else targets
    turns_d, turns_g = game.turns(game.discriminator), game.turns(game.generator)
    proof: dict[str, Any] = {"real": real, "drawn": drawn, "wanted": None, "far": far}
    if abs(real - drawn) < NEAR * far:
        at = _loss_of(game, turns_d, drawn=real > 0.5)
        verdicts.fault("wrong-direction.same-target", at=at, proof=proof)
    elif not more:
        up = 1 if real > drawn else -1
        _check_ways(game, up, -up, wanted.way, wanted.is_one_way, verdicts)
    elif (share := (more[0] - drawn) / (real - drawn)) < 0.2:
        at = _loss_of(game, turns_d if real < drawn else turns_g, drawn=real > drawn)
        verdicts.fault("wrong-direction.target", at=at, proof=proof | {"wanted": more[0]})
    elif share < 0.4:
        verdicts.not_seen("pull")
    else:
        verdicts.right("direction")


def _one_sided(game: Game, turns: list[Turn], verdicts: Verdicts) -> bool:
    """Whether the discriminator's loss lacks one of its terms."""
    real, drawn = (_has_term(game, turns, drawn=mark) for mark in (False, True))
    if real and drawn:
        return False
    signs = {bool(push.sum() > 0) for _, push, _ in game.pushes(turns) if bool(push.any())}
    if real and len(signs) > 1:  # whatever the images are
        verdicts.not_seen("generated")
        return True
    verdicts.fault(
        "one-sided-loss.lacking",
        at=_loss_of(game, turns, drawn=drawn),
        proof={"real": real, "drawn": drawn, "steps": len(turns)},
        lacking="generated" if real else "real",
    )
    return True


def _has_term(game: Game, turns: list[Turn], *, drawn: bool) -> bool:
    """Whether a loss of these steps depends on drawn, or on real, images, however little."""
    marks = ((j.drawn if drawn else ~j.drawn, push) for j, push, _ in game.pushes(turns))
    return any(bool(mark.all()) or bool(push[mark].any()) for mark, push in marks)


def _loss_of(game: Game, turns: list[Turn], *, drawn: bool) -> Placed | None:
    """The loss of these steps on drawn, or on real, images; else what the pass starts from."""
    for judged, _, backward in game.pushes(turns):
        if bool(judged.drawn.any()) == drawn:
            losses = (loss for loss in game.trace.all(Loss) if loss.input)
            own = (x for x in losses if x.input and x.input.source == judged.call.index)
            return next(own, backward.root if backward.root.line else judged.call)
    return turns[0].at if turns else None
