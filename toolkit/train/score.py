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
    """Measure 10,000 samples of a generator, and compare them with real images.

    Prints the scorecard, and writes `scorecard.json` and `samples.png` to `<runs_dir>/<name>/`. The
    same seed gives the same bytes.
    """
    mnist = load_mnist(workspace.data_dir)
    evaluator = load_evaluator(workspace, mnist)
    with seeded(seed, "sampling"):  # a student's generator may have a dropout layer
        images = sample_images(generator, seed)
        deterministic = is_deterministic(generator)
    features, digits = evaluator.features_and_digits(images)
    samples = score(features, digits, images[:NUM_COMPARED], evaluator, mnist)
    real = score_real(evaluator, mnist)
    picture, counts = by_class(images, digits, PER_CLASS)

    directory = workspace.runs_dir / generator.name
    make_directory(directory)
    scorecard = {
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
    atomic_write(directory / "scorecard.json", (json.dumps(scorecard, indent=2) + "\n").encode())
    figures.save_png(directory / "samples.png", figures.sheet(picture, columns=PER_CLASS, scale=2))

    print(generator.origin)
    print(f"Its images are assumed to lie in {generator.value_range.replace(',', '..')}.")
    if not deterministic:
        print(
            "Note: the image of a given z depends on chance or on the rest of the batch. Is a "
            "dropout or batch-norm layer in training mode? Call eval() before scripting."
        )
    print(to_markdown(samples, real, evaluator.sha256))
    for digit, count in enumerate(counts):
        if count < PER_CLASS:
            print(f"The picture has blanks: only {count} of {len(images):,} samples are a {digit}.")
    print(f"  {directory}/: scorecard.json, samples.png")


@torch.no_grad()
def is_deterministic(generator: Generator) -> bool:
    """Whether a latent point always gives the same image, whatever else is in the batch."""
    z = sample_latents(20, generator.latent_dim, make_rng(0, "steady"))
    return torch.allclose(generator(z)[:10], generator(z[:10]), atol=1e-3)


def to_markdown(samples: Scorecard, real: Scorecard, classifier_sha256: str) -> str:
    """The scorecard as a Markdown table, with an explanation below it."""
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
        "fraction closer to it than any other training image": (
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
            "The first five rows compare the samples with the test images; the real images there "
            "are 10,000 training images. The last two rows compare with the training images; the "
            "real images there are test images.",
            "If a generator copies training images, its median distance is far below that of the "
            "test images, and the last fraction is close to 1.",
        ]
    )
