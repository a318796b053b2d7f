"""Diagnoses a training run: if a curve leaves the range of the curves of healthy runs, the
diagnosis names the usual cause.

`benchmarks/curves.py` generates bands.json from healthy runs of each recipe.
"""

import functools
import json
import math
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from pydantic import BaseModel

from toolkit.assignment.curve.reading import GAN, PART_I, Curve

ROOM = 0.1  # tolerance below the least accuracy for a loss: each wrong answer costs ln 2 or more
FLOOR = 1e-4  # smaller losses count as this loss
WORST = 2.6  # the largest loss of Part I on the scale; the chance level is 2.3
CAUSES = tomllib.loads(Path(__file__).with_name("causes.toml").read_text(encoding="utf-8"))


class Band(NamedTuple):
    """The healthy range of a curve: for each bin (a group of consecutive steps), a lower limit, the
    median and an upper limit, all derived from healthy runs.
    """

    low: list[float]
    middle: list[float]
    high: list[float]


class Recipe(BaseModel):
    """A training recipe and the statistics of its healthy runs.

    The steps are divided into bins of `every` steps each, and `steps` lists the last step of each
    bin.
    """

    runs: int
    every: int
    least: int  # the step up to which a curve must be known
    steps: list[int]
    settings: dict[str, float]
    bands: dict[str, Band]
    means: dict[str, tuple[float, float]]  # curve -> the limits of its mean up to `least`


class Diagnosis(NamedTuple):
    """The diagnosis of a training run; if a curve leaves the range of healthy runs, the diagnosis
    gives the step and the cause.
    """

    cause: str = ""  # a key of causes.toml, or "" for a curve inside its band
    leaves: float = 0.0  # the step at which the curve leaves its band
    curve: str = ""
    value: float = 0.0  # at that step; `low` and `high` are the limits there
    low: float = 0.0
    high: float = 0.0


class Departure(NamedTuple):
    """A bin (a group of consecutive steps) in which a curve departs from what is normal. There are
    three cases: the curve is outside the range of healthy runs in this bin, the curve's mean up to
    this bin is outside the range of their means, or the accuracy is too low for the loss.

    Because `number` is the first field, `min` of several instances returns the one for the earliest
    bin.
    """

    number: int  # the number of the bin
    name: str  # the name of the curve
    direction: float  # above the band if positive, below it if negative
    diagnosis: Diagnosis  # without a cause


@functools.cache
def recipes() -> dict[str, Recipe]:
    """Return a dictionary of the recipes, keyed by names such as lstm-T5 and gan-saturating."""
    listed = json.loads(Path(__file__).with_name("bands.json").read_text(encoding="utf-8"))
    return {name: Recipe(**fields) for name, fields in listed.items()}


def scale(name: str, value: float) -> float:
    """Map a loss or an accuracy to the scale on which distances from the range of healthy runs are
    measured.

    A loss is mapped to its logarithm, and an accuracy is left unchanged. For the loss of an LSTM or
    an RNN, the scale is also stretched near ln 10, the loss of random guessing. The reason is that
    a loss of 2.1 is much better than a loss of 2.3.
    """
    if name == "accuracy":
        return value
    size = max(abs(value), FLOOR)
    if name == "loss":
        return math.log(size / max(WORST - size, 0.05))
    return math.log(size)


def binned(curve: Curve, recipe: Recipe) -> dict[int, float]:
    """Return the mean value of each bin that contains at least one value."""
    bins: dict[int, list[float]] = {}
    for step, value in curve:
        number = max(0, math.ceil(step / recipe.every) - 1)
        bins.setdefault(number, []).append(value)
    means = {}
    for number in sorted(bins):
        if number < len(recipe.steps):
            means[number] = fmean(bins[number])
    return means


def deviations(name: str, bins: dict[int, float], band: Band) -> list[tuple[int, float]]:
    """Return a curve's distance from its band in each bin but the last, as pairs (bin, distance).

    All values are first mapped by `scale`. The distance is positive above the band and negative
    below the band. Some programs record the latest loss, and others record the mean loss since the
    previous record. Each value is therefore compared with the smallest lower limit and the largest
    upper limit of the band over all bins since the previous value. If a curve is outside its band
    on the same side in two consecutive bins, the first of these bins gets the smaller of the two
    distances. If a curve is outside its band in only one bin, this bin gets the distance 0, because
    an isolated peak is ignored.
    """
    distances: list[tuple[int, float]] = []
    previous = -1
    for number, value in bins.items():
        position, since = scale(name, value), slice(previous + 1, number + 1)
        low = min(scale(name, limit) for limit in band.low[since])
        high = max(scale(name, limit) for limit in band.high[since])
        above, below = max(0.0, position - high), min(0.0, position - low)
        distances.append((number, above + below))
        previous = number
    nearer = []
    for (number, distance), (_, following) in pairwise(distances):
        if distance * following > 0:
            nearer.append((number, min(distance, following, key=abs)))
        else:
            nearer.append((number, 0.0))
    return nearer


