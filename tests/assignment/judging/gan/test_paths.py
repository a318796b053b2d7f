"""Latent points on a line or an arc are found, and random points are not."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.assignment.judging.gan.drawing.paths import extended, find_paths, is_sample, without

SIZES = (2, 3, 10, 100)


def _lerp(first: Tensor, last: Tensor, n: int) -> Tensor:
    return torch.stack([torch.lerp(first, last, k / (n - 1)) for k in range(n)])


def _slerp(first: Tensor, last: Tensor, n: int) -> Tensor:
    angle = torch.acos(F.cosine_similarity(first, last, dim=0))
    weights = torch.linspace(0, 1, n)[:, None]
    return (
        torch.sin((1 - weights) * angle) * first + torch.sin(weights * angle) * last
    ) / torch.sin(angle)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", [_lerp, _slerp])
def test_nine_points_of_one_call_or_of_nine(size: int, way: object) -> None:
    assert callable(way)
    for seed in range(20):
        torch.manual_seed(seed)
        points = way(*torch.randn(2, size), 9)
        together = find_paths([(0, torch.randn(25, size)), (1, points)])
        apart = find_paths([(k, point[None]) for k, point in enumerate(points)])
        assert [len(path.points) for path in together] == [9]
        assert [path.calls for path in apart] == [list(range(9))]
        assert together[0].repeats == 0


@pytest.mark.parametrize("size", SIZES)
def test_random_points_are_no_path(size: int) -> None:
    for seed in range(20):
        torch.manual_seed(seed)
        assert find_paths([(0, torch.randn(64, size)), (1, torch.randn(25, size))]) == []


@pytest.mark.parametrize("size", [10, 100])
@pytest.mark.parametrize("way", [_lerp, _slerp])
def test_a_path_that_is_nearly_one_among_random_points(size: int, way: object) -> None:
    """Points may be a thousandth beside the line, as float16 puts them."""
    assert callable(way)
    torch.manual_seed(0)
    points = way(*torch.randn(2, size), 9)
    points += 5e-4 * points.norm(dim=1).mean() * F.normalize(torch.randn(9, size))
    rows = torch.cat([torch.randn(50, size), points, torch.randn(50, size)])
    (path,) = find_paths([(0, rows)])
    torch.testing.assert_close(path.points, points.double())


def test_the_same_point_again_is_no_path() -> None:
    assert find_paths([(k, torch.ones(1, 10)) for k in range(20)]) == []


def test_ends_that_lie_outside() -> None:
    torch.manual_seed(0)
    points = _lerp(*torch.randn(2, 10), 9)
    (inner,) = find_paths([(0, points[1:-1])])
    assert len(extended(inner, points[[0, -1]]).points) == 9
    assert len(extended(inner, torch.stack([points[0], torch.randn(10)])).points) == 8
    assert len(extended(inner, torch.randn(10)[None]).points) == 7


@pytest.mark.parametrize("size", SIZES)
def test_what_is_a_sample(size: int) -> None:
    """A row of what was drawn, or one that was enlarged; no point between, nor the path itself."""
    torch.manual_seed(0)
    drawn = torch.randn(60, size)
    (path,) = find_paths([(0, _lerp(drawn[3], drawn[41], 9))])
    assert [is_sample(point, [drawn]) for point in path.points] == [True, *[False] * 7, True]
    assert is_sample(0.7 * path.points[0], [drawn]) == (size > 2)
    assert [len(rows) for rows in without(path, [drawn, path.points.float()])] == [60]
