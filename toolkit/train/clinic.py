"""The failure clinic: each failure beside a healthy control, as pictures, curves and advice."""

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

from toolkit.common import figures
from toolkit.common.device import make_rng
from toolkit.common.files import atomic_write, make_directory
from toolkit.export.generator import Generator
from toolkit.gan import failures
from toolkit.gan.data import MNIST, load_mnist
from toolkit.gan.evaluation import Evaluator
from toolkit.gan.failures import Case, Watched, rehearse
from toolkit.gan.latent import sample_latents
from toolkit.gan.training import generate
from toolkit.train.classifier import load_evaluator
from toolkit.train.workspace import Workspace

NUM_IMAGES = 1000
COMMON = 0.02  # a digit counts as drawn from this share of the samples on
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Lesson:
    """A failure of training."""

    ill: Case
    control: Case
    control_name: str
    curve: str  # what of `Watched` shows it
    y_label: str
    log: bool  # logarithmic y axis
    advice: str  # three sentences: how to recognise it, why, and how to cure it


LESSONS = {
    "saturation": Lesson(
        failures.SATURATED,
        failures.SAME_WITH_OTHER_LOSS,
        "the non-saturating loss instead",
        "gradient",
        "norm of the generator's gradient",
        True,
        "The samples stay the noise that they were, the generator's loss sticks at 0 and its "
        "gradient is thousands of times smaller than that of the non-saturating loss. Objective "
        "(10) to the letter, log(1 - D(G(z))), is flat where the discriminator is sure of itself, "
        "and early in training it always is. Minimise -log D(G(z)) instead (`--loss "
        "non-saturating`) or play the hinge game (the default), and do not let the discriminator "
        "run ahead; Adam, which rescales small gradients, hides the failure for a while and does "
        "not cure it.",
    ),
    "collapse": Lesson(
        failures.COLLAPSED,
        failures.HEALTHY,
        "healthy",
        "spread",
        "spread of the samples, per pixel",
        False,
        "Whatever z is, the samples look alike, few digits are drawn, and from one look to the "
        "next all of them change together. Halfway, the discriminator here begins to rest for 100 "
        "steps after each in which it learns, and the generator then needs no digits, only the one "
        "picture that this discriminator likes best. Let both take a step each at like rates, keep "
        "the discriminator smooth with R1 (`r1_gamma`), and look at class shares besides the "
        "distance.",
    ),
    "overpowered": Lesson(
        failures.OVERPOWERED,
        failures.HEALTHY,
        "healthy",
        "accuracy",
        "share that the discriminator tells",
        False,
        "The discriminator tells all images, its loss is near 0, the generator's climbs to 5 and "
        "beyond, and the samples do not improve. A discriminator without a penalty that learns "
        "much faster than the generator separates real from drawn perfectly, and then its "
        "gradient says where its own boundary is instead of what a digit looks like. Add the R1 "
        "penalty (`r1_gamma`), give both the same learning rate, or give the discriminator less "
        "capacity; its accuracy should stay below 90% or so.",
    ),
}

BATCH_ADVICE = (
    "In training mode the same z gives another image in another batch, now and then another digit; "
    "with running statistics that were never updated all images are off in the same way. Batch "
    "normalisation divides by the statistics of the batch in training mode and by running averages "
    "in eval mode, and a single image, a batch of one digit, or averages of nothing, are not the "
    "statistics that the weights have learnt with. Call `eval()` before sampling and before "
    "exporting, train in training mode so that the averages are kept, and save them with the "
    "weights (`state_dict` has them, `parameters` has not)."
)


def hold_clinic(names: list[str], workspace: Workspace) -> None:
    """Reproduce the failures, and write each to `<runs_dir>/<name>/`.

    `samples.png`, `curves.png`, the figures as `measured.json`, and all in words as `lesson.md`.
    """
    mnist = load_mnist(workspace.data_dir)
    evaluator = load_evaluator(workspace, mnist)
    trained: dict[Case, Trained] = {}
    for name in names:
        directory = workspace.runs_dir / name
        make_directory(directory)
        if name == "batch-statistics":
            text = batch_statistics(directory, workspace, evaluator)
        else:
            text = lesson(name, directory, trained, mnist, evaluator)
        atomic_write(directory / "lesson.md", f"# {name}\n\n{text}\n".encode())
        print(f"\n{name}\n{text}\n  {directory}/: samples.png, curves.png, lesson.md")


@dataclass(frozen=True)
class Trained:
    """What came of a case."""

    seen: list[Watched]
    images: Tensor  # float32 (25, 1, 28, 28)
    measured: dict[str, float]  # means over the last quarter, and the digits drawn in the end


