"""Judges a student's GAN."""

import re
from collections.abc import Iterable

import torch
from torch import Tensor

from toolkit.assignment.asking.host import GANChild, Gone, StudentError
from toolkit.assignment.findings.findings import Id
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import STOPS, Verdicts
from toolkit.assignment.handin.submission import Located
from toolkit.assignment.judging.gan.direction import check_direction
from toolkit.assignment.judging.gan.drawing.functions import Functions
from toolkit.assignment.judging.gan.drawing.interpolation import check_interpolation, was_seen
from toolkit.assignment.judging.gan.drawing.modes import check_modes
from toolkit.assignment.judging.gan.drawing.sites import unrun
from toolkit.assignment.judging.gan.drawing.stand_ins import Artist
from toolkit.assignment.judging.gan.game import Game, find_game
from toolkit.assignment.judging.gan.images import bounds_of, check_images, check_noise
from toolkit.assignment.judging.gan.lines import Lines
from toolkit.assignment.judging.gan.losses import check_losses
from toolkit.assignment.judging.gan.steps import call_to_detach, check_classifiers, check_steps
from toolkit.assignment.judging.train.ending import check_end, check_machine, watch
from toolkit.assignment.judging.train.trace import PIXELS, Backward, Call, Step, Trace, Value
from toolkit.assignment.running.places import Place
from toolkit.common.errors import in_short

MAX_STEPS = 10  # of both optimisers together, in each loop
MAX_SECONDS = 14.0  # of CPU time
SECONDS_AGAIN = 10.0  # of CPU time, of a second run
SECONDS_ALSO = 3.0  # of CPU time, of another script
SECONDS_IN_ALL = 18.0  # of CPU time, for what runs
MAX_SCRIPTS = 2  # that run besides
MANY = 50  # consecutive calls of the generator that count as a search
FEW = 4  # images or points, for a question about the range of a network's outputs
MISFITS = ("shapes", "view size", "invalid for input of size", "must match")
# What a network computes inside, and changes in place
ACTIVATION = re.compile(r"output \d+ of \w*(Relu|Elu|Sigmoid|Tanh|Mul|Softplus)")
NO_PROBABILITY = "elements of input should be between 0 and 1"
AGAIN = ("backward through the graph a second time", "modified by an inplace operation")


def check(child: GANChild, located: Located, verdicts: Verdicts) -> None:
    """Run the script for a few steps on a few images; judge the training and the interpolation."""
    _check(child, located, verdicts)
    if verdicts.has(*STOPS) and not _has_right(verdicts):
        # The stops already say that all questions are open.
        findings = [finding for finding in verdicts.findings if finding.verdict != "not seen"]
        verdicts.findings = findings


def _has_right(verdicts: Verdicts) -> bool:
    """True if at least one finding has the verdict "right"."""
    return any(finding.verdict == "right" for finding in verdicts.findings)


def _check(child: GANChild, located: Located, verdicts: Verdicts) -> None:
    verdicts.doing("the first steps of the training")
    trace = watch(child, located, MAX_STEPS, MAX_SECONDS)
    if located.users and not trace.all(Step, Backward):
        trace = _begun(child, located, trace, verdicts)
    lines = Lines(child.ask.texts(), located.file, (*located.files, *located.users))
    game = find_game(trace)
    if game is not None and _stops_untrained(game):
        verdicts.doing("what follows the training, with digits in the place of its images")
        trace = _with_digits(child, trace, game)
        game = find_game(trace)
    _check_run(trace, game, located, lines, verdicts)
    check_machine(trace, verdicts)
    if game is not None:
        probe = Probe(child)
        _check_training(game, probe, verdicts)
        verdicts.doing("sampling and interpolating")
        _check_drawing(child, game, lines, probe, verdicts)


def _check_run(
    trace: Trace, game: Game | None, located: Located, lines: Lines, verdicts: Verdicts
) -> None:
    """Judge how the script ended, and whether it trained a GAN."""
    has_game, has_steps = game is not None, bool(trace.all(Step))
    open_question: Id | None = None
    if has_game and has_steps:
        open_question = "missing-interpolation"
    error = check_end(trace, verdicts, left=open_question)
    if error is not None:
        _check_error(error, trace, game, verdicts)
    elif not verdicts.findings and not (has_game and trace.all(Step, Backward)):
        _check_nothing(trace, located, lines, verdicts)


