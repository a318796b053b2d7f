"""What the latent studio computes, without the page."""

import base64
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from serving.upkeep import new_file
from toolkit.common import figures
from toolkit.common.device import make_rng
from toolkit.common.errors import UsageError
from toolkit.common.files import read_bytes
from toolkit.export import torchscript
from toolkit.gan.latent import interpolate, latents_of_class, pair_of_classes, sample_latents
from toolkit.gan.sketch import read_picture, to_mnist

NUM_SAMPLES = 25
STRIP = 9  # images in a strip, as in the assignment
MILLISECONDS = 2500  # how long the film takes from one end to the other
LINEAR, SPHERICAL = "linear", "spherical"
ANY = "any"


class Walk(NamedTuple):
    """A walk between two latent points, as the page shows it."""

    film: Path  # GIF, there and back
    strip: Path  # PNG, nine pictures
    film_to_download: Path  # the same files, for the download buttons
    strip_to_download: Path
    summary: str


class Studio:
    """The three networks, and what the page asks of them.

    Args:
        exports_dir: the folder with generator.pt, discriminator.pt and classifier.pt.

    Raises:
        ToolkitError: a file is missing, or differs from its entry in the manifest.
    """

    def __init__(self, exports_dir: Path) -> None:
        self.generator = torchscript.load("generator", exports_dir)
        self.discriminator = torchscript.load("discriminator", exports_dir)
        self.classifier = torchscript.load("classifier", exports_dir)
        self.latent_dim = cast(int, self.generator.latent_dim)

    def points(self, seed: int, digit: str, scale: float) -> Tensor:
        """Up to 25 latent points, float32 (n, latent_dim).

        Args:
            digit: "0" to "9" for points of that class only, or "any".
            scale: multiplies them. Standard normal points have a length near sqrt(latent_dim),
                so a generator has learned almost nothing about the region around 0.

        Raises:
            ToolkitError: the generator makes no clear picture of that digit.
        """
        if digit == ANY:
            z = sample_latents(NUM_SAMPLES, self.latent_dim, make_rng(seed, "samples"))
        else:
            z = latents_of_class(
                self.generator, self.classifier, seed, int(digit), count=NUM_SAMPLES
            )
        return scale * z

    @torch.no_grad()
    def generate(self, z: Tensor) -> Tensor:
        """From latent points (n, latent_dim) to images, float32 (n, 1, 28, 28) in 0..1."""
        images: Tensor = self.generator(z)
        return images

    @torch.no_grad()
    def judge(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """From images to the probabilities of each digit, (n, 10), and of being real, (n,)."""
        return (
            torch.softmax(self.classifier(images), dim=1),
            torch.sigmoid(self.discriminator(images)).squeeze(1),
        )

    def tiles(self, z: Tensor) -> list[dict[str, Any]]:
        """The tiles of latent points (n, latent_dim), in the form of `tiles.SCHEMA`."""
        images = self.generate(z)
        digits, real = self.judge(images)
        pngs = [base64.b64encode(figures.to_png(figures.to_picture(x))).decode() for x in images]
        return [
            {
                "image": f"data:image/png;base64,{png}",
                "digit": int(digits[n].argmax()),
                "sure": round(100 * float(digits[n].max())),
                "real": round(100 * float(real[n])),
            }
            for n, png in enumerate(pngs)
        ]

    def samples(self, seed: int, digit: str, scale: float) -> tuple[list[dict[str, Any]], str]:
        """The tiles, and a summary of them."""
        tiles = self.tiles(self.points(seed, digit, scale))
        sure = sum(tile["sure"] >= 90 for tile in tiles)
        real = sum(tile["real"] for tile in tiles) / len(tiles)
        return tiles, (
            f"The classifier is at least 90% sure of {sure} of these {len(tiles)} samples. "
            f"On average, the discriminator rates them {real:.0f}% real."
        )

    def between_samples(
        self, seed: int, digit: str, scale: float, first: int, second: int, path: str, frames: int
    ) -> Walk:
        """From one of the samples to another, counted from 1."""
        points = self.points(seed, digit, scale)
        if first == second:
            raise UsageError("Choose two different samples to walk between.")
        if max(first, second) > len(points):
            raise UsageError(f"There are only {len(points)} samples. Choose two of them.")
        return self.walk(points[first - 1], points[second - 1], path, frames)

    def between_classes(
        self, seed: int, digit_from: int, digit_to: int, path: str, frames: int
    ) -> Walk:
        """From the seed's first clear `digit_from` to its first clear `digit_to`."""
        pair = pair_of_classes(self.generator, self.classifier, seed, digit_from, digit_to)
        return self.walk(pair.z_from, pair.z_to, path, frames)

    def walk(self, z_from: Tensor, z_to: Tensor, path: str, frames: int) -> Walk:
        """From one latent point, (latent_dim,), to another."""
        spherical = path == SPHERICAL
        film, strip = new_file("walk.gif"), new_file("strip.png")
        images = self.generate(interpolate(z_from, z_to, frames, spherical))
        figures.save_gif(film, images, milliseconds=MILLISECONDS // frames)
        nine = self.generate(interpolate(z_from, z_to, STRIP, spherical))
        figures.save_png(strip, figures.sheet(nine, columns=STRIP, scale=4))
        seen = [int(digit) for digit in self.judge(nine)[0].argmax(dim=1)]
        summary = (
            f"From {seen[0]} to {seen[-1]} in {frames} frames, {path}. In the strip the "
            f"classifier sees {', '.join(map(str, seen))}."
        )
        return Walk(film, strip, film, strip, summary)

    def judged(
        self, file: str | None
    ) -> tuple[Path | None, dict[str, float] | None, dict[str, float] | None]:
        """An uploaded picture as the networks see it, and what they say about it."""
        if file is None:
            return None, None, None
        image = to_mnist(read_picture(read_bytes(Path(file))))
        digits, real = self.judge(image)
        seen = new_file("seen.png")
        figures.save_png(seen, figures.sheet(image, columns=1, scale=8))
        return (
            seen,
            {"real": float(real), "generated": 1 - float(real)},
            {str(digit): float(share) for digit, share in enumerate(digits[0])},
        )
