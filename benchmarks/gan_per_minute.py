"""Distance against minutes of training: python benchmarks/gan_per_minute.py [--minutes 8]

Three GANs train for the same time and are measured by the same classifier: ours, the MLP of the
assignment's template, and a textbook DCGAN with about 80% as many weights as ours. Ours is trained
once with a plan for 3 minutes and once with a plan for the whole time. The other two are trained as
tutorials do: in float32, at a constant learning rate, and without a moving average of the
generator. Only the training is timed. With one thread, the time is processor time, which other work
on the machine changes little. Otherwise, it is wall-clock time.

Each GAN trains with three seeds by default. A measurement during the training is one draw of 10,000
samples, and the measurement after the end is the mean of five draws. The benchmark prints a
Markdown table and plots docs/gan_per_minute.png, in which a band extends from the best to the worst
seed. It takes --seeds times (3 + 3 times --minutes) minutes.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from pathlib import Path

import torch
import torch.nn.functional as F
from textbook_dcgan import TextbookDiscriminator, TextbookGenerator
from torch import Tensor, nn
from torch.optim import Adam

from toolkit.common.device import make_rng, pick_precision, seeded
from toolkit.common.figures import save_curves
from toolkit.common.record import Spread
from toolkit.common.runs import Run
from toolkit.export import loading, manifest
from toolkit.gan.config import Config
from toolkit.gan.data import MNIST, epoch_order, load_mnist, to_unit
from toolkit.gan.latent import sample_latents
from toolkit.gan.measure.evaluation import Evaluator, Scores, sample_images
from toolkit.gan.model import MLPDiscriminator, MLPGenerator
from toolkit.gan.training import build, train

PICTURE = Path(__file__).parents[1] / "docs/gan_per_minute.png"
CPU = torch.device("cpu")
SHORT = 3.0  # minutes of the short plan
Contestant = Callable[["Stopwatch"], nn.Module]


def seconds() -> float:
    """Return a clock's reading in seconds; only differences between readings have a meaning."""
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


class Stopwatch:
    """A stopwatch that measures a generator during its training; the time for measuring does not
    count.
    """

    def __init__(self, evaluator: Evaluator, seed: int) -> None:
        self.evaluator = evaluator
        self.seed = seed
        self.minutes: list[float] = []
        self.distances: list[float] = []  # each of one draw
        self.start = seconds()

    def elapsed(self) -> float:
        """Return the minutes of training so far."""
        return (seconds() - self.start) / 60

    def measure(self, network: nn.Module) -> dict[str, float | str]:
        """Measure a generator in eval mode, and record and return its distance."""
        begin = seconds()
        self.minutes.append(self.elapsed())
        images = sample_images(network, self.seed, self.evaluator.num_images)
        self.distances.append(self.evaluator.measure(images).frechet_distance)
        self.start += seconds() - begin
        return {"distance": self.distances[-1]}


@dataclass(frozen=True)
class Race:
    """The results of one contestant with one seed."""

    minutes: list[float]  # the times of the measurements; the last is the end
    distances: list[float]  # of one draw each
    final: Scores[Spread]  # after the end, over several draws


def train_plainly(
    generator: nn.Module,
    discriminator: nn.Module,
    betas: tuple[float, float],
    images: Tensor,
    minutes: float,
    watch: Stopwatch,
) -> None:
    """Train as tutorials do: binary cross-entropy, Adam at 2e-4, batches of 64."""
    latents = make_rng(watch.seed, "latents")
    optimizer_g = Adam(generator.parameters(), lr=2e-4, betas=betas)
    optimizer_d = Adam(discriminator.parameters(), lr=2e-4, betas=betas)
    ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
    bce = F.binary_cross_entropy_with_logits
    marks = [mark for mark in minute_marks(minutes) if mark < minutes]
    epoch = 0
    watch.start = seconds()
    while watch.elapsed() < minutes:
        for batch in epoch_order(len(images), watch.seed, epoch).split(64)[:-1]:
            real = to_unit(images[batch])
            fake = generator(sample_latents(64, int(generator.latent_dim), latents))
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
    """Return the times of the measurements: half a minute, every full minute, and the end."""
    return [0.5, *(float(m) for m in range(1, int(minutes) + 1) if m < minutes), minutes]