def _check_nothing(trace: Trace, located: Located, lines: Lines, verdicts: Verdicts) -> None:
    """Report that the script trains no GAN, or that the check may not have reached the training."""
    num_steps = len(trace.all(Step))
    has_training = "backward(" in lines.texts.get(lines.file, "")
    if not num_steps and (trace.ended == "slow" or has_training):
        verdicts.not_seen("not-reached")
    else:
        proof = claims.shared.never_happened(ran=verdicts.shown(located.file), times=num_steps)
        verdicts.fault("not-watched.nothing", proof=proof)


def _check_training(game: Game, probe: "Probe", verdicts: Verdicts) -> None:
    """Judge the noise, the images, the losses and the optimiser steps, and then the direction, up
    or down, in which each loss pushes the discriminator's outputs.

    The directions in which the losses push the outputs are not judged if the discriminator outputs
    1 for every image, or if the optimisers were given the wrong parameters.
    """
    check_classifiers(game, verdicts)
    check_noise(game, verdicts)
    check_images(game, probe.images, verdicts)
    if check_losses(game, probe.opinions, verdicts) or check_steps(game, verdicts):
        return
    check_direction(game, verdicts)


def _check_drawing(
    child: GANChild, game: Game, lines: Lines, probe: "Probe", verdicts: Verdicts
) -> None:
    """Judge the interpolation, and the mode (training or evaluation) of the generator when it draws
    samples.
    """
    try:
        game = _with_other_scripts(child, game, lines)
    except Gone:  # the process has ended, so it answers nothing more
        verdicts.not_seen("interpolation", left="another file ends the process")
        return
    artist = _artist_like(game, probe)
    if artist is None:
        verdicts.not_seen("no-images-to-join")
        return
    functions = Functions(child, lines, game, artist)
    check_interpolation(game, lines, functions, verdicts)
    check_modes(game, functions, verdicts)


def _begun(child: GANChild, located: Located, trace: Trace, verdicts: Verdicts) -> Trace:
    """Run the file again, this time calling the training function that it defines but never calls,
    and record this run.

    Returns:
        the record of this run; or, if no training was seen in it, the argument `trace`, which is
        the record of the first run.
    """
    run = child.ask.run(file=located.file, max_steps=MAX_STEPS, max_seconds=MAX_SECONDS, begin=True)
    with child.reading():
        begun = Trace.of(run)
    if not begun.all(Step, Backward):
        return trace
    verdicts.not_seen("begun", at=Place(located.file, None))
    return begun


def _with_other_scripts(child: GANChild, game: Game, lines: Lines) -> Game:
    """If the first script did not interpolate, run the student's other scripts that may use the
    generator, and record what they draw.

    Raises:
        Gone: a script has ended the process in which the student's code runs.
    """
    if was_seen(game) or game.trace.ended != "finished":
        return game
    drawing = [file for file in unrun(game, lines) if "backward(" not in lines.texts[file]]
    for file in drawing[:MAX_SCRIPTS]:
        run = child.ask.run_also(file=file, max_seconds=SECONDS_ALSO, until=SECONDS_IN_ALL)
        with child.reading():
            longer = Trace.of(run)
        longer_game = find_game(longer)
        if longer_game is not None and longer_game.generator.id == game.generator.id:
            game = longer_game
    return game


def _artist_like(game: Game, probe: "Probe") -> Artist | None:
    """Return an `Artist` that draws digits in place of the generator. Its images have the shape and
    value range of the generator's images. If the shape or the range is not known, the function
    returns None.
    """
    low, high = bounds_of(game, probe.images)
    outputs = [call.output for call in game.draws if call.output is not None]
    if not outputs or not outputs[0].size or high <= low:
        return None
    return Artist(outputs[0].shape[1:], low, high)


def _stops_untrained(game: Game) -> bool:
    """True if the script trained both networks for some steps but did not finish.

    A script may fail to reach its end only because the check cuts its training short. For example,
    a script may search the generated images for certain digits. It cannot find them if the
    generator has not yet learned to draw digits.
    """
    trace = game.trace
    if not all(player.steps for player in game.players()):
        return False
    if trace.ended in ("slow", "enough"):
        last_step = game.steps[-1].index
        draws_after = [call for call in game.draws if call.index > last_step]
        return len(draws_after) > MANY
    if trace.passed is not None:
        return True
    has_failed = any(backward.error for backward in trace.all(Backward))
    return trace.ended in ("error", "exit") and not has_failed


