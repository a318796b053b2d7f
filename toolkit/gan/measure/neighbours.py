"""Nearest-neighbour metrics of samples: realism, diversity and the fraction of copied images.

All distances are Euclidean.
"""

from typing import NamedTuple

import torch
from torch import Tensor

NUM_NEIGHBOURS = 5
CHUNK_SIZE = 1000  # rows of a matrix of distances held in memory at once


class Overlap(NamedTuple):
    """Metrics of the overlap between the features of real images and of samples.

    The metrics use a ball around each point; the radius is the distance from the point to its k-th
    nearest neighbour in the same set.
    """

    precision: float  # fraction, 0 to 1, of samples that lie in the ball of a real image
    recall: float  # fraction, 0 to 1, of real images that lie in the ball of a sample
    density: float  # mean number of real balls around a sample, divided by k; about 1 if real
    coverage: float  # fraction, 0 to 1, of real images with a sample in their ball


class Memory(NamedTuple):
    """Measures of how close images are to the training images."""

    median_distance: float  # from an image to the nearest training image
    share_nearer: float  # fraction, 0 to 1, of images that are copies; see `memory`


def nearest(points: Tensor, neighbours: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """For each of `points` (p, n), find the k nearest of `neighbours` (m, n), nearest first.

    Returns:
        distances (p, k), and row indices into `neighbours`, int64 (p, k).
    """
    distances = []
    indices = []
    for chunk in points.split(CHUNK_SIZE):
        candidates = torch.cdist(chunk, neighbours).topk(k, largest=False).indices
        # cdist multiplies matrices, which is inexact near 0; the distance of a copy must be 0.
        exact, order = (neighbours[candidates] - chunk[:, None]).norm(dim=2).sort(dim=1)
        distances.append(exact)
        indices.append(candidates.gather(1, order))
    return torch.cat(distances), torch.cat(indices)


def radii(features: Tensor, k: int = NUM_NEIGHBOURS) -> Tensor:
    """For each row of features, return the distance to its k-th nearest neighbour among the other
    rows.

    The distances have shape (num_images,).
    """
    return nearest(features, features, k + 1)[0][:, k]  # the first neighbour is the row itself


def overlap(
    real: Tensor, samples: Tensor, k: int = NUM_NEIGHBOURS, real_radii: Tensor | None = None
) -> Overlap:
    """Return the precision, recall, density and coverage of samples.

    Both `real` and `samples` have shape (num_images, n). To measure many sets of samples against
    the same real images, pass `radii(real, k)` as `real_radii`.

    Precision and recall come from Kynkäänniemi et al., "Improved Precision and Recall Metric for
    Assessing Generative Models" (2019), eqs. (1) and (2). Density and coverage come from Naeem et
    al., "Reliable Fidelity and Diversity Metrics for Generative Models" (2020), which uses k = 5
    for all four metrics.
    """
    real_radii = radii(real, k) if real_radii is None else real_radii
    sample_radii = radii(samples, k)
    balls_around = torch.zeros(len(samples), dtype=torch.int64)
    recalled = covered = 0
    for chunk, radius in zip(real.split(CHUNK_SIZE), real_radii.split(CHUNK_SIZE), strict=True):
        distances = torch.cdist(chunk, samples)
        inside = distances <= radius[:, None]
        balls_around += inside.sum(dim=0)
        covered += int(inside.any(dim=1).sum())
        recalled += int((distances <= sample_radii).any(dim=1).sum())
    return Overlap(
        precision=float((balls_around > 0).double().mean()),
        recall=recalled / len(real),
        density=float(balls_around.double().mean()) / k,
        coverage=covered / len(real),
    )


def memory(images: Tensor, training_images: Tensor) -> Memory:
    """Measure how close `images` are to the training images, and what fraction of `images` are
    copies of training images.

    The images have shape (n, 1, 28, 28), the training images have shape (m, 1, 28, 28), and all
    pixels are from 0 to 1. An image is a copy if its distance to the nearest training image is less
    than the distance from that training image to the nearest other training image. The fraction of
    copies is 1 minus the authenticity that Alaa et al. define in "How Faithful is your Synthetic
    Data?" (2022). Distances are computed from pixels and not from a classifier's features, because
    features may hide the noise by which a copy differs from its original.
    """
    training = training_images.flatten(1)
    distances, indices = nearest(images.flatten(1), training)
    to_another = nearest(training[indices[:, 0]], training, 2)[0][:, 1]
    return Memory(
        median_distance=float(distances.median()),
        share_nearer=float((distances[:, 0] < to_another).double().mean()),
    )
