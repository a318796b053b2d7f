"""Training of the GAN, in which every step updates the discriminator and then the generator."""

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from toolkit.common.device import autocast, make_rng, seeded
from toolkit.common.progress import Progress
from toolkit.common.runs import Run
from toolkit.common.settings import annealed
from toolkit.gan.config import Config
from toolkit.gan.data import batch_indices, to_bytes, to_unit
from toolkit.gan.film import Film
from toolkit.gan.latent import generate, sample_latents
from toolkit.gan.losses import LOSSES, r1_penalty
from toolkit.gan.model import (
    ConvDiscriminator,
    ConvGenerator,
    MLPDiscriminator,
    MLPGenerator,
    init_dcgan,
)

Discriminator = ConvDiscriminator | MLPDiscriminator

LOG_EVERY = 50  # steps between two entries of the losses
NUM_SAMPLES = 25
NUM_SNAPSHOTS = 32  # besides the first snapshot; even, so that one snapshot is at half of the steps
Snapshots = dict[int, Tensor]  # step -> images, uint8 (25, 1, 28, 28)


class Networks(NamedTuple):
    """The generator, the discriminator, a copy of the generator with averaged weights (the moving
    average), and the auxiliary head.

    The copy of the generator with averaged weights is exported in place of the generator itself.
    During training, the auxiliary head classifies real digits from the discriminator's features.
    """

    generator: nn.Module
    discriminator: Discriminator
    average: nn.Module
    auxiliary_head: nn.Module  # from the discriminator's features to logits of the digit


def build(config: Config, device: torch.device | str | None = None) -> Networks:
    """Build untrained networks on `device`, with weights initialised from the config's seed."""
    with seeded(config.seed, "weights"):
        if config.architecture == "conv":
            generator: nn.Module = ConvGenerator(
                config.latent_dim, mapping_size=config.mapping_size
            )
            discriminator: Discriminator = ConvDiscriminator()
        else:
            generator = MLPGenerator(config.latent_dim)
            discriminator = MLPDiscriminator()
        auxiliary_head = nn.Linear(discriminator.readout.in_features, 10)
        init_dcgan(auxiliary_head)
    generator, discriminator = generator.to(device), discriminator.to(device)
    average = deepcopy(generator).eval().requires_grad_(False)
    return Networks(generator, discriminator, average, auxiliary_head.to(device))


@dataclass
class TrainState:
    """The state that a checkpoint stores, so that an interrupted training run can continue."""

    networks: Networks
    generator_optimizer: Optimizer
    discriminator_optimizer: Optimizer
    rng: torch.Generator  # of the latent points
    snapshots: Snapshots
    film: dict[int, dict[str, Any]]  # the frames of a film, if one is made


def _loss_alone(loss: Tensor, real_features: Tensor) -> Tensor:
    """Return the loss unchanged, without any regularisation."""
    return loss


def discriminator_step(
    discriminator: Discriminator,
    optimizer: Optimizer,
    real: Tensor,
    fake: Tensor,
    config: Config,
    regularise: Callable[[Tensor, Tensor], Tensor] = _loss_alone,
) -> Tensor:
    """Make one update of the discriminator, but not of the generator, to decrease the
    discriminator's loss: -V(D, G) of equation (10) or the hinge loss (see `toolkit.gan.losses`).

    Args:
        optimizer: the optimiser that updates the discriminator's weights.
        real: images (batch, 1, 28, 28), 0 to 1.
        fake: generated images, as many as there are in `real`.
        config: determines the loss function and the precision.
        regularise: a function that takes the loss and the discriminator's features for the images
            in `real`, and returns the value to minimise, such as the loss plus a penalty.

    Returns:
        the loss before the update, a float32 scalar, without the terms that `regularise` adds.
    """
    with autocast(real.device, config.precision):
        images = torch.cat([real, fake.detach()])  # no gradient into the generator here
        features = discriminator.features(images)
        real_logits, fake_logits = discriminator.readout(features).chunk(2)
    loss = LOSSES[config.loss].discriminator(real_logits.float(), fake_logits.float())
    optimizer.zero_grad()
    regularise(loss, features[: len(real)]).backward()
    optimizer.step()
    return loss.detach()


