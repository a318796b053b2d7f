"""What goes into the generator, and whether the images that come out suit the real ones."""

from collections.abc import Callable
from typing import NamedTuple, Self

import torch
from torch import Tensor

from toolkit.assignment.check.findings import Placed
from toolkit.assignment.check.gan.game import Game
from toolkit.assignment.check.rules.claims import is_normal
from toolkit.assignment.check.train.trace import Batch, Call
from toolkit.assignment.check.verdicts import Verdicts

MIN_NUMBERS = 400  # of the noise, to know its distribution
MIN_STEPS = 3  # of training, after which the same noise is no accident
SLACK = 0.3  # of the range of the generated images: at most so far do the real ones go beyond
SCALES = (30.0, 1e3, 1e6, 1e12, 1e18)  # of the noise, until a last function is saturated

# From z, (batch, ...), and how much it is enlarged, to images in evaluation mode.
Draw = Callable[[Call, float], Tensor | None]


class Moments(NamedTuple):
    """What tells one distribution from another."""

    n: int
    mean: float
    deviation: float
    fourth: float  # once standardised by these

    @classmethod
    def of(cls, z: Tensor) -> Self:
        """Those of all its numbers."""
        z = z.double()
        mean, deviation = z.mean(), z.std().clamp_min(1e-9)
        fourth = (((z - mean) / deviation) ** 4).mean()
        return cls(z.numel(), float(mean), float(deviation), float(fourth))


