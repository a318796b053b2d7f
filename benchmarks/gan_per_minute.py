"""Distance against minutes of training: python benchmarks/gan_per_minute.py [--minutes 8]

Three GANs train for the same time and are measured by the same classifier: ours, planned once for 3
minutes and once for all of them; the MLP of the assignment's template; and a textbook DCGAN with
about as many weights as ours. The last two are trained as tutorials do: in float32, without a
moving average of the generator, at a constant learning rate. Only the training is timed.
Prints a Markdown table and plots docs/gan_per_minute.png.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam

from toolkit.common.device import pick_precision
from toolkit.common.figures import save_curves
from toolkit.common.runs import Run
from toolkit.export import manifest, torchscript
from toolkit.gan.config import Config
from toolkit.gan.data import MNIST, epoch_order, load_mnist, to_unit
from toolkit.gan.evaluation import Evaluator, Scores, sample_images
from toolkit.gan.model import MLPDiscriminator, MLPGenerator
from toolkit.gan.training import build, train

PICTURE = Path(__file__).parents[1] / "docs/gan_per_minute.png"
CPU = torch.device("cpu")
SHORT = 3.0  # minutes of the short plan


class Stopwatch:
    """Measures a generator during its training; the time for measuring does not count."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.minutes: list[float] = []
        self.scores: list[Scores] = []
        self.start = time.perf_counter()

    def elapsed(self) -> float:
        """Minutes of training so far."""
        return (time.perf_counter() - self.start) / 60

    def measure(self, network: nn.Module) -> dict[str, float | str]:
        """Record the scores of a generator in eval mode."""
        begin = time.perf_counter()
        self.minutes.append(self.elapsed())
        self.scores.append(self.evaluator.measure(sample_images(network, seed=0)))
        self.start += time.perf_counter() - begin
        return {"distance": self.scores[-1].frechet_distance}


class TextbookGenerator(nn.Module):
    """DCGAN (Radford, Metz and Chintala, 2016) for 28 x 28: transposed convolutions, batch norm."""

    def __init__(self, latent_dim: int = 100, width: int = 16) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.layers = nn.Sequential(
            nn.Unflatten(1, (latent_dim, 1, 1)),
            nn.ConvTranspose2d(latent_dim, 4 * width, 7, bias=False),
            nn.BatchNorm2d(4 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(4 * width, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, 1, 4, stride=2, padding=1, bias=False),
        )
        self.apply(init_dcgan)

    def forward(self, z: Tensor) -> Tensor:
        """From z (batch, latent_dim) to images (batch, 1, 28, 28) in 0..1."""
        return (torch.tanh(self.layers(z)) + 1) / 2


class TextbookDiscriminator(nn.Module):
    """Its counterpart: strided convolutions, batch norm but in the first layer, one logit."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(4 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, 7, bias=False),
            nn.Flatten(),
        )
        self.apply(init_dcgan)

    def forward(self, images: Tensor) -> Tensor:
        """From images (batch, 1, 28, 28) in 0..1 to logits (batch, 1)."""
        logits: Tensor = self.layers(images * 2 - 1)
        return logits


def init_dcgan(layer: nn.Module) -> None:
    """Weights ~ N(0, 0.02^2), and ~ N(1, 0.02^2) in batch norm."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, std=0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, mean=1, std=0.02)


def train_plainly(
    generator: nn.Module,
    discriminator: nn.Module,
    betas: tuple[float, float],
    images: Tensor,
    minutes: float,
    watch: Stopwatch,
) -> None:
    """Train as tutorials do: binary cross-entropy, Adam at 2e-4, batches of 64."""
    optimizer_g = Adam(generator.parameters(), lr=2e-4, betas=betas)
    optimizer_d = Adam(discriminator.parameters(), lr=2e-4, betas=betas)
    ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
    bce = F.binary_cross_entropy_with_logits
    marks = [mark for mark in minute_marks(minutes) if mark < minutes]
    epoch = 0
    watch.start = time.perf_counter()
    while watch.elapsed() < minutes:
        for batch in epoch_order(len(images), 0, epoch).split(64)[:-1]:
            real = to_unit(images[batch])
            fake = generator(torch.randn(64, int(generator.latent_dim)))
            loss_d = bce(discriminator(real), ones) + bce(discriminator(fake.detach()), zeros)
            optimizer_d.zero_grad()
            loss_d.backward()
            optimizer_d.step()

            loss_g = bce(discriminator(fake), ones)
            optimizer_g.zero_grad()
            loss_g.backward()
            optimizer_g.step()
            if watch.elapsed() >= minutes:
                break
            if marks and watch.elapsed() >= marks[0]:
                marks.pop(0)
                measure_in_eval_mode(generator, watch)
        epoch += 1
    measure_in_eval_mode(generator, watch)


def measure_in_eval_mode(generator: nn.Module, watch: Stopwatch) -> None:
    """Measure a generator in eval mode, and put it back in training mode."""
    watch.measure(generator.eval())
    generator.train()


def minute_marks(minutes: float) -> list[float]:
    """When to measure: after half a minute, after every minute, and at the end."""
    return [0.5, *(float(m) for m in range(1, int(minutes) + 1) if m < minutes), minutes]


def train_ours(minutes: float, mnist: MNIST, watch: Stopwatch) -> None:
    """Train our recipe with as many steps as fit into `minutes`."""
    config = replace(Config(), precision=pick_precision(CPU))
    speed = steps_a_minute(config, mnist)
    steps = max(2, round(speed * minutes))
    config = replace(config, num_steps=steps, eval_every=max(1, round(speed / 2)), save_every=steps)
    with tempfile.TemporaryDirectory() as directory:
        watch.start = time.perf_counter()
        train(config, Run(Path(directory), config), *mnist[:2], CPU, watch.measure)


def steps_a_minute(config: Config, mnist: MNIST, trial: int = 300) -> float:
    """Training steps per minute, from a short trial."""
    config = replace(config, num_steps=trial, eval_every=trial, save_every=trial)
    with tempfile.TemporaryDirectory() as directory:
        start = time.perf_counter()
        train(config, Run(Path(directory), config), *mnist[:2], CPU, lambda _: {"distance": 0.0})
    return trial / (time.perf_counter() - start) * 60


def sampling_milliseconds(repeats: int = 200) -> float:
    """Median time of a batch of 25 samples from the export, which `load` has warmed up."""
    generator = torchscript.load("generator", manifest.readable_exports())
    times = []
    for _ in range(repeats):
        z = torch.randn(25, generator.latent_dim)
        begin = time.perf_counter()
        with torch.no_grad():
            generator(z)
        times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times)


