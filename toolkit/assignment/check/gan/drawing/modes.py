"""Batch norm's two modes: batch statistics while training, running ones while sampling."""

from toolkit.assignment.check.gan.drawing.functions import Functions
from toolkit.assignment.check.gan.game import Game
from toolkit.assignment.check.train.trace import Call
from toolkit.assignment.check.verdicts import Verdicts


def check_modes(game: Game, functions: Functions, verdicts: Verdicts) -> None:
    """The mode of the generator when it is trained, and when it draws samples, or their functions,
    when they were tried."""
    if not any("BatchNorm" in kind for kind in game.generator.kinds):
        verdicts.right("no-batch-norm", proof={"layers": game.generator.kinds})
    elif not _seen(game, verdicts):
        if functions.modes == {False}:
            verdicts.right("mode", proof={"training": functions.modes})
        else:
            verdicts.not_seen("mode")


def _seen(game: Game, verdicts: Verdicts) -> bool:
    """The same, as far as the generator was seen.

    Returns:
        whether that tells.
    """
    own = game.trained_on(game.generator)
    late = next((c for c in game.draws if c.index in own and not c.training), None)
    if late is not None:
        verdicts.fault(
            "batchnorm-mode.evaluation",
            at=late,
            proof={"one": late.training, "other": True},
        )
        return True
    sampled = samples(game)
    shown = {value.source for _, value in game.trace.shown}
    pictures = [call for call in game.draws if call.index in shown]
    wrong = next((call for call in [*sampled, *pictures] if call.training), None)
    if wrong is not None:
        verdicts.fault(
            "batchnorm-mode.training", at=wrong, proof={"one": wrong.training, "other": False}
        )
    elif sampled or pictures:
        training = [call.training for call in [*sampled, *pictures]]
        verdicts.right("mode", proof={"training": training})
    return bool(sampled or pictures)


def samples(game: Game) -> list[Call]:
    """The calls of the generator whose images the discriminator never saw.

    A call before the first step may be a test of the shapes: it counts where pictures follow. So
    does a call after the last step, if the run was stopped there: a training may follow from it.
    """
    judged = game.judged_draws
    first = min((step.index for step in game.steps), default=None)
    last = float(max((step.index for step in game.steps), default=0))
    if game.trace.ended in ("finished", "exit"):
        last = float("inf")
    pictures = [event.index for event, _ in game.trace.shown]
    found = []
    for number, call in enumerate(game.draws):
        until = game.draws[number + 1].index if number + 1 < len(game.draws) else float("inf")
        taken = any(call.index < picture < until for picture in pictures)
        late = first is not None and first < call.index < last
        if call.index not in judged and (late or taken):
            found.append(call)
    return found
