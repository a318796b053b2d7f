"""The search for a recipe: python benchmarks/gan_recipe.py NAME [setting=value ...]

Trains one GAN with some settings changed, see `Trial`, measures it at a third, at two thirds and at
the end of its steps, and appends a line to benchmarks/gan_recipe.jsonl, the log of what was tried.
`python benchmarks/gan_recipe.py --table` prints the log as a Markdown table.

On the way a distance is of one draw, at the end it is the mean of five with its standard deviation;
lines without one are of one draw throughout. A trial costs minutes, and two seeds differ by a tenth
or two of the distance: read the log for what helps much, not for what is a little better. What
decides between recipes is 50,000 samples of each of three seeds. One thread, so that trials can run
side by side; the cost is in processor time, which a busy machine stretches less than the clock.
Lines without it come from a forerunner of this script, which drew other random numbers.
"""

import dataclasses
import json
import sys
import time
from copy import deepcopy
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from recipe_log import LOG, table
from torch import Tensor, nn
from torch.optim import Adam

from toolkit.common.device import autocast, make_rng, pick_precision, seeded
from toolkit.export import torchscript
from toolkit.gan.data import epoch_order, load_mnist, to_unit
from toolkit.gan.evaluation import Evaluator, sample_images
from toolkit.gan.losses import discriminator_loss, non_saturating_generator_loss, r1_penalty
from toolkit.gan.model import init_dcgan
from toolkit.gan.training import update_average

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Trial:
    """What is tried; the defaults are where the search began."""

    loss: str = "non-saturating"  # or hinge, relativistic
    r1_gamma: float = 0.5  # on images in 0..1
    r1_gamma_end: float = 0.0  # where gamma falls to, geometrically; 0 keeps it
    r1_every: int = 8
    r2: bool = False  # the same penalty on generated images
    batch_size: int = 32
    learning_rate: float = 2e-3
    learning_rate_d: float = 0.0  # the discriminator's, if it is another
    beta1: float = 0.5
    ema_decay: float = 0.998
    num_steps: int = 9000
    generator_width: int = 32
    generator_convs: int = 0  # more 3 x 3 convolutions at 7 x 7
    generator_convs_14: int = 0  # and at 14 x 14
    generator_choices: int = 0  # numbers of z that a softmax turns into a soft choice
    discriminator_width: int = 32
    discriminator_hidden: int = 256
    discriminator_convs: int = 0  # more 3 x 3 convolutions at 7 x 7
    labels: float = 0.0  # weight of the discriminator's auxiliary classification head
    batch_norm_d: bool = False
    bf16: bool = True
    seed: int = 0


class Generator(nn.Module):
    """`toolkit.gan.model.ConvGenerator`, with what was tried beside it."""

    def __init__(self, trial: Trial, latent_dim: int = 64) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.choices = trial.generator_choices
        width = trial.generator_width
        norm = [nn.BatchNorm2d(width), nn.ReLU()]
        more = [nn.Conv2d(width, width, 3, padding=1, bias=False), *norm]
        self.layers = nn.Sequential(
            nn.Linear(latent_dim, width * 7 * 7, bias=False),
            nn.Unflatten(1, (width, 7, 7)),
            *deepcopy(norm),
            *(layer for _ in range(trial.generator_convs) for layer in deepcopy(more)),
            nn.Conv2d(width, 4 * width, 3, padding=1, bias=False),
            nn.PixelShuffle(2),
            *deepcopy(norm),
            *(layer for _ in range(trial.generator_convs_14) for layer in deepcopy(more)),
            nn.Conv2d(width, 4, 3, padding=1),
            nn.PixelShuffle(2),
        )
        self.apply(init_dcgan)

    def forward(self, z: Tensor) -> Tensor:
        """From z to images in 0..1."""
        if self.choices:
            choice = torch.softmax(5 * z[:, : self.choices], dim=1) * self.choices**0.5
            z = torch.cat([choice, z[:, self.choices :]], dim=1)
        return (torch.tanh(self.layers(z).float()) + 1) / 2


