"""Which way the two losses push the discriminator's output, for real images and for drawn ones.

The gradient of a loss with respect to the discriminator's output says which way a step on that loss
moves it, for each image: without chance, whatever the loss is, and whichever of real and drawn is
called 1. What the discriminator's own steps do to real images, the generator's must do to drawn
ones.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.check.findings import Placed
from toolkit.assignment.check.gan.game import Game, Turn
from toolkit.assignment.check.rules.claims import is_pulled
from toolkit.assignment.check.train.trace import Loss
from toolkit.assignment.check.verdicts import Verdicts

WAYS = {1: "up", -1: "down"}


class Pushes(NamedTuple):
    """The push on each of the discriminator's outputs for real, or for drawn, images."""

    pushes: Tensor
    votes: list[float]  # the sum of each turn

    @property
    def way(self) -> int:
        """1 if most steps push up, -1 if most push down: labels may be flipped; 0 if none does."""
        votes = sum(1 if vote > 0 else -1 for vote in self.votes if vote)
        return (votes > 0) - (votes < 0)

    @property
    def mean(self) -> float:
        """How much an image is pushed."""
        return float(self.pushes.mean()) if len(self.pushes) else 0.0

    @property
    def is_one_way(self) -> bool:
        """Whether all images are pushed the same way."""
        return bool((self.pushes >= 0).all()) or bool((self.pushes <= 0).all())


def _pushes(game: Game, turns: list[Turn], *, drawn: bool) -> Pushes:
    pushes, votes = [torch.empty(0, dtype=torch.float64)], []
    for turn in turns:
        marked = [y[j.drawn if drawn else ~j.drawn] for j, y, _ in game.pushes([turn])]
        pushes += [push * len(push) for push in marked]
        votes.append(sum(float(push.sum()) for push in marked))
    return Pushes(torch.cat(pushes), votes)


def check_direction(game: Game, verdicts: Verdicts) -> None:
    """The discriminator tells the two apart, and the generator makes its images look real."""
    turns_d, turns_g = game.turns(game.discriminator), game.turns(game.generator)
    sides = [_pushes(game, turns_d, drawn=mark) for mark in (False, True)]
    if not any(side.way for side in sides):
        verdicts.not_seen("direction")
        return
    if _one_sided(game, turns_d, verdicts):
        return
    sides.append(_pushes(game, turns_g, drawn=True))
    real, drawn, wanted = (side.way for side in sides)
    real, drawn = real or -drawn, drawn or -real
    proof: dict[str, Any] = {"real": real, "drawn": drawn, "wanted": wanted}
    certain = all(side.is_one_way for side in sides)  # else a target is passed, or labels are noisy
    means = [side.mean for side in sides]
    if wanted == real != drawn or (not certain and is_pulled(means)):
        verdicts.right("direction", proof=proof | {"means": means})
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
