"""Judges an interpolation: nine images on a path in latent space between two samples of different
classes.

An interpolation is recognised by its latent points, which lie on a line or an arc, no matter where
the code draws the images. If the script itself generates no interpolation, the check calls those
functions of the script that may generate one.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from toolkit.assignment.findings.findings import Placed
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.gan.drawing.functions import Function, Functions, Tried
from toolkit.assignment.judging.gan.drawing.paths import (
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
from toolkit.assignment.judging.gan.drawing.sites import sampling_sites, unsearched
from toolkit.assignment.judging.gan.game import Game
from toolkit.assignment.judging.gan.images import latents_of
from toolkit.assignment.judging.gan.lines import Lines
from toolkit.assignment.judging.train.trace import Call
from toolkit.assignment.running.places import Place

# Tries of choosing two ends. Two random ends clearly have one class in 1 of 12 tries, so a random
# choice passes all tries with a probability of 1 in 65. The number is the same on all machines.
NUM_TRIES = 48
MAX_FUNCTIONS, SURE = 8, 0.9  # functions that are tried; probability of a class


def check_interpolation(game: Game, lines: Lines, functions: Functions, verdicts: Verdicts) -> None:
    """Judge the interpolation that the script drew or, if there is none, the interpolation that a
    function draws or returns when the check calls it.
    """
    candidates = functions.of_kind("line")[:MAX_FUNCTIONS]
    draws = _untrained(game)
    paths = _paths_of(draws)
    if paths:
        _check_seen(paths, draws, game, candidates, functions, verdicts)
    elif not _check_functions(game, lines, candidates, functions, verdicts):
        _report_missing(game, lines, draws, functions, verdicts)


def was_seen(game: Game) -> bool:
    """True if the script has generated images from latent points that lie on a line or an arc."""
    return bool(_paths_of(_untrained(game)))


def _untrained(game: Game) -> list[Call]:
    """Return the calls in which the generator made images that the discriminator never received."""
    trained = game.judged_draws
    return [call for call in game.all_draws if call.index not in trained]


def _check_seen(
    paths: list[Path],
    draws: list[Call],
    game: Game,
    candidates: list[Function],
    functions: Functions,
    verdicts: Verdicts,
) -> None:
    """Judge the lines and arcs that the generator's latent points form, and how the code chooses
    their two end points.
    """
    calls = {call.index: call for call in draws}
    places = [_mixed(calls[path.calls[0]]) for path in paths]
    size = paths[-1].points.size(1)
    known = _known_points(draws, size, game)
    samples = [*_points_apart(paths, draws, size), *_rows_of(game.trace.noise, size)]
    if not _judge(paths, places, known, samples, verdicts):
        _try_with_ends(candidates, functions, places[-1], verdicts)
    choosers = functions.of_kind("choice")
    _check_ends(_entered(candidates, game), _entered(choosers, game), functions, verdicts)


def _known_points(draws: list[Call], size: int, game: Game) -> Tensor:
    """Return the latent points, (n, size), from which the generator drew images.

    If one of the script's pictures shows five to eight images and none shows nine, the
    interpolation is probably too short. In this case, batches of more than nine points are ignored,
    because they might wrongly extend the interpolation to nine points.
    """
    limit = float("inf") if _shows_nine(game) else NUM_IMAGES
    points = []
    for latent in latents_of(draws):
        if latent.z.size(1) == size and len(latent.z) <= limit:
            points.append(latent.z)
    return torch.cat(points or [torch.empty(0, size)])


def _points_apart(paths: list[Path], draws: list[Call], size: int) -> list[Tensor]:
    """For each generator call that contributes no point to any of the interpolation paths, return
    the call's latent points as a tensor (n, size).
    """
    on_paths: set[int] = set()
    for path in paths:
        on_paths.update(path.calls)
    points = []
    for latent in latents_of(draws):
        if latent.call.index not in on_paths and latent.z.size(1) == size:
            points.append(latent.z)
    return points


def _entered(candidates: list[Function], game: Game) -> list[Function]:
    """Return the functions that the script called."""
    return [function for function in candidates if function.place in game.trace.entered]


def _check_functions(
    game: Game,
    lines: Lines,
    candidates: list[Function],
    functions: Functions,
    verdicts: Verdicts,
) -> bool:
    """Call functions that may interpolate, and judge the first function that does interpolate.

    Returns:
        True if a function interpolates.
    """
    nodes = []
    for site in sampling_sites(game, lines) or []:
        if site.function is not None:
            nodes.append(site.function)
    drawing = functions.with_nodes(nodes)[:MAX_FUNCTIONS]
    for function in dict.fromkeys((*candidates, *drawing)):
        if _try(function, functions, verdicts):
            choosers = functions.of_kind("choice")
            _check_ends([function, *candidates], choosers, functions, verdicts)
            return True
    return False


def _report_missing(
    game: Game, lines: Lines, draws: list[Call], functions: Functions, verdicts: Verdicts
) -> None:
    """Report that no code interpolates, or that the check may have missed code that does."""
    untried: str | None = functions.untried
    place: Place | None = None
    if not untried:
        untried, place = unsearched(game, lines, functions.drew)
    if untried is not None:
        verdicts.not_seen("interpolation", at=place, left=untried)
        return
    verdicts.fault(
        "missing-interpolation.nowhere",
        at=draws[-1] if draws else None,
        proof=claims.gan.no_line_was_drawn(game.trace.ended, lines=0, unseen=0),
    )


def _shows_nine(game: Game) -> bool:
    """False if the script shows or saves a picture that consists of five to eight images, but none
    that consists of nine; otherwise True.
    """
    sizes = {value.shape[0] for _, value in game.trace.shown if len(value.shape) > 2}
    return NUM_IMAGES in sizes or not sizes & set(range(MIN_POINTS, NUM_IMAGES))


def _mixed(call: Call) -> Placed:
    """Return the line of code that computed the latent points with which the generator was called,
    or the call itself if that line is unknown.
    """
    for value in call.inputs:
        if value.made.line:
            return value.made
    return call


def _paths_of(calls: Sequence[Call]) -> list[Path]:
    """Find the paths that the latent points of these generator calls form."""
    return find_paths([(latent.call.index, latent.z) for latent in latents_of(calls)])


def _rows_of(tensors: Sequence[Tensor], latent_dim: int) -> list[Tensor]:
    """Return the tensors that may hold latent points. A tensor that may hold complete latent points
    is reshaped to (n, latent_dim). The result also contains tensors whose rows may be only the
    noise part of latent points that also contain a label.

    The rows of a tensor may hold only the noise part of each latent point. Such a tensor is
    returned only if each of its rows has at least three entries and at least latent_dim / 2
    entries. Shorter rows could agree with part of a latent point by chance.
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
    """Look for a path of nine different points, and check that these points are evenly spaced and
    that the first and the last are random samples.

    Args:
        known: the latent points (n, d) from which the generator drew images; those that continue a
            path beyond its ends may be added to the path.
        samples: tensors, each (n, d), whose rows may be the ends of a path.

    Returns:
        True if the check reported the interpolation as right or wrong; False if it could not
        decide.
    """
    for path, place in zip(paths, places, strict=True):
        longer = path
        if path.points.size(1) == known.size(1) > 2:  # in a plane, other points lie there by chance
            longer = extended(path, known)
        if path.repeats or len(longer.points) != NUM_IMAGES:
            continue
        if is_uneven(path):
            verdicts.fault("wrong-interpolation.uneven", at=place, proof=path.proof())
            return True
        # If the noise is wrong, the student's samples may be longer.
        if is_far(path) and not verdicts.has("wrong-noise"):
            _report_misses(path, place, verdicts)
            return True
        return _judge_ends(longer, place, without(longer, samples), verdicts)
    _report_incomplete(paths[-1], places[-1], verdicts)
    return True


