"""The losses that the two networks of a GAN minimise, as pure functions of logits.

The discriminator's logit l(x) says how real an image x looks, and D(x) = sigmoid(l(x)). The
objective of the GAN is

    min_G max_D  V(D, G) = E_p[log D(X)] + E_q[log(1 - D(G(Z)))]      (10)

In terms of the logit l(x), log D(x) = -softplus(-l(x)) and log(1 - D(x)) = -softplus(l(x)). The
expressions with softplus cannot overflow.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.gan.config import Loss


class Losses(NamedTuple):
    """The losses of both networks, as functions of logits; see `LOSSES` below."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return -V(D, G), a scalar >= 0 that equals 2 ln 2 if D is always 1/2; V is defined in
    equation (10), in the module's docstring.

    Args:
        real_logits, fake_logits: float (batch, 1).
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def minimax_generator_loss(fake_logits: Tensor) -> Tensor:
    """Return E_q[log(1 - D(G(Z)))], a scalar <= 0, which is the generator's part of equation (10).

    The gradient of this loss vanishes where the discriminator is confident that images are
    generated, which is exactly where the generator needs a gradient.
    """
    return -F.softplus(fake_logits).mean()


def non_saturating_generator_loss(fake_logits: Tensor) -> Tensor:
    """Return -E_q[log D(G(Z))], a scalar >= 0 whose gradient does not vanish where D is close to 0.

    This loss has the same fixed point as the minimax loss. See Goodfellow et al., "Generative
    Adversarial Nets" (2014), section 3.
    """
    return F.softplus(-fake_logits).mean()


def hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return E_p[max(0, 1 - l(X))] + E_q[max(0, 1 + l(G(Z)))], a scalar >= 0 that is 2 if l = 0.

    For logits between -1 and 1, the gradient with respect to the logit has the same magnitude for
    every image. With the objective of equation (10), by contrast, this gradient grows with D's
    error on the image. See Lim and Ye, "Geometric GAN" (2017), section 3.

    Args:
        real_logits, fake_logits: float (batch, 1).
    """
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def hinge_generator_loss(fake_logits: Tensor) -> Tensor:
    """Return -E_q[l(G(Z))], a scalar of either sign, which is the generator's hinge loss."""
    return -fake_logits.mean()


def r1_penalty(real_logits: Tensor, real_images: Tensor) -> Tensor:
    """Return the R1 penalty, a scalar >= 0 that grows with the gradient of the logits with respect
    to real images.

    The penalty is half the squared norm of the gradient, averaged over the batch. It keeps the
    discriminator's output from becoming ever steeper around real images as training proceeds. See
    Mescheder, Geiger and Nowozin, "Which Training Methods for GANs do actually Converge?" (2018),
    section 4.1.

    Args:
        real_logits: (batch, 1), computed from `real_images`.
        real_images: (batch, 1, 28, 28), with `requires_grad` set before the logits were computed.
    """
    (gradient,) = torch.autograd.grad(real_logits.sum(), real_images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean() / 2


LOSSES: dict[Loss, Losses] = {
    "hinge": Losses(hinge_discriminator_loss, hinge_generator_loss),
    "non-saturating": Losses(discriminator_loss, non_saturating_generator_loss),
    "minimax": Losses(discriminator_loss, minimax_generator_loss),  # exactly equation (10)
}