def generator_step(
    discriminator: Discriminator, optimizer: Optimizer, fake: Tensor, config: Config
) -> Tensor:
    """Make one update of the generator, but not of the discriminator, to decrease the generator's
    loss: the generator's part of V(D, G) in equation (10), or an alternative to it (see
    `toolkit.gan.losses`).

    Args:
        optimizer: the optimiser of the generator's weights.
        fake: images (batch, 1, 28, 28), 0 to 1, as returned by the generator, still attached to
            their autograd graph.
        config: determines the loss function and the precision.

    Returns:
        the loss before the update, a float32 scalar.
    """
    discriminator.requires_grad_(False)  # the gradient passes through it to the generator
    with autocast(fake.device, config.precision):
        fake_logits = discriminator(fake)
    loss = LOSSES[config.loss].generator(fake_logits.float())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    discriminator.requires_grad_(True)
    return loss.detach()


def train_step(
    state: TrainState, config: Config, step: int, real: Tensor, labels: Tensor
) -> tuple[Tensor, Tensor]:
    """Update the discriminator and then the generator, with the same generated images.

    The step also applies the R1 penalty (every `r1_every` steps) and the auxiliary loss, and
    updates the moving average.

    Args:
        step: from 1 to `num_steps`.
        real: images (batch, 1, 28, 28), 0 to 1.
        labels: the digits of the real images, int64 (batch,), for the auxiliary head.

    Returns:
        the losses of the discriminator and the generator before their updates, two float32 scalars,
        without the R1 penalty and the auxiliary loss.
    """
    generator, discriminator, average, auxiliary_head = state.networks

    def regularise(loss: Tensor, real_features: Tensor) -> Tensor:
        if config.r1_gamma > 0 and step % config.r1_every == 0:
            images = real.clone().requires_grad_()
            penalty = r1_penalty(discriminator(images), images)
            loss = loss + config.r1_gamma * config.r1_every * penalty
        if config.auxiliary_weight > 0:
            digit_logits = auxiliary_head(real_features.float())
            loss = loss + config.auxiliary_weight * F.cross_entropy(digit_logits, labels)
        return loss

    z = sample_latents(len(real), config.latent_dim, state.rng).to(real.device)
    with autocast(real.device, config.precision):
        fake = generator(z)
    loss_d = discriminator_step(
        discriminator, state.discriminator_optimizer, real, fake, config, regularise
    )
    loss_g = generator_step(discriminator, state.generator_optimizer, fake, config)
    update_average(average, generator, config.ema_decay)
    return loss_d, loss_g


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Set average to decay * average + (1 - decay) * network, including batch-norm statistics."""
    current = network.state_dict()
    for name, value in average.state_dict().items():
        if value.is_floating_point():  # batch norm also has an integer, the number of batches
            value.lerp_(current[name], 1 - decay)


def build_optimizer(config: Config, *networks: nn.Module) -> Adam:
    """Build an Adam optimiser for `networks`; a mapping network has its own parameter group.

    The entry "lr_ratio" of each parameter group is the factor by which the scheduled learning rate
    is multiplied for this group.
    """
    mapping = []
    weights = []
    for network in networks:
        for name, parameter in network.named_parameters():
            if name.startswith("mapping."):
                mapping.append(parameter)
            else:
                weights.append(parameter)
    groups: list[dict[str, Any]] = [{"params": weights, "lr_ratio": 1.0}]
    if mapping:
        groups.append({"params": mapping, "lr_ratio": config.mapping_lr_ratio})
    for group in groups:
        group["lr"] = config.learning_rate * group["lr_ratio"]
    return Adam(groups, betas=(config.beta1, config.beta2), fused=True)


def set_learning_rates(state: TrainState, config: Config, step: int) -> None:
    """Set the learning rates of both networks for a step, according to the schedule."""
    rate = annealed(config.learning_rate, step, config.num_steps, config.final_lr_ratio)
    for optimizer in (state.generator_optimizer, state.discriminator_optimizer):
        for group in optimizer.param_groups:
            group["lr"] = rate * group["lr_ratio"]


def initial_state(config: Config, device: torch.device | str) -> TrainState:
    """Return the training state before the first step."""
    networks = build(config, device)
    return TrainState(
        networks,
        build_optimizer(config, networks.generator),
        build_optimizer(config, networks.discriminator, networks.auxiliary_head),
        make_rng(config.seed, "latents"),
        snapshots={},
        film={},
    )


def _resume(run: Run, state: TrainState, film: Film | None) -> None:
    """Restore the training state from the checkpoint of an interrupted run."""
    saved = run.load()
    if saved:
        run.restore(state, saved)
        if film:
            film.frames = state.film


def _no_metrics(generator: nn.Module) -> dict[str, float | str]:
    """Return an empty dictionary of metrics; `train` calls this function if no `evaluate` is
    passed.
    """
    return {}


def _snapshot_steps(num_steps: int) -> set[int]:
    """Return the evenly spaced steps after which samples are stored, including the last step."""
    return {k * num_steps // NUM_SNAPSHOTS for k in range(1, NUM_SNAPSHOTS + 1)}


def _is_due(step: int, interval: int, config: Config) -> bool:
    """Return True if `step` is a multiple of `interval`, or is the last step."""
    return step % interval == 0 or step == config.num_steps


def _numbers(metrics: dict[str, float | str]) -> dict[str, float]:
    """Return the metrics that are numbers, for the progress bar."""
    return {name: value for name, value in metrics.items() if isinstance(value, float)}


def train(
    config: Config,
    run: Run,
    images: Tensor,
    labels: Tensor,
    device: torch.device | str = "cpu",
    evaluate: Callable[[nn.Module], dict[str, float | str]] = _no_metrics,
    film: Film | None = None,
) -> tuple[Networks, Snapshots]:
    """Train the GAN, or continue an interrupted `run`.

    Args:
        run: the `Run` that stores the files of this training run; it must have been opened with a
            config equal to `config`.
        images: the real images, uint8 (n, 1, 28, 28).
        labels: the digits of the images, uint8 (n,).
        evaluate: called every `eval_every` steps with the averaged generator in eval mode; returns
            metrics for the log. The progress bar shows the metrics that are numbers.
        film: a `Film`, which records weights and logits at the steps in `film.steps`; by default,
            nothing is recorded.

    Returns:
        the networks, and the images generated from 25 fixed latent points. The images are generated
        before the first step and after evenly spaced steps, which include step `num_steps // 2` and
        the last step.

    Raises:
        UsageError: `run` was opened with a config that differs from `config`, or its directory
            contains a checkpoint of a run with another config.
        ToolkitError: the run's directory is damaged or cannot be written to, or training diverged.
    """
    run.check_config(config)
    state = initial_state(config, device)
    networks = state.networks
    fixed = sample_latents(NUM_SAMPLES, config.latent_dim, make_rng(config.seed, "samples"))
    state.snapshots[0] = to_bytes(generate(networks.average, fixed))
    snapshot_steps = _snapshot_steps(config.num_steps)
    if film:
        film.record(0, networks.average, networks.discriminator)
        state.film = film.frames
    _resume(run, state, film)
    if run.step == config.num_steps:
        run.say_finished("gan")
        return networks, state.snapshots

    with Progress("gan", config.num_steps, run.step) as progress:
        clock = time.perf_counter() - run.seconds
        batch_sizes = map(config.batch_size_at, count(1))
        batches = batch_indices(len(images), batch_sizes, config.seed, run.step)
        for step in range(run.step + 1, config.num_steps + 1):
            chosen = next(batches)
            real = to_unit(images[chosen].to(device))
            digits = labels[chosen].long().to(device)
            set_learning_rates(state, config, step)
            loss_d, loss_g = train_step(state, config, step, real, digits)

            if step in snapshot_steps:
                state.snapshots[step] = to_bytes(generate(networks.average, fixed))
            if film:
                film.record(step, networks.average, networks.discriminator)
            if _is_due(step, LOG_EVERY, config):
                losses = {"loss_d": loss_d.item(), "loss_g": loss_g.item()}
                progress.update(step, **losses)
                run.log(step, **losses)
            if _is_due(step, config.eval_every, config):
                metrics = evaluate(networks.average)
                progress.update(step, **_numbers(metrics))
                run.log(step, **metrics, seconds=round(time.perf_counter() - clock, 2))
            if _is_due(step, config.save_every, config):
                run.save(step, time.perf_counter() - clock, **vars(state))
    return networks, state.snapshots
