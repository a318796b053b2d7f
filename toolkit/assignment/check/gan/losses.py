"""Whether the loss gets what it expects: logits or probabilities, and targets of the same shape."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from toolkit.assignment.check.gan.game import Game
from toolkit.assignment.check.train.trace import OF_CLASSES, Call, Event, Loss, Value
from toolkit.assignment.check.verdicts import Verdicts

LOGITS = "binary_cross_entropy_with_logits"
PROBABILITIES = "binary_cross_entropy"
TARGETS = (0.0, 0.1, 0.9, 1.0)  # that students use
MIN_SPREAD = 1e-3  # of the discriminator's outputs, to see how the loss depends on them

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
    twice: Event | None = again
    seen: dict[str, Any] = {}
    if again is not None and again.input is not None:
        seen = {"least": again.input.least, "largest": again.input.largest}
    elif squashed and (found := _sigmoid_in_gradients(game)):
        twice, seen = found
    missing = next((loss for loss in losses if loss.name == PROBABILITIES), None)
    if twice is not None:
        verdicts.fault(
            "sigmoid-twice.sigmoid",
            at=next((loss.made for loss in losses if loss.name == LOGITS), None) or twice,
            proof=seen,
        )
    elif always_one and "Softmax" in game.discriminator.kinds:
        at = game.discriminator.line_of(next(iter(game.judged.values())).call)
        verdicts.fault("wrong-loss.softmax", at=at, proof={"outputs": [o.largest for o in outputs]})
    elif missing is not None and missing.input and not squashed and _unchanged(missing.input, game):
        seen = {"happened": "its outputs are not bounded to 0..1"}
        verdicts.fault("wrong-loss.logits", at=missing, proof=seen)
    elif losses and not spread:
        verdicts.right("loss")
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


def _sigmoid_in_gradients(game: Game) -> tuple[Event, dict[str, Any]] | None:
    """The call whose output, a probability p, is in the loss through sigmoid(p) and a logarithm.

    Then the gradients with respect to p are in proportion to sigmoid(p) - target; those of the
    cross-entropy of p are to (p - target) / p (1 - p), and those of squares to p - target.
    """
    for backward in game.passes.values():
        for number, gradient in backward.gradients.items():
            judged = game.judged.get(number)
            output = judged.call.output if judged else None
            rows = output.rows if output else None
            if judged is None or rows is None or rows.size(1) != 1 or len(rows) != len(gradient):
                continue
            mark = judged.drawn if bool(judged.drawn.any()) else ~judged.drawn
            p, g = rows[mark, 0], gradient[mark].double()
            if len(p) < 8 or float(p.std()) < MIN_SPREAD or not bool(g.any()):
                continue
            once = min(
                _misfit(g, shape)
                for target in TARGETS
                for shape in ((p - target) / (p * (1 - p)).clamp_min(1e-9), p - target)
            )
            twice = min(_misfit(g, torch.sigmoid(p) - target) for target in TARGETS)
            if twice < 1e-4 and twice < 0.01 * once:
                return judged.call, {"once": once, "twice": twice}
    return None


def _misfit(gradient: Tensor, shape: Tensor) -> float:
    """How far these numbers are from being in proportion, as a share of their length."""
    scale = (gradient @ shape) / (shape @ shape).clamp_min(1e-30)
    return float((gradient - scale * shape).norm() / gradient.norm())