def train_ours(minutes: float, speed: float, mnist: MNIST, watch: Stopwatch) -> nn.Module:
    """Train our recipe with as many steps as fit into `minutes` at `speed` steps per minute.

    Returns:
        the averaged generator.
    """
    config = replace(Config(), precision=pick_precision(CPU), seed=watch.seed)
    steps = max(2, round(speed * minutes))
    config = replace(config, num_steps=steps, eval_every=max(1, round(speed / 2)), save_every=steps)
    with tempfile.TemporaryDirectory() as directory:
        watch.start = seconds()
        networks, _ = train(config, Run(Path(directory), config), *mnist[:2], CPU, watch.measure)
    return networks.average


def steps_a_minute(mnist: MNIST, trial: int = 300) -> float:
    """Return how many training steps our recipe makes per minute, measured in a short trial."""
    config = replace(Config(), precision=pick_precision(CPU))
    config = replace(config, num_steps=trial, eval_every=trial, save_every=trial)
    with tempfile.TemporaryDirectory() as directory:
        start = seconds()
        train(config, Run(Path(directory), config), *mnist[:2], CPU, lambda _: {"distance": 0.0})
    return trial / (seconds() - start) * 60


def sampling_milliseconds(repeats: int = 200) -> float:
    """Return the median time of a batch of 25 samples from the export, which is warmed up."""
    generator = loading.load("generator", manifest.readable_exports())
    times = []
    for _ in range(repeats):
        z = torch.randn(25, generator.latent_dim)
        begin = time.perf_counter()
        with torch.no_grad():
            generator(z)
        times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times)


def num_weights(network: nn.Module) -> int:
    """Return the number of trainable weights."""
    return sum(p.numel() for p in network.parameters())


def contestants(minutes: float, mnist: MNIST) -> dict[str, tuple[int, Contestant]]:
    """Return the contestants in a dictionary, keyed by name.

    Each value is the number of weights, and a function that trains the contestant and returns its
    generator.
    """

    def plain(
        build_generator: Callable[[], nn.Module], build_discriminator: Callable[[], nn.Module]
    ) -> tuple[int, Contestant]:
        def run(watch: Stopwatch) -> nn.Module:
            with seeded(watch.seed, "weights"):
                generator, discriminator = build_generator(), build_discriminator()
            betas = (0.5, 0.999)
            train_plainly(generator, discriminator, betas, mnist.train_images, minutes, watch)
            return generator.eval()

        return num_weights(build_generator()) + num_weights(build_discriminator()), run

    speed = steps_a_minute(mnist)
    networks = build(Config())
    weights = num_weights(networks.generator) + num_weights(networks.discriminator)
    listed: dict[str, tuple[int, Contestant]] = {}
    for plan in sorted({min(SHORT, minutes), minutes}):
        run = partial(train_ours, plan, speed, mnist)
        listed[f"ours, planned for {plan:g} minutes"] = weights, run
    listed["textbook DCGAN"] = plain(TextbookGenerator, TextbookDiscriminator)
    listed["template's MLP"] = plain(MLPGenerator, MLPDiscriminator)
    return listed


def compete(
    minutes: float, seeds: int, mnist: MNIST, evaluator: Evaluator
) -> dict[str, list[Race]]:
    """Train all contestants one after the other; return a `Race` for each seed, keyed by name."""
    races: dict[str, list[Race]] = {}
    for name, (weights, train_it) in contestants(minutes, mnist).items():
        for seed in range(seeds):
            watch = Stopwatch(evaluator, seed)
            final = evaluator.measure_generator(train_it(watch), seed)
            races.setdefault(name, []).append(Race(watch.minutes, watch.distances, final))
            print(
                f"{name}, seed {seed}: {weights:,} weights, {watch.minutes[-1]:.2f} minutes, "
                f"{final.frechet_distance:.2f} at the end",
                flush=True,
            )
    return races