def _report_misses(path: Path, place: Placed, verdicts: Verdicts) -> None:
    """Report an interpolation with an end point that is not one of the randomly drawn latent
    points.
    """
    verdicts.fault("wrong-interpolation.misses", at=place, proof=path.proof(misses=True))


def _report_incomplete(path: Path, place: Placed, verdicts: Verdicts) -> None:
    """Report a path that does not have nine different points, or does not go from one sample to the
    other.
    """
    num_points = len(path.points)
    if path.repeats:
        rule = "interpolation-repeats-ends.repeats"
        verdicts.fault(rule, at=place, proof=path.proof(), n=num_points)
    elif num_points == NUM_IMAGES:
        _report_misses(path, place, verdicts)
    else:
        verdicts.fault("wrong-interpolation.number", at=place, proof=path.proof(), n=num_points)


def _judge_ends(path: Path, place: Placed, samples: Sequence[Tensor], verdicts: Verdicts) -> bool:
    """Report a path of nine points as right or wrong if its ends allow a verdict. The path is right
    if both its ends are samples. The path is wrong if an end is not a sample and a sample lies on
    the continuation of the path.

    Returns:
        True if the check reported the interpolation as right or wrong; False if it could not
        decide.
    """
    are_samples = [is_sample(end, samples) for end in path.points[[0, -1]]]
    if all(are_samples):
        proof = claims.gan.is_line_of_nine(path.steps.tolist(), path.repeats, are_samples)
        verdicts.right("interpolation", proof=proof)
        return True
    if _goes_on(path, samples):
        _report_misses(path, place, verdicts)
        return True
    return False


