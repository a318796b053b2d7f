"""Whether the loss gets what it expects: logits or probabilities, and targets of the same shape."""

import math
from collections.abc import Callable

from torch import Tensor

from toolkit.assignment.check.gan.game import Game
from toolkit.assignment.check.train.trace import OF_CLASSES, Call, Loss, Value
from toolkit.assignment.check.verdicts import Verdicts

LOGITS = "binary_cross_entropy_with_logits"
PROBABILITIES = "binary_cross_entropy"

# From a call of the discriminator, and how much its images are enlarged, to its outputs.
Ask = Callable[[Call, float], Tensor | None]


def check_losses(game: Game, ask: Ask, verdicts: Verdicts) -> bool:
    """The loss applies a sigmoid, or expects that one was applied; the targets have its shape.

    Returns:
        whether the discriminator says the same whatever it sees, so that nothing can be learned.
    """
    losses = [loss for loss in game.trace.all(Loss) if _is_about(loss, game)]
    spread = [loss for loss in losses if _broadcasts(loss)]
    for loss in spread[:1]:
        shapes = [value.shape if value else None for value in (loss.input, loss.target)]
        proof = dict(zip(("one", "other"), shapes, strict=True))
        verdicts.fault("wrong-loss.shapes", at=loss, proof=proof)
    outputs = [j.call.output for j in game.judged.values() if j.call.output is not None]
    always_one = bool(outputs) and all(o.size == 1 and o.least == o.largest == 1 for o in outputs)
    squashed = is_probability(game, ask)
    again = _sigmoid_again(losses, game, squashed)
    missing = next((loss for loss in losses if loss.name == PROBABILITIES), None)
    if again is not None and again.input is not None:
        seen = {"least": again.input.least, "largest": again.input.largest}
        verdicts.fault("sigmoid-twice.sigmoid", at=again.made or again, proof=seen)
    elif always_one and "Softmax" in game.discriminator.kinds:
        at = game.discriminator.line_of(next(iter(game.judged.values())).call)
        verdicts.fault("wrong-loss.softmax", at=at, proof={"outputs": [o.largest for o in outputs]})
    elif missing is not None and missing.input and not squashed and _unchanged(missing.input, game):
        unbounded = {"happened": "its outputs are not bounded to 0..1"}
        verdicts.fault("wrong-loss.logits", at=missing, proof=unbounded)
    elif losses and not spread:
        seen_losses = {(x.name, x.input.least, x.input.largest) for x in losses if x.input}
        verdicts.right("loss", proof={"losses": sorted(seen_losses), "squashed": squashed})
    return always_one


def _is_about(loss: Loss, game: Game) -> bool:
    """Whether a loss judges what the discriminator said."""
    if loss.input is None:
        return False
    return loss.input.source in game.judged or game.discriminator.id in loss.input.networks


def _broadcasts(loss: Loss) -> bool:
    """Whether each output is compared with every target."""
    if loss.name in OF_CLASSES or loss.input is None or loss.target is None:
        return False
    outputs, targets = loss.input.shape, loss.target.shape
    return min(math.prod(outputs), math.prod(targets)) > 1 and outputs != targets


def _unchanged(value: Value, game: Game) -> bool:
    """Whether it is the discriminator's output itself; where that is a constant, its numbers."""
    if value.source in game.judged:
        return True
    outputs = [j.call.output for j in game.judged.values() if j.call.output is not None]
    return game.discriminator.id in value.networks and all(
        (o.least, o.largest) == (value.least, value.least) == (value.least, value.largest)
        for o in outputs
    )


def is_probability(game: Game, ask: Ask) -> bool:
    """Whether the discriminator's outputs stay between 0 and 1, whatever it is shown."""
    outputs = [j.call.output for j in game.judged.values() if j.call.output is not None]
    if not outputs or min(o.least for o in outputs) < 0 or max(o.largest for o in outputs) > 1:
        return False
    call = next(iter(game.judged.values())).call
    extremes = [ask(call, scale) for scale in (-1000.0, -30.0, 30.0, 1000.0)]
    return all(x is None or bool(((x >= 0) & (x <= 1)).all()) for x in extremes)


def _sigmoid_again(losses: list[Loss], game: Game, squashed: bool) -> Loss | None:
    """A loss on logits that is given what is between 0 and 1 throughout."""
    found = [loss for loss in losses if loss.name == LOGITS and loss.input is not None]
    inputs = [loss.input for loss in found if loss.input is not None]
    if not found or not all(v.least >= 0 and v.largest <= 1 for v in inputs):
        return None
    if squashed or not any(_unchanged(v, game) for v in inputs):
        return found[0]
    return None