def nearest(race: Race, mark: float) -> float | None:
    """Return the distance measured nearest to `mark`, or None if none was within 0.2 minutes."""
    away = [abs(minute - mark) for minute in race.minutes]
    if min(away) >= 0.2:
        return None
    return race.distances[away.index(min(away))]


def print_table(races: dict[str, list[Race]], minutes: float, floor: Spread) -> None:
    """Print a Markdown table with a row for each contestant and a column for each time."""
    marks = minute_marks(minutes)
    times = " | ".join(map("{:g}".format, marks))
    print(f"\n| Frechet distance after minutes | {times} | at the end | unsure | class shares |")
    print("|---" * (len(marks) + 4) + "|")
    for name, seeds in races.items():
        print(f"| {name} | {' | '.join(cells(seeds, marks))} |")
    print(
        f"\nMean of {max(map(len, races.values()))} seeds ± their standard deviation: of one draw "
        f"on the way, of {floor.num_draws} draws at the end. Real images: {floor:.2f}."
    )


def cells(seeds: list[Race], marks: list[float]) -> list[str]:
    """Return a contestant's row: the distance at each mark, and all scores at the end."""
    row = []
    for mark in marks:
        distances = [nearest(race, mark) for race in seeds]
        row.append("" if None in distances else f"{Spread.of(distances):.1f}")
    distances, unsure, ends, shares = [], [], [], []
    for race in seeds:
        distances.append(race.final.frechet_distance.mean)
        unsure.append(race.final.share_unsure.mean)
        ends.append(race.minutes[-1])
        for share in race.final.class_shares:
            shares.append(share.mean)
    row.append(f"{Spread.of(distances):.2f} ({statistics.mean(ends):.1f} min)")
    row.append(f"{Spread.of(unsure):.1%}")
    row.append(f"{min(shares):.1%} to {max(shares):.1%}")
    return row


def plot(path: Path, races: dict[str, list[Race]], floor: Spread, sha256: str) -> None:
    """Draw each contestant's mean over the seeds, and a band from the best to the worst seed."""
    curves, bands = {}, {}
    for name, seeds in races.items():  # one seed may have one measurement fewer
        minutes = zip(*map(attrgetter("minutes"), seeds), strict=False)
        distances = list(zip(*map(attrgetter("distances"), seeds), strict=False))
        curves[name] = [*map(statistics.mean, minutes)], [*map(statistics.mean, distances)]
        bands[name] = [*map(min, distances)], [*map(max, distances)]
    count = max(map(len, races.values()))
    x_label = "minutes of training"
    if torch.get_num_threads() == 1:
        x_label += ", in processor time on one thread"
    save_curves(
        path,
        curves,
        bands=bands,
        title=f"Equal time, {count} seeds each, one draw each (classifier {sha256[:12]})",
        x_label=x_label,
        y_label="Frechet distance to the test images",
        level=("real images", floor),
        log=True,
    )


def main() -> None:
    """Train, measure, print and plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=8, help="of training, for each GAN")
    parser.add_argument("--seeds", type=int, default=3, help="of each GAN")
    parser.add_argument("--picture", type=Path, default=PICTURE, help="where the plot goes")
    parser.add_argument("--threads", type=int, help="of torch; use 1 on a busy machine")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    mnist = load_mnist()
    sha256 = manifest.identity(manifest.read_export("classifier").entry)
    evaluator = Evaluator(loading.load("classifier"), sha256, mnist, CPU)
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads; real images "
        f"{evaluator.floor:.2f}, classifier {sha256[:12]}\n"
        f"25 samples from exports/generator.pt: {sampling_milliseconds():.1f} ms\n"
    )
    races = compete(options.minutes, options.seeds, mnist, evaluator)
    print_table(races, options.minutes, evaluator.floor)
    plot(options.picture, races, evaluator.floor, sha256)


if __name__ == "__main__":
    main()
