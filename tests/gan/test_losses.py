"""Losses against values worked by hand, and R1 against finite differences."""

import math

import pytest
import torch

from toolkit.gan.losses import (
    discriminator_loss,
    hinge_discriminator_loss,
    hinge_generator_loss,
    minimax_generator_loss,
    non_saturating_generator_loss,
    r1_penalty,
)

LN_2, LN_3, LN_4 = math.log(2), math.log(3), math.log(4)


def logits(*probabilities: float) -> torch.Tensor:
    """The logits at which the discriminator says these probabilities of being real."""
    return torch.logit(torch.tensor(probabilities)).unsqueeze(1)


def test_objective_by_hand() -> None:
    """V = E[log D(x)] + E[log(1 - D(G(z)))] with D = 3/4, 1/2 on real and 1/4, 1/2 on fake."""
    by_hand = LN_4 - LN_3 + LN_2  # the two means are equal: (log 3/4 + log 1/2) / 2
    assert discriminator_loss(logits(3 / 4, 1 / 2), logits(1 / 4, 1 / 2)).item() == pytest.approx(
        by_hand
    )


def test_guessing_costs_2_ln_2() -> None:
    assert discriminator_loss(torch.zeros(8, 1), torch.zeros(8, 1)).item() == pytest.approx(
        2 * LN_2
    )


def test_generator_losses_by_hand() -> None:
    fake = logits(1 / 4, 1 / 2)
    assert minimax_generator_loss(fake).item() == pytest.approx((LN_3 - LN_4 - LN_2) / 2)
    assert non_saturating_generator_loss(fake).item() == pytest.approx((LN_4 + LN_2) / 2)


def test_minimax_saturates_and_the_other_does_not() -> None:
    """d/dl log(1 - sigmoid(l)) = -sigmoid(l), and d/dl -log sigmoid(l) = -sigmoid(-l); l = -6."""
    for loss, slope in (
        (minimax_generator_loss, -1 / (1 + math.e**6)),
        (non_saturating_generator_loss, -1 / (1 + math.e**-6)),
    ):
        sure_of_fake = torch.tensor([[-6.0]], requires_grad=True)
        loss(sure_of_fake).backward()
        assert sure_of_fake.grad is not None
        assert sure_of_fake.grad.item() == pytest.approx(slope)


def test_hinge_by_hand() -> None:
    """Real logits 2 and 0 cost 0 and 1, fake ones 1 and -3 cost 2 and 0."""
    real, fake = torch.tensor([[2.0], [0.0]]), torch.tensor([[1.0], [-3.0]])
    assert hinge_discriminator_loss(real, fake).item() == pytest.approx(1 / 2 + 2 / 2)
    assert hinge_generator_loss(fake).item() == pytest.approx(1.0)


def test_extreme_logits_stay_finite() -> None:
    extreme = torch.tensor([[1e4], [-1e4]])
    assert discriminator_loss(extreme, extreme).item() == pytest.approx(1e4)
    assert minimax_generator_loss(extreme).isfinite()
    assert non_saturating_generator_loss(extreme).isfinite()


def test_r1_of_a_plane_by_hand() -> None:
    """D(x) = sum of 0.5 x over 784 pixels: the squared norm of the gradient is 784 / 4."""
    images = torch.rand(3, 1, 28, 28, requires_grad=True)
    d = (0.5 * images).flatten(1).sum(dim=1, keepdim=True)
    assert r1_penalty(d, images).item() == pytest.approx(784 / 4 / 2)


def test_r1_equals_finite_differences() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1)
    ).double()
    images = torch.rand(2, 1, 2, 2, dtype=torch.double)
    step, total = 1e-6, 0.0
    with torch.no_grad():
        for pixel in range(4):
            shift = torch.zeros(4, dtype=torch.double)
            shift[pixel] = step
            shift = shift.view(1, 1, 2, 2)
            slope = (network(images + shift) - network(images - shift)) / (2 * step)
            total += slope.square().sum().item()
    images.requires_grad_()
    assert r1_penalty(network(images), images).item() == pytest.approx(total / 2 / 2, rel=1e-6)


def test_r1_can_be_trained() -> None:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 1))
    images = torch.rand(2, 1, 28, 28, requires_grad=True)
    r1_penalty(network(images), images).backward()
    weight = network[1].weight
    assert torch.allclose(weight.grad, weight)  # d/dw of |w|^2 / 2 is w