def judge(curves: dict[str, Curve], recipe: Recipe) -> Diagnosis:
    """Compare the curves of a training run with the healthy ranges (bands) that are stored in
    `recipe`, and return the diagnosis.

    The discriminator's loss has two terms, one for real and one for generated images. This loss may
    be given either as the sum of the two terms, as in the stored healthy range, or as their mean.
    """
    for name, curve in curves.items():
        for step, value in curve:
            if not math.isfinite(value):
                return Diagnosis("nan", step, name, value, math.nan, math.nan)
    as_given = _compare(curves, recipe)
    discriminator = GAN[0]
    if discriminator not in curves or not as_given.cause:
        return as_given
    doubled = [(step, 2 * value) for step, value in curves[discriminator]]
    as_mean = _compare(curves | {discriminator: doubled}, recipe)
    if not as_mean.cause or as_mean.leaves > as_given.leaves:
        return as_mean
    return as_given


def _compare(curves: dict[str, Curve], recipe: Recipe) -> Diagnosis:
    """Return the diagnosis of the earliest `Departure`, with the first cause whose conditions the
    curves meet; if there is no `Departure`, return an empty diagnosis.
    """
    bins = {name: binned(curve, recipe) for name, curve in curves.items()}
    departures: list[Departure] = []
    for name, values in bins.items():
        departures += _outside_band(name, values, recipe)
        departures += _outside_mean(name, values, recipe)
    departures += _accuracy_below_loss(bins, recipe)
    if not departures:
        return Diagnosis()
    return min(departures).diagnosis._replace(cause=_cause(departures, bins))


def _outside_band(name: str, values: dict[int, float], recipe: Recipe) -> Iterator[Departure]:
    """Yield a `Departure` for each bin (a group of steps) in which a curve is outside the range of
    healthy runs. The curve must be on the same side of this range in the next bin: above it in both
    bins, or below it in both.
    """
    band = recipe.bands[name]
    for number, distance in deviations(name, values, band):
        if distance:
            limits = band.low[number], band.high[number]
            diagnosis = Diagnosis("", recipe.steps[number], name, values[number], *limits)
            yield Departure(number, name, distance, diagnosis)


def _outside_mean(name: str, values: dict[int, float], recipe: Recipe) -> Iterator[Departure]:
    """Average a curve's values up to the step `recipe.least`, and yield a `Departure` if this mean
    lies outside the range for healthy runs.
    """
    low, high = recipe.means[name]
    early = {n: value for n, value in values.items() if recipe.steps[n] <= recipe.least}
    if 2 * len(early) * recipe.every < recipe.least:
        return
    mean = fmean(early.values())
    if not low <= mean <= high:
        diagnosis = Diagnosis("", recipe.least, f"mean {name}", mean, low, high)
        yield Departure(max(early), name, mean - low, diagnosis)


def _accuracy_below_loss(bins: dict[str, dict[int, float]], recipe: Recipe) -> Iterator[Departure]:
    """Yield a `Departure` for each bin whose accuracy is too low to be consistent with its loss;
    the first such bin is ignored.
    """
    losses, accuracies = bins.get(PART_I[0], {}), bins.get(PART_I[1], {})
    met = False
    for number, loss in losses.items():
        if number not in accuracies:
            continue
        least = 1 - loss / math.log(2) - ROOM
        if accuracies[number] >= least:
            continue
        if met:
            values = accuracies[number], least, 1.0
            diagnosis = Diagnosis("", recipe.steps[number], "accuracy", *values)
            yield Departure(number, "accuracy", -1.0, diagnosis)
        met = True


def _cause(departures: list[Departure], bins: dict[str, dict[int, float]]) -> str:
    """Return the first cause in causes.toml whose limits on the features of the curves (see below)
    are all met.

    For a curve called NAME, the feature `NAME` is the mean of the curve's last third, and the
    feature `least of NAME` is the curve's smallest value. The feature `leaves loss` is 1 if the
    loss leaves its band upwards, and -1 if the loss leaves its band downwards. If no entry in
    `departures` concerns the loss, the feature `leaves NAME` is used instead of `leaves loss`.
    Here, NAME is the curve of the first entry in `departures`. The feature is 1 if this curve is
    too high, and -1 if it is too low.
    """
    first = departures[0]
    for departure in departures:
        if departure.name == "loss":
            first = departure
            break
    looks = {f"leaves {first.name}": math.copysign(1, first.direction)}
    for name, values in bins.items():
        last = list(values.values())[-max(2, len(values) // 3) :]
        looks[f"least of {name}"] = min(values.values())
        looks[name] = fmean(last)
    for cause, limits in CAUSES.items():
        if _fits(looks, limits):
            return cause
    raise AssertionError("the last row of causes.toml has no limits")


def _fits(looks: dict[str, float], limits: dict[str, tuple[float, float]]) -> bool:
    return all(low <= looks.get(key, math.nan) <= high for key, (low, high) in limits.items())
