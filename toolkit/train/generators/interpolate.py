"""The command `interpolate`, which interpolates between two digits with any generator file."""

from pathlib import Path

from torch import Tensor, nn

from toolkit.common import figures
from toolkit.common.files import atomic_write, make_directory
from toolkit.common.record import Interpolation
from toolkit.gan.latent import CONFIDENCE, generate, interpolate, pair_of_classes
from toolkit.train.classifier import load_classifier
from toolkit.train.generators.generator import Generator
from toolkit.train.workspace import Workspace


def interpolate_generator(
    generator: Generator,
    workspace: Workspace,
    digits: tuple[int | None, int | None],
    num_images: int,
    spherical: bool,
    seed: int,
) -> None:
    """Save an interpolation between two digits in `<runs_dir>/<name>/`, both as a row of images
    (PNG) and as an animation (GIF).

    Args:
        digits: the digits at the start and the end of the interpolation; None allows any digit at
            that end.
    """
    classifier = load_classifier(workspace)
    pair = pair_of_classes(generator, classifier, seed, *digits)
    z = interpolate(pair.z_from, pair.z_to, num_images, spherical)
    path = "slerp" if spherical else "line"
    directory = workspace.runs_dir / generator.name
    make_directory(directory)
    stem = directory / f"{pair.digit_from}-to-{pair.digit_to}-{path}-{num_images}-seed-{seed}"
    save_walk(stem, generator, z)
    digits_at_ends = Interpolation(digit_from=pair.digit_from, digit_to=pair.digit_to)
    print(generator.origin)
    print(
        f"{num_images} images {digits_at_ends}; the classifier is at least {CONFIDENCE:.0%} sure "
        f"of both ends.\n  {stem}.png  {stem}.gif"
    )


def save_walk(stem: Path, generator: nn.Module, z: Tensor) -> None:
    """Draw images generated from z, (n, latent_dim), as a strip (.png) and an animation (.gif)."""
    images = generate(generator, z)
    figures.save_png(stem.with_suffix(".png"), figures.sheet(images, columns=len(images)))
    atomic_write(stem.with_suffix(".gif"), figures.to_gif(images, milliseconds=150))
