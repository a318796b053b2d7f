"""Of any generator file: its scorecard, and a walk between two of its digits."""

import json
from dataclasses import asdict

import torch

from toolkit import figures
from toolkit.device import random_stream, seeded
from toolkit.files import atomic_write, make_directory
from toolkit.gan.data import load_mnist
from toolkit.gan.evaluation import sample
from toolkit.gan.latent import CONFIDENCE, draw_latents, interpolate, pair_of_classes
from toolkit.gan.neighbours import NUM_NEIGHBOURS
from toolkit.gan.scorecard import NUM_COMPARED, Scorecard, by_class, score, score_real
from toolkit.generators import Generator
from toolkit.jobs import Places, draw_walk, load_classifier, load_instrument

PER_CLASS = 10  # images of each digit in the picture


def score_generator(generator: Generator, places: Places, seed: int) -> None:
    """Draw 10,000 images, measure them beside real ones, print it, and write it down.

    `scorecard.json` and `samples.png` go to `<runs_dir>/<name>/`; the same seed gives the same
    bytes.
    """
    mnist = load_mnist(places.data_dir)
    instrument = load_instrument(places, mnist)
    with seeded(seed, "sampling"):  # a student's file may hold a dropout layer
        images = sample(generator, seed)
        steady = is_steady(generator)
    features, digits = instrument.features_and_digits(images)
    samples = score(features, digits, images[:NUM_COMPARED], instrument, mnist)
    real = score_real(instrument, mnist)
    picture, found = by_class(images, digits, PER_CLASS)

    directory = places.runs_dir / generator.name
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
        "classifier_sha256": instrument.sha256,
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
    print(to_markdown(samples, real, instrument.sha256))
    for digit, count in enumerate(found):
        if count < PER_CLASS:
            print(f"The picture has blanks: {count} of {len(images):,} samples are a {digit}.")
    print(f"  {directory}/: scorecard.json, samples.png")


def draw_interpolation(
    generator: Generator,
    places: Places,
    digits: tuple[int | None, int | None],
    num_images: int,
    spherical: bool,
    seed: int,
) -> None:
    """A strip and a film, in `<runs_dir>/<name>/`, of the images between two digits.

    Args:
        digits: the digits at the two ends, or None for any.
    """
    classifier = load_classifier(places)
    pair = pair_of_classes(generator, classifier, seed, *digits)
    z = interpolate(pair.z_from, pair.z_to, num_images, spherical)
    way = "slerp" if spherical else "line"
    directory = places.runs_dir / generator.name
    make_directory(directory)
    stem = directory / f"{pair.digit_from}-to-{pair.digit_to}-{way}-{num_images}-seed-{seed}"
    draw_walk(stem, generator, z)
    print(generator.origin)
    print(
        f"{num_images} images from a {pair.digit_from} to a {pair.digit_to}, of both of which the "
        f"classifier is at least {CONFIDENCE:.0%} sure.\n  {stem}.png  {stem}.gif"
    )


@torch.no_grad()
def is_steady(generator: Generator) -> bool:
    """Does a latent point give the same image whatever else is in the batch?"""
    z = draw_latents(20, generator.latent_dim, random_stream(0, "steady"))
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