def _goes_on(path: Path, samples: Sequence[Tensor]) -> bool:
    """True if a sample lies beyond an end of a path.

    If latent points have only two dimensions, the result is always False, because a sample may then
    lie on the extension of the path by chance.
    """
    size = path.points.size(1)
    if size <= 2:
        return False
    points = [torch.empty(0, size)]
    for rows in samples:
        if rows.size(1) == size:
            points.append(rows)
    return len(extended(path, torch.cat(points)).points) > len(path.points)


def _try_with_ends(
    candidates: Sequence[Function], functions: Functions, place: Placed, verdicts: Verdicts
) -> None:
    """Call functions one after another, and judge the first function that interpolates. Only
    functions that the script has called are tried. Each of them is called with two random latent
    points as the ends of an interpolation.

    The functions are called only if the check cannot tell whether the path that the script itself
    drew connects two samples.
    """
    for function in candidates:
        is_called = function.place in functions.entered
        if function.ends() and is_called and _try(function, functions, verdicts):
            return
    verdicts.not_seen("ends-of-line", at=place)


def _try(function: Function, functions: Functions, verdicts: Verdicts) -> bool:
    """Call a function with the two ends of an interpolation, and judge the path that it draws or
    returns.

    Returns:
        True if it interpolates.
    """
    torch.manual_seed(0)
    ends = torch.randn(2, functions.latent_dim)
    attempt = _best_attempt(function, ends, functions)
    if attempt is None:
        return False
    paths, tried = attempt
    samples = _rows_of(tried.noise, functions.latent_dim)
    if function.ends():
        samples = [ends]
    else:
        ends = ends[:0]
    if _is_between(paths, ends):
        verdicts.not_seen("between", at=function.place, n=len(paths[-1].points))
        return True
    known = torch.cat([ends[:0], *(drawn.z for drawn in tried.draws)])
    if not _judge(paths, [function.place] * len(paths), known, samples, verdicts):
        verdicts.not_seen("ends-of-line", at=function.place)
    return True


def _best_attempt(
    function: Function, ends: Tensor, functions: Functions
) -> tuple[list[Path], Tried] | None:
    """Call a function with 7 as its number of steps, because a function that adds the two ends
    itself then makes nine images. If this does not produce a path of nine points, call the function
    again with 9 steps.

    Returns:
        the paths that were found and the outcome of the call that produced them, or None if neither
        call produces a path. The first call that produces a path of nine points without repetitions
        is chosen; if there is none, the first call that produces any path.
    """
    best: tuple[list[Path], Tried] | None = None
    for count in (NUM_IMAGES - 2, NUM_IMAGES):
        tried = functions.call(function, ends, seed=0, count=count)
        paths = _tried_paths(tried, functions.latent_dim)
        if any(len(path.points) == NUM_IMAGES and not path.repeats for path in paths):
            return paths, tried
        if paths and best is None:
            best = paths, tried
    return best


