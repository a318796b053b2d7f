"""Judges a student's GAN."""

import re

import torch
from torch import Tensor

from toolkit.assignment.check.findings import Place
from toolkit.assignment.check.gan.direction import check_direction
from toolkit.assignment.check.gan.drawing.functions import Functions
from toolkit.assignment.check.gan.drawing.interpolation import check_interpolation, was_seen
from toolkit.assignment.check.gan.drawing.modes import check_modes
from toolkit.assignment.check.gan.drawing.sites import unrun
from toolkit.assignment.check.gan.drawing.stand_ins import Artist
from toolkit.assignment.check.gan.game import Game, find_game
from toolkit.assignment.check.gan.images import bounds_of, check_images, check_noise
from toolkit.assignment.check.gan.lines import Lines
from toolkit.assignment.check.gan.losses import check_losses
from toolkit.assignment.check.gan.steps import check_steps, undetached
from toolkit.assignment.check.host import Gone, Student, StudentError
from toolkit.assignment.check.submission import Located
from toolkit.assignment.check.train.ending import check_end, check_machine, watch
from toolkit.assignment.check.train.trace import Backward, Call, Step, Trace
from toolkit.assignment.check.verdicts import STOPS, Verdicts
from toolkit.common.errors import in_short

MAX_STEPS = 10  # of both optimisers together, in each loop
MAX_SECONDS = 14.0  # of CPU time
SECONDS_AGAIN = 10.0  # of CPU time, of a second run
SECONDS_ALSO = 3.0  # of CPU time, of another script
SECONDS_IN_ALL = 18.0  # of CPU time, for what runs
MAX_SCRIPTS = 2  # that run besides
MANY = 50  # calls of the generator in a row are a search
FEW = 4  # images or points, for a question about the range of a network's outputs
MISFITS = ("shapes", "view size", "invalid for input of size", "must match")
# What a network computes inside, and changes in place
ACTIVATION = re.compile(r"output \d+ of \w*(Relu|Elu|Sigmoid|Tanh|Mul|Softplus)")
AGAIN = ("backward through the graph a second time", "modified by an inplace operation")


def check(student: Student, located: Located, verdicts: Verdicts) -> None:
    """Run the script for a few steps on a few images, look at what ran, and interpolate."""
    _check(student, located, verdicts)
    if verdicts.has(*STOPS) and not any(f.verdict == "right" for f in verdicts.findings):
        # They say already that all is open.
        verdicts.findings = [f for f in verdicts.findings if f.verdict != "not seen"]


def _check(student: Student, located: Located, verdicts: Verdicts) -> None:
    verdicts.doing("the first steps of the training")
    trace = watch(student, located, MAX_STEPS, MAX_SECONDS)
    if located.users and not trace.all(Step, Backward):
        trace = _begun(student, located, trace, verdicts)
    lines = Lines(student.ask("texts"), located.file, (*located.files, *located.users))
    game = find_game(trace)
    if game is not None and _stops_untrained(game):
        verdicts.doing("what follows the training, with digits in the place of its images")
        trace = _with_digits(student, trace, game)
        game = find_game(trace)
    steps = trace.all(Step)
    error = check_end(trace, verdicts, left="missing-interpolation" if game and steps else None)
    if error is not None:
        _check_error(error, trace, game, verdicts)
    elif not verdicts.findings and not (game and trace.all(Step, Backward)):
        if not steps and (trace.ended == "slow" or "backward(" in lines.texts.get(lines.file, "")):
            verdicts.not_seen("not-reached")
        else:
            proof = {"ran": located.file, "times": len(steps)}
            verdicts.fault("not-watched.nothing", proof=proof)
    check_machine(trace, verdicts)
    if game is None:
        return
    probe = Probe(student)
    check_noise(game, verdicts)
    check_images(game, probe.images, verdicts)
    if not (check_losses(game, probe.opinions, verdicts) or check_steps(game, verdicts)):
        check_direction(game, verdicts)
    verdicts.doing("sampling and interpolating")
    try:
        game = _with_other_scripts(student, game, lines)
    except Gone:  # of it no more can be asked
        verdicts.not_seen("interpolation", left="another file ends the process")
        return
    artist = _artist_like(game, probe)
    if artist is None:
        verdicts.not_seen("no-images-to-join")
        return
    functions = Functions(student, lines, game, artist)
    check_interpolation(game, lines, functions, verdicts)
    check_modes(game, functions, verdicts)


def _begun(student: Student, located: Located, trace: Trace, verdicts: Verdicts) -> Trace:
    """What a file does if the check calls the function that trains, which nothing in it calls.

    Returns:
        the trace of that; the first one if there is no such function.
    """
    begun: Trace = student.ask(
        "run",
        reader=Trace.of,
        file=located.file,
        max_steps=MAX_STEPS,
        max_seconds=MAX_SECONDS,
        begin=True,
    )
    if not begun.all(Step, Backward):
        return trace
    verdicts.not_seen("begun", at=Place(located.file, None))
    return begun


