"""Judges the direction in which the losses push the discriminator's output for each image.

The gradient of a loss with respect to the discriminator's output shows in which direction an
optimiser step moves this output. This holds for every loss, whether the label of real images is 1
or 0. The generator's steps should move the output for generated images in the same direction in
which the discriminator's steps move the output for real images.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.findings.findings import Placed
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.rules.claims.gan import is_pulled
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.gan.game import Game, Turn
from toolkit.assignment.judging.train.trace import Call, Loss

SIGNS = {1: "up", -1: "down"}


class Pushes(NamedTuple):
    """How strongly several optimiser steps push the discriminator's outputs up or down, either for
    real or for generated images.

    A positive value means that a step raises an output, and a negative value means that a step
    lowers it.
    """

    pushes: Tensor
    totals: list[float]  # the sum of each turn

    @property
    def sign(self) -> int:
        """The direction in which most optimiser steps move the discriminator's outputs. The value
        is 1 if more steps raise the outputs than lower them, and -1 if more steps lower them than
        raise them. Otherwise, the value is 0.

        Some optimiser steps may move the outputs in the other direction, because the code may
        deliberately swap the labels of real and generated images in these steps.
        """
        balance = 0
        for total in self.totals:
            if total > 0:
                balance += 1
            elif total:
                balance -= 1
        return (balance > 0) - (balance < 0)

    @property
    def mean(self) -> float:
        """How strongly the steps push the discriminator's outputs up (positive) or down (negative),
        as a mean over all images.
        """
        if not len(self.pushes):
            return 0.0
        return float(self.pushes.mean())

    @property
    def has_one_sign(self) -> bool:
        """True if the training steps push the discriminator's outputs only up or only down, not
        both.
        """
        return bool((self.pushes >= 0).all()) or bool((self.pushes <= 0).all())


class Sides(NamedTuple):
    """How training steps push the discriminator's outputs (up or down) in the three cases that the
    check compares.

    `real` and `drawn` describe the discriminator's steps. They say how these steps push the
    discriminator's outputs for real and for generated images. `wanted` says how the generator's
    steps push the discriminator's outputs for generated images.
    """

    real: Pushes
    drawn: Pushes
    wanted: Pushes  # on drawn images, by the generator's steps


def check_direction(game: Game, verdicts: Verdicts) -> None:
    """Check that the discriminator learns to tell real images from generated ones, and that the
    generator learns to draw images that look real.
    """
    turns = game.turns(game.discriminator)
    real = _pushes(game, turns, drawn=False)
    drawn = _pushes(game, turns, drawn=True)
    if not real.sign and not drawn.sign:
        verdicts.not_seen("direction")
    elif not _lacks_term(game, turns, verdicts):
        wanted = _pushes(game, game.turns(game.generator), drawn=True)
        _compare(game, Sides(real, drawn, wanted), verdicts)


def _pushes(game: Game, turns: list[Turn], *, drawn: bool) -> Pushes:
    """Collect how strongly the given optimiser steps push the discriminator's outputs up or down,
    for generated images if `drawn` is true and for real images otherwise.
    """
    pushes = [torch.empty(0, dtype=torch.float64)]
    totals: list[float] = []
    for turn in turns:
        sums: list[float] = []
        for judged, push, _ in game.pushes([turn]):
            marked = push[judged.marked(drawn=drawn)]
            pushes.append(marked * len(marked))
            sums.append(float(marked.sum()))
        totals.append(sum(sums))
    return Pushes(torch.cat(pushes), totals)


def _compare(game: Game, sides: Sides, verdicts: Verdicts) -> None:
    """Compare the directions in which the losses push the discriminator's outputs.

    The discriminator's loss may push the outputs in a clear direction for only one kind of image,
    real or generated. The check then assumes that the outputs for the other kind are pushed in the
    opposite direction, as they should be.
    """
    real = sides.real.sign or -sides.drawn.sign
    drawn = sides.drawn.sign or -sides.real.sign
    wanted = sides.wanted.sign
    means = [sides.real.mean, sides.drawn.mean, sides.wanted.mean]
    # With both signs on one side, an output has passed its target, or labels are noisy.
    is_certain = all(side.has_one_sign for side in sides)
    if wanted == real != drawn or (not is_certain and is_pulled(means)):
        proof = claims.gan.losses_pull_apart(real, drawn, wanted, means)
        verdicts.right("direction", proof=proof)
    elif not is_certain:
        verdicts.not_seen("direction")
    elif real == drawn:
        loss = _loss_of(game, game.turns(game.discriminator), drawn=real > 0)
        proof = claims.gan.losses_pull_wrongly(real, drawn, wanted)
        verdicts.fault("wrong-direction.alike", at=loss, proof=proof, way=SIGNS[real])
    elif wanted:
        verdicts.fault(
            "wrong-direction.generator",
            at=_loss_to_mend(game, real),
            proof=claims.gan.losses_pull_wrongly(real, drawn, wanted),
            way_real=SIGNS[real],
            way_drawn=SIGNS[drawn],
            way=SIGNS[wanted],
        )


def _loss_to_mend(game: Game, real: int) -> Placed | None:
    """If the losses of the two networks contradict each other, return the loss that is most likely
    wrong.

    Args:
        real: 1 if the discriminator's training raises its outputs for real images, -1 if it lowers
            them.
    """
    if real < 0:  # real images are usually pushed up
        return _loss_of(game, game.turns(game.discriminator), drawn=False)
    return _loss_of(game, game.turns(game.generator), drawn=True)


def _lacks_term(game: Game, turns: list[Turn], verdicts: Verdicts) -> bool:
    """Report a fault if the discriminator's loss lacks one of its two terms.

    Returns:
        True if the loss lacks a term, or if the check cannot tell.
    """
    real = _has_term(game, turns, drawn=False)
    drawn = _has_term(game, turns, drawn=True)
    if real and drawn:
        return False
    if real and _has_both_signs(game, turns):  # so drawn images seem to be included, unrecognised
        verdicts.not_seen("generated")
        return True
    verdicts.fault(
        "one-sided-loss.lacking",
        at=_loss_of(game, turns, drawn=drawn),
        proof=claims.gan.lacks_a_term(real, drawn, steps=len(turns)),
        lacking="generated" if real else "real",
    )
    return True


def _has_both_signs(game: Game, turns: list[Turn]) -> bool:
    """True if the given optimiser steps push the outputs up in one call to the discriminator and
    down in another.
    """
    signs = set()
    for _, push, _ in game.pushes(turns):
        if bool(push.any()):
            signs.add(bool(push.sum() > 0))
    return len(signs) > 1


def _has_term(game: Game, turns: list[Turn], *, drawn: bool) -> bool:
    """True if, in any of the given optimiser steps, the loss has a term for generated images or, if
    `drawn` is false, for real images.
    """
    for judged, push, _ in game.pushes(turns):
        mark = judged.marked(drawn=drawn)
        if bool(mark.all()) or bool(push[mark].any()):
            return True
    return False


def _loss_of(game: Game, turns: list[Turn], *, drawn: bool) -> Placed | None:
    """Of the losses whose gradients the given optimiser steps use, return the first on generated
    images or, if `drawn` is false, on real images.

    Returns:
        The loss. If the loss was not recorded, the function returns the line that computed the
        value from which the backward pass starts. If this line is unknown, the function returns the
        call to the discriminator. Sometimes no backward pass goes through a call to the
        discriminator with images of the requested kind. The function then returns the location of
        the first given optimiser step, or None if no steps are given.
    """
    for judged, _, backward in game.pushes(turns):
        if bool(judged.drawn.any()) != drawn:
            continue
        loss = _loss_on(judged.call, game)
        if loss is not None:
            return loss
        return backward.root if backward.root.line else judged.call
    return turns[0].at if turns else None


def _loss_on(call: Call, game: Game) -> Loss | None:
    """Return the first loss whose input is the output of the given call."""
    for loss in game.trace.all(Loss):
        if loss.input is not None and loss.input.source == call.index:
            return loss
    return None