def check_noise(game: Game, verdicts: Verdicts) -> None:
    """z ~ N(0, 1), and drawn anew for every step: judged over all that was trained on."""
    trained = game.judged_draws
    calls = [call for call in game.draws if call.index in trained] or game.draws
    noise = [(call, z) for call in calls if (z := latent_of(call)) is not None]
    if sum(z.numel() for _, z in noise) < MIN_NUMBERS:
        verdicts.not_seen("noise")
        return
    moments = Moments.of(torch.cat([z.flatten() for _, z in noise]))
    different = {z.numpy().tobytes() for _, z in noise}
    moved = len([step for step in game.steps if step.moved])
    if not is_normal(*moments):
        odd = next((call for call, z in noise if not is_normal(*Moments.of(z))), calls[0])
        verdicts.fault("wrong-noise.moments", at=_of_noise(odd), proof=moments._asdict())
    elif len(different) == 1 and min(len(noise), moved, len(game.steps) // 2) >= MIN_STEPS:
        verdicts.fault(
            "wrong-noise.once",
            at=_of_noise(calls[-1]),
            proof={"different": len(different), "steps": moved},
            number=len(game.steps),
        )
    else:
        verdicts.right("noise", proof=moments._asdict() | {"different": len(different)})


def _of_noise(call: Call) -> Placed:
    """Where the noise of a call was drawn."""
    numbers = [(v.numbers, v.drawn) for v in call.inputs if v.numbers is not None]
    drawn = (place for x, place in numbers if x.is_floating_point())
    return next((place for place in drawn if place.line), call)


def latent_of(call: Call) -> Tensor | None:
    """The noise among the inputs of a call, (batch, latent_dim), without labels beside it."""
    for value in call.inputs:
        rows = value.rows
        if rows is not None and value.numbers is not None and value.numbers.is_floating_point():
            rows = rows.reshape(1, -1) if len(value.shape) == 1 else rows  # without a batch
            is_label = ((rows == 0) | (rows == 1)).all(dim=0)  # one-hot, in the same tensor
            return rows[:, ~is_label] if not bool(is_label.all()) else rows
    return None


def check_images(game: Game, draw: Draw, verdicts: Verdicts) -> None:
    """Generated images have the shape and the range of those that they are compared with."""
    first = next((c for c in game.draws if c.output is not None and len(c.output.shape) > 1), None)
    if first is None or first.output is None:
        verdicts.not_seen("images")
        return
    sizes = _sizes(game)
    if sizes is not None:
        proof = dict(zip(("one", "other"), sizes, strict=True))
        verdicts.fault("wrong-shape.two", at=game.generator.line_of(first), proof=proof)
    real = real_bounds(game)
    low, high = bounds_of(game, draw, scaled=True)
    if (growth := _growth(first, draw)) and growth[1] > 5 * growth[0] > 5:
        verdicts.fault(
            "output-range.unbounded",
            at=game.generator.line_of(first),
            proof={"near": growth[0], "far": growth[1]},
            least=first.output.least,
            largest=first.output.largest,
            low=low,
            high=high,
        )
        return
    if real is None:
        verdicts.not_seen("real-images")
    elif max(abs(real[0] - low), abs(real[1] - high)) > SLACK * (high - low):
        at = next(iter(game.trace.normalised), None) or game.generator.made_last
        seen = {"drawn": [low, high], "real": list(real)}
        verdicts.fault("output-range.apart", at=at, proof=seen)
    elif sizes is None:
        seen = {"drawn": [low, high], "real": list(real)}
        verdicts.right("images", proof={**seen, "pixels": _pixels(game)})


def _pixels(game: Game) -> list[int]:
    """How many numbers an image has, where some were drawn and others are real."""
    judged = game.judged.values()
    drawn = {j.images.size for j in judged if j.drawn.any()}
    return sorted(drawn & {j.images.size for j in judged if not j.drawn.all()})


def _sizes(game: Game) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """A shape of drawn and one of real images, if no judged ones of both have the same size."""
    drawn = {j.images.size: j.images.shape[1:] for j in game.judged.values() if j.drawn.any()}
    real = {j.images.size: j.images.shape[1:] for j in game.judged.values() if not j.drawn.all()}
    if not drawn or not real or drawn.keys() & real.keys():
        return None
    return next(iter(drawn.values())), next(iter(real.values()))


def real_bounds(game: Game) -> tuple[float, float] | None:
    """Least and largest number of all real images that were judged."""
    parts = []
    for judged in game.judged.values():
        real, rows = ~judged.drawn, judged.images.rows
        if bool(real.all()):
            parts.append((judged.images.least, judged.images.largest))
        elif rows is not None and bool(real.any()):
            parts.append((float(rows[real].min()), float(rows[real].max())))
        else:  # too many numbers to send: those that a loader gave are known
            loaded = {number for number, _ in judged.images.rows_from}
            batches = [b.values[0] for b in game.trace.all(Batch) if b.index in loaded and b.values]
            parts += [(images.least, images.largest) for images in batches]
    return (min(p[0] for p in parts), max(p[1] for p in parts)) if parts else None


def bounds_of(game: Game, draw: Draw, scaled: bool = False) -> tuple[float, float]:
    """Between which numbers generated images lie.

    Args:
        scaled: as the discriminator sees them.
    """
    outputs = [call.output for call in game.draws if call.output is not None]
    low, high = min(o.least for o in outputs), max(o.largest for o in outputs)
    for scale in SCALES:
        images = draw(game.draws[0], scale)
        if images is not None and bool(images.isfinite().all()):
            low, high = min(low, float(images.min())), max(high, float(images.max()))
    slope, shift = _rescaled(game) if scaled else (1.0, 0.0)
    ends = sorted((slope * low + shift, slope * high + shift))
    return ends[0], ends[1]


def _rescaled(game: Game) -> tuple[float, float]:
    """The slope and the shift from what the generator gives to what the discriminator sees."""
    outputs = {call.index: call.output for call in game.draws}
    for judged in game.judged.values():
        for origin in judged.by:
            made, seen = outputs[origin], judged.images
            if made is None or seen.source == origin or not bool(judged.drawn.all()):
                continue
            if made.rows is None or seen.rows is None or made.rows.shape != seen.rows.shape:
                continue
            x, y = made.rows.flatten(), seen.rows.flatten()
            slope = float(((x - x.mean()) * (y - y.mean())).mean() / x.var().clamp_min(1e-9))
            if abs(slope) > 0.1:
                return slope, float(y.mean() - slope * x.mean())
    return 1.0, 0.0


def _growth(first: Call, draw: Draw) -> tuple[float, float] | None:
    """How large images become with larger noise, which no activation lets grow on."""
    near, far = draw(first, 1000.0), draw(first, 30000.0)
    if near is None or far is None or not bool(near.isfinite().all() & far.isfinite().all()):
        return None
    return float(near.abs().max()), float(far.abs().max())
