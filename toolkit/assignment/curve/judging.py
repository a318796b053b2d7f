"""Whether a curve is that of a healthy training, and if not, what usually makes one like it.

`benchmarks/curves.py` makes bands.json from healthy runs of each recipe, and says how.
"""

import functools
import json
import math
import tomllib
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from pydantic import BaseModel

from toolkit.assignment.curve.reading import GAN, PART_I, Curve

ROOM = 0.1  # below the least accuracy that goes with a loss: each wrong answer costs ln 2 or more
FLOOR, WORST = 1e-4, 2.6  # losses below are one; and of Part I, where guessing has 2.3
CAUSES = tomllib.loads(Path(__file__).with_name("causes.toml").read_text(encoding="utf-8"))


class Band(NamedTuple):
    """Of one curve: the limits of what is healthy and the middle of the runs, by bin."""

    low: list[float]
    middle: list[float]
    high: list[float]


class Recipe(BaseModel):
    """What healthy runs of one recipe had; a bin is the `every` steps up to one of `steps`."""

    runs: int
    every: int
    least: int  # the step up to which a curve must be known
    steps: list[int]
    settings: dict[str, float]
    bands: dict[str, Band]
    means: dict[str, tuple[float, float]]  # of each curve, the limits of its mean up to `least`


class Verdict(NamedTuple):
    """What is to be said: inside, or where it leaves the band, and the usual cause."""

    cause: str = ""  # a key of causes.toml; "": inside
    leaves: float = 0.0  # the step
    curve: str = ""
    value: float = 0.0  # there, and the limits
    low: float = 0.0
    high: float = 0.0


@functools.cache
def recipes() -> dict[str, Recipe]:
    """All, by name: lstm-T5, ..., gan-saturating."""
    listed = json.loads(Path(__file__).with_name("bands.json").read_text(encoding="utf-8"))
    return {name: Recipe(**what) for name, what in listed.items()}


def scale(name: str, value: float) -> float:
    """Where differences count alike: the logarithm of a loss, an accuracy as it is.

    Part I's loss is stretched towards guessing as well: 2.1 is much less than 2.3.
    """
    size = max(abs(value), FLOOR)
    room = max(WORST - size, 0.05) if name == "loss" else 1.0
    return value if name == "accuracy" else math.log(size / room)


def binned(curve: Curve, recipe: Recipe) -> dict[int, float]:
    """The mean of the values in each bin that has any."""
    bins: dict[int, list[float]] = {}
    for step, value in curve:
        bins.setdefault(max(0, math.ceil(step / recipe.every) - 1), []).append(value)
    return {n: fmean(bins[n]) for n in range(len(recipe.steps)) if n in bins}


def deviations(name: str, bins: dict[int, float], band: Band) -> list[tuple[int, float]]:
    """How far each bin is above the band or, negative, below it, on the `scale`.

    A value may be the last one or a mean since the value before it, so it is compared with all bins
    since then. Of two bins in a row on one side the nearer counts: a single peak is no departure.
    """
    found, before = list[tuple[int, float]](), -1
    for number, value in bins.items():
        at, since = scale(name, value), slice(before + 1, number + 1)
        low = min(scale(name, x) for x in band.low[since])
        high = max(scale(name, x) for x in band.high[since])
        found.append((number, max(0.0, at - high) + min(0.0, at - low)))
        before = number
    return [(n, min(a, b, key=abs) if a * b > 0 else 0.0) for (n, a), (_, b) in pairwise(found)]


def judge(curves: dict[str, Curve], recipe: Recipe) -> Verdict:
    """Compare the curves of a training with the bands of its recipe.

    The discriminator's loss may be the sum of its two terms, as in the band, or their mean.
    """
    for name, curve in curves.items():
        for step, value in curve:
            if not math.isfinite(value):
                return Verdict("nan", step, name, value, math.nan, math.nan)
    doubled = {name: [(s, 2 * v) for s, v in curves[name]] for name in GAN[:1] if name in curves}
    verdicts = _compare(curves, recipe), _compare(curves | doubled, recipe)
    return max(verdicts, key=lambda verdict: verdict.leaves or math.inf)


def _compare(curves: dict[str, Curve], recipe: Recipe) -> Verdict:
    """The first departure, and what it looks like."""
    bins = {name: binned(curve, recipe) for name, curve in curves.items()}
    off, steps = list[tuple[int, str, float, Verdict]](), recipe.steps
    for name, values in bins.items():
        band, (low, high) = recipe.bands[name], recipe.means[name]
        for n, by in deviations(name, values, band):
            there = Verdict("", steps[n], name, values[n], band.low[n], band.high[n])
            off += [(n, name, by, there)] * bool(by)
        early = [n for n in values if steps[n] <= recipe.least]
        if 2 * len(early) * recipe.every >= recipe.least:
            mean = fmean(values[n] for n in early)
            there = Verdict("", recipe.least, f"mean {name}", mean, low, high)
            off += [(early[-1], name, mean - low, there)] * (not low <= mean <= high)
    loss, accuracy = (bins.get(name, {}) for name in PART_I)
    room = {n: 1 - loss[n] / math.log(2) - ROOM for n in loss if n in accuracy}
    for n in [n for n, least in room.items() if accuracy[n] < least][1:]:
        there = Verdict("", steps[n], "accuracy", accuracy[n], room[n], 1.0)
        off.append((n, "accuracy", -1.0, there))
    if not off:
        return Verdict()
    _, name, by, _ = next((one for one in off if one[1] == "loss"), off[0])
    looks = {f"leaves {name}": math.copysign(1, by)}
    for key, values in bins.items():
        looks[f"least of {key}"] = min(values.values())
        looks[key] = fmean([*values.values()][-max(2, len(values) // 3) :])
    cause = next(
        cause
        for cause, wanted in CAUSES.items()
        if all(low <= looks.get(key, math.nan) <= high for key, (low, high) in wanted.items())
    )
    return min(off)[3]._replace(cause=cause)
