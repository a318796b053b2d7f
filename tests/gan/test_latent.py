"""Interpolation: nine distinct points, the ends exact, and digits of different classes."""

import pytest
import torch
from torch import nn

from toolkit.common.errors import ToolkitError, UsageError
from toolkit.gan.latent import confident_points, interpolate, pair_of_classes, sample_latents


def test_nine_points_with_exact_ends() -> None:
    z_from, z_to = sample_latents(2, 64, torch.Generator().manual_seed(0))
    points = interpolate(z_from, z_to)
    assert points.shape == (9, 64)
    assert torch.equal(points[0], z_from)
    assert torch.equal(points[-1], z_to)
    assert len(points.unique(dim=0)) == 9
    steps = points.diff(dim=0)
    torch.testing.assert_close(steps, ((z_to - z_from) / 8).expand(8, 64))


def test_one_image_is_no_interpolation() -> None:
    with pytest.raises(UsageError, match="at least 2 images, which are its ends, not 1"):
        interpolate(torch.zeros(3), torch.ones(3), 1)


def test_quarter_circle_by_hand() -> None:
    """From (1, 0) to (0, 1) in thirds: cos and sin of 30 and 60 degrees."""
    points = interpolate(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 4, spherical=True)
    half, root = 1 / 2, 3**0.5 / 2
    expected = torch.tensor([[1, 0], [root, half], [half, root], [0, 1]])
    torch.testing.assert_close(points, expected)


def test_arc_turns_and_grows_evenly() -> None:
    """Equal angles between neighbours; lengths as on a ruler, so equal ones stay."""
    z_from, z_to = sample_latents(2, 64, torch.Generator().manual_seed(0))
    points = interpolate(z_from, z_to, 9, spherical=True)
    assert torch.equal(points[0], z_from)
    assert torch.equal(points[-1], z_to)
    assert len(points.unique(dim=0)) == 9
    lengths = points.norm(dim=1)
    torch.testing.assert_close(lengths, torch.linspace(float(lengths[0]), float(lengths[-1]), 9))
    unit = points / lengths[:, None]
    angles = (unit[1:] * unit[:-1]).sum(dim=1).arccos()
    whole = torch.dot(unit[0], unit[-1]).arccos()
    torch.testing.assert_close(angles, (whole / 8).expand(8), rtol=1e-3, atol=0)


def test_parallel_ends_have_a_straight_arc() -> None:
    z = sample_latents(1, 64, torch.Generator().manual_seed(0))[0]
    for end in (3 * z, z, torch.zeros(64)):
        points = interpolate(z, end, 5, spherical=True)
        torch.testing.assert_close(points, interpolate(z, end, 5))
    with pytest.raises(UsageError, match="Opposite directions"):
        interpolate(z, -2 * z, 5, spherical=True)


def test_latents_are_standard_normal() -> None:
    z = sample_latents(10_000, 64, torch.Generator().manual_seed(0))
    assert z.mean().item() == pytest.approx(0, abs=0.005)
    assert z.std().item() == pytest.approx(1, abs=0.005)
    assert (z.abs() < 1.96).float().mean().item() == pytest.approx(0.95, abs=0.002)


class FirstNumber(nn.Module):
    """A generator whose image is z[0]."""

    latent_dim = 4

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z[:, :1] * self.weight


def by_sign(image: torch.Tensor) -> torch.Tensor:
    """A classifier: 3 above zero, 8 below, and unsure near it."""
    logits = torch.full((len(image), 10), -100.0)
    logits[:, 3] = image[:, 0]
    logits[:, 8] = -image[:, 0]
    return logits


def test_pair_is_of_different_classes_and_sure() -> None:
    pair = pair_of_classes(FirstNumber(), by_sign, seed=0)  # type: ignore[arg-type]
    assert {pair.digit_from, pair.digit_to} == {3, 8}
    for z, digit in ((pair.z_from, pair.digit_from), (pair.z_to, pair.digit_to)):
        assert (z[0] > 0) == (digit == 3)
        assert abs(z[0]) * 2 > torch.logit(torch.tensor(0.9))
    again = pair_of_classes(FirstNumber(), by_sign, seed=0)  # type: ignore[arg-type]
    assert torch.equal(pair.z_from, again.z_from)


def test_one_class_only_is_said() -> None:
    def always_three(image: torch.Tensor) -> torch.Tensor:
        return torch.eye(10)[torch.full((len(image),), 3)] * 100

    with pytest.raises(ToolkitError, match="No two of 1,000 samples"):
        pair_of_classes(FirstNumber(), always_three, seed=0)  # type: ignore[arg-type]


@pytest.mark.parametrize(("digit_from", "digit_to"), [(3, 8), (8, 3), (None, 3), (8, None)])
def test_pair_on_request(digit_from: int | None, digit_to: int | None) -> None:
    pair = pair_of_classes(FirstNumber(), by_sign, 0, digit_from, digit_to)  # type: ignore[arg-type]
    assert {pair.digit_from, pair.digit_to} == {3, 8}
    assert pair.digit_from == (digit_from or 8)
    assert (pair.z_from[0] > 0) == (pair.digit_from == 3)
    assert (pair.z_to[0] > 0) == (pair.digit_to == 3)


def test_digits_that_cannot_be_had() -> None:
    with pytest.raises(ToolkitError, match="None of 1,000 samples is clearly a 5"):
        pair_of_classes(FirstNumber(), by_sign, 0, 3, 5)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="must be different digits, not 3 and 3"):
        pair_of_classes(FirstNumber(), by_sign, 0, 3, 3)  # type: ignore[arg-type]


def test_every_clear_sample() -> None:
    """Half of the 1,000 points are below zero; by_sign is 90% sure beyond logit(0.9) / 2 = 1.1."""
    points = [*confident_points(FirstNumber(), by_sign, 0)]  # type: ignore[arg-type]
    assert all((z[0] < -1.09) if digit == 8 else (z[0] > 1.09) for z, digit in points)
    # P(N > 1.0986) = 13.6%: 136 of 1,000, give or take three standard deviations of 10.8
    assert 104 < sum(digit == 3 for _, digit in points) < 168
