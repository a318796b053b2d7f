"""The classic failures of GAN training, produced on purpose with the ordinary training step."""

from collections.abc import Callable
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
from toolkit.gan.latent import sample_latents
from toolkit.gan.training import Networks, generate, initial_state, train_step

NUM_IMAGES = 100  # generated ones, and as many real ones, for the diagnostics
# Steps; starting at the 6th, so that none coincides with an R1 penalty, which disturbs the
# discriminator.
DIAGNOSE_EVERY = 12
# Plain in everything, and with a fast moving average, which shows the generator's present state.
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
    """How to train: a `Config`, but with a constant learning rate for each player."""

    config: Config = SHORT
    generator_lr: float = 2e-3
    discriminator_lr: float = 2e-3
    head_start: int = 0  # first steps, in which only the discriminator learns
    pause_after: int = 0  # after this step the discriminator learns only in every `pause`-th step
    pause: int = 1
    generator_sgd: bool = False  # SGD for the generator; Adam rescales small gradients


UNPENALISED = replace(SHORT, r1_gamma=0.0)
HEALTHY = Case()
SATURATED = Case(replace(UNPENALISED, loss="minimax"), head_start=50, generator_sgd=True)
SATURATED_CONTROL = replace(SATURATED, config=UNPENALISED)  # differs only in the loss
COLLAPSED = Case(pause_after=200, pause=100)
OVERPOWERED = Case(UNPENALISED, generator_lr=2e-5)


class Diagnostics(NamedTuple):
    """Measurements after a step."""

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
    record: Callable[[int, Networks], None] = lambda step, networks: None,
) -> tuple[Networks, list[Diagnostics]]:
    """Train as `case` says, and measure every 12 steps.

    Args:
        name: a title for the progress bar.
        mnist: its training images are used.
        record: called with 0 before the training and with each step after it.
    """
    images, config = mnist.train_images, case.config
    state = initial_state(config, device)
    networks = state.networks
    if case.generator_sgd:
        state.generator_optimizer = SGD(networks.generator.parameters())
    players = state.generator_optimizer, state.discriminator_optimizer
    fixed = sample_latents(NUM_IMAGES, config.latent_dim, make_rng(config.seed, "samples"))
    real = to_unit(images[epoch_order(len(images), config.seed, 0)[-NUM_IMAGES:]])
    batches = batch_indices(len(images), repeat(config.batch_size), config.seed)
    log = []
    record(0, networks)
    with Progress(name, config.num_steps) as progress:
        for step in range(1, config.num_steps + 1):
            chosen = next(batches)
            waits = step <= case.head_start, step > case.pause_after and step % case.pause > 0
            rates = case.generator_lr, case.discriminator_lr
            for optimizer, rate, paused in zip(players, rates, waits, strict=True):
                optimizer.param_groups[0]["lr"] = 0.0 if paused else rate
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
            record(step, networks)
    return networks, log


@torch.no_grad()
def accuracy(discriminator: nn.Module, real: Tensor, fake: Tensor) -> float:
    """The fraction, 0 to 1, of real and generated images that the discriminator gets right.

    Args:
        real, fake: (n, 1, 28, 28) in 0..1, as many of each.
    """
    device = device_of(discriminator)
    right = torch.cat([discriminator(real.to(device)) > 0, discriminator(fake.to(device)) <= 0])
    return float(right.float().mean())


def gradient_norm(network: nn.Module) -> float:
    """The Euclidean norm of the gradient that the last `backward` left in the weights."""
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    return float(nn.utils.get_total_norm(gradients))


@torch.no_grad()
def in_training_mode(generator: nn.Module, z: Tensor, batch_size: int) -> Tensor:
    """Images (n, 1, 28, 28) of z (n, latent_dim), normalised by the statistics of their batch.

    Afterwards the generator is in eval mode and has its old running statistics, also if it fails.
    """
    kept = {name: value.clone() for name, value in generator.state_dict().items()}
    generator.train()
    try:
        return torch.cat([generate(generator, batch) for batch in z.split(batch_size)])
    finally:
        generator.eval()
        generator.load_state_dict(kept)


@torch.no_grad()
def without_statistics(generator: nn.Module, z: Tensor) -> Tensor:
    """Images (n, 1, 28, 28) of z in eval mode, with the running statistics of an untrained network.

    Those are mean 0 and variance 1; afterwards the generator has its own again.

    Raises:
        ToolkitError: the generator has no batch normalisation.
    """
    kept = {name: value.clone() for name, value in generator.state_dict().items()}
    initial = {
        name: torch.ones_like(value) if name.endswith("running_var") else torch.zeros_like(value)
        for name, value in kept.items()
        if name.endswith(("running_mean", "running_var"))
    }
    if not initial:
        raise ToolkitError("This generator has no batch normalisation that could go wrong.")
    generator.load_state_dict(kept | initial)
    images = generate(generator, z)
    generator.load_state_dict(kept)
    return images