def _with_other_scripts(student: Student, game: Game, lines: Lines) -> Game:
    """The game, and what other scripts of theirs do with its generator, if it did not interpolate.

    Raises:
        Gone: one of them has ended the process.
    """
    if was_seen(game) or game.trace.ended != "finished":
        return game
    drawing = [file for file in unrun(game, lines) if "backward(" not in lines.texts[file]]
    for file in drawing[:MAX_SCRIPTS]:
        longer: Trace = student.ask(
            "run_also",
            reader=Trace.of,
            file=file,
            max_seconds=SECONDS_ALSO,
            until=SECONDS_IN_ALL,
        )
        again = find_game(longer)
        if again is not None and again.generator.id == game.generator.id:
            game = again
    return game


def _artist_like(game: Game, probe: "Probe") -> Artist | None:
    """One who draws digits that look like the generator's images, if there are any."""
    like = next((c.output.shape[1:] for c in game.draws if c.output is not None), None)
    low, high = bounds_of(game, probe.images)
    if like is None or not torch.Size(like).numel() or high <= low:
        return None
    return Artist(like, low, high)


def _stops_untrained(game: Game) -> bool:
    """Whether what ran after steps of both networks ended before its time.

    A network that was trained for a few steps may be the reason: it draws no digits, and a search
    among its images finds nothing.
    """
    trace = game.trace
    if not all(player.steps for player in game.players()):
        return False
    if trace.ended == "slow":
        last = game.steps[-1].index
        return len([call for call in game.draws if call.index > last]) > MANY
    failed = any(backward.error for backward in trace.all(Backward))
    return trace.ended in ("error", "exit") and not failed


def _with_digits(student: Student, trace: Trace, game: Game) -> Trace:
    """What a script does where it has digits in the place of its images, once it has trained.

    Returns:
        the trace of its second run; the first if that does not come to its end either.
    """
    artist = _artist_like(game, Probe(student))
    if artist is None:
        return trace
    again: Trace | None = student.ask(
        "run_drawing",
        helps={"draw": artist.draw, "classify": artist.classify},
        reader=lambda answer: None if answer is None else Trace.of(answer),
        max_seconds=SECONDS_AGAIN,
        generator=game.generator.id,
        pixels=torch.Size(artist.like).numel(),
    )
    return trace if again is None or find_game(again) is None else again


class Probe:
    """Asks the student's networks for more than they were seen to do."""

    def __init__(self, student: Student) -> None:
        self._student = student

    def images(self, call: Call, scale: float) -> Tensor | None:
        """What the generator makes of a call's noise, enlarged so much."""
        return self._ask(call, 0, scale)

    def opinions(self, call: Call, scale: float) -> Tensor | None:
        """What the discriminator makes of random images, enlarged so much."""
        sizes = [value.size for value in call.inputs]
        return self._ask(call, sizes.index(max(sizes)), scale) if sizes else None

    def _ask(self, call: Call, which: int, scale: float) -> Tensor | None:
        """Ask with few rows; if that is no answer, as the batch size may be fixed, with as many."""
        answer = self._ask_with(FEW, call, which, scale)
        rows = max((value.shape[0] for value in call.inputs if value.shape), default=0)
        return answer if answer is not None else self._ask_with(rows, call, which, scale)

    def _ask_with(self, rows: int, call: Call, which: int, scale: float) -> Tensor | None:
        inputs = []
        generator = torch.Generator().manual_seed(0)
        for k, value in enumerate(call.inputs):
            shape = (min(rows, value.shape[0]), *value.shape[1:]) if value.shape else ()
            if k == which:
                x = scale * torch.randn(shape, generator=generator)
                double = value.numbers is not None and value.numbers.dtype == torch.float64
                inputs.append(x.double() if double else x)
            elif value.numbers is not None:
                inputs.append(value.numbers[:rows] if value.shape else value.numbers)
            else:
                return None
        answer: Tensor | None = self._student.ask("outputs", network=call.network, inputs=inputs)
        return None if answer is None or not answer.numel() else answer.float()


def _check_error(error: StudentError, trace: Trace, game: Game | None, verdicts: Verdicts) -> None:
    """What their code raised, where that has a name of its own in a GAN."""
    misshapen = _misshapen(trace)
    if any(words in error.text for words in AGAIN) and not ACTIVATION.search(error.text):
        verdicts.fault(
            "missing-detach.raised",
            at=(game and undetached(game, game.passes_of(game.discriminator))) or error,
            proof={"happened": error.text},
            problem=in_short(error.text.partition(": [")[0], 160),
        )
    elif "elements of input should be between 0 and 1" in error.text:
        verdicts.fault("wrong-loss.raised", at=error, proof={"happened": error.text})
    elif game is None and any(w in error.text for w in MISFITS) and misshapen:
        verdicts.fault(
            "wrong-shape.raised",
            at=trace.networks[misshapen[0].network].line_of(misshapen[0]),
            proof={"pixels": misshapen[0].output.size if misshapen[0].output else 0},
            problem=in_short(error.text, 120),
        )
    elif not verdicts.has("not-written"):
        verdicts.error(error, importing="ImportError" in error.types and not trace.all(Call, Step))


def _misshapen(trace: Trace) -> list[Call]:
    """The calls of networks that made something in batches that is no image of 28 x 28."""
    made = [(c, c.output.size) for c in trace.all(Call) if c.output is not None]
    return [call for call, size in made if 1 < size < 784 or (size > 784 and size % 784)]
