"""Judges the generator's input noise, and the shape and the range of its images."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Self

import torch
from torch import Tensor

from toolkit.assignment.findings.findings import Placed
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.rules.claims.gan import is_normal
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.gan.game import Game, Judged
from toolkit.assignment.judging.train.trace import Batch, Call

MIN_NUMBERS = 400  # of the noise, to know its distribution
MIN_STEPS = 3  # of training, after which the same noise is no accident
SLACK = 0.3  # share of the drawn range by which real bounds may differ
SCALES = (30.0, 1e3, 1e6, 1e12, 1e18)  # of the noise, up to saturation of a last activation

# A function of a call and a scale of its noise, which gives images in evaluation mode.
Draw = Callable[[Call, float], Tensor | None]


class Moments(NamedTuple):
    """The size of a sample, its mean, its standard deviation and its standardised fourth moment."""

    n: int
    mean: float
    deviation: float
    fourth: float  # after standardising by mean and deviation

    @classmethod
    def of(cls, z: Tensor) -> Self:
        """Return the moments of all entries of a tensor."""
        z = z.double()
        mean, deviation = z.mean(), z.std().clamp_min(1e-9)
        fourth = (((z - mean) / deviation) ** 4).mean()
        return cls(z.numel(), float(mean), float(deviation), float(fourth))


class Latent(NamedTuple):
    """The noise that one call to the generator received."""

    call: Call
    z: Tensor  # (batch, latent_dim)


def check_noise(game: Game, verdicts: Verdicts) -> None:
    """Check that the noise in training follows N(0, 1), and that it is not the same in all
    steps.
    """
    trained = game.judged_draws
    calls = [call for call in game.draws if call.index in trained] or game.draws
    latents = latents_of(calls)
    numbers = [latent.z.flatten() for latent in latents]
    if sum(map(len, numbers)) < MIN_NUMBERS:
        verdicts.not_seen("noise")
        return
    moments = Moments.of(torch.cat(numbers))
    num_different = len({latent.z.numpy().tobytes() for latent in latents})
    num_moving = len([step for step in game.steps if step.moved])
    if not is_normal(*moments):
        line = _of_noise(_first_odd(latents) or calls[0])
        verdicts.fault("wrong-noise.moments", at=line, proof=claims.gan.is_not_normal(*moments))
    elif num_different == 1 and min(len(latents), num_moving, len(game.steps) // 2) >= MIN_STEPS:
        verdicts.fault(
            "wrong-noise.once",
            at=_of_noise(calls[-1]),
            proof=claims.gan.is_always_the_same(different=num_different, steps=num_moving),
            number=len(game.steps),
        )
    else:
        verdicts.right("noise", proof=claims.gan.may_be_normal(*moments, num_different))


def latents_of(calls: Iterable[Call]) -> list[Latent]:
    """Return the noise of these generator calls, leaving out calls whose noise was not recorded."""
    latents = []
    for call in calls:
        z = latent_of(call)
        if z is not None:
            latents.append(Latent(call, z))
    return latents


def _first_odd(latents: list[Latent]) -> Call | None:
    """Return the first call whose noise, considered by itself, does not follow N(0, 1)."""
    for latent in latents:
        if not is_normal(*Moments.of(latent.z)):
            return latent.call
    return None


def _of_noise(call: Call) -> Placed:
    """Return the place in the code where the noise that a call received was drawn, or the call
    itself if that place is unknown.
    """
    for value in call.inputs:
        if value.numbers is not None and value.numbers.is_floating_point() and value.drawn.line:
            return value.drawn
    return call


def latent_of(call: Call) -> Tensor | None:
    """Return the noise that a call received, (batch, latent_dim), without any labels that the same
    tensor contains.

    Returns:
        None if no floating-point input of the call was recorded.
    """
    for value in call.inputs:
        rows = value.rows
        if rows is not None and value.numbers is not None and value.numbers.is_floating_point():
            if len(value.shape) == 1:  # without a batch
                rows = rows.reshape(1, -1)
            is_label = ((rows == 0) | (rows == 1)).all(dim=0)  # one-hot, in the same tensor
            return rows if bool(is_label.all()) else rows[:, ~is_label]
    return None


def check_images(game: Game, draw: Draw, verdicts: Verdicts) -> None:
    """Check that generated images have the shape and the range of the real images."""
    first = _first_drawn(game)
    if first is None or first.output is None:
        verdicts.not_seen("images")
        return
    line = game.generator.line_of(first)
    sizes = _sizes(game)
    if sizes is not None:
        drawn_shape, real_shape = sizes
        shapes = claims.shared.differ(actual=drawn_shape, expected=real_shape)
        verdicts.fault("wrong-shape.two", at=line, proof=shapes)
    real = real_bounds(game)
    low, high = bounds_of(game, draw, scaled=True)
    growth = _growth(first, draw)
    if growth is not None and growth.far > 5 * growth.near > 5:
        verdicts.fault(
            "output-range.unbounded",
            at=line,
            proof=claims.gan.grows_with_noise(*growth),
            least=first.output.least,
            largest=first.output.largest,
            low=low,
            high=high,
        )
    elif real is None:
        verdicts.not_seen("real-images")
    elif max(abs(real[0] - low), abs(real[1] - high)) > SLACK * (high - low):
        place = next(iter(game.trace.normalised), None) or game.generator.made_last
        proof = claims.gan.ranges_differ(drawn=[low, high], real=real)
        verdicts.fault("output-range.apart", at=place, proof=proof)
    elif sizes is None:
        pixels = _pixels(game)
        proof = claims.gan.images_are_alike(drawn=[low, high], real=real, pixels=pixels)
        verdicts.right("images", proof=proof)


def _first_drawn(game: Game) -> Call | None:
    """Return the first generator call whose output has at least two dimensions, as a batch of
    images must have.
    """
    for call in game.draws:
        if call.output is not None and len(call.output.shape) > 1:
            return call
    return None


def _has_drawn(judged: Judged) -> bool:
    return bool(judged.drawn.any())


def _has_real(judged: Judged) -> bool:
    return not judged.drawn.all()


def _pixels(game: Game) -> list[int]:
    """Return the image sizes, in values per image, that occur among both the generated and the real
    images.
    """
    drawn = {entry.images.size for entry in filter(_has_drawn, game.judged.values())}
    real = {entry.images.size for entry in filter(_has_real, game.judged.values())}
    return sorted(drawn & real)


def _sizes(game: Game) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return the shape of a generated image and the shape of a real image if generated and real
    images have no size in common. Return None if they share a size, or if there are no generated or
    no real images.
    """
    drawn = _shapes(filter(_has_drawn, game.judged.values()))
    real = _shapes(filter(_has_real, game.judged.values()))
    if not drawn or not real or drawn.keys() & real.keys():
        return None
    return next(iter(drawn.values())), next(iter(real.values()))


