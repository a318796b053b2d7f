"""The command `clinic`, which reproduces classic GAN failures, shows healthy results for
comparison, and explains the cures.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from toolkit.common import figures
from toolkit.common.device import make_rng
from toolkit.common.errors import ToolkitError
from toolkit.common.files import atomic_write, make_directory
from toolkit.gan import failures
from toolkit.gan.data import MNIST, load_mnist
from toolkit.gan.failures import Case, Diagnostics
from toolkit.gan.latent import generate, sample_latents
from toolkit.gan.measure.evaluation import Evaluator
from toolkit.train.classifier import load_evaluator
from toolkit.train.generators.generator import Generator
from toolkit.train.workspace import Workspace

NUM_IMAGES = 1000
COMMON = 0.02  # the smallest fraction of the samples for a digit to count as generated
PAGES = Path(__file__).with_name("lessons")  # how to recognise a failure, its cause, and its cure
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Lesson:
    """A training failure, a healthy run as its control, and a curve that shows the failure."""

    failure: Case
    control: Case
    control_name: str
    curve: str  # the field of `Diagnostics` that shows the failure
    y_label: str
    log: bool  # logarithmic y axis


LESSONS = {
    "saturation": Lesson(
        failures.SATURATED,
        failures.SATURATED_CONTROL,
        "the same with the non-saturating loss",
        "gradient",
        "norm of the generator's gradient",
        True,
    ),
    "collapse": Lesson(
        failures.COLLAPSED,
        failures.HEALTHY,
        "healthy training",
        "spread",
        "spread of the samples, per pixel",
        False,
    ),
    "overpowered": Lesson(
        failures.OVERPOWERED,
        failures.HEALTHY,
        "healthy training",
        "accuracy",
        "accuracy of the discriminator",
        False,
    ),
}


def hold_clinic(names: list[str], workspace: Workspace) -> None:
    """Reproduce the failures listed in `names`, and write the results to `<runs_dir>/<name>/`.

    `samples.png` and `curves.png` compare the failure with a healthy result, and `measured.json`
    contains the metrics. `lesson.md` explains how to recognise the failure, what causes it and how
    to cure it.
    """
    mnist = load_mnist(workspace.data_dir)
    evaluator = load_evaluator(workspace, mnist)
    finished: dict[Case, Outcome] = {}
    for name in names:
        directory = workspace.runs_dir / name
        make_directory(directory)
        if name == "batch-statistics":
            text = batch_statistics(directory, workspace, evaluator)
        else:
            text = training_failure(name, directory, finished, mnist, evaluator)
        text += "\n\n" + (PAGES / f"{name}.md").read_text(encoding="utf-8").rstrip()
        atomic_write(directory / "lesson.md", f"# {name}\n\n{text}\n".encode())
        print(f"\n{name}\n{text}\n  {directory}/: samples.png, curves.png, lesson.md")


@dataclass(frozen=True)
class Outcome:
    """The log, the samples and the metrics of a training run."""

    log: list[Diagnostics]
    images: Tensor  # float32 (25, 1, 28, 28), samples after the last step
    metrics: dict[str, float]  # means over the last quarter of the log, and `num_classes`


def train_case(name: str, case: Case, mnist: MNIST, evaluator: Evaluator) -> Outcome:
    """Train a GAN with the settings in `case`, and measure 1,000 of its samples."""
    networks, log = failures.train(name, case, mnist, evaluator.device)
    z = sample_latents(NUM_IMAGES, case.config.latent_dim, make_rng(0, "evaluation"))
    images = generate(networks.average, z)
    shares = evaluator.measure(images).class_shares
    late = log[-len(log) // 4 :]
    metrics = {}
    for key in ("loss_d", "loss_g", "accuracy", "gradient", "spread"):
        metrics[key] = mean(getattr(diagnostics, key) for diagnostics in late)
    metrics["num_classes"] = sum(share >= COMMON for share in shares)
    return Outcome(log, images[:25], metrics)


def training_failure(
    name: str,
    directory: Path,
    finished: dict[Case, Outcome],
    mnist: MNIST,
    evaluator: Evaluator,
) -> str:
    """Train a failing GAN and its healthy control, and plot the results side by side.

    Args:
        finished: the outcomes of earlier training runs, which are reused if the settings are the
            same; new outcomes are added to this dictionary.

    Returns:
        a Markdown table of the measurements.
    """
    lesson = LESSONS[name]
    images = {}
    curves: dict[str, figures.Curve] = {}
    for title, case in ((name, lesson.failure), (lesson.control_name, lesson.control)):
        if case not in finished:
            finished[case] = train_case(title, case, mnist, evaluator)
        images[title] = finished[case].images
        log = finished[case].log
        curves[title] = (
            [diagnostics.step for diagnostics in log],
            [getattr(diagnostics, lesson.curve) for diagnostics in log],
        )
    failure = finished[lesson.failure].metrics
    control = finished[lesson.control].metrics
    write_evidence(
        directory,
        images,
        curves,
        {"failure": failure, "control": control},
        title=f"{name.capitalize()} and its control",
        x_label="training steps",
        y_label=lesson.y_label,
        log=lesson.log,
    )
    lines = ["| last quarter of training | failure | control |", "|---|---|---|"]
    for key, value in failure.items():
        lines.append(f"| {key} | {value:.4g} | {control[key]:.4g} |")
    return "\n".join([*lines, "", f"Control: {lesson.control_name}."])


def smallest_batch(generator: Generator, z: Tensor) -> tuple[int, str]:
    """Find the smallest batch size with which the generator can draw images in training mode.

    In training mode, batch normalisation needs the variance of each feature over the batch. In an
    MLP, a batch of one sample has only one value per feature, and thus no variance.

    Returns:
        the batch size, 1 or 2, and a sentence that says why a batch of one image is too small, or
        "" if the size is 1.
    """
    try:
        failures.in_training_mode(generator, z[:1], 1)
    except ToolkitError as error:
        return 2, f"In training mode it cannot draw a single image: {error}"
    return 1, ""


def batch_statistics(directory: Path, workspace: Workspace, evaluator: Evaluator) -> str:
    """Sample from the exported generator with its trained batch-norm statistics and, for
    comparison, with the statistics of the batch and with untrained statistics.

    Returns:
        a Markdown table of the measurements.
    """
    generator = Generator(workspace.generator)
    z = sample_latents(NUM_IMAGES, generator.latent_dim, make_rng(0, "evaluation"))
    correct = generate(generator, z)
    smallest, why_not_one = smallest_batch(generator, z)
    in_words = {1: "one", 2: "two"}[smallest]
    digits = evaluator.predict(correct).digits
    order = digits.argsort(stable=True)
    of_one_digit = torch.empty_like(correct)
    of_one_digit[order] = failures.in_training_mode(generator, z[order], 50)
    images = {
        "eval mode (correct)": correct,
        f"training mode, {in_words} at a time": failures.in_training_mode(generator, z, smallest),
        "training mode, 50 of one digit": of_one_digit,
        "eval mode, never updated": failures.without_statistics(generator, z),
    }
    metrics = {}
    for name, batch in images.items():
        predictions = evaluator.predict(batch)
        metrics[name] = {
            "frechet_distance": evaluator.scores(predictions).frechet_distance,
            "share_changed": float((predictions.digits != digits).double().mean()),
        }
    sizes = [size for size in BATCH_SIZES if size >= smallest]
    distances = []
    for size in sizes:
        batch = failures.in_training_mode(generator, z, size)
        distances.append(evaluator.measure(batch).frechet_distance)
    write_evidence(
        directory,
        images,
        {"training mode": (sizes, distances)},
        metrics,
        title="Batch statistics at sampling time",
        x_label="images in a batch",
        y_label=f"Frechet distance of {NUM_IMAGES:,} samples, one draw",
        level=("eval mode", metrics["eval mode (correct)"]["frechet_distance"]),
        log_x=True,
    )
    lines = [
        f"| sampled in | Frechet distance of one draw of {NUM_IMAGES:,} | classified as another |",
        "|---|---|---|",
    ]
    for name, row in metrics.items():
        lines.append(f"| {name} | {row['frechet_distance']:.1f} | {row['share_changed']:.1%} |")
    if why_not_one:
        lines += ["", why_not_one]
    return "\n".join(lines)


def write_evidence(
    directory: Path,
    images: dict[str, Tensor],
    curves: dict[str, figures.Curve],
    metrics: dict[str, dict[str, float]],
    **plot: Any,
) -> None:
    """Write to `directory` the sample images, the curves and the metrics that show how a GAN fails.

    Args:
        plot: further keyword arguments for `save_curves`.
    """
    pictures = [(title, figures.sheet(batch[:25])) for title, batch in images.items()]
    figures.save_captioned(directory / "samples.png", pictures, inches=3.2)
    figures.save_curves(directory / "curves.png", curves, **plot)
    atomic_write(directory / "measured.json", (json.dumps(metrics, indent=2) + "\n").encode())
