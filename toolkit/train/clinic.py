"""The command `clinic`: each classic failure of a GAN beside a healthy control, and its cure."""

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from toolkit.common import figures
from toolkit.common.device import make_rng
from toolkit.common.files import atomic_write, make_directory
from toolkit.export.generator import Generator
from toolkit.gan import failures
from toolkit.gan.data import MNIST, load_mnist
from toolkit.gan.failures import Case, Diagnostics
from toolkit.gan.latent import sample_latents
from toolkit.gan.measure.evaluation import Evaluator
from toolkit.gan.training import generate
from toolkit.train.classifier import load_evaluator
from toolkit.train.workspace import Workspace

NUM_IMAGES = 1000
COMMON = 0.02  # least fraction of the samples at which a digit counts as generated
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Lesson:
    """A failure of training, its control, and what to learn from them."""

    failure: Case
    control: Case
    control_name: str
    curve: str  # the field of `Diagnostics` that shows the failure
    y_label: str
    log: bool  # logarithmic y axis
    advice: str  # how to recognise the failure, its cause, and its cure


LESSONS = {
    "saturation": Lesson(
        failures.SATURATED,
        failures.SATURATED_CONTROL,
        "the same with the non-saturating loss",
        "gradient",
        "norm of the generator's gradient",
        True,
        "How to recognise it: the samples stay noise, the generator's loss stays at 0, and its "
        "gradient is thousands of times smaller than with the non-saturating loss. Cause: the "
        "generator's term in objective (10), log(1 - D(G(z))), is flat where the discriminator is "
        "confident, and early in training it always is. Cure: minimise -log D(G(z)) instead "
        "(`--loss non-saturating`) or use the hinge loss (the default), and do not train the "
        "discriminator ahead of the generator. Adam, which rescales small gradients, hides the "
        "failure for a while but does not cure it.",
    ),
    "collapse": Lesson(
        failures.COLLAPSED,
        failures.HEALTHY,
        "healthy training",
        "spread",
        "spread of the samples, per pixel",
        False,
        "How to recognise it: whatever z is, the samples look alike and show only a few digits, "
        "and during training they all change together. Cause: from halfway on, the discriminator "
        "here learns only in every 100th step, so the generator need not make digits, only the "
        "one image to which this discriminator gives the highest logit. Cure: update both "
        "networks in every step with similar learning rates, keep the discriminator smooth with "
        "the R1 penalty (`r1_gamma`), and check the class shares besides the distance.",
    ),
    "overpowered": Lesson(
        failures.OVERPOWERED,
        failures.HEALTHY,
        "healthy training",
        "accuracy",
        "accuracy of the discriminator",
        False,
        "How to recognise it: the discriminator classifies all images correctly, its loss is "
        "near 0, the generator's loss climbs to 5 and beyond, and the samples do not improve. "
        "Cause: a discriminator without a penalty that learns much faster than the generator "
        "separates real and generated images perfectly, and then its gradient tells the generator "
        "little about what a digit looks like. Cure: add the R1 penalty (`r1_gamma`), give both "
        "networks the same learning rate, or make the discriminator smaller. Its accuracy should "
        "stay below about 90%.",
    ),
}

BATCH_ADVICE = (
    "How to recognise it: in training mode the image of a given z depends on the rest of the "
    "batch, and now and then it even becomes another digit; with running statistics that were "
    "never updated, all images are wrong in the same way. Cause: batch normalisation uses the "
    "statistics of the batch in training mode and running averages in eval mode. A single image, "
    "a batch of one digit, or averages that were never updated do not have the statistics that "
    "the weights were trained with. Cure: call `eval()` before sampling and before exporting, "
    "train in training mode so that the averages are updated, and save them with the weights "
    "(`state_dict()` contains them, `parameters()` does not)."
)