class Discriminator(nn.Module):
    """`toolkit.gan.model.ConvDiscriminator`, with what was tried beside it."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        width = trial.discriminator_width
        more = [nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(
            nn.Conv2d(1, width // 2, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width // 2, width, 4, stride=2, padding=1),
            *([nn.BatchNorm2d(width)] if trial.batch_norm_d else []),
            nn.LeakyReLU(0.2),
            *(layer for _ in range(trial.discriminator_convs) for layer in deepcopy(more)),
            nn.Flatten(),
            nn.Linear(width * 7 * 7, trial.discriminator_hidden),
            nn.LeakyReLU(0.2),
        )
        self.readout = nn.Linear(trial.discriminator_hidden, 1)
        self.auxiliary_head = nn.Linear(trial.discriminator_hidden, 10)
        self.apply(init_dcgan)

    def features(self, images: Tensor) -> Tensor:
        """From images in 0..1 to features (batch, discriminator_hidden)."""
        features: Tensor = self.layers(images * 2 - 1)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """From images in 0..1 to logits (batch, 1)."""
        logits: Tensor = self.readout(self.features(images))
        return logits


def losses(loss: str, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """The discriminator's and the generator's, from logits (batch, 1)."""
    if loss == "non-saturating":
        return discriminator_loss(real, fake), non_saturating_generator_loss(fake)
    if loss == "hinge":  # Lim and Ye, "Geometric GAN" (2017)
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean(), -fake.mean()
    if loss == "relativistic":  # Huang et al., "The GAN is dead; long live the GAN!" (2024)
        return F.softplus(fake - real).mean(), F.softplus(real - fake).mean()
    raise ValueError(f"There is no loss {loss!r}.")


def rate(trial: Trial, base: float, step: int) -> float:
    """Constant for the first half of the steps, then falling linearly towards 0."""
    return base * min(1.0, 2 * (trial.num_steps - step + 1) / trial.num_steps)


def run(trial: Trial) -> dict[str, object]:
    """Train and measure."""
    mnist = load_mnist()
    evaluator = Evaluator(torchscript.load("classifier"), "", mnist, CPU)
    with seeded(trial.seed, "weights"):
        generator, discriminator = Generator(trial), Discriminator(trial)
    average = deepcopy(generator).eval().requires_grad_(False)
    betas = (trial.beta1, 0.99)
    optimizer_g = Adam(generator.parameters(), betas=betas, fused=True)
    optimizer_d = Adam(discriminator.parameters(), betas=betas, fused=True)
    latents = make_rng(trial.seed, "latents")
    mixed = autocast(CPU, pick_precision(CPU) if trial.bf16 else "float32")

    def penalty(images: Tensor) -> Tensor:
        images = images.clone().requires_grad_()
        return r1_penalty(discriminator(images), images)

    distances, cost, step = [], 0.0, 0
    for epoch in range(trial.num_steps * trial.batch_size // len(mnist.train_images) + 2):
        order = epoch_order(len(mnist.train_images), trial.seed, epoch)
        for chosen in order.split(trial.batch_size):
            if step == trial.num_steps or len(chosen) < trial.batch_size:
                break
            step += 1
            begin = time.process_time()
            optimizer_g.param_groups[0]["lr"] = rate(trial, trial.learning_rate, step)
            optimizer_d.param_groups[0]["lr"] = rate(
                trial, trial.learning_rate_d or trial.learning_rate, step
            )
            done = step / trial.num_steps
            gamma = trial.r1_gamma
            if trial.r1_gamma_end:
                gamma *= (trial.r1_gamma_end / trial.r1_gamma) ** done
            real = to_unit(mnist.train_images[chosen])
            z = torch.randn(trial.batch_size, 64, generator=latents)
            with mixed:
                fake = generator(z)
                features = discriminator.features(torch.cat([real, fake.detach()]))
                logits = discriminator.readout(features).float()
                digit_logits = discriminator.auxiliary_head(features[: len(real)]).float()
            loss_d, _ = losses(trial.loss, *logits.chunk(2))
            if step % trial.r1_every == 0:
                loss_d = loss_d + gamma * trial.r1_every * penalty(real)
                if trial.r2:
                    loss_d = loss_d + gamma * trial.r1_every * penalty(fake.detach())
            if trial.labels:
                auxiliary_loss = F.cross_entropy(digit_logits, mnist.train_labels[chosen])
                loss_d = loss_d + trial.labels * auxiliary_loss
            optimizer_d.zero_grad()
            loss_d.backward()
            optimizer_d.step()

            discriminator.requires_grad_(False)
            with mixed:
                fake_logits = discriminator(fake).float()
                real_logits = (
                    discriminator(real).float() if trial.loss == "relativistic" else logits
                )
            _, loss_g = losses(trial.loss, real_logits, fake_logits)
            optimizer_g.zero_grad()
            loss_g.backward()
            optimizer_g.step()
            discriminator.requires_grad_(True)
            update_average(average, generator, trial.ema_decay)
            cost += time.process_time() - begin
            if step % (trial.num_steps // 3) == 0:
                images = sample_images(average, 0)
                distances.append(round(evaluator.measure(images).frechet_distance, 2))
    end = evaluator.measure_generator(average, 0)
    shares = [share.mean for share in end.class_shares]
    return {
        "distances": [*distances[:2], round(end.frechet_distance.mean, 2)],
        "sd": round(cast(float, end.frechet_distance.sd), 2),
        "share_unsure": round(end.share_unsure.mean, 4),
        "class_shares": [round(share, 3) for share in (min(shares), max(shares))],
        "milliseconds": round(1000 * cost / trial.num_steps, 1),
    }


def main() -> None:
    """One trial, or the table."""
    if sys.argv[1:] == ["--table"]:
        print(table())
        return
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    name, *settings = sys.argv[1:]
    changes = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        if key not in {field.name for field in dataclasses.fields(Trial)}:
            sys.exit(f"There is no setting {key!r}; see Trial in {__file__}.")
        changes[key] = value if key == "loss" else json.loads(value)
    trial = Trial(**changes)
    torch.set_num_threads(1)
    changes.pop("num_steps", None)
    entry = {"name": name, "changes": changes, "num_steps": trial.num_steps} | run(trial)
    with LOG.open("a") as log:
        log.write(json.dumps(entry) + "\n")
    print(json.dumps(entry))


if __name__ == "__main__":
    main()