def _with_digits(child: GANChild, trace: Trace, game: Game) -> Trace:
    """Record a second run of the script, in which pictures of real digits replace the generator's
    images after the training.

    Returns:
        the trace of the second run, or the first trace if there was no complete second run or if no
        GAN was found in it.
    """
    artist = _artist_like(game, Probe(child))
    if artist is None:
        return trace
    with child.helping(draw=artist.draw, classify=artist.classify):
        run = child.ask.run_drawing(
            max_seconds=SECONDS_AGAIN,
            generator=game.generator.id,
            pixels=torch.Size(artist.like).numel(),
        )
    if run is None:
        return trace
    with child.reading():
        second = Trace.of(run)
    if find_game(second) is None:
        return trace
    return second


class Probe:
    """Calls the student's networks with random inputs, to get outputs in addition to those that
    were recorded in the run.
    """

    def __init__(self, child: GANChild) -> None:
        self._child = child

    def images(self, call: Call, scale: float) -> Tensor | None:
        """Return the generator's outputs for new noise from N(0, scale^2), shaped like the noise
        that the generator received in `call`.
        """
        return self._ask(call, 0, scale)

    def opinions(self, call: Call, scale: float) -> Tensor | None:
        """Return the discriminator's outputs for random images from N(0, scale^2), shaped like the
        images that the discriminator received in `call`.
        """
        sizes = [value.size for value in call.inputs]
        if not sizes:
            return None
        return self._ask(call, sizes.index(max(sizes)), scale)

    def _ask(self, call: Call, index: int, scale: float) -> Tensor | None:
        """Return a network's outputs for a batch of at most `FEW` items. If the network fails with
        this batch, return its outputs for a batch as large as the one that it received in `call`.

        A batch of the original size is tried as well, because some networks accept only one batch
        size.

        Args:
            index: the index of the input that is replaced by random numbers.
        """
        answer = self._ask_with(FEW, call, index, scale)
        if answer is not None:
            return answer
        batches = [value.shape[0] for value in call.inputs if value.shape]
        return self._ask_with(max(batches, default=0), call, index, scale)

    def _ask_with(self, rows: int, call: Call, index: int, scale: float) -> Tensor | None:
        inputs = []
        for k, value in enumerate(call.inputs):
            if k == index:
                inputs.append(_random_like(value, rows, scale))
            elif value.numbers is None:
                return None
            elif value.shape:
                inputs.append(value.numbers[:rows])
            else:
                inputs.append(value.numbers)
        answer = self._child.ask.outputs(network=call.network, inputs=inputs)
        if answer is None or not answer.numel():
            return None
        return answer.float()


def _random_like(value: Value, rows: int, scale: float) -> Tensor:
    """Draw a tensor from N(0, scale^2) with the shape and the precision of `value`, but with at
    most `rows` rows.
    """
    shape: tuple[int, ...] = ()
    if value.shape:
        shape = (min(rows, value.shape[0]), *value.shape[1:])
    x = scale * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    is_double = value.numbers is not None and value.numbers.dtype == torch.float64
    return x.double() if is_double else x


def _check_error(error: StudentError, trace: Trace, game: Game | None, verdicts: Verdicts) -> None:
    """Report an exception that the student's code raised, if possible as a mistake specific to
    GANs.
    """
    misshapen = _misshapen(trace)
    if _says(error, AGAIN) and not ACTIVATION.search(error.text):
        verdicts.fault(
            "missing-detach.raised",
            at=(game and call_to_detach(game, game.passes_of(game.discriminator))) or error,
            raised=error,
            proof=claims.shared.was_seen(error.text),
            problem=in_short(error.text.partition(": [")[0], 160),
        )
    elif _says(error, [NO_PROBABILITY]):
        proof = claims.shared.was_seen(error.text)
        verdicts.fault("wrong-loss.raised", at=error, raised=error, proof=proof)
    elif game is None and misshapen and _says(error, MISFITS):
        output = misshapen[0].output
        verdicts.fault(
            "wrong-shape.raised",
            at=trace.networks[misshapen[0].network].line_of(misshapen[0]),
            raised=error,
            proof=claims.gan.is_no_image(pixels=output.size if output else 0),
            problem=in_short(error.text, 120),
        )
    elif not verdicts.has("not-written"):
        verdicts.error(error, importing="ImportError" in error.types and not trace.all(Call, Step))


def _says(error: StudentError, phrases: Iterable[str]) -> bool:
    """True if the text of an exception contains at least one of the given phrases."""
    return any(phrase in error.text for phrase in phrases)


def _misshapen(trace: Trace) -> list[Call]:
    """Return the calls whose outputs have several values per item but are not 28 x 28 images."""
    calls = []
    for call in trace.all(Call):
        if call.output is not None and call.output.size > 1 and call.output.size % PIXELS:
            calls.append(call)
    return calls
