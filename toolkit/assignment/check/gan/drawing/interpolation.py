"""Whether nine images lead from one sample to another of a different class, through latent space.

An interpolation is recognised by what it does: latent points on a line or an arc, wherever they are
drawn. If none was seen while the script ran, functions that may interpolate are tried.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from toolkit.assignment.check.findings import Placed
from toolkit.assignment.check.gan.drawing.functions import (
    Function,
    Functions,
    Tried,
)
from toolkit.assignment.check.gan.drawing.paths import (
    MIN_POINTS,
    NUM_IMAGES,
    Path,
    extended,
    find_paths,
    is_far,
    is_sample,
    is_uneven,
    without,
)
from toolkit.assignment.check.gan.drawing.sites import sampling_sites, unsearched
from toolkit.assignment.check.gan.game import Game
from toolkit.assignment.check.gan.images import latent_of
from toolkit.assignment.check.gan.lines import Lines
from toolkit.assignment.check.train.trace import Call
from toolkit.assignment.check.verdicts import Verdicts

# Of choosing two ends: two random ones are clearly of one class 1 time in 12, so 1 in 65 of those
# who choose at random is lucky every time. As many on a fast machine as on a slow one.
NUM_TRIES = 48
MAX_FUNCTIONS, SURE = 8, 0.9  # that are tried; of a class


def check_interpolation(game: Game, lines: Lines, functions: Functions, verdicts: Verdicts) -> None:
    """Look for the interpolation in what ran, else in functions, and judge it."""
    trained = game.judged_draws
    draws = [call for call in game.all_draws if call.index not in trained]
    candidates = functions.that("line")[:MAX_FUNCTIONS]
    paths = _paths_of(draws)
    if paths:
        at = {call.index: call for call in draws}
        points = [z for call in draws if (z := latent_of(call)) is not None]
        size = paths[-1].points.size(1)
        empty = torch.empty(0, size)
        most = float("inf") if _shows_nine(game) else NUM_IMAGES
        known = torch.cat([z for z in points if z.size(1) == size and len(z) <= most] or [empty])
        places = [_mixed(at[path.calls[0]]) for path in paths]
        apart = {call for path in paths for call in path.calls}
        drawn = [z for call in draws if call.index not in apart
                 if (z := latent_of(call)) is not None and z.size(1) == size]  # fmt: skip
        samples = [*drawn, *_rows_of(game.trace.noise, size)]
        if not _judge(paths, places, known, samples, verdicts):
            _try_with_ends(candidates, functions, places[-1], verdicts)
        ran = [f for f in functions.that("choice") if f.place in game.trace.entered]
        _check_ends([f for f in candidates if f.place in game.trace.entered], ran, functions,
                    verdicts)  # fmt: skip
        return
    sites = sampling_sites(game, lines) or []
    drawing = functions.those([site.function for site in sites if site.function is not None])
    for function in dict.fromkeys((*candidates, *drawing[:MAX_FUNCTIONS])):
        if _try(function, functions, verdicts):
            choosers = functions.that("choice")
            _check_ends([function, *candidates], choosers, functions, verdicts)
            return
    left, where = (
        (functions.untried, None) if functions.untried else unsearched(game, lines, functions.drew)
    )
    if left is not None:
        verdicts.not_seen("interpolation", at=where, left=left)
        return
    verdicts.fault(
        "missing-interpolation.nowhere",
        at=draws[-1] if draws else None,
        proof={"ended": game.trace.ended, "lines": 0, "unseen": 0},
    )


def was_seen(game: Game) -> bool:
    """Whether what ran has drawn along a line."""
    trained = game.judged_draws
    return bool(_paths_of([call for call in game.all_draws if call.index not in trained]))


def _shows_nine(game: Game) -> bool:
    """Whether a picture of nine images was seen, or pictures of other sizes tell nothing."""
    sizes = {value.shape[0] for _, value in game.trace.shown if len(value.shape) > 2}
    return NUM_IMAGES in sizes or not sizes & set(range(MIN_POINTS, NUM_IMAGES))


def _mixed(call: Call) -> Placed:
    """Where the points of a path were computed."""
    return next((value.made for value in call.inputs if value.made.line), call)


def _paths_of(calls: Sequence[Call]) -> list[Path]:
    """The paths through the noise of these calls of the generator."""
    drawn = [(call.index, z) for call in calls if (z := latent_of(call)) is not None]
    return find_paths(drawn)


def _rows_of(tensors: Sequence[Tensor], latent_dim: int) -> list[Tensor]:
    """Those that may be points in latent space, float (n, latent_dim), or the noise beside a label.

    Such noise is at least half as long, and has enough numbers to be no match by chance.
    """
    rows = []
    for tensor in tensors:
        if tensor.numel() and tensor.numel() % latent_dim == 0:
            rows.append(tensor.reshape(-1, latent_dim))
        elif tensor.dim() == 2 and max(3, latent_dim / 2) <= tensor.size(1) < latent_dim:
            rows.append(tensor)
    return rows


def _judge(
    paths: list[Path],
    places: Sequence[Placed],
    known: Tensor,
    samples: Sequence[Tensor],
    verdicts: Verdicts,
) -> bool:
    """The best of the paths has nine points, and its ends are samples.

    Args:
        known: the points (n, d) that the generator drew, beside which a path may lie.
        samples: each (n, d), which the ends may be.

    Returns:
        whether that is known.
    """
    for path, at in zip(paths, places, strict=True):
        fits = path.points.size(1) == known.size(1) > 2  # in a plane, others lie there by chance
        longer = extended(path, known) if fits else path
        whole = not path.repeats and len(longer.points) == NUM_IMAGES
        far = is_far(path) and not verdicts.has("wrong-noise")  # else their samples may be longer
        if whole and (is_uneven(path) or far):
            rule = "uneven" if is_uneven(path) else "misses"
            proof = path.seen(misses=rule == "misses")
            verdicts.fault(f"wrong-interpolation.{rule}", at=at, proof=proof)
            return True
        if whole:
            return _judge_ends(longer, at, without(longer, samples), verdicts)
    path, at = paths[-1], places[-1]
    if path.repeats:
        verdicts.fault(
            "interpolation-repeats-ends.repeats", at=at, proof=path.seen(), n=len(path.points)
        )
    elif len(path.points) == NUM_IMAGES:
        verdicts.fault("wrong-interpolation.misses", at=at, proof=path.seen(misses=True))
    else:
        verdicts.fault("wrong-interpolation.number", at=at, proof=path.seen(), n=len(path.points))
    return True


def _judge_ends(path: Path, at: Placed, samples: Sequence[Tensor], verdicts: Verdicts) -> bool:
    """The first and the last of nine points are samples, and no sample lies beyond them.

    Returns:
        whether that is known.
    """
    ends = [is_sample(end, samples) for end in path.points[[0, -1]]]
    if all(ends):
        seen = {"steps": path.steps.tolist(), "repeats": path.repeats, "samples": ends}
        verdicts.right("interpolation", proof=seen)
        return True
    size = path.points.size(1)
    everything = torch.cat([torch.empty(0, size), *(z for z in samples if z.size(1) == size)])
    if size > 2 and len(extended(path, everything).points) > len(path.points):
        verdicts.fault("wrong-interpolation.misses", at=at, proof=path.seen(misses=True))
        return True
    return False


def _try_with_ends(
    candidates: Sequence[Function], functions: Functions, at: Placed, verdicts: Verdicts
) -> None:
    """Where the ends of what ran are not known: call what ran with two that are given."""
    ran = [f for f in candidates if f.ends() and f.place in functions.entered]
    if not any(_try(function, functions, verdicts) for function in ran):
        verdicts.not_seen("ends-of-line", at=at)


def _try(function: Function, functions: Functions, verdicts: Verdicts) -> bool:
    """Call a function with two ends, and judge the images or points that it makes.

    Returns:
        whether it interpolates.
    """
    torch.manual_seed(0)
    ends = torch.randn(2, functions.latent_dim)
    best: tuple[list[Path], Tried] | None = None
    for count in (7, NUM_IMAGES):  # a number of steps may, or may not, count both ends
        tried = functions.call(function, ends, seed=0, count=count)
        paths = _tried_paths(tried, functions.latent_dim)
        if not paths:
            continue
        best = best or (paths, tried)
        if any(len(path.points) == NUM_IMAGES and not path.repeats for path in paths):
            best = paths, tried
            break
    if best is None:
        return False
    paths, tried = best
    given = ends if function.ends() else torch.empty(0, functions.latent_dim)
    if _is_between(paths, given):
        verdicts.not_seen("between", at=function.place, n=len(paths[-1].points))
        return True
    known = torch.cat([given[:0], *(drawn.z for drawn in tried.draws)])
    samples = [given] if len(given) else _rows_of(tried.noise, functions.latent_dim)
    if not _judge(paths, [function.place] * len(paths), known, samples, verdicts):
        verdicts.not_seen("ends-of-line", at=function.place)
    return True


def _is_between(paths: Sequence[Path], ends: Tensor) -> bool:
    """Whether seven points lie between two ends, which their caller may draw."""
    path = paths[-1]
    longer = extended(path, ends)
    inner = len(path.points) == NUM_IMAGES - 2 and len(longer.points) == NUM_IMAGES
    return inner and not longer.repeats and not is_uneven(longer)


def _tried_paths(tried: Tried, latent_dim: int) -> list[Path]:
    """The paths through what a function drew, else through latent points that it returned."""
    rows = [t.reshape(len(t), -1) for t in tried.returned if t.dim() > 1 and len(t) >= MIN_POINTS]
    returned = [(0, points) for points in rows if points.size(1) == latent_dim]
    drawn = [(number, drawn.z) for number, drawn in enumerate(tried.draws)]
    return find_paths(drawn) or find_paths(returned)


def _check_ends(
    candidates: list[Function],
    choosers: list[Function],
    functions: Functions,
    verdicts: Verdicts,
) -> None:
    """The two ends are of different classes every time, not by luck.

    Only where code chooses them: a person who looked at images, or a seed, is right or wrong in the
    picture.
    """
    lines = functions.lines
    seeded = any("seed(" in lines.texts.get(file, "") for file in lines.reached)
    choosers = [f for f in choosers if not f.ends()][:MAX_FUNCTIONS]
    inside = [f for f in candidates if not f.ends()]
    fixed: Function | None = None  # what a seed decides, which somebody may have chosen by eye
    for function in dict.fromkeys((*inside, *choosers)):
        asked = functions.artist.asked
        seen = _ends_chosen(function, functions, seed=0)
        if seen is None:
            continue
        if seeded and functions.artist.asked == asked:
            fixed = fixed or function
            continue
        tries = []
        for seed in range(NUM_TRIES):
            points = _ends_chosen(function, functions, seed, again=True)
            if points is None:
                break
            logits = functions.artist.classify(functions.artist.draw(points))
            confidence, digit = logits.softmax(1).max(1)
            tries.append([*digit.tolist(), float(confidence.min())])
            if digit[0] == digit[1] and bool((confidence > SURE).all()):
                verdicts.fault(
                    "same-class-ends.tried",
                    at=function.place,
                    proof={"classes": digit.tolist(), "sure": confidence.tolist()},
                    number=seed + 1,
                    digit=int(digit[0]),
                )
                return
        else:
            verdicts.right("ends", proof={"tries": tries}, n=NUM_TRIES)
            return
    verdicts.not_seen("ends", at=fixed.place if fixed else None)


def _ends_chosen(
    function: Function, functions: Functions, seed: int, again: bool = False
) -> Tensor | None:
    """The two latent points, (2, latent_dim), that a function returns, or that its path joins."""
    size = functions.latent_dim
    tried = functions.call(function, torch.zeros(2, size), seed, again=again)
    if paths := _tried_paths(tried, size):
        return paths[0].points[[0, -1]].float()
    points = [t for t in tried.returned if t.numel() == size]
    if len(points) >= 2:
        return torch.stack([t.reshape(-1) for t in points[:2]]).float()
    for both in tried.returned:
        if both.dim() > 1 and len(both) == 2 and both.numel() == 2 * size:
            return both.reshape(2, -1).float()
    return None
