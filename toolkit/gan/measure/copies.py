"""A search for copies of training images among the first 25 images that a generator makes for a
fixed seed.
"""

import base64
from typing import Any

import torch
from torch import Tensor

from toolkit.common.device import make_rng
from toolkit.gan.data import EMBEDDED, MNIST, load_mnist, to_unit
from toolkit.gan.latent import sample_latents
from toolkit.gan.measure import neighbours

NUM_SAMPLES = 25  # as many as the latent studio shows, from the same random numbers
SEED = 42
NUM_REAL = 40  # test images of each digit, to compare distances with


def has_images() -> bool:
    """Return True if the package contains MNIST.

    Programs that build a web page call `nearest_images` only if this function returns True, because
    `nearest_images` would otherwise download MNIST.
    """
    return any(EMBEDDED.glob("*.gz"))


@torch.no_grad()
def nearest_images(generator: Any, mnist: MNIST | None = None) -> dict[str, Any]:
    """For each of the first 25 images that `generator` makes from seed 42, find the nearest
    training image.

    Args:
        generator: the exported generator, which maps z (n, latent_dim) to images (n, 1, 28, 28)
            with pixel values from 0 to 1.

    Returns:
        a dictionary with these entries: "seed": the seed; "distance": for each sample, the
        Euclidean distance to its nearest training image, over 784 pixels with values in 0..1;
        "images": the nearest training images, concatenated (784 bytes each) and encoded in base64;
        "of_real": for each digit, the distances of 40 real test images to their nearest training
        images.
    """
    mnist = mnist or load_mnist()
    training = to_unit(mnist.train_images).flatten(1)
    z = sample_latents(NUM_SAMPLES, generator.latent_dim, make_rng(SEED, "samples"))
    distances, indices = neighbours.nearest(generator(z).flatten(1), training)
    images = mnist.train_images[indices[:, 0]]
    return {
        "seed": SEED,
        "distance": _rounded(distances[:, 0]),
        "images": base64.b64encode(images.numpy().tobytes()).decode(),
        "of_real": _real_distances(mnist, training),
    }


def _real_distances(mnist: MNIST, training: Tensor) -> list[list[float]]:
    tests, labels = to_unit(mnist.test_images).flatten(1), mnist.test_labels
    first = torch.cat([tests[labels == digit][:NUM_REAL] for digit in range(10)])
    distances = neighbours.nearest(first, training)[0].view(10, NUM_REAL)
    return [_rounded(of_digit) for of_digit in distances]


def _rounded(distances: Tensor) -> list[float]:
    return [round(distance, 3) for distance in distances.tolist()]
