"""Judges the inputs of a loss: logits or probabilities, and targets of the same shape."""

import math
from collections.abc import Callable

from torch import Tensor

from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.gan.game import Game
from toolkit.assignment.judging.train.trace import OF_CLASSES, Call, Loss, Value

LOGITS = "binary_cross_entropy_with_logits"
PROBABILITIES = "binary_cross_entropy"

# A function of a discriminator call and a scale of its images, which gives its outputs.
Ask = Callable[[Call, float], Tensor | None]


def check_losses(game: Game, ask: Ask, verdicts: Verdicts) -> bool:
    """Check that each loss gets logits or probabilities, whichever it expects, and that the targets
    have the same shape as these.

    Returns:
        True if the discriminator outputs 1 for every image, so that neither network can learn
        anything.
    """
    losses = [loss for loss in game.trace.all(Loss) if _is_about(loss, game)]
    has_shapes = _check_shapes(losses, verdicts)
    is_constant = _always_gives_one(game)
    is_squashed = is_probability(game, ask)
    is_reported = (
        _check_sigmoid(losses, game, is_squashed, verdicts)
        or (is_constant and _check_softmax(game, verdicts))
        or (not is_squashed and _check_logits(losses, game, verdicts))
    )
    if losses and has_shapes and not is_reported:
        _note_losses(losses, is_squashed, verdicts)
    return is_constant


def _check_shapes(losses: list[Loss], verdicts: Verdicts) -> bool:
    """Report a loss whose targets do not have the shape of the discriminator's outputs.

    Returns:
        True if no loss was reported.
    """
    for loss in losses:
        if _broadcasts(loss):
            outputs = loss.input.shape if loss.input else None
            targets = loss.target.shape if loss.target else None
            proof = claims.shared.differ(actual=outputs, expected=targets)
            verdicts.fault("wrong-loss.shapes", at=loss, proof=proof)
            return False
    return True


def _check_sigmoid(losses: list[Loss], game: Game, is_squashed: bool, verdicts: Verdicts) -> bool:
    """Report a loss that applies a sigmoid to the output of a sigmoid.

    Returns:
        True if such a loss was found and reported.
    """
    loss = _sigmoid_again(losses, game, is_squashed)
    if loss is None or loss.input is None:
        return False
    proof = claims.gan.lies_between_0_and_1(loss.input.least, loss.input.largest)
    verdicts.fault("sigmoid-twice.sigmoid", at=loss.made or loss, proof=proof)
    return True


def _check_softmax(game: Game, verdicts: Verdicts) -> bool:
    """Report a softmax over a discriminator's single output, which makes this output 1 for all
    images.

    Returns:
        True if the discriminator contains a softmax.
    """
    if "Softmax" not in game.discriminator.kinds:
        return False
    first_call = next(iter(game.judged.values())).call
    line = game.discriminator.line_of(first_call)
    proof = claims.gan.is_always_1([output.largest for output in _outputs(game)])
    verdicts.fault("wrong-loss.softmax", at=line, proof=proof)
    return True


def _check_logits(losses: list[Loss], game: Game, verdicts: Verdicts) -> bool:
    """Report a loss that expects probabilities but is given the discriminator's logits.

    Returns:
        True if such a loss was found and reported.
    """
    loss = next((loss for loss in losses if loss.name == PROBABILITIES), None)
    if loss is None or loss.input is None or not _is_unchanged(loss.input, game):
        return False
    proof = claims.shared.was_seen("its outputs are not bounded to 0..1")
    verdicts.fault("wrong-loss.logits", at=loss, proof=proof)
    return True


def _note_losses(losses: list[Loss], is_squashed: bool, verdicts: Verdicts) -> None:
    """Report that the losses are correct, and give the ranges of their inputs as evidence."""
    ranges = set()
    for loss in losses:
        if loss.input is not None:
            ranges.add((loss.name, loss.input.least, loss.input.largest))
    proof = claims.gan.losses_get_what_they_expect(sorted(ranges), squashed=is_squashed)
    verdicts.right("loss", proof=proof)


def _is_about(loss: Loss, game: Game) -> bool:
    """True if the input of a loss comes from the discriminator."""
    if loss.input is None:
        return False
    return loss.input.source in game.judged or game.discriminator.id in loss.input.networks


def _broadcasts(loss: Loss) -> bool:
    """True if broadcasting makes a loss compare each output with every target."""
    if loss.name in OF_CLASSES or loss.input is None or loss.target is None:
        return False
    outputs, targets = loss.input.shape, loss.target.shape
    return min(math.prod(outputs), math.prod(targets)) > 1 and outputs != targets


def _outputs(game: Game) -> list[Value]:
    """Return the outputs of all calls to the discriminator."""
    outputs = []
    for judged in game.judged.values():
        if judged.call.output is not None:
            outputs.append(judged.call.output)
    return outputs


def _always_gives_one(game: Game) -> bool:
    """True if the discriminator outputs one number per image, and this number is always 1."""
    outputs = _outputs(game)
    for output in outputs:
        if output.size != 1 or not output.least == output.largest == 1:
            return False
    return bool(outputs)


def _is_unchanged(value: Value, game: Game) -> bool:
    """True if a value is the discriminator's output itself, or if it depends on the discriminator
    and all its entries and all the discriminator's outputs are the same number.
    """
    if value.source in game.judged:
        return True
    if game.discriminator.id not in value.networks:
        return False
    for output in _outputs(game):
        if not value.least == output.least == output.largest == value.largest:
            return False
    return True


def is_probability(game: Game, ask: Ask) -> bool:
    """True if the discriminator's outputs stay between 0 and 1, whatever images it gets."""
    outputs = _outputs(game)
    if not outputs:
        return False
    if min(output.least for output in outputs) < 0 or max(o.largest for o in outputs) > 1:
        return False
    call = next(iter(game.judged.values())).call
    for scale in (-1000.0, -30.0, 30.0, 1000.0):
        answer = ask(call, scale)
        if answer is not None and not bool(((answer >= 0) & (answer <= 1)).all()):
            return False
    return True


def _sigmoid_again(losses: list[Loss], game: Game, is_squashed: bool) -> Loss | None:
    """Return a loss that expects logits but whose inputs always lie between 0 and 1, or None.

    Args:
        is_squashed: True if the discriminator's outputs are probabilities.
    """
    on_logits = [loss for loss in losses if loss.name == LOGITS]
    inputs = [loss.input for loss in on_logits if loss.input is not None]
    if not inputs:
        return None
    for value in inputs:
        if not (value.least >= 0 and value.largest <= 1):
            return None
    if is_squashed or not any(_is_unchanged(value, game) for value in inputs):
        return on_logits[0]
    return None
