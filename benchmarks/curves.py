"""The bands of `toolkit curve`: python benchmarks/curves.py [--fit]

The script trains healthy and faulty runs of each recipe, and appends a line for each run to
benchmarks/curves.jsonl. Runs that are already in this log are not trained again, so a killed
command can be run again to continue. `python benchmarks/curves.py --fit` makes the bands,
toolkit/assignment/curve/bands.json, from the log. It also prints the verdicts on the runs that were
not used to make the bands.

Part I is trained with `FastLSTM` and `RNN` of toolkit/lstm, which compute the same values as the
skeleton's equations. What the assignment leaves open varies with the seed: the first weights, and
whether palindromes are drawn anew or from a pool of 10,000. Part II is the template's MLP. In three
of four runs, both steps use the same fake batch. Everything runs on one thread, and all of it takes
about an hour and a half of processor time. If EPOCHS is increased, runs that are then too short are
trained again.
"""

import argparse
import itertools
import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.assignment.curve.judging import (
    WORST,
    Band,
    Diagnosis,
    Recipe,
    deviations,
    judge,
    scale,
)
from toolkit.assignment.curve.reading import GAN as GAN_CURVES
from toolkit.assignment.curve.reading import Curve
from toolkit.common.device import make_rng
from toolkit.gan.data import load_mnist
from toolkit.lstm.config import Config
from toolkit.lstm.data import held_out, palindromes, split_last
from toolkit.lstm.training import build

LOG = Path(__file__).with_name("curves.jsonl")
SOLUTION = Path(__file__).parents[1] / "assignments" / "solution"
BANDS = Path(__file__).parents[1] / "toolkit/assignment/curve/bands.json"
Entry = dict[str, Any]
Job = tuple[str, int, str, int]  # recipe, seed, fault, steps
Run = Callable[[Tensor], Tensor]  # a network, perhaps with a fault
SLACK = 1.25  # the factor by which a run may be faster or slower
MARGIN = 1.25  # how far off a new run may be, relative to how far each run is off the others
LEAST = dict.fromkeys(("loss", *GAN_CURVES), 0.2) | {"accuracy": 0.05}
SETTINGS = {
    "palindromes": {"learning_rate": 1e-3, "batch_size": 128, "hidden_dim": 128, "input_dim": 10},
    "gan": {"learning_rate": 2e-4, "batch_size": 64, "latent_dim": 100},
}
SHARE = 0.3  # the fraction of the steps that a curve must have to be judged
NUM_BAND, NUM_SEEDS = 20, 30  # seeds for the bands, and all seeds; the rest are for the test
GANS = ["gan-non-saturating", "gan-saturating"]
EPOCH = 60_000 // 64
EPOCHS = 5
# The numbers of steps after which a healthy run has learnt what it can.
PALINDROMES = {
    "lstm-T5": 400,
    "rnn-T5": 400,
    "lstm-T10": 600,
    "rnn-T10": 600,
    "lstm-T20": 1000,
    "rnn-T20": 1000,
}
STEPS = {**PALINDROMES, **dict.fromkeys(GANS, EPOCHS * EPOCH)}
EVERY = {"palindromes": 25, "gan": 50}
FAULTS = {
    "palindromes": [
        "softmax before the loss",
        "gradients not cleared",
        "learning rate x 10",
        "learning rate / 100",
        "wrong target",
        "labels of other palindromes",
        "h not carried",
        "answer in the input",
        "no optimiser step",
        "not a palindrome",
        "loss of all steps",
        "no non-linearity",
    ],
    "gan": [  # only the first eight are used for the saturating loss
        "clinic: saturation",
        "clinic: collapse",
        "clinic: overpowered",
        "detach missing",
        "G never stepped",
        "D never stepped",
        "G's label swapped",
        "learning rate / 100",
        "D's labels swapped",
        "learning rate x 10",
        "gradients not cleared",
        "sigmoid twice",
        "only real images in D's loss",
        "only drawn images in D's loss",
        "no non-linearity",
    ],
}
FACTORS = {"learning rate x 10": 10, "learning rate / 100": 0.01}  # of the learning rate
# With these faults, a run trains like a healthy one, or so nearly like it that no curve shows the
# fault in the first 30% of the steps.
HIDDEN = {
    "lstm-T5: answer in the input",
    "lstm-T10: answer in the input",
    "lstm-T10: learning rate x 10",
    "lstm-T20: gradients not cleared",
    "gan-non-saturating: detach missing",
}