def train_case(name: str, case: Case, mnist: MNIST, evaluator: Evaluator) -> Trained:
    """Train, look, and measure."""
    networks, seen = rehearse(name, case, mnist, evaluator.device)
    z = sample_latents(NUM_IMAGES, case.config.latent_dim, make_rng(0, "evaluation"))
    images = generate(networks.average, z)
    shares = evaluator.measure(images).class_shares
    late = seen[-len(seen) // 4 :]
    measured = {
        key: mean(getattr(watched, key) for watched in late)
        for key in ("loss_d", "loss_g", "accuracy", "gradient", "spread")
    }
    measured["num_classes"] = sum(share >= COMMON for share in shares)
    return Trained(seen, images[:25], measured)


def lesson(
    name: str,
    directory: Path,
    trained: dict[Case, Trained],
    mnist: MNIST,
    evaluator: Evaluator,
) -> str:
    """One failure of training beside its control; `trained` keeps what others can use again."""
    this = LESSONS[name]
    for title, case in ((name, this.ill), (this.control_name, this.control)):
        if case not in trained:
            trained[case] = train_case(title, case, mnist, evaluator)
    both = {name: trained[this.ill], this.control_name: trained[this.control]}
    figures.save_captioned(
        directory / "samples.png",
        [(title, figures.sheet(one.images)) for title, one in both.items()],
        inches=3.2,
    )
    figures.save_curves(
        directory / "curves.png",
        {
            title: ([w.step for w in one.seen], [getattr(w, this.curve) for w in one.seen])
            for title, one in both.items()
        },
        title=f"{name.capitalize()}, and the control",
        x_label="training steps",
        y_label=this.y_label,
        log=this.log,
    )
    ill, control = (one.measured for one in both.values())
    save_measured(directory, {"ill": ill, "control": control})
    lines = ["| late in the training | failure | control |", "|---|---|---|"]
    lines += [f"| {key} | {ill[key]:.4g} | {control[key]:.4g} |" for key in ill]
    return "\n".join([*lines, "", f"Control: {this.control_name}. {this.advice}"])


def batch_statistics(directory: Path, workspace: Workspace, evaluator: Evaluator) -> str:
    """The exported generator, sampled rightly and with batch normalisation gone wrong."""
    generator = Generator(workspace.exports_dir / "generator.pt")
    z = sample_latents(NUM_IMAGES, generator.latent_dim, make_rng(0, "evaluation"))
    right = generate(generator, z)
    digits = evaluator.features_and_digits(right)[1]
    order = digits.argsort(stable=True)
    of_one_digit = torch.empty_like(right)
    of_one_digit[order] = failures.in_training_mode(generator, z[order], 50)
    images = {
        "eval mode, as it should be": right,
        "training mode, one at a time": failures.in_training_mode(generator, z, 1),
        "training mode, 50 of one digit": of_one_digit,
        "eval mode, never updated": failures.without_statistics(generator, z),
    }
    measured = {}
    for name, batch in images.items():
        features, seen = evaluator.features_and_digits(batch)
        measured[name] = {
            "frechet_distance": evaluator.scores(features, seen).frechet_distance,
            "share_changed": float((seen != digits).double().mean()),
        }
    by_size = [
        evaluator.measure(failures.in_training_mode(generator, z, size)).frechet_distance
        for size in BATCH_SIZES
    ]
    figures.save_captioned(
        directory / "samples.png",
        [(name, figures.sheet(batch[:25])) for name, batch in images.items()],
        inches=3.2,
    )
    figures.save_curves(
        directory / "curves.png",
        {"training mode": (BATCH_SIZES, by_size)},
        title="Batch statistics at sampling time",
        x_label="images in a batch",
        y_label=f"Frechet distance of {NUM_IMAGES:,} samples",
        level=("eval mode", measured["eval mode, as it should be"]["frechet_distance"]),
        log_x=True,
    )
    save_measured(directory, measured)
    lines = [
        f"| sampled | Frechet distance of {NUM_IMAGES:,} | seen as another digit |",
        "|---|---|---|",
    ]
    lines += [
        f"| {name} | {row['frechet_distance']:.1f} | {row['share_changed']:.1%} |"
        for name, row in measured.items()
    ]
    return "\n".join([*lines, "", BATCH_ADVICE])


def save_measured(directory: Path, measured: dict[str, dict[str, float]]) -> None:
    """Write the figures by which a failure is told."""
    atomic_write(directory / "measured.json", (json.dumps(measured, indent=2) + "\n").encode())
