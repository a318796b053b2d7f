"""The classic failures of a GAN, each made on purpose by the training step of `training`."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from toolkit.common.device import make_rng
from toolkit.common.errors import ToolkitError
from toolkit.common.progress import Progress
from toolkit.gan.config import Config
from toolkit.gan.data import MNIST, epoch_order, to_unit
from toolkit.gan.latent import sample_latents
from toolkit.gan.training import Networks, build, generate, train_step

NUM_WATCHED = 100  # latent points, and real images, by which a training is watched
# Steps; from the 6th on, so that none falls on an R1 penalty, which throws the discriminator off.
WATCH_EVERY = 12
# The bare game of two players, and a short memory, so that the average shows what is now.
SHORT = Config(
    loss="non-saturating", num_steps=400, batch_size=32, ema_decay=0.9, auxiliary_weight=0.0
)


@dataclass(frozen=True)
class Case:
    """How to train: `Config`, but each player at its own constant rate."""

    config: Config = SHORT
    generator_rate: float = 2e-3
    discriminator_rate: float = 2e-3
    head_start: int = 0  # first steps in which only the discriminator learns
    rests_from: int = 0  # steps after which the discriminator learns only in some
    rests_for: int = 1  # steps from one of these to the next
    plain_descent: bool = False  # the generator without Adam, which rescales small gradients


UNPENALISED = replace(SHORT, r1_gamma=0.0)
HEALTHY = Case()
SATURATED = Case(replace(UNPENALISED, loss="minimax"), head_start=50, plain_descent=True)
SAME_WITH_OTHER_LOSS = replace(SATURATED, config=UNPENALISED)
COLLAPSED = Case(rests_from=200, rests_for=100)
OVERPOWERED = Case(UNPENALISED, generator_rate=2e-5)


class Watched(NamedTuple):
    """What is seen every few steps."""

    step: int
    loss_d: float
    loss_g: float
    accuracy: float  # share, 0 to 1, of real and drawn images that the discriminator tells
    gradient: float  # norm of the generator's gradient, all weights together
    spread: float  # standard deviation of a pixel among the samples, averaged over pixels


def rehearse(
    name: str, case: Case, mnist: MNIST, device: torch.device
) -> tuple[Networks, list[Watched]]:
    """Train as `case` says on the training images, at constant rates."""
    images = mnist.train_images
    config = case.config
    networks = build(config, device)
    betas = (config.beta1, config.beta2)
    weights = networks.generator.parameters()
    generator_optimizer: Optimizer = (
        SGD(weights) if case.plain_descent else Adam(weights, betas=betas, fused=True)
    )
    discriminator_optimizer = Adam(networks.discriminator.parameters(), betas=betas, fused=True)
    latents = make_rng(config.seed, "latents")
    fixed = sample_latents(NUM_WATCHED, config.latent_dim, make_rng(config.seed, "samples"))
    order = epoch_order(len(images), config.seed, 0)
    seen = []
    with Progress(name, config.num_steps) as progress:
        for step in range(1, config.num_steps + 1):
            chosen = order[(step - 1) * config.batch_size % len(images) :][: config.batch_size]
            ahead = step <= case.head_start
            rests = step > case.rests_from and step % case.rests_for > 0
            for optimizer, rate in (
                (generator_optimizer, 0.0 if ahead else case.generator_rate),
                (discriminator_optimizer, 0.0 if rests else case.discriminator_rate),
            ):
                optimizer.param_groups[0]["lr"] = rate
            loss_d, loss_g = train_step(
                networks,
                generator_optimizer,
                discriminator_optimizer,
                to_unit(images[chosen].to(device)),
                mnist.train_labels[chosen].long().to(device),
                sample_latents(config.batch_size, config.latent_dim, latents).to(device),
                config,
                penalise=config.r1_gamma > 0 and step % config.r1_every == 0,
            )
            if step % WATCH_EVERY == WATCH_EVERY // 2:
                drawn = generate(networks.average, fixed)
                real = to_unit(images[order[-NUM_WATCHED:]])
                watched = Watched(
                    step,
                    loss_d.item(),
                    loss_g.item(),
                    accuracy(networks.discriminator, real, drawn),
                    gradient_norm(networks.generator),
                    float(drawn.std(dim=0).mean()),
                )
                seen.append(watched)
                progress.update(**watched._asdict())
    return networks, seen


@torch.no_grad()
def accuracy(discriminator: nn.Module, real: Tensor, drawn: Tensor) -> float:
    """Share, 0 to 1, of real and of drawn images (n, 1, 28, 28) that it takes for what they are."""
    told = torch.cat([generate(discriminator, real) > 0, generate(discriminator, drawn) <= 0])
    return float(told.float().mean())


def gradient_norm(network: nn.Module) -> float:
    """Euclidean norm of the gradient that the last `backward` left in the weights."""
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    return float(nn.utils.get_total_norm(gradients))


@torch.no_grad()
def in_training_mode(generator: nn.Module, z: Tensor, batch_size: int) -> Tensor:
    """Images (n, 1, 28, 28) of z, normalised by the statistics of each batch of `batch_size`.

    The running statistics and the mode are put back.
    """
    kept = {name: value.clone() for name, value in generator.state_dict().items()}
    generator.train()
    images = torch.cat([generate(generator, batch) for batch in z.split(batch_size)])
    generator.eval()
    generator.load_state_dict(kept)
    return images


@torch.no_grad()
def without_statistics(generator: nn.Module, z: Tensor) -> Tensor:
    """Images of z in eval mode, but with running statistics as before any training: 0 and 1.

    Raises:
        ToolkitError: the generator has no batch normalisation.
    """
    kept = {name: value.clone() for name, value in generator.state_dict().items()}
    fresh = {
        name: torch.ones_like(value) if name.endswith("running_var") else torch.zeros_like(value)
        for name, value in kept.items()
        if name.endswith(("running_mean", "running_var"))
    }
    if not fresh:
        raise ToolkitError("This generator has no batch normalisation that could go wrong.")
    generator.load_state_dict(kept | fresh)
    images = generate(generator, z)
    generator.load_state_dict(kept)
    return images