class Series:
    """A curve as it is stored: for each group of `every` steps, the mean and the last value."""

    def __init__(self, every: int) -> None:
        self.every, self.waiting = every, list[float]()
        self.mean, self.at = list[float](), list[float]()

    def add(self, value: float) -> None:
        self.waiting.append(value)
        if len(self.waiting) == self.every:
            self.mean.append(_short(sum(self.waiting) / self.every))
            self.at.append(_short(value))
            self.waiting.clear()


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def batches_of_indices(
    size: int, count: int, rng: torch.Generator | None = None
) -> Iterator[Tensor]:
    """Yield batches of `size` out of `count` indices without end, in a new order whenever too few
    are left.
    """
    while True:
        order = torch.randperm(count, generator=rng)
        for begin in range(0, count - size + 1, size):
            yield order[begin : begin + size]


# Part I


class Linear(nn.Module):
    """An RNN without tanh."""

    def __init__(self, rnn: nn.Module) -> None:
        super().__init__()
        self.cell, self.readout = rnn.cell, rnn.readout

    def forward(self, digits: Tensor) -> Tensor:
        inputs = self.cell.project(torch.eye(10))
        h = torch.zeros(len(digits), 128)
        for t in range(digits.size(1)):
            h = F.embedding(digits[:, t], inputs) + h @ self.cell.weight_hh.t()
        return self.readout(h)


class LastDigit(nn.Module):
    """A network that forgets all digits but the last, as if h were reset in every step."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, digits: Tensor) -> Tensor:
        return self.network(digits[:, -1:])


@torch.no_grad()
def start(model: nn.Module, seed: int, length: int) -> None:
    """Draw the first weights, depending on the seed, as the solution, Glorot or torch does.

    The LSTM of T = 20 never gets torch's weights: with their b_f of about 0, it learns nothing in
    1,000 steps.
    """
    is_lstm = len(model.cell.bias) == 512
    styles = [uniform_weights, glorot_weights, torchs_weights]
    if length == 20 and is_lstm:
        styles.remove(torchs_weights)
    style = styles[seed % len(styles)]
    for parameter in model.parameters():
        style(parameter)
    if is_lstm and style is not torchs_weights:
        model.cell.bias.chunk(4)[1].fill_(1)


def uniform_weights(parameter: nn.Parameter) -> None:
    """Draw a parameter's values as the solution does."""
    if parameter.dim() == 1:
        parameter.zero_()
    else:
        parameter.uniform_(-(128**-0.5), 128**-0.5)


def glorot_weights(parameter: nn.Parameter) -> None:
    if parameter.dim() == 1:
        parameter.zero_()
        return
    for gate in parameter.split(128):
        nn.init.xavier_uniform_(gate)


def torchs_weights(parameter: nn.Parameter) -> None:
    num_inputs = 128 if parameter.dim() == 1 else parameter.size(1)
    limit = num_inputs**-0.5
    parameter.uniform_(-limit, limit)


def faulty_network(fault: str, model: nn.Module) -> Run:
    """Return a network with the fault, or the model itself if the fault is elsewhere."""
    if fault == "no non-linearity":
        return Linear(model)
    if fault == "h not carried":
        return LastDigit(model)
    if fault == "softmax before the loss":
        return nn.Sequential(model, nn.Softmax(1))
    return model


def batches_of_palindromes(T: int, seed: int, rng: torch.Generator) -> Iterator[Tensor]:
    """Yield batches of 128 palindromes without end; for half of the seeds, they are drawn from a
    pool.
    """
    if seed // 3 % 2 == 0:
        pool = palindromes(10_000, T, split="train", rng=rng)
        for indices in batches_of_indices(128, len(pool), rng):
            yield pool[indices]
    else:
        while True:
            yield palindromes(128, T, split="train", rng=rng)


