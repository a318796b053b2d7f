"""The classic failures of GAN training, reproduced on purpose: the training step is that of a
normal run, and only the settings differ.
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import repeat
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import SGD

from toolkit.common.device import device_of, make_rng
from toolkit.common.errors import ToolkitError
from toolkit.common.progress import Progress
from toolkit.gan.config import Config
from toolkit.gan.data import MNIST, batch_indices, epoch_order, to_unit
from toolkit.gan.film import Film
from toolkit.gan.latent import generate, sample_latents
from toolkit.gan.training import Networks, initial_state, train_step

NUM_IMAGES = 100  # generated images, and as many real images, for the diagnostics
# The number of steps between two diagnoses. The first diagnosis is after step 6, so no diagnosis is
# after a step with an R1 penalty, which disturbs the discriminator.
DIAGNOSE_EVERY = 12
# Plain settings, except for a fast moving average, which shows the generator's present state.
SHORT = Config(
    loss="non-saturating",
    num_steps=400,
    mapping_size=0,
    growing_batch=False,
    beta1=0.5,
    ema_decay=0.9,
    auxiliary_weight=0.0,
)


@dataclass(frozen=True)
class Case:
    """The settings of a training run; each network has a constant learning rate, which is replaced
    by 0 in the steps in which the network is frozen.
    """

    config: Config = SHORT
    generator_lr: float = 2e-3
    discriminator_lr: float = 2e-3
    head_start: int = 0  # the number of first steps in which only the discriminator learns
    pause_after: int = 0  # after this step the discriminator learns only in every `pause`-th step
    pause: int = 1
    generator_sgd: bool = False  # SGD for the generator; Adam rescales small gradients

    def rates(self, step: int) -> tuple[float, float]:
        """Return the learning rates of the generator and the discriminator at a step; a network
        that is frozen at this step has a rate of 0.
        """
        generator_rate = self.generator_lr
        discriminator_rate = self.discriminator_lr
        if step <= self.head_start:
            generator_rate = 0.0
        if step > self.pause_after and step % self.pause > 0:
            discriminator_rate = 0.0
        return generator_rate, discriminator_rate


UNPENALISED = replace(SHORT, r1_gamma=0.0)
HEALTHY = Case()
SATURATED = Case(replace(UNPENALISED, loss="minimax"), head_start=50, generator_sgd=True)
SATURATED_CONTROL = replace(SATURATED, config=UNPENALISED)  # differs only in the loss
COLLAPSED = Case(pause_after=200, pause=100)
OVERPOWERED = Case(UNPENALISED, generator_lr=2e-5)


class Diagnostics(NamedTuple):
    """The measurements taken after a training step."""

    step: int
    loss_d: float
    loss_g: float
    accuracy: float  # fraction, 0 to 1, of images that the discriminator classifies correctly
    gradient: float  # norm of the generator's gradient, all weights together
    spread: float  # standard deviation of a pixel over the samples, averaged over pixels


def train(
    name: str,
    case: Case,
    mnist: MNIST,
    device: torch.device,
    film: Film | None = None,
) -> tuple[Networks, list[Diagnostics]]:
    """Train a GAN with the settings of `case`, and take measurements every 12 steps.

    Args:
        name: a title for the progress bar.
        mnist: provides the training images and their labels.
        film: a `Film`, which records weights and logits at the steps in `film.steps`; by default,
            nothing is recorded.
    """
    images = mnist.train_images
    config = case.config
    state = initial_state(config, device)
    networks = state.networks
    if case.generator_sgd:
        state.generator_optimizer = SGD(networks.generator.parameters())
    fixed = sample_latents(NUM_IMAGES, config.latent_dim, make_rng(config.seed, "samples"))
    real = to_unit(images[epoch_order(len(images), config.seed, 0)[-NUM_IMAGES:]])
    batches = batch_indices(len(images), repeat(config.batch_size), config.seed)
    log = []
    if film:
        film.record(0, networks.average, networks.discriminator)
    with Progress(name, config.num_steps) as progress:
        for step in range(1, config.num_steps + 1):
            chosen = next(batches)
            generator_rate, discriminator_rate = case.rates(step)
            state.generator_optimizer.param_groups[0]["lr"] = generator_rate
            state.discriminator_optimizer.param_groups[0]["lr"] = discriminator_rate
            batch = to_unit(images[chosen].to(device))
            digits = mnist.train_labels[chosen].long().to(device)
            loss_d, loss_g = train_step(state, config, step, batch, digits)
            if step % DIAGNOSE_EVERY == DIAGNOSE_EVERY // 2:
                fake = generate(networks.average, fixed)
                diagnostics = Diagnostics(
                    step,
                    loss_d.item(),
                    loss_g.item(),
                    accuracy(networks.discriminator, real, fake),
                    gradient_norm(networks.generator),
                    float(fake.std(dim=0).mean()),
                )
                log.append(diagnostics)
                progress.update(**diagnostics._asdict())
            if film:
                film.record(step, networks.average, networks.discriminator)
    return networks, log


@torch.no_grad()
def accuracy(discriminator: nn.Module, real: Tensor, fake: Tensor) -> float:
    """Return the fraction, 0 to 1, of images that the discriminator classifies correctly.

    Args:
        real, fake: real and generated images (n, 1, 28, 28), 0 to 1, the same number of each.
    """
    device = device_of(discriminator)
    right = torch.cat([discriminator(real.to(device)) > 0, discriminator(fake.to(device)) <= 0])
    return float(right.float().mean())


def gradient_norm(network: nn.Module) -> float:
    """Return the Euclidean norm of the gradients that `backward` stored for a network's weights."""
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    return float(nn.utils.get_total_norm(gradients))


@torch.no_grad()
def in_training_mode(generator: nn.Module, z: Tensor, batch_size: int) -> Tensor:
    """Generate images (n, 1, 28, 28) from z (n, latent_dim), with the generator in training mode.

    Afterwards, even if an error occurs, the generator is in eval mode with its original running
    statistics.
    """
    before = deepcopy(generator.state_dict())
    generator.train()
    try:
        return torch.cat([generate(generator, batch) for batch in z.split(batch_size)])
    finally:
        generator.eval()
        generator.load_state_dict(before)


@torch.no_grad()
def without_statistics(generator: nn.Module, z: Tensor) -> Tensor:
    """Generate images (n, 1, 28, 28) from z in eval mode, with the batch-norm statistics reset to
    their values before training.

    During the call, the running means of the batch normalisation are 0, and its running variances
    are 1. After the call, the generator's own statistics are restored.

    Raises:
        ToolkitError: the generator has no batch normalisation.
    """
    before = deepcopy(generator.state_dict())
    untrained = {}
    for name, value in before.items():
        if name.endswith("running_mean"):
            untrained[name] = torch.zeros_like(value)
        elif name.endswith("running_var"):
            untrained[name] = torch.ones_like(value)
    if not untrained:
        raise ToolkitError("This generator has no batch normalisation that could go wrong.")
    generator.load_state_dict({**before, **untrained})
    images = generate(generator, z)
    generator.load_state_dict(before)
    return images
