"""What the gradients at the discriminator's output tell."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

from toolkit.assignment.check.gan.direction import Pushes, _targets

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@pytest.mark.parametrize("beyond", [False, True])
@pytest.mark.parametrize("target", [0.0, 0.1, 0.9, 1.0])
@pytest.mark.parametrize(
    "loss", [F.mse_loss, F.binary_cross_entropy, F.binary_cross_entropy_with_logits]
)
def test_the_target_is_found_from_whichever_side(loss: Loss, target: float, beyond: bool) -> None:
    x = torch.linspace(0.93, 0.97, 32) if beyond else torch.linspace(0.3, 0.6, 32)
    x.requires_grad_()
    loss(x, torch.full_like(x, target)).backward()
    assert x.grad is not None
    pushes = Pushes(x.detach().double(), -x.grad.double() * len(x), [])
    found = _targets([pushes, pushes])
    assert found is not None
    assert found[0] == pytest.approx([target, target], abs=0.01)
