"""The command `score`: the scorecard of any generator file."""

import json
from dataclasses import asdict

import torch

from toolkit.common import figures
from toolkit.common.device import make_rng, seeded
from toolkit.common.files import atomic_write, make_directory
from toolkit.export.generator import Generator
from toolkit.gan.data import load_mnist
from toolkit.gan.evaluation import sample_images
from toolkit.gan.latent import sample_latents
from toolkit.gan.neighbours import NUM_NEIGHBOURS
from toolkit.gan.scorecard import NUM_COMPARED, Scorecard, by_class, score, score_real
from toolkit.train.classifier import load_evaluator
from toolkit.train.workspace import Workspace

PER_CLASS = 10  # images of each digit in the picture


def score_generator(generator: Generator, workspace: Workspace, seed: int) -> None:
    """Draw 10,000 images, measure them beside real ones, print it, and write it down.

    `scorecard.json` and `samples.png` go to `<runs_dir>/<name>/`; the same seed gives the same
    bytes.
    """
    mnist = load_mnist(workspace.data_dir)
    evaluator = load_evaluator(workspace, mnist)
    with seeded(seed, "sampling"):  # a student's file may hold a dropout layer
        images = sample_images(generator, seed)
        steady = is_steady(generator)
    features, digits = evaluator.features_and_digits(images)
    samples = score(features, digits, images[:NUM_COMPARED], evaluator, mnist)
    real = score_real(evaluator, mnist)
    picture, found = by_class(images, digits, PER_CLASS)

    directory = workspace.runs_dir / generator.name
    make_directory(directory)
    card = {
        "file": generator.path.name,
        "sha256": generator.sha256,
        "verified": generator.verified,
        "latent_dim": generator.latent_dim,
        "value_range": generator.value_range,
        "seed": seed,
        "num_images": len(images),
        "num_neighbours": NUM_NEIGHBOURS,
        "classifier_sha256": evaluator.sha256,
        "samples": asdict(samples),
        "real": asdict(real),
    }
    atomic_write(directory / "scorecard.json", (json.dumps(card, indent=2) + "\n").encode())
    figures.save_png(directory / "samples.png", figures.sheet(picture, columns=PER_CLASS, scale=2))

    print(generator.origin)
    print(f"Its images are taken to lie in {generator.value_range.replace(',', '..')}.")
    if not steady:
        print(
            "Note: what it draws depends on chance or on the rest of the batch. Is a dropout or "
            "batch-norm layer in training mode? Call eval() before scripting."
        )
    print(to_markdown(samples, real, evaluator.sha256))
    for digit, count in enumerate(found):
        if count < PER_CLASS:
            print(f"The picture has blanks: {count} of {len(images):,} samples are a {digit}.")
    print(f"  {directory}/: scorecard.json, samples.png")


@torch.no_grad()
def is_steady(generator: Generator) -> bool:
    """Does a latent point give the same image whatever else is in the batch?"""
    z = sample_latents(20, generator.latent_dim, make_rng(0, "steady"))
    return torch.allclose(generator(z)[:10], generator(z[:10]), atol=1e-3)


def to_markdown(samples: Scorecard, real: Scorecard, classifier_sha256: str) -> str:
    """The scorecard as a table, and how to read it."""
    shares = " ".join(f"{share:.1%}" for share in samples.class_shares)
    rows = {
        "Frechet distance": (samples.frechet_distance, real.frechet_distance),
        "precision": (samples.precision, real.precision),
        "recall": (samples.recall, real.recall),
        "density": (samples.density, real.density),
        "coverage": (samples.coverage, real.coverage),
        "median distance to the nearest training image": (
            samples.training_distance,
            real.training_distance,
        ),
        "share nearer to it than other training images are": (
            samples.share_nearer,
            real.share_nearer,
        ),
    }
    lines = [f"| classifier {classifier_sha256[:12]} | samples | real images |", "|---|---|---|"]
    lines += [f"| {name} | {ours:.3f} | {theirs:.3f} |" for name, (ours, theirs) in rows.items()]
    return "\n".join(
        [
            *lines,
            f"Classes 0 to 9: {shares}.",
            "Real images are 10,000 of the training images, in the last two lines test images; all "
            "are compared with the test images.",
            "A generator that copies has nearly all of its samples nearer to a training image than "
            "any other training image is, and a median distance far below that of test images.",
        ]
    )
