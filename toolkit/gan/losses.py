"""What the two networks of a GAN minimise: pure functions of logits.

The discriminator's logit l says how real an image looks: D(x) = sigmoid(l). The objective is

    min_G max_D  V(D, G) = E_p[log D(X)] + E_q[log(1 - D(G(Z)))]      (10)

and with logits log D = -softplus(-l) and log(1 - D) = -softplus(l), which never overflow.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-V(D, G) of (10), which the discriminator minimises: a scalar >= 0, 2 ln 2 by guessing.

    Args:
        real_logits, fake_logits: float (batch, 1).
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def minimax_generator_loss(fake_logits: Tensor) -> Tensor:
    """E_q[log(1 - D(G(Z)))], the generator's part of (10) to the letter: a scalar <= 0.

    Its gradient vanishes where the discriminator is sure, just when the generator needs it most.
    """
    return -F.softplus(fake_logits).mean()


def non_saturating_generator_loss(fake_logits: Tensor) -> Tensor:
    """-E_q[log D(G(Z))], a scalar >= 0: the same fixed point, with a gradient that stays strong.

    Goodfellow et al., "Generative Adversarial Nets" (2014), section 3.
    """
    return F.softplus(-fake_logits).mean()


def hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E_p[max(0, 1 - l(X))] + E_q[max(0, 1 + l(G(Z)))]: a scalar >= 0, 2 by guessing.

    Between -1 and 1 the gradient is the same for each image; (10) weights it by how wrong D is.
    Lim and Ye, "Geometric GAN" (2017), section 3.

    Args: as of `discriminator_loss`.
    """
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def hinge_generator_loss(fake_logits: Tensor) -> Tensor:
    """-E_q[l(G(Z))], the generator's part of the hinge game: a scalar of either sign."""
    return -fake_logits.mean()


def r1_penalty(real_logits: Tensor, real_images: Tensor) -> Tensor:
    """Half the squared norm of dD/dx at real images, averaged over the batch: a scalar >= 0.

    It keeps the discriminator from growing ever steeper around the data.
    Mescheder, Geiger and Nowozin, "Which Training Methods for GANs do actually Converge?" (2018).

    Args:
        real_logits: (batch, 1), computed from `real_images`.
        real_images: (batch, 1, 28, 28), with `requires_grad` set before the logits were computed.
    """
    (gradient,) = torch.autograd.grad(real_logits.sum(), real_images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean() / 2