def faulty_pairs(fault: str, batch: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the digits and the labels of a batch, with the fault if it concerns them."""
    digits, labels = split_last(batch)
    if fault == "wrong target":
        labels = digits[:, -1]
    elif fault == "labels of other palindromes":
        labels = labels[torch.randperm(len(labels), generator=rng)]
    elif fault == "answer in the input":
        digits = batch
    return digits, labels


def loss_of_palindromes(fault: str, run: Run, batch: Tensor, rng: torch.Generator) -> Tensor:
    """Return the loss on a batch, with the fault if it is in the data or in the loss."""
    if fault == "not a palindrome":
        batch = torch.randint(0, 10, batch.shape, generator=rng)
    if fault == "loss of all steps":
        losses = []
        for t in range(1, batch.size(1)):
            losses.append(F.cross_entropy(run(batch[:, :t]), batch[:, t]))
        return torch.stack(losses).mean()
    digits, labels = faulty_pairs(fault, batch, rng)
    return F.cross_entropy(run(digits), labels)


@torch.no_grad()
def accuracy(run: Run, batch: Tensor) -> float:
    digits, labels = split_last(batch)
    return float((run(digits).argmax(1) == labels).float().mean())


def train_palindromes(recipe: str, seed: int, fault: str, steps: int) -> dict[str, Any]:
    network, _, length = recipe.partition("-T")
    T = int(length)
    torch.manual_seed(seed)
    model = build(Config(model=network, length=T, seed=seed))
    start(model, seed, T)
    run = faulty_network(fault, model)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3 * FACTORS.get(fault, 1))
    rng = make_rng(seed, "curves")
    unseen = held_out(T, "test", 500, rng)
    every = EVERY["palindromes"]
    losses, accuracies = Series(every), list[float]()
    batches = batches_of_palindromes(T, seed, rng)
    for step, batch in enumerate(itertools.islice(batches, steps), start=1):
        loss = loss_of_palindromes(fault, run, batch, rng)
        if fault != "gradients not cleared":
            optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        if fault != "no optimiser step":
            optimizer.step()
        losses.add(loss.item())
        if step % every == 0:
            accuracies.append(accuracy(run, unseen))
    return {"loss": losses.mean, "loss_at": losses.at, "accuracy_at": accuracies}


# Part II


class Affine(torch.autograd.Function):
    """The function x W^T + b, computed by oneDNN, which takes half the time of MKL on an AMD
    processor.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (x, weight), (dy,) = ctx.saved_tensors, gradients
        dx = product(dy, weight.t()) if ctx.needs_input_grad[0] else None
        if not ctx.needs_input_grad[1]:
            return dx, None, None
        return dx, product(dy.t(), x.t()), dy.sum(0)


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


class FastLinear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return Affine.apply(x, self.weight, self.bias)


def solutions_networks(fault: str) -> tuple[nn.Module, nn.Module]:
    """Return the solution's generator and discriminator, with faster linear layers and, for one
    fault, without non-linearities.
    """
    sys.path.insert(0, str(SOLUTION))
    from my_gan import Discriminator, Generator

    networks = Generator(), Discriminator()
    for network in networks:
        layers = list(network.layers)
        if fault == "no non-linearity":
            layers = [layer for layer in layers if not isinstance(layer, nn.LeakyReLU)]
        network.layers = nn.Sequential(*layers)
        for layer in layers:
            if isinstance(layer, nn.Linear):
                layer.__class__ = FastLinear
    return networks


def optimisers(
    generator: nn.Module, discriminator: nn.Module, fault: str
) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Return the optimisers of the generator and of the discriminator."""
    rate = 2e-4 * FACTORS.get(fault, 1)
    rate_g = rate / 100 if fault == "clinic: overpowered" else rate
    adam_d = torch.optim.Adam(discriminator.parameters(), lr=rate, fused=True)
    if fault == "clinic: saturation":
        return torch.optim.SGD(generator.parameters(), lr=rate_g), adam_d
    return torch.optim.Adam(generator.parameters(), rate_g, fused=True), adam_d


def loss_of_discriminator(fault: str, run: Run, real: Tensor, drawn: Tensor) -> Tensor:
    """Return the loss on real and on drawn images, with the fault if it is in this loss."""
    if fault != "detach missing":
        drawn = drawn.detach()
    logits_real, logits_drawn = run(real), run(drawn)
    if fault == "D's labels swapped":
        logits_real, logits_drawn = -logits_real, -logits_drawn
    on_real, on_drawn = F.softplus(-logits_real).mean(), F.softplus(logits_drawn).mean()
    if fault == "only real images in D's loss":
        return on_real
    if fault == "only drawn images in D's loss":
        return on_drawn
    return on_real + on_drawn


def loss_of_generator(fault: str, run: Run, drawn: Tensor, saturating: bool) -> Tensor:
    """Return the loss on drawn images, saturating or not, with the fault if it is in this loss."""
    logits = run(drawn)
    if fault == "G's label swapped":
        logits = -logits
    return -F.softplus(logits).mean() if saturating else F.softplus(-logits).mean()


def discriminator_steps(fault: str, step: int) -> bool:
    """Return True if the discriminator's optimiser takes this step."""
    if fault == "clinic: collapse":
        return step <= 200 or step % 100 == 0
    return fault != "D never stepped"


def generator_steps(fault: str, step: int) -> bool:
    """Return True if the generator's optimiser takes this step."""
    if fault == "clinic: saturation":
        return step > 50
    return fault != "G never stepped"


def train_gan(recipe: str, seed: int, fault: str, steps: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    generator, discriminator = solutions_networks(fault)
    optimizer_g, optimizer_d = optimisers(generator, discriminator, fault)
    run: Run = discriminator
    if fault == "sigmoid twice":
        run = nn.Sequential(discriminator, nn.Sigmoid())
    images = load_mnist().train_images
    losses_d, losses_g = Series(EVERY["gan"]), Series(EVERY["gan"])
    batches = batches_of_indices(64, len(images))
    for step, indices in enumerate(itertools.islice(batches, steps), start=1):
        real = images[indices].float() / 127.5 - 1
        drawn = generator(torch.randn(64, 100))
        loss_d = loss_of_discriminator(fault, run, real, drawn)
        if fault != "gradients not cleared":
            optimizer_d.zero_grad()
            optimizer_g.zero_grad()
        loss_d.backward(retain_graph=fault == "detach missing")
        if discriminator_steps(fault, step):
            optimizer_d.step()
        if seed % 4 == 0 and not fault:
            drawn = generator(torch.randn(64, 100))
        discriminator.requires_grad_(fault == "gradients not cleared")  # else they are not used
        loss_g = loss_of_generator(fault, run, drawn, saturating=recipe == "gan-saturating")
        loss_g.backward()
        discriminator.requires_grad_(True)
        if generator_steps(fault, step):
            optimizer_g.step()
        losses_d.add(loss_d.item())
        losses_g.add(loss_g.item())
    return {
        "loss_discriminator": losses_d.mean,
        "loss_discriminator_at": losses_d.at,
        "loss_generator": losses_g.mean,
        "loss_generator_at": losses_g.at,
    }


def kind(recipe: str) -> str:
    return "gan" if recipe.startswith("gan") else "palindromes"


def jobs() -> Iterator[Job]:
    """Yield the recipe, seed, fault and steps of each training run; the most useful runs come
    first.
    """
    short = ["lstm-T5", "rnn-T5", "lstm-T10", "rnn-T10"]
    long = ["lstm-T20", "rnn-T20"]
    new = range(NUM_BAND, NUM_SEEDS)
    yield from healthy(short, range(NUM_SEEDS))
    yield from faulty([*short, "lstm-T20", *GANS])
    for k in range(NUM_BAND):
        yield from healthy(GANS, [k])
        if k > 6:
            yield from healthy(GANS, new[k - 7 : k - 6])
        if k < 8:
            yield from healthy(long, [k])
        else:
            yield from healthy(long, new[k // 2 - 4 : k // 2 - 3])
    yield from healthy(long, range(NUM_SEEDS))


def healthy(recipes: Iterable[str], seeds: Iterable[int]) -> Iterator[Job]:
    for seed in seeds:
        for recipe in recipes:
            yield recipe, seed, "", STEPS[recipe]


def faulty(recipes: Iterable[str]) -> Iterator[Job]:
    """Yield a training run with each fault, as long as a curve must be to be judged."""
    for recipe in recipes:
        every = EVERY[kind(recipe)]
        faults = FAULTS[kind(recipe)]
        if recipe == "gan-saturating":
            faults = faults[:8]
        for fault in faults:
            if recipe.startswith("lstm") and fault == "no non-linearity":
                continue
            yield recipe, 100, fault, every * math.ceil(SHARE * STEPS[recipe] / every)


def read_log() -> list[Entry]:
    """Return the newest log entry of each training run."""
    entries = {}
    lines = LOG.read_text().splitlines() if LOG.exists() else []
    for entry in map(json.loads, lines):
        entries[entry["recipe"], entry["seed"], entry["fault"]] = entry
    return list(entries.values())


def num_steps(entry: Entry) -> int:
    """Return the number of steps of a logged training run."""
    any_curve = "loss_discriminator" if kind(entry["recipe"]) == "gan" else "loss"
    return entry["every"] * len(entry[any_curve])


# The bands


def curve(entry: Entry, name: str, single: bool = False, steps: float = math.inf) -> Curve:
    """Return a logged curve up to a step: the means of the bins, or the single values at their
    ends.
    """
    values = entry[f"{name}_at"] if single or name == "accuracy" else entry[name]
    points = []
    for n, value in enumerate(values, start=1):
        step = entry["every"] * n
        if step <= steps:
            points.append((step, value))
    return points


def envelope(name: str, runs: list[Entry], num_bins: int) -> Band:
    """Return the lowest, median and highest value of some runs in each bin.

    The values include both the means and the single values of the bins. A run may be up to a
    quarter faster or slower than the others, so the lowest and highest values of a bin also cover
    its neighbours.
    """
    at: list[list[float]] = [[] for _ in range(num_bins)]
    keys = [f"{name}_at"] if name == "accuracy" else [name, f"{name}_at"]
    for entry, key in itertools.product(runs, keys):
        for values, value in zip(at, entry[key], strict=False):
            values.append(value)
    low, middle, high = [], [], []
    for n, values in enumerate(at):
        neighbours = at[int(n / SLACK) : math.ceil((n + 1) * SLACK)]
        near = sorted(itertools.chain(*neighbours), key=partial(scale, name))
        low.append(near[0])
        middle.append(sorted(values)[len(values) // 2])
        high.append(near[-1])
    return Band(low, middle, high)


def widened(name: str, band: Band, margin: float) -> Band:
    """Return a band that is wider by `margin` on both sides, measured on the `scale`."""

    def moved(value: float, distance: float) -> float:
        if name == "accuracy":
            return _short(min(1.0, max(0.0, value + distance)))
        if name == "loss":
            return _short(WORST / (1 + math.exp(-scale(name, value) - distance)))
        return _short(value * math.exp(distance))

    return Band(
        low=[moved(value, -margin) for value in band.low],
        middle=list(map(_short, band.middle)),
        high=[moved(value, margin) for value in band.high],
    )


def fit(recipe: str, runs: list[Entry]) -> Recipe:
    """Return a recipe with its bands; a band is the envelope of the runs, plus a margin that is
    found by leaving out each run in turn.
    """
    every, settings = EVERY[kind(recipe)], SETTINGS[kind(recipe)]
    num_bins = STEPS[recipe] // every
    least = math.ceil(SHARE * num_bins)
    bands, means = {}, {}
    for name in ("loss", "accuracy") if kind(recipe) == "palindromes" else GAN_CURVES:
        margin = margin_of(name, runs, num_bins)
        bands[name] = widened(name, envelope(name, runs, num_bins), margin)
        means[name] = limits_of_mean(name, runs, least)
    steps = [every * n for n in range(1, num_bins + 1)]
    return Recipe(
        runs=len(runs),
        every=every,
        least=steps[least - 1],
        steps=steps,
        settings=settings,
        bands=bands,
        means=means,
    )


def margin_of(name: str, runs: list[Entry], num_bins: int) -> float:
    """Return a margin with which all runs but one are well inside the envelope of the others."""
    largest = []
    for left_out in runs:
        others_band = envelope(name, [run for run in runs if run is not left_out], num_bins)
        distances = []
        for single in (False, True):
            values = [value for _, value in curve(left_out, name, single)[:num_bins]]
            for _, distance in deviations(name, dict(enumerate(values)), others_band):
                distances.append(abs(distance))
        largest.append(max(distances))
    return max(LEAST[name], MARGIN * sorted(largest)[-2])


def limits_of_mean(name: str, runs: list[Entry], least: int) -> tuple[float, float]:
    """Return the limits of a curve's mean over its first `least` bins.

    A limit is replaced by 0 if its sign differs from the sign of the means.
    """
    means = []
    for run, single in itertools.product(runs, (False, True)):
        values = [value for _, value in curve(run, name, single)[:least]]
        means += [fmean(values[0::2]), fmean(values[1::2])]
    room = max(LEAST[name], (max(means) - min(means)) / 2)
    low, high = _short(min(means) - room), _short(max(means) + room)
    if low * means[0] <= 0:
        low = 0.0
    if high * means[0] <= 0:
        high = 0.0
    return low, high


def verdicts(entry: Entry, recipe: Recipe, steps: float) -> list[Diagnosis]:
    """Return the verdicts on the curve with all steps, and on the one with a single value for each
    bin.
    """
    judged = []
    for single in (False, True):
        curves = {name: curve(entry, name, single, steps) for name in recipe.bands}
        judged.append(judge(curves, recipe))
    return judged


def bands(log: list[Entry]) -> dict[str, Recipe]:
    """Return the bands of each recipe that has at least three complete healthy runs."""
    runs: dict[str, list[Entry]] = {name: [] for name in STEPS}
    for entry in log:
        is_whole = num_steps(entry) > STEPS[entry["recipe"]] - entry["every"]
        if is_whole and not entry["fault"] and entry["seed"] < NUM_BAND:
            runs[entry["recipe"]].append(entry)
    return {name: fit(name, entries) for name, entries in runs.items() if len(entries) > 2}


class Report:
    """The verdicts on runs that were not used to make the bands, collected and printed.

    A run counts as inside only if both of its curves are inside, and as outside only if both are
    outside.
    """

    def __init__(self) -> None:
        self.inside: list[bool] = []  # for each new seed, True if it is inside
        self.outside: dict[str, bool] = {}  # fault -> True if it is outside
        self.details: list[str] = []

    def add(self, name: str, recipe: Recipe, entries: list[Entry]) -> None:
        """Judge the runs of a recipe, and print its row of the table."""
        num_seeds, num_faults = len(self.inside), len(self.outside)
        for entry in entries:
            self._judge(name, recipe, entry)
        inside = self.inside[num_seeds:]
        outside = list(self.outside.values())[num_faults:]
        print(
            f"| {name} | {recipe.runs} | {recipe.steps[-1]:,} | {sum(inside)} of {len(inside)} "
            f"| {sum(outside)} of {len(outside)} |"
        )

    def _judge(self, name: str, recipe: Recipe, entry: Entry) -> None:
        fault = entry["fault"]
        judged = verdicts(entry, recipe, recipe.least if fault else math.inf)
        departures = []
        for verdict in judged:
            if verdict.cause:
                departures.append(f"{verdict.cause}, {verdict.curve} at {verdict.leaves:g}")
        if fault:
            self.outside[f"{name}: {fault}"] = len(departures) == len(judged)
        else:
            self.inside.append(not departures)
        if fault or departures:
            run = fault or f"seed {entry['seed']}"
            self.details.append(f"{name}, {run}: {'; '.join(departures) or 'inside'}")


def report(log: list[Entry], recipes: dict[str, Recipe]) -> tuple[float, list[str]]:
    """Print the verdicts on runs that were not used to make the bands.

    Returns:
        the fraction of new seeds that are inside, and the faults that are not outside.
    """
    print("| recipe | runs of the band | steps | new seeds inside | faults outside at 30% |")
    print("|---|---|---|---|---|")
    runs = Report()
    for name, recipe in recipes.items():
        entries = [e for e in log if e["recipe"] == name and e["seed"] >= NUM_BAND]
        runs.add(name, recipe, entries)
    inside, outside = runs.inside, runs.outside
    missed = [fault for fault, is_outside in outside.items() if not is_outside]
    print(f"\nNew seeds inside: {sum(inside)} of {len(inside)}.")
    print(f"Faults outside: {sum(outside.values())} of {len(outside)}; not: {'; '.join(missed)}.\n")
    print(*runs.details, sep="\n")
    return sum(inside) / max(len(inside), 1), missed


def write_bands() -> None:
    """Make the bands from the log, and print the verdicts on the other runs."""
    log = read_log()
    recipes = bands(log)
    listed = {name: recipe.model_dump() for name, recipe in recipes.items()}
    BANDS.write_text(json.dumps(listed, separators=(",", ":")).replace("},", "},\n") + "\n")
    report(log, recipes)


def train_all() -> None:
    """Train the runs that the log lacks or has with too few steps, and add them to the log."""
    torch.set_num_threads(1)
    done = {}
    for entry in read_log():
        done[entry["recipe"], entry["seed"], entry["fault"]] = num_steps(entry)
    for recipe, seed, fault, steps in jobs():
        every = EVERY[kind(recipe)]
        if done.get((recipe, seed, fault), -every) > steps - every:
            continue
        clock = time.process_time()
        train = train_gan if kind(recipe) == "gan" else train_palindromes
        entry = {"recipe": recipe, "seed": seed, "fault": fault, "every": every}
        entry |= train(recipe, seed, fault, steps)
        entry["seconds"] = round(time.process_time() - clock, 1)
        with LOG.open("a") as log:  # a single write, so no line is ever incomplete
            log.write(json.dumps(entry) + "\n")
        done[recipe, seed, fault] = steps
        print(recipe, seed, fault, entry["seconds"], flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fit", action="store_true", help="make the bands, and print the table")
    if parser.parse_args().fit:
        write_bands()
    else:
        train_all()


if __name__ == "__main__":
    main()
