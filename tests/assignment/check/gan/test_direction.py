"""What a gradient at the discriminator's output tells."""

import pytest
import torch

from toolkit.assignment.check.gan.direction import _is_back

SURE = torch.tensor([1e-4, 8e-3, 0.02], dtype=torch.float64)  # outputs for generated images


@pytest.mark.parametrize(("target", "back"), [(1.0, False), (0.9, False), (0.1, True)])
def test_a_push_back_is_told_from_one_to_the_other_side(target: float, back: bool) -> None:
    for outputs, aim in ((SURE, target), (1 - SURE, 1 - target)):
        x = outputs.clone().requires_grad_()
        torch.nn.functional.binary_cross_entropy(x, torch.full_like(x, aim)).backward()
        assert x.grad is not None
        assert bool((_is_back(outputs, -x.grad) == back).all())
