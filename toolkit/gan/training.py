"""Training of the GAN: the discriminator and the generator take turns."""

import time
from collections.abc import Callable
from copy import deepcopy
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from toolkit.common.device import autocast, device_of, make_rng, seeded
from toolkit.common.progress import Progress, say_finished
from toolkit.common.runs import Run
from toolkit.common.schedule import annealed
from toolkit.gan.config import Config, Loss
from toolkit.gan.data import epoch_order, to_bytes, to_unit
from toolkit.gan.latent import sample_latents
from toolkit.gan.losses import (
    discriminator_loss,
    hinge_discriminator_loss,
    hinge_generator_loss,
    minimax_generator_loss,
    non_saturating_generator_loss,
    r1_penalty,
)
from toolkit.gan.model import (
    ConvDiscriminator,
    ConvGenerator,
    MLPDiscriminator,
    MLPGenerator,
)


class Losses(NamedTuple):
    """What each player minimises, from logits."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


LOSSES: dict[Loss, Losses] = {
    "hinge": Losses(hinge_discriminator_loss, hinge_generator_loss),
    "non-saturating": Losses(discriminator_loss, non_saturating_generator_loss),
    "minimax": Losses(discriminator_loss, minimax_generator_loss),  # (10) to the letter
}

Discriminator = ConvDiscriminator | MLPDiscriminator

NUM_SAMPLES = 25
NUM_SNAPSHOTS = 32  # besides the one before the training; even, so that one falls on half of it
Snapshots = dict[int, Tensor]  # step -> images, uint8 (25, 1, 28, 28)


class Networks(NamedTuple):
    """The two players, and the moving average of the generator that is kept in the end."""

    generator: nn.Module
    discriminator: Discriminator
    average: nn.Module


def build(config: Config, device: torch.device | None = None) -> Networks:
    """The untrained networks on `device`, their weights drawn from the config's seed."""
    with seeded(config.seed, "weights"):
        if config.architecture == "conv":
            generator: nn.Module = ConvGenerator(config.latent_dim)
            discriminator: Discriminator = ConvDiscriminator()
        else:
            generator = MLPGenerator(config.latent_dim)
            discriminator = MLPDiscriminator()
    generator, discriminator = generator.to(device), discriminator.to(device)
    return Networks(generator, discriminator, deepcopy(generator).eval().requires_grad_(False))


def train_step(
    networks: Networks,
    generator_optimizer: Optimizer,
    discriminator_optimizer: Optimizer,
    real: Tensor,
    digits: Tensor,
    z: Tensor,
    config: Config,
    penalise: bool,
) -> tuple[Tensor, Tensor]:
    """One update of the discriminator, then one of the generator, on the same drawn images.

    Args:
        real: images (batch, 1, 28, 28) in 0..1.
        digits: which digits they are, int64 (batch,), for the discriminator's second task.
        z: standard normal (batch, latent_dim).
        penalise: add the R1 penalty this time.

    Returns:
        the losses of the two players, without penalty and second task.
    """
    losses = LOSSES[config.loss]
    generator, discriminator, average = networks
    mixed_precision = autocast(real.device, config.precision)

    with mixed_precision:
        fake = generator(z)
        both = torch.cat([real, fake.detach()])  # no gradient into the generator here
        features = discriminator.features(both)
        real_logits, fake_logits = discriminator.readout(features).chunk(2)
    loss_d = losses.discriminator(real_logits.float(), fake_logits.float())
    total = loss_d
    if penalise:
        images = real.clone().requires_grad_()
        penalty = r1_penalty(discriminator(images), images)
        total = total + config.r1_gamma * config.r1_every * penalty
    if config.auxiliary_weight > 0:
        assert isinstance(discriminator, ConvDiscriminator)  # `Config` sees to it
        names = discriminator.auxiliary_head(features[: len(real)].float())
        total = total + config.auxiliary_weight * F.cross_entropy(names, digits)
    discriminator_optimizer.zero_grad()
    total.backward()
    discriminator_optimizer.step()

    discriminator.requires_grad_(False)  # it only passes the gradient on
    with mixed_precision:
        fake_logits = discriminator(fake)
    loss_g = losses.generator(fake_logits.float())
    generator_optimizer.zero_grad()
    loss_g.backward()
    generator_optimizer.step()
    discriminator.requires_grad_(True)

    update_average(average, generator, config.ema_decay)
    return loss_d.detach(), loss_g.detach()


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """average <- decay * average + (1 - decay) * network, running statistics included."""
    theirs = network.state_dict()
    for name, value in average.state_dict().items():
        if value.is_floating_point():  # BatchNorm also counts its batches, in an integer
            value.lerp_(theirs[name], 1 - decay)


