"""Interpolation: nine distinct points, the ends exact, and digits of different classes."""

import pytest
import torch
from torch import nn

from toolkit.errors import ToolkitError, UsageError
from toolkit.gan.latent import draw_latents, interpolate, pair_of_classes


def test_nine_points_with_exact_ends() -> None:
    z_from, z_to = draw_latents(2, 64, torch.Generator().manual_seed(0))
    points = interpolate(z_from, z_to)
    assert points.shape == (9, 64)
    assert torch.equal(points[0], z_from)
    assert torch.equal(points[-1], z_to)
    assert len(points.unique(dim=0)) == 9
    steps = points.diff(dim=0)
    torch.testing.assert_close(steps, ((z_to - z_from) / 8).expand(8, 64))


def test_one_image_is_no_interpolation() -> None:
    with pytest.raises(UsageError, match="at least its 2 ends, not 1"):
        interpolate(torch.zeros(3), torch.ones(3), 1)


def test_latents_are_standard_normal() -> None:
    z = draw_latents(10_000, 64, torch.Generator().manual_seed(0))
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