def num_weights(network: nn.Module) -> int:
    """The number of trainable weights."""
    return sum(p.numel() for p in network.parameters())


def compete(minutes: float, mnist: MNIST, evaluator: Evaluator) -> dict[str, Stopwatch]:
    """Train all contestants one after the other: name -> what was measured."""
    watches: dict[str, Stopwatch] = {}

    def contestant(name: str, train_it: Callable[[Stopwatch], object], weights: int) -> None:
        watches[name] = watch = Stopwatch(evaluator)
        train_it(watch)
        print(f"{name}: {weights:,} weights, {watch.minutes[-1]:.2f} minutes", flush=True)

    torch.manual_seed(0)
    ours = num_weights(build(Config()).generator) + num_weights(build(Config()).discriminator)
    for plan in sorted({min(SHORT, minutes), minutes}):
        name = f"ours, planned for {plan:g} minutes"
        contestant(name, lambda watch, plan=plan: train_ours(plan, mnist, watch), ours)
    for name, generator, discriminator, betas in (
        ("textbook DCGAN", TextbookGenerator(), TextbookDiscriminator(), (0.5, 0.999)),
        ("template's MLP", MLPGenerator(), MLPDiscriminator(), (0.5, 0.999)),
    ):
        weights = num_weights(generator) + num_weights(discriminator)
        contestant(
            name,
            lambda watch, g=generator, d=discriminator, b=betas: train_plainly(
                g, d, b, mnist.train_images, minutes, watch
            ),
            weights,
        )
    return watches


def print_table(watches: dict[str, Stopwatch], minutes: float) -> None:
    """A Markdown table: a row for each contestant, a column for each time."""
    marks = minute_marks(minutes)
    times = " | ".join(f"{mark:g}" for mark in marks)
    print(f"\n| Frechet distance after minutes | {times} | at the end | class shares |")
    print("|---" * (len(marks) + 3) + "|")
    for name, watch in watches.items():
        columns = []
        for mark in marks:
            near = min(range(len(watch.minutes)), key=lambda n: abs(watch.minutes[n] - mark))
            hit = abs(watch.minutes[near] - mark) < 0.2
            columns.append(f"{watch.scores[near].frechet_distance:.1f}" if hit else "")
        last, shares = watch.scores[-1].frechet_distance, watch.scores[-1].class_shares
        columns.append(f"{last:.1f} ({watch.minutes[-1]:.1f} min)")
        print(f"| {name} | {' | '.join(columns)} | {min(shares):.1%} to {max(shares):.1%} |")


def main() -> None:
    """Train, measure, print and plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=8, help="of training, for each GAN")
    parser.add_argument("--picture", type=Path, default=PICTURE, help="where the plot goes")
    parser.add_argument("--threads", type=int, help="of torch; use 1 on a busy machine")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    mnist = load_mnist()
    sha256 = manifest.read_manifest(manifest.EXPORTS_DIR)["classifier.pt"]["sha256"]
    evaluator = Evaluator(torchscript.load("classifier"), sha256, mnist, CPU)
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads; real against real "
        f"{evaluator.floor:.2f}, classifier {sha256[:12]}\n"
        f"25 samples from exports/generator.pt: {sampling_milliseconds():.1f} ms\n"
    )
    watches = compete(options.minutes, mnist, evaluator)
    print_table(watches, options.minutes)
    save_curves(
        options.picture,
        {
            name: (watch.minutes, [s.frechet_distance for s in watch.scores])
            for name, watch in watches.items()
        },
        title=f"Equal time, one classifier ({sha256[:12]})",
        x_label="minutes of training",
        y_label="Frechet distance to the test images",
        level=("real against real", evaluator.floor),
        log=True,
    )


if __name__ == "__main__":
    main()