def train(
    config: Config,
    run: Run,
    images: Tensor,
    labels: Tensor,
    device: torch.device,
    measure: Callable[[nn.Module], dict[str, float | str]],
) -> tuple[Networks, Snapshots]:
    """Train the GAN, or go on where `run` was interrupted.

    Args:
        images: the real ones, uint8 (n, 1, 28, 28).
        labels: which digits they are, uint8 (n,).
        measure: from the averaged generator, in eval mode, to figures, "distance" among them, that
            go to the run's metrics every `eval_every` steps.

    Returns:
        the networks, and what the same 25 latent points gave at the start, at the end and at evenly
        spread steps in between, `num_steps // 2` among them.
    """
    networks = build(config, device)
    generator, discriminator, average = networks
    betas = (config.beta1, config.beta2)
    generator_optimizer = Adam(generator.parameters(), betas=betas, fused=True)
    discriminator_optimizer = Adam(discriminator.parameters(), betas=betas, fused=True)
    latents = make_rng(config.seed, "latents")
    fixed = sample_latents(NUM_SAMPLES, config.latent_dim, make_rng(config.seed, "samples"))
    snapshots = {0: to_bytes(generate(average, fixed))}
    snapshot_steps = {k * config.num_steps // NUM_SNAPSHOTS for k in range(1, NUM_SNAPSHOTS + 1)}
    if state := run.load():
        with run.restoring():
            for network, weights in zip(networks, state["networks"], strict=True):
                network.load_state_dict(weights)
            generator_optimizer.load_state_dict(state["generator_optimizer"])
            discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
            latents.set_state(state["latents"])
            snapshots = state["film"]
        if run.step == config.num_steps:
            say_finished("gan", run.step)
            return networks, snapshots

    steps_per_epoch = len(images) // config.batch_size
    order: Tensor | None = None
    with Progress("gan", config.num_steps, run.step) as progress:
        clock = time.perf_counter() - run.seconds
        for step in range(run.step + 1, config.num_steps + 1):
            epoch, position = divmod(step - 1, steps_per_epoch)
            if position == 0 or order is None:
                order = epoch_order(len(images), config.seed, epoch)
            chosen = order[position * config.batch_size :][: config.batch_size]
            real = to_unit(images[chosen].to(device))
            z = sample_latents(config.batch_size, config.latent_dim, latents).to(device)
            for optimizer in (generator_optimizer, discriminator_optimizer):
                optimizer.param_groups[0]["lr"] = annealed(
                    config.learning_rate, step, config.num_steps, config.final_lr_ratio
                )
            loss_d, loss_g = train_step(
                networks,
                generator_optimizer,
                discriminator_optimizer,
                real,
                labels[chosen].long().to(device),
                z,
                config,
                penalise=config.r1_gamma > 0 and step % config.r1_every == 0,
            )

            last = step == config.num_steps
            if step in snapshot_steps:
                snapshots[step] = to_bytes(generate(average, fixed))
            if step % 50 == 0 or last:
                losses = {"loss_d": loss_d.item(), "loss_g": loss_g.item()}
                progress.update(step, **losses)
                run.log(step, **losses)
            if step % config.eval_every == 0 or last:
                figures = measure(average)
                progress.update(step, distance=float(figures["distance"]))
                run.log(step, **figures, seconds=round(time.perf_counter() - clock, 2))
            if step % config.save_every == 0 or last:
                run.save(
                    step,
                    time.perf_counter() - clock,
                    networks=[network.state_dict() for network in networks],
                    generator_optimizer=generator_optimizer.state_dict(),
                    discriminator_optimizer=discriminator_optimizer.state_dict(),
                    latents=latents.get_state(),
                    film=snapshots,
                )
    return networks, snapshots


@torch.no_grad()
def generate(network: nn.Module, z: Tensor) -> Tensor:
    """Images (n, 1, 28, 28), float32 on the CPU, that a generator in eval mode makes of z."""
    images: Tensor = network(z.to(device_of(network))).float().cpu()
    return images