def _shapes(calls: Iterable[Judged]) -> dict[int, tuple[int, ...]]:
    """Return the image shapes in these discriminator calls, as a dictionary whose keys are the
    numbers of values per image. If several shapes have the same number of values, the dictionary
    contains the last of these shapes.
    """
    shapes = {}
    for judged in calls:
        shapes[judged.images.size] = judged.images.shape[1:]
    return shapes


def real_bounds(game: Game) -> tuple[float, float] | None:
    """Return the smallest and the largest pixel value in all real images that the discriminator
    saw.
    """
    bounds: list[tuple[float, float]] = []
    for judged in game.judged.values():
        bounds += _real_bounds_of(judged, game)
    if not bounds:
        return None
    return min(least for least, _ in bounds), max(largest for _, largest in bounds)


def _real_bounds_of(judged: Judged, game: Game) -> list[tuple[float, float]]:
    """Return the smallest and the largest pixel value in the real images of one discriminator
    call.
    """
    images = judged.images
    is_real, rows = ~judged.drawn, images.rows
    if bool(is_real.all()):
        return [(images.least, images.largest)]
    if rows is not None and bool(is_real.any()):
        return [(float(rows[is_real].min()), float(rows[is_real].max()))]
    # If there were too many numbers to send, the bounds of the loader's batches are known.
    loaded = {index for index, _ in images.rows_from}
    bounds = []
    for batch in game.trace.all(Batch):
        if batch.index in loaded and batch.values:
            bounds.append((batch.values[0].least, batch.values[0].largest))
    return bounds


def bounds_of(game: Game, draw: Draw, scaled: bool = False) -> tuple[float, float]:
    """Return the smallest and the largest pixel value among the recorded images from the generator
    and further images that it generates from very large noise.

    Args:
        scaled: True to return the values as the discriminator receives them, after any rescaling of
            the generator's output.
    """
    outputs = [call.output for call in game.draws if call.output is not None]
    low = min(output.least for output in outputs)
    high = max(output.largest for output in outputs)
    for scale in SCALES:
        images = draw(game.draws[0], scale)
        if images is not None and bool(images.isfinite().all()):
            low, high = min(low, float(images.min())), max(high, float(images.max()))
    slope, shift = _rescaled(game) if scaled else (1.0, 0.0)
    ends = sorted((slope * low + shift, slope * high + shift))
    return ends[0], ends[1]


def _rescaled(game: Game) -> tuple[float, float]:
    """Return the slope and the shift that turn the generator's images into the discriminator's
    inputs.
    """
    outputs = {call.index: call.output for call in game.draws}
    for judged in game.judged.values():
        for origin in judged.by:
            made, shown = outputs[origin], judged.images
            if made is None or shown.source == origin or not bool(judged.drawn.all()):
                continue
            if made.rows is None or shown.rows is None or made.rows.shape != shown.rows.shape:
                continue
            slope, shift = _fitted(made.rows.flatten(), shown.rows.flatten())
            if abs(slope) > 0.1:
                return slope, shift
    return 1.0, 0.0


def _fitted(x: Tensor, y: Tensor) -> tuple[float, float]:
    """Return the slope and the intercept of the least-squares line through the points (x, y)."""
    covariance = ((x - x.mean()) * (y - y.mean())).mean()
    slope = float(covariance / x.var().clamp_min(1e-9))
    return slope, float(y.mean() - slope * x.mean())


class Growth(NamedTuple):
    """Two maxima of the absolute pixel value: one over images generated from noise with large
    values, and one over images generated from noise with even larger values.
    """

    near: float
    far: float


def _growth(first: Call, draw: Draw) -> Growth | None:
    """Measure the largest absolute pixel value for noise that is multiplied by a large factor, and
    again for a much larger factor.

    If the generator ends with a bounded activation such as tanh, the pixel values cannot keep
    growing with the noise.
    """
    near, far = draw(first, 1000.0), draw(first, 30000.0)
    if near is None or far is None or not bool(near.isfinite().all() & far.isfinite().all()):
        return None
    return Growth(float(near.abs().max()), float(far.abs().max()))
