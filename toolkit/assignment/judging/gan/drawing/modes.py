"""Judges the two modes of batch norm: batch statistics during training, and running statistics
during sampling.
"""

from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.gan.drawing.functions import Functions
from toolkit.assignment.judging.gan.game import Game
from toolkit.assignment.judging.train.trace import Call


def check_modes(game: Game, functions: Functions, verdicts: Verdicts) -> None:
    """Check that the generator is in training mode during training, and in evaluation mode when it
    draws samples.

    If the script itself draws no samples, the check uses the mode (training or evaluation) in which
    the script's functions draw images when the check calls them.
    """
    if not any("BatchNorm" in kind for kind in game.generator.kinds):
        proof = claims.gan.has_no_batch_norm(layers=game.generator.kinds)
        verdicts.right("no-batch-norm", proof=proof)
    elif not _check_calls(game, verdicts):
        if functions.modes == {False}:
            proof = claims.gan.samples_in_evaluation_mode(sorted(functions.modes))
            verdicts.right("mode", proof=proof)
        else:
            verdicts.not_seen("mode")


def _check_calls(game: Game, verdicts: Verdicts) -> bool:
    """Judge from the recorded calls to the generator whether it was in the right mode (training or
    evaluation).

    Returns:
        True if the calls are enough to judge the generator's mode (training or evaluation).
    """
    trained = game.trained_on(game.generator)
    for call in game.draws:
        if call.index in trained and not call.training:
            proof = claims.shared.differ(actual=call.training, expected=True)
            verdicts.fault("batchnorm-mode.evaluation", at=call, proof=proof)
            return True
    shown = {value.source for _, value in game.trace.shown}
    pictures = [call for call in game.draws if call.index in shown]
    drawn = [*samples(game), *pictures]
    for call in drawn:
        if call.training:
            proof = claims.shared.differ(actual=call.training, expected=False)
            verdicts.fault("batchnorm-mode.training", at=call, proof=proof)
            return True
    if drawn:
        modes = [call.training for call in drawn]
        verdicts.right("mode", proof=claims.gan.samples_in_evaluation_mode(modes))
    return bool(drawn)


def samples(game: Game) -> list[Call]:
    """Return the calls in which the generator drew images as samples and not for training: the
    discriminator never received the images from these calls.

    A call before the first step may be a test of the shapes, so it counts as drawing samples only
    if the script then shows pictures. A call after the last step of a run that was cut short may be
    part of training. Such a call, too, counts as drawing samples only if the script then shows
    pictures.
    """
    judged = game.judged_draws
    ends = [float(call.index) for call in game.draws[1:]]
    ends.append(float("inf"))
    sampled = []
    for call, end in zip(game.draws, ends, strict=False):
        if call.index in judged:
            continue
        if _is_in_training(call, game) or _is_shown(call, end, game):
            sampled.append(call)
    return sampled


def _is_in_training(call: Call, game: Game) -> bool:
    """True if a call to the generator comes after the first optimiser step and, in a run that was
    cut short, before the last optimiser step.
    """
    steps = [step.index for step in game.steps]
    if not steps or call.index <= min(steps):
        return False
    return game.trace.ended in ("finished", "exit") or call.index < max(steps)


def _is_shown(call: Call, end: float, game: Game) -> bool:
    """True if the script shows pictures after a call to the generator and before the generator is
    called again.

    Args:
        end: the index of the next call to the generator, or infinity if there is no such call.
    """
    return any(call.index < event.index < end for event, _ in game.trace.shown)