def _is_between(paths: Sequence[Path], ends: Tensor) -> bool:
    """True if the last path has seven points, and the two latent points in `ends` extend it to a
    suitable path. The longer path has one of the two points added at each end. It must consist of
    nine different points with roughly even spacing.

    If the result is True, the student's function may rely on its caller to draw the images of the
    two ends.
    """
    path = paths[-1]
    longer = extended(path, ends)
    has_inner = len(path.points) == NUM_IMAGES - 2 and len(longer.points) == NUM_IMAGES
    return has_inner and not longer.repeats and not is_uneven(longer)


def _tried_paths(tried: Tried, latent_dim: int) -> list[Path]:
    """Find the paths formed by the latent points from which a function drew images; if there are
    none, find the paths formed by the points that the function returned.
    """
    drawn = [(index, entry.z) for index, entry in enumerate(tried.draws)]
    returned = []
    for tensor in tried.returned:
        if tensor.dim() > 1 and len(tensor) >= MIN_POINTS:
            rows = tensor.reshape(len(tensor), -1)
            if rows.size(1) == latent_dim:
                returned.append((0, rows))
    return find_paths(drawn) or find_paths(returned)


def _check_ends(
    candidates: list[Function],
    choosers: list[Function],
    functions: Functions,
    verdicts: Verdicts,
) -> None:
    """Check that the two ends of an interpolation always have different classes, and not only by
    chance.

    The check judges the two ends of an interpolation only if they are chosen by the code. If a
    person picked the two end points, either directly or by picking the random seed, the check
    cannot judge these points. Only the picture shows whether the two points have different classes.
    """
    is_seeded = _is_seeded(functions.lines)
    fixed: Function | None = None  # a choice by a seed, which a person may have picked
    for function in dict.fromkeys((*_free(candidates), *_free(choosers)[:MAX_FUNCTIONS])):
        num_asked = functions.artist.asked
        if _ends_chosen(function, functions, seed=0) is None:
            continue
        if is_seeded and functions.artist.asked == num_asked:
            fixed = fixed or function
        elif _check_choice(function, functions, verdicts):
            return
    verdicts.not_seen("ends", at=fixed.place if fixed else None)


def _free(candidates: list[Function]) -> list[Function]:
    """Return the candidates that have no parameters for the two ends of an interpolation."""
    return [function for function in candidates if not function.ends()]


def _is_seeded(lines: Lines) -> bool:
    """True if one of the files that ran sets a seed."""
    return any("seed(" in lines.texts.get(file, "") for file in lines.reached)


def _check_choice(function: Function, functions: Functions, verdicts: Verdicts) -> bool:
    """Call a function with many different random seeds; each time, judge the two latent points
    between which the function chooses to interpolate.

    Returns:
        False if, for at least one of the seeds tried, the function did not choose the two ends of
        an interpolation.
    """
    tries = []
    for seed in range(NUM_TRIES):
        points = _ends_chosen(function, functions, seed, known_to_end=True)
        if points is None:
            return False
        logits = functions.artist.classify(functions.artist.draw(points))
        confidence, digit = logits.softmax(1).max(1)
        tries.append((int(digit[0]), int(digit[1]), float(confidence.min())))
        if digit[0] == digit[1] and bool((confidence > SURE).all()):
            verdicts.fault(
                "same-class-ends.tried",
                at=function.place,
                proof=claims.gan.ends_have_one_class(digit.tolist(), confidence.tolist()),
                number=seed + 1,
                digit=int(digit[0]),
            )
            return True
    verdicts.right("ends", proof=claims.gan.ends_never_have_one_class(tries), n=NUM_TRIES)
    return True


def _ends_chosen(
    function: Function, functions: Functions, seed: int, known_to_end: bool = False
) -> Tensor | None:
    """Return the two latent points, (2, latent_dim), that a function returns or uses as the ends of
    a path, or None if there are none.
    """
    size = functions.latent_dim
    tried = functions.call(function, torch.zeros(2, size), seed, known_to_end=known_to_end)
    paths = _tried_paths(tried, size)
    if paths:
        return paths[0].points[[0, -1]].float()
    points = [tensor.reshape(-1) for tensor in tried.returned if tensor.numel() == size]
    if len(points) >= 2:
        return torch.stack(points[:2]).float()
    for tensor in tried.returned:
        if tensor.dim() > 1 and len(tensor) == 2 and tensor.numel() == 2 * size:
            return tensor.reshape(2, -1).float()
    return None
