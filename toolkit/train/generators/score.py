"""The command `score`, which measures the samples of any generator file and summarises the metrics
in a scorecard.
"""

import json
from dataclasses import asdict

import torch

from toolkit.common import figures
from toolkit.common.device import make_rng, seeded
from toolkit.common.files import atomic_write, make_directory
from toolkit.common.record import Spread
from toolkit.gan.data import load_mnist
from toolkit.gan.latent import sample_latents
from toolkit.gan.measure.evaluation import Evaluator, sample_draws
from toolkit.gan.measure.neighbours import NUM_NEIGHBOURS
from toolkit.gan.measure.scorecard import NUM_COMPARED, Scorecard, Scorer, by_class, in_words
from toolkit.train.classifier import load_evaluator
from toolkit.train.generators.generator import Generator
from toolkit.train.workspace import Workspace

PER_CLASS = 10  # images of each digit in the picture


def score_generator(generator: Generator, workspace: Workspace, seed: int) -> None:
    """Compare several draws of 10,000 samples with real images.

    The function prints the scorecard, and writes `scorecard.json` and `samples.png` to
    `<runs_dir>/<name>/`. The same seed produces byte-identical files.
    """
    mnist = load_mnist(workspace.data_dir)
    evaluator = load_evaluator(workspace, mnist)
    scorer = Scorer(evaluator, mnist)
    with seeded(seed, "sampling"):  # a student's generator may have a dropout layer
        sets = sample_draws(generator, seed, evaluator.num_draws, evaluator.num_images)
        draws = [(evaluator.predict(images), images) for images in sets]
        deterministic = is_deterministic(generator)
    samples = scorer.score_draws((predicted, images[:NUM_COMPARED]) for predicted, images in draws)
    real = scorer.score_real()
    predicted, images = draws[0]
    picture, counts = by_class(images, predicted.digits, PER_CLASS)

    directory = workspace.runs_dir / generator.name
    make_directory(directory)
    scorecard = {
        "file": generator.path.name,
        "sha256": generator.sha256,
        "verified": generator.verified,
        "latent_dim": generator.latent_dim,
        "value_range": generator.value_range,
        "seed": seed,
        "num_images": evaluator.num_images,
        "num_draws": evaluator.num_draws,
        "num_neighbours": NUM_NEIGHBOURS,
        "classifier_sha256": evaluator.sha256,
        "samples": as_facts(samples),
        "real": as_facts(real),
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
    print(to_markdown(samples, real, evaluator))
    for digit, count in enumerate(counts):
        if count < PER_CLASS:
            print(f"The picture has blanks: only {count} of {len(images):,} samples are a {digit}.")
    print(f"  {directory}/: scorecard.json, samples.png")


@torch.no_grad()
def is_deterministic(generator: Generator) -> bool:
    """Return True if an image depends only on its z, and not on chance or the rest of the batch."""
    z = sample_latents(20, generator.latent_dim, make_rng(0, "steady"))
    return torch.allclose(generator(z)[:10], generator(z[:10]), atol=1e-3)


def as_facts(card: Scorecard[Spread]) -> dict[str, object]:
    """Return, for each metric, the mean and the standard deviation over several sets of images, and
    the number of sets.
    """
    facts: dict[str, object] = {}
    for name, value in card._asdict().items():
        if isinstance(value, list):
            facts[name] = list(map(asdict, value))
        else:
            facts[name] = asdict(value)
    return facts


def to_markdown(samples: Scorecard[Spread], real: Scorecard[Spread], evaluator: Evaluator) -> str:
    """Return the scorecard as a Markdown table, followed by an explanation."""
    real_in_words = in_words(real)
    lines = [
        f"| classifier {evaluator.sha256[:12]} | samples | real images |",
        "|---|---|---|",
    ]
    for title, words in in_words(samples).items():
        lines.append(f"| {title} | {words} | {real_in_words[title]} |")
    return "\n".join(
        [
            *lines,
            f"Each is the mean of {evaluator.num_draws} draws of {evaluator.num_images:,} images, "
            "± their standard deviation. Two draws of one generator easily differ by twice that.",
            "Precision, recall, density, coverage and the distance compare with the test images; "
            "the real images there, and for the shares, are sets of training images. The two rows "
            "about the nearest training image are of "
            f"{NUM_COMPARED:,} images of each draw; the real images there are test images.",
            "If a generator copies training images, its median distance is far below that of the "
            "test images, and the fraction below it is close to 1.",
        ]
    )