def hold_clinic(names: list[str], workspace: Workspace) -> None:
    """Reproduce the failures called `names`, and write each to `<runs_dir>/<name>/`.

    `samples.png` and `curves.png` show the failure and its control, `measured.json` has the
    metrics, and `lesson.md` says how to recognise the failure, its cause and its cure.
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
        atomic_write(directory / "lesson.md", f"# {name}\n\n{text}\n".encode())
        print(f"\n{name}\n{text}\n  {directory}/: samples.png, curves.png, lesson.md")


@dataclass(frozen=True)
class Outcome:
    """The outcome of a training."""

    log: list[Diagnostics]
    images: Tensor  # float32 (25, 1, 28, 28), samples after the last step
    metrics: dict[str, float]  # means over the last quarter of the log, and `num_classes`


def train_case(name: str, case: Case, mnist: MNIST, evaluator: Evaluator) -> Outcome:
    """Train, and measure 1,000 samples."""
    networks, log = failures.train(name, case, mnist, evaluator.device)
    z = sample_latents(NUM_IMAGES, case.config.latent_dim, make_rng(0, "evaluation"))
    images = generate(networks.average, z)
    shares = evaluator.measure(images).class_shares
    late = log[-len(log) // 4 :]
    metrics = {
        key: mean(getattr(diagnostics, key) for diagnostics in late)
        for key in ("loss_d", "loss_g", "accuracy", "gradient", "spread")
    }
    metrics["num_classes"] = sum(share >= COMMON for share in shares)
    return Outcome(log, images[:25], metrics)


def training_failure(
    name: str,
    directory: Path,
    finished: dict[Case, Outcome],
    mnist: MNIST,
    evaluator: Evaluator,
) -> str:
    """Train one failure and its control, and plot both.

    Args:
        finished: outcomes that are reused, and to which new ones are added.

    Returns:
        the lesson as Markdown.
    """
    lesson = LESSONS[name]
    for title, case in ((name, lesson.failure), (lesson.control_name, lesson.control)):
        if case not in finished:
            finished[case] = train_case(title, case, mnist, evaluator)
    failure, control = finished[lesson.failure], finished[lesson.control]
    both = {name: failure, lesson.control_name: control}
    write_evidence(
        directory,
        {title: outcome.images for title, outcome in both.items()},
        {
            title: (
                [diagnostics.step for diagnostics in outcome.log],
                [getattr(diagnostics, lesson.curve) for diagnostics in outcome.log],
            )
            for title, outcome in both.items()
        },
        {"failure": failure.metrics, "control": control.metrics},
        title=f"{name.capitalize()} and its control",
        x_label="training steps",
        y_label=lesson.y_label,
        log=lesson.log,
    )
    lines = ["| last quarter of training | failure | control |", "|---|---|---|"]
    lines += [
        f"| {key} | {value:.4g} | {control.metrics[key]:.4g} |"
        for key, value in failure.metrics.items()
    ]
    return "\n".join([*lines, "", f"Control: {lesson.control_name}. {lesson.advice}"])


def batch_statistics(directory: Path, workspace: Workspace, evaluator: Evaluator) -> str:
    """Sample the exported generator correctly, and with wrong batch statistics.

    Returns:
        the lesson as Markdown.
    """
    generator = Generator(workspace.exports_dir / "generator.pt")
    z = sample_latents(NUM_IMAGES, generator.latent_dim, make_rng(0, "evaluation"))
    correct = generate(generator, z)
    digits = evaluator.predict(correct).digits
    order = digits.argsort(stable=True)
    of_one_digit = torch.empty_like(correct)
    of_one_digit[order] = failures.in_training_mode(generator, z[order], 50)
    images = {
        "eval mode (correct)": correct,
        "training mode, one at a time": failures.in_training_mode(generator, z, 1),
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
    by_size = [
        evaluator.measure(failures.in_training_mode(generator, z, size)).frechet_distance
        for size in BATCH_SIZES
    ]
    write_evidence(
        directory,
        images,
        {"training mode": (BATCH_SIZES, by_size)},
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
    lines += [
        f"| {name} | {row['frechet_distance']:.1f} | {row['share_changed']:.1%} |"
        for name, row in metrics.items()
    ]
    return "\n".join([*lines, "", BATCH_ADVICE])


def write_evidence(
    directory: Path,
    images: dict[str, Tensor],
    curves: dict[str, figures.Curve],
    metrics: dict[str, dict[str, float]],
    **plot: Any,
) -> None:
    """The pictures and the metrics that show a failure; `plot` is for `save_curves`."""
    pictures = [(title, figures.sheet(batch[:25])) for title, batch in images.items()]
    figures.save_captioned(directory / "samples.png", pictures, inches=3.2)
    figures.save_curves(directory / "curves.png", curves, **plot)
    atomic_write(directory / "measured.json", (json.dumps(metrics, indent=2) + "\n").encode())
