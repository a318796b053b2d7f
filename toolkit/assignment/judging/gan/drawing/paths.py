"""Finds interpolations, that is, latent points on a line or an arc, however the code is written."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.rules.claims.shared import CHANCE

NUM_IMAGES = 9  # 7 steps between two samples, and both samples
MIN_POINTS = 5
MIN_STEPS = 3  # steps between different points
MIN_POINTS_IN_A_PLANE = 7  # since points lie on some arc by chance
UNEVEN = 3
TINY = 1e-3  # points shorter than this count as not set
NEAR = 2e-3  # of a point's length
BEYOND = 0.01  # of the way from one end to the other


class Path(NamedTuple):
    """The latent points on a path, in order, and for each point the generator call that drew an
    image from it.
    """

    points: Tensor  # float (n, latent_dim)
    calls: list[int]  # the call of the generator that drew each

    @property
    def repeats(self) -> int:
        """The number of points that are practically equal to the point before them."""
        return int((self.steps < NEAR * self.points.norm(dim=1).mean()).sum())

    @property
    def steps(self) -> Tensor:
        """The distance of each point from the previous point, float (n - 1,)."""
        steps: Tensor = (self.points[1:] - self.points[:-1]).norm(dim=1)
        return steps

    def proof(self, misses: bool = False) -> claims.Evidence:
        """Return the evidence that the path is not a correct interpolation; `misses` is true if the
        path does not lead from one sample to another.
        """
        return claims.gan.is_no_line(self.steps.tolist(), self.repeats, misses)


def is_far(path: Path) -> bool:
    """True if the first or the last point of a path is too far from 0 to be a sample of N(0, 1).
    The probability that a sample lies this far from 0 is below 1e-9.

    For z from N(0, 1) in d dimensions and t > 0, P(|z|^2 > d + 2 sqrt(d t) + 2 t) <= exp(-t)
    (Laurent and Massart 2000, lemma 1).
    """
    d, t = path.points.size(1), -math.log(CHANCE)
    return float(path.points[[0, -1]].square().sum(1).max()) > d + 2 * math.sqrt(d * t) + 2 * t


def is_uneven(path: Path) -> bool:
    """True if the longest step of a path is more than three times the shortest step."""
    return float(path.steps.max()) > UNEVEN * float(path.steps.min())


def find_paths(drawn: Sequence[tuple[int, Tensor]]) -> list[Path]:
    """Find the paths (straight lines or arcs) that are formed by the latent points from which a
    generator drew images.

    Args:
        drawn: for each generator call, in order, the index of the call and its latent points z,
            (batch, latent_dim). A path may consist of the rows of one call, or of the same row in
            consecutive calls that have the same batch size.

    Returns:
        the paths, each as long as possible, so that none is part of another.
    """
    paths = []
    for call, z in drawn:
        paths += _split(z, [call] * len(z))
    for run in _runs(drawn):
        calls = [call for call, _ in run]
        for row in range(len(run[0][1])):
            points = torch.stack([z[row] for _, z in run])
            paths += _split(points, calls)
    return paths


def _runs(drawn: Sequence[tuple[int, Tensor]]) -> Iterator[list[tuple[int, Tensor]]]:
    """Yield each run of at least five consecutive calls whose latent points have the same shape."""
    run: list[tuple[int, Tensor]] = []
    for call in drawn:
        if run and run[-1][1].shape != call[1].shape:
            if len(run) >= MIN_POINTS:
                yield run
            run = []
        run.append(call)
    if len(run) >= MIN_POINTS:
        yield run


def _split(points: Tensor, calls: list[int]) -> list[Path]:
    """Return the paths (straight lines or arcs) that are formed by consecutive points of a
    sequence.
    """
    points = points.double()
    if not bool(points.isfinite().all()):
        return []
    fewest = MIN_POINTS_IN_A_PLANE if points.size(1) < 3 else MIN_POINTS
    paths, start = [], 0
    may_start = _may_start_path(points) if len(points) >= fewest else []
    while len(points) - start >= fewest:
        if not may_start[start]:
            start += 1
            continue
        stop = _end_of_path(points, start)
        if stop - start < fewest:
            start += 1
            continue
        path = Path(points[start:stop], calls[start:stop])
        if _moves(path):
            paths.append(path)
        start = stop
    return paths


def _may_start_path(points: Tensor) -> list[bool]:
    """Mark each point of `points`, (n, d), that may start a path through the next two points.

    The result has no entries for the last two points, because fewer than two points follow them.

    A line through two points lies in the plane that contains 0 and these points, and so does an arc
    around 0 through the same points. A single call to `lstsq` measures how far each point lies from
    the plane that contains 0, the point before it and the point after it. Thanks to these
    distances, `is_path` does not have to test hundreds of random points one by one.
    """
    neighbours = torch.stack([points[:-2], points[2:]], dim=2)
    middle = points[1:-1, :, None]
    parts = torch.linalg.lstsq(neighbours, middle, driver="gelsd").solution
    distances = (neighbours @ parts - middle).norm(dim=(1, 2))
    sizes = points.norm(dim=1).unfold(0, 3, 1).mean(dim=1)
    tolerances = 2 * NEAR * sizes.clamp_min(1e-9)  # twice the tolerance of `between`
    marks: list[bool] = (distances <= tolerances).tolist()
    return marks


def _end_of_path(points: Tensor, start: int) -> int:
    """Return the index just after the last point of the path that begins at index `start`."""
    stop = start + 2
    while stop < len(points) and is_path(points[start : stop + 1]):
        stop += 1
    return stop


def _moves(path: Path) -> bool:
    """True if at least `MIN_STEPS` points of a path differ from the previous point, and the points
    are not all close to 0.
    """
    num_moves = len(path.points) - 1 - path.repeats
    is_set = bool(path.points.norm(dim=1).mean() > TINY)
    return num_moves >= MIN_STEPS and is_set


def is_path(points: Tensor) -> bool:
    """True if the points, of shape (n, d), follow a straight line, or an arc around 0, from the
    first point to the last.
    """
    shares = between(points, points[0], points[-1])
    if shares is None:
        return False
    return bool((shares[1:] - shares[:-1] >= -NEAR).all())


def between(points: Tensor, first: Tensor, last: Tensor) -> Tensor | None:
    """Measure the position of each point on the line or arc from `first` to `last`.

    The position is 0 at `first` and 1 at `last`; it is below 0 or above 1 beyond these two points.

    Returns:
        The positions, (n,), or None if a point is neither on the line nor on the arc, or is not
        finite. Points from uninitialised memory, such as an unfilled `torch.empty`, may contain NaN
        or infinity.
    """
    ends = torch.stack([first, last], dim=1)
    if not bool(ends.isfinite().all() and points.isfinite().all()):
        return None
    tolerance = NEAR * points.norm(dim=1).mean().clamp_min(1e-9)
    if bool((last - first).norm() < tolerance):
        return _at_one_point(points, first, tolerance)
    if _are_parallel(first, last):
        return _along_line(points, first, last, tolerance)
    parts = torch.linalg.lstsq(ends, points.t(), driver="gelsd").solution
    away = (ends @ parts - points.t()).norm(dim=0)
    total = parts.sum(dim=0)
    if bool((away > tolerance).any()) or bool((total < 0.3).any()):
        return None
    shares: Tensor = parts[1] / total
    return shares


def _at_one_point(points: Tensor, point: Tensor, tolerance: Tensor) -> Tensor | None:
    """Return a zero for each point, as a tensor of shape (n,), if all points equal `point` within
    the tolerance; otherwise, return None.
    """
    if not bool(((points - point).norm(dim=1) < tolerance).all()):
        return None
    return torch.zeros(len(points), dtype=points.dtype)


def _along_line(points: Tensor, first: Tensor, last: Tensor, tolerance: Tensor) -> Tensor | None:
    """Return the positions, (n,), of `points` on the line through `first` and `last`, or None if
    any of the points does not lie on this line.

    This function is used if the two ends lie on a line through 0, because such ends define no
    single arc around 0.
    """
    step = last - first
    along = (points - first) @ step / step.square().sum()
    beside = (points - first - along[:, None] * step).norm(dim=1)
    if bool((beside > tolerance).any()):
        return None
    return along


def _are_parallel(first: Tensor, last: Tensor) -> bool:
    """True if two points (d,) lie on one line through 0."""
    sizes = first.norm() * last.norm()
    return bool((first @ last).abs() > (1 - NEAR**2 / 2) * sizes) or not bool(sizes)


def extended(path: Path, points: Tensor) -> Path:
    """Extend a path by up to one point beyond each end: the nearest of `points`, (n, d), that lies
    on the continuation of the path.
    """
    before, after = -math.inf, math.inf
    first, last = path.points[:0], path.points[:0]
    for point in points.double():
        position = between(point[None], path.points[0], path.points[-1])
        if position is None:
            continue
        share = float(position)
        if before < share < -BEYOND:
            before, first = share, point[None]
        elif 1 + BEYOND < share < after:
            after, last = share, point[None]
    return path._replace(points=torch.cat([first, path.points, last]))


def is_sample(point: Tensor, samples: Sequence[Tensor]) -> bool:
    """True if a point, (d,), equals a row of one of the tensors in `samples`, each (n, d), or a
    positive multiple of such a row.

    A point may consist of noise and a label, so the rows may have fewer elements than the point. In
    this case, the rows are compared with the first elements and with the last elements of the
    point.
    """
    for rows in samples:
        width = rows.size(1)
        parts = [point[:width]]
        if width != len(point):
            parts.append(point[-width:])
        if any(bool(_are_alike(part, rows).any()) for part in parts):
            return True
    return False


def without(path: Path, samples: Sequence[Tensor]) -> list[Tensor]:
    """Return the tensors in `samples` that contain fewer than three of the latent points on the
    interpolation `path`. A tensor that contains three or more may be the path itself, so it does
    not show that the ends of the path are samples.
    """
    kept = []
    for rows in samples:
        num_points = sum(is_sample(point, [rows]) for point in path.points)
        if num_points < MIN_STEPS:
            kept.append(rows)
    return kept


def _are_alike(point: Tensor, rows: Tensor) -> Tensor:
    """Return a mask, bool (n,), that selects the rows that lie in nearly the same direction from
    the origin as `point`.

    If `point` has fewer than three coordinates, a similar direction is not enough: only rows that
    are almost equal to `point` are selected.
    """
    rows = rows.double()
    alike: Tensor
    if len(point) < 3:
        alike = (rows - point).norm(dim=1) < NEAR * point.norm()
        return alike
    sizes = rows.norm(dim=1) * point.norm()
    alike = rows @ point > (1 - NEAR**2 / 2) * sizes.clamp_min(1e-9)
    return alike
