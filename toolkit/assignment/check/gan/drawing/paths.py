"""Latent points on a line or on an arc: what makes an interpolation, whoever wrote it."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.check.rules.claims import CHANCE

NUM_IMAGES = 9  # 7 steps between two samples, and both samples
MIN_POINTS = 5
MIN_STEPS = 3  # between points that differ
MIN_POINTS_IN_A_PLANE = 7  # where points are on some arc by chance
UNEVEN = 3
TINY = 1e-3  # the length of points that nobody has set
NEAR = 2e-3  # of a point's length
BEYOND = 0.01  # of the way from one end to the other


class Path(NamedTuple):
    """Points between two ends, which are its first and its last."""

    points: Tensor  # float (n, latent_dim)
    calls: list[int]  # the call of the generator that drew each

    @property
    def repeats(self) -> int:
        """How many of the points are the one before."""
        return int((self.steps < NEAR * self.points.norm(dim=1).mean()).sum())

    @property
    def steps(self) -> Tensor:
        """How far each point is from the one before, float (n - 1,)."""
        steps: Tensor = (self.points[1:] - self.points[:-1]).norm(dim=1)
        return steps

    def seen(self, misses: bool = False) -> dict[str, Any]:
        """What proves that it is wrong; `misses`: its ends are not those that they should be."""
        return {"steps": self.steps.tolist(), "repeats": self.repeats, "misses": misses}


def is_far(path: Path) -> bool:
    """Whether an end is longer than a sample of N(0, 1) is once in a milliard of times.

    P(|z|^2 > d + 2 sqrt(d t) + 2 t) <= exp(-t) (Laurent and Massart 2000, lemma 1).
    """
    d, t = path.points.size(1), -math.log(CHANCE)
    return float(path.points[[0, -1]].square().sum(1).max()) > d + 2 * math.sqrt(d * t) + 2 * t


def is_uneven(path: Path) -> bool:
    """Whether some steps are much longer than others, as on no line and no arc."""
    return float(path.steps.max()) > UNEVEN * float(path.steps.min())


def find_paths(drawn: Sequence[tuple[int, Tensor]]) -> list[Path]:
    """The paths among the points that a generator drew.

    Args:
        drawn: for each of its calls, in their order, the number of the call and its z,
            (batch, latent_dim). A path may be the rows of one call, or one row of each of many
            calls of the same batch size.

    Returns:
        the longest paths, none of which is a part of another.
    """
    found = []
    for call, z in drawn:
        found += _split(z, [call] * len(z))
    for together in _runs(drawn):
        calls = [call for call, _ in together]
        for row in range(len(together[0][1])):
            found += _split(torch.stack([z[row] for _, z in together]), calls)
    return found


def _runs(drawn: Sequence[tuple[int, Tensor]]) -> Iterator[list[tuple[int, Tensor]]]:
    """Calls of one batch size that follow each other."""
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
    """The paths in a row of points."""
    points = points.double()
    if not bool(points.isfinite().all()):
        return []
    fewest = MIN_POINTS_IN_A_PLANE if points.size(1) < 3 else MIN_POINTS
    found, start = [], 0
    while len(points) - start >= fewest:
        stop = start + 2
        while stop < len(points) and is_path(points[start : stop + 1]):
            stop += 1
        path = Path(points[start:stop], calls[start:stop])
        moves = stop - start - 1 - path.repeats >= MIN_STEPS
        is_set = bool(path.points.norm(dim=1).mean() > TINY)
        if stop - start >= fewest and moves and is_set:
            found.append(path)
        start = stop if stop - start >= fewest else start + 1
    return found


def is_path(points: Tensor) -> bool:
    """Whether points (n, d) go from the first to the last, on a line or on an arc about 0."""
    shares = between(points, points[0], points[-1])
    if shares is None:
        return False
    return bool((shares[1:] - shares[:-1] >= -NEAR).all())


def between(points: Tensor, first: Tensor, last: Tensor) -> Tensor | None:
    """How far each point is on the way from `first`, 0, to `last`, 1; beyond, less or more.

    Returns:
        (n,), or None if some point is neither on the line nor on an arc through both; memory that
        nobody has written may hold numbers that are not finite.
    """
    ends = torch.stack([first, last], dim=1)
    if not bool(ends.isfinite().all() and points.isfinite().all()):
        return None
    size = points.norm(dim=1).mean().clamp_min(1e-9)
    if bool((last - first).norm() < NEAR * size):
        same = bool(((points - first).norm(dim=1) < NEAR * size).all())
        return torch.zeros(len(points), dtype=points.dtype) if same else None
    if _are_parallel(first, last):  # a line through 0, on which there is no arc
        step = last - first
        along = (points - first) @ step / step.square().sum()
        beside = (points - first - along[:, None] * step).norm(dim=1)
        return None if bool((beside > NEAR * size).any()) else along
    parts = torch.linalg.lstsq(ends, points.t(), driver="gelsd").solution
    away = (ends @ parts - points.t()).norm(dim=0)
    total = parts.sum(dim=0)
    if bool((away > NEAR * size).any()) or bool((total < 0.3).any()):
        return None
    shares: Tensor = parts[1] / total
    return shares


def _are_parallel(first: Tensor, last: Tensor) -> bool:
    """True if two points (d,) lie on one line through 0."""
    sizes = first.norm() * last.norm()
    return bool((first @ last).abs() > (1 - NEAR**2 / 2) * sizes) or not bool(sizes)


def extended(path: Path, points: Tensor) -> Path:
    """A path with the nearest of some points (n, d) beyond each of its ends, if there is one."""
    before: list[tuple[float, Tensor]] = []
    after: list[tuple[float, Tensor]] = []
    for point in points.double():
        share = between(point[None], path.points[0], path.points[-1])
        if share is not None and float(share) < -BEYOND:
            before.append((float(share), point))
        elif share is not None and float(share) > 1 + BEYOND:
            after.append((float(share), point))
    first = [max(before, key=lambda pair: pair[0])[1][None]] if before else []
    last = [min(after, key=lambda pair: pair[0])[1][None]] if after else []
    return path._replace(points=torch.cat([*first, path.points, *last]))


def is_sample(point: Tensor, samples: Sequence[Tensor]) -> bool:
    """True if a point (d,) is a row of one of the samples (n, d), or one that was enlarged.

    The rows may be shorter: then a label stands beside the noise.
    """
    for rows in samples:
        width = rows.size(1)
        parts = [point] if width == len(point) else [point[:width], point[-width:]]
        if any(bool(_are_alike(part, rows).any()) for part in parts):
            return True
    return False


def without(path: Path, samples: Sequence[Tensor]) -> list[Tensor]:
    """The samples but for those that hold the path itself."""
    return [
        rows
        for rows in samples
        if sum(is_sample(point, [rows]) for point in path.points) < MIN_STEPS
    ]


def _are_alike(point: Tensor, rows: Tensor) -> Tensor:
    """Which rows have the direction of a point, bool (n,); in a plane, which are the point."""
    rows = rows.double()
    alike: Tensor
    if len(point) < 3:
        alike = (rows - point).norm(dim=1) < NEAR * point.norm()
        return alike
    sizes = rows.norm(dim=1) * point.norm()
    alike = rows @ point > (1 - NEAR**2 / 2) * sizes.clamp_min(1e-9)
    return alike
