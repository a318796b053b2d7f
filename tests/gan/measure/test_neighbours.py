"""Neighbours against torchmetrics, brute force in NumPy, and cases worked by hand."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torchmetrics.functional.pairwise import pairwise_euclidean_distance

from toolkit.gan.measure.neighbours import memory, nearest, overlap, radii

Cloud = NDArray[np.float32]


def test_nearest_equals_torchmetrics() -> None:
    rng = torch.Generator().manual_seed(0)
    points, others = (torch.randn(n, 8, generator=rng) for n in (1100, 70))  # two chunks
    expected, order = pairwise_euclidean_distance(points.double(), others.double()).sort(dim=1)
    distances, indices = nearest(points, others, 3)
    torch.testing.assert_close(distances.double(), expected[:, :3], rtol=1e-5, atol=1e-5)
    assert torch.equal(indices, order[:, :3])


def test_a_copy_is_at_distance_zero() -> None:
    points = torch.randn(50, 784, generator=torch.Generator().manual_seed(0))
    distances, indices = nearest(points, points)
    assert torch.equal(distances, torch.zeros(50, 1))
    assert torch.equal(indices[:, 0], torch.arange(50))


def test_overlap_by_hand() -> None:
    """On a line, k = 1: real 0, 1, 3 with radii 1, 1, 2; samples 1/2, 3/4, 10: 1/4, 1/4, 37/4.

    1/2 and 3/4 lie in the balls of 0 and of 1, and 10 in none. The balls of the samples reach 1 (at
    1/4 from 3/4) and 3 (at 7 from 10), but not 0 (at 10 from 10).
    """
    real = torch.tensor([[0.0], [1.0], [3.0]])
    samples = torch.tensor([[0.5], [0.75], [10.0]])
    result = overlap(real, samples, k=1)
    assert result.precision == pytest.approx(2 / 3)
    assert result.recall == pytest.approx(2 / 3)
    assert result.density == pytest.approx(4 / 3)
    assert result.coverage == pytest.approx(2 / 3)


def brute_force(real: Cloud, samples: Cloud, k: int) -> tuple[float, float, float, float]:
    """The four definitions, point by point."""

    def radius(cloud: Cloud, row: int) -> float:
        others = np.delete(cloud, row, axis=0)
        return float(np.sort(np.sqrt(((others - cloud[row]) ** 2).sum(axis=1)))[k - 1])

    def reaches(centre: Cloud, radius: float, point: Cloud) -> bool:
        return bool(np.sqrt(((centre - point) ** 2).sum()) <= radius)

    real_radii = [radius(real, row) for row in range(len(real))]
    sample_radii = [radius(samples, row) for row in range(len(samples))]
    in_real = np.array(
        [[reaches(x, r, y) for y in samples] for x, r in zip(real, real_radii, strict=True)]
    )
    in_samples = np.array(
        [[reaches(y, r, x) for y, r in zip(samples, sample_radii, strict=True)] for x in real]
    )
    return (
        in_real.any(axis=0).mean(),
        in_samples.any(axis=1).mean(),
        in_real.sum() / (k * len(samples)),
        in_real.any(axis=1).mean(),
    )


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_overlap_equals_brute_force(shift: float) -> None:
    random = np.random.default_rng(0)
    real = random.normal(size=(90, 3)).astype(np.float32)
    samples = (random.normal(size=(70, 3)) * 0.7 + shift).astype(np.float32)
    expected = brute_force(real, samples, k=3)
    assert len(set(expected)) == 4
    clouds = torch.from_numpy(real), torch.from_numpy(samples)
    assert overlap(*clouds, k=3) == pytest.approx(expected)
    assert overlap(*clouds, k=3, real_radii=radii(clouds[0], 3)) == pytest.approx(expected)


def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = torch.Generator().manual_seed(0)
    real, samples = (torch.randn(40, 4, generator=rng) for _ in range(2))
    whole = overlap(real, samples)
    monkeypatch.setattr("toolkit.gan.measure.neighbours.CHUNK_SIZE", 7)
    assert overlap(real, samples) == whole


def test_same_cloud_is_precise_and_complete() -> None:
    cloud = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    precision, recall, _, coverage = overlap(cloud, cloud)
    assert precision == recall == coverage == 1


def test_memory_by_hand() -> None:
    """Training images of all 0, all 0.1 and all 1; pixels of 28 x 28 make a distance of 28 each.

    0.04 is nearest to 0 at 1.12, nearer than 0.1 is to 0; 0.6 is nearest to 1 at 11.2, nearer than
    0.1 is to 1; 0.3 is nearest to 0.1 at 5.6, but 0 is nearer to that.
    """

    def plain(*values: float) -> torch.Tensor:
        return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 1, 28, 28)

    result = memory(plain(0.04, 0.6, 0.3), plain(0, 0.1, 1))
    assert result.median_distance == pytest.approx(5.6, rel=1e-5)
    assert result.share_nearer == pytest.approx(2 / 3)
