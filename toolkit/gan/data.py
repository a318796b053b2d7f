"""The MNIST data set, which is part of the package, so nothing needs to be downloaded."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from toolkit.common.device import make_rng
from toolkit.common.errors import ToolkitError
from toolkit.common.files import read_bytes, sha256
from toolkit.common.package_data import package_data

EMBEDDED = package_data("mnist")
DOWNLOADED = Path("data")

# SHA-256 of each published file, decompressed, and the shape of its content.
FILES: dict[str, tuple[str, tuple[int, ...]]] = {
    "train-images-idx3-ubyte": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        (60_000, 1, 28, 28),
    ),
    "train-labels-idx1-ubyte": (
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        (60_000,),
    ),
    "t10k-images-idx3-ubyte": (
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        (10_000, 1, 28, 28),
    ),
    "t10k-labels-idx1-ubyte": (
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        (10_000,),
    ),
}


class MNIST(NamedTuple):
    """The MNIST images, uint8 (n, 1, 28, 28), in which 0 is the background, and their labels, uint8
    (n,).
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


def load_mnist(data_dir: Path | None = None) -> MNIST:
    """Load all 60,000 training and 10,000 test images.

    Args:
        data_dir: a folder that contains your own copy of the four IDX files, compressed (.gz) or
            not, directly or in a subfolder `MNIST/raw`. By default, the copy of MNIST inside the
            package is used. If the package has no copy, torchvision downloads MNIST into `data/`.

    Raises:
        ToolkitError: a file is missing, truncated or altered.
    """
    if data_dir is None and not any(EMBEDDED.glob("*.gz")):
        data_dir = _download()
    return MNIST(*(_read(data_dir or EMBEDDED, name) for name in FILES))


def to_unit(images: Tensor) -> Tensor:
    """Convert uint8 pixels (0 to 255) to float32 pixels (0 to 1)."""
    return images.float() / 255


def to_bytes(images: Tensor) -> Tensor:
    """Convert float pixels (0 to 1) to uint8 pixels (0 to 255) by rounding; undoes `to_unit`."""
    return images.mul(255).round().clamp(0, 255).byte()


def epoch_order(num_examples: int, seed: int, epoch: int) -> Tensor:
    """Return the order, int64 (num_examples,), in which an epoch visits the training examples."""
    return torch.randperm(num_examples, generator=make_rng(seed, f"epoch {epoch}"))


def batch_indices(
    num_examples: int, batch_sizes: Iterable[int], seed: int, first_step: int = 0
) -> Iterator[Tensor]:
    """Yield each training batch as the indices of its examples, int64 (batch_size,).

    Each epoch uses a different order (see `epoch_order`). When too few examples remain for another
    batch, they are skipped, and the next epoch begins.

    Args:
        batch_sizes: the sizes of the batches, one for each step; each is at most `num_examples`.
        first_step: the number of batches to skip at the beginning; a resumed run skips those that
            it used before the interruption.
    """
    epoch, start = 0, 0
    order = epoch_order(num_examples, seed, epoch)
    for step, batch_size in enumerate(batch_sizes):
        if start + batch_size > num_examples:
            epoch, start = epoch + 1, 0
            order = epoch_order(num_examples, seed, epoch)
        if step >= first_step:
            yield order[start : start + batch_size]
        start += batch_size


def _read(directory: Path, name: str) -> Tensor:
    expected, shape = FILES[name]
    candidates = [
        folder / (name + ending)
        for folder in (directory, directory / "MNIST" / "raw")
        for ending in ("", ".gz")
    ]
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        raise ToolkitError(
            f"{directory} lacks MNIST's {name} (or {name}.gz). Put it there, or pass --data-dir "
            "with a folder that has all four files."
        )
    data = read_bytes(path)
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise ToolkitError(
                f"{path} is damaged: expected a gzip file of {name}, but decompressing it failed "
                f"({error}). Replace it with an intact copy."
            ) from error
    actual = sha256(data)
    if actual != expected:
        raise ToolkitError(
            f"{path} is not MNIST's {name}: expected SHA-256 {expected}, found {actual} in "
            f"{len(data):,} bytes. Replace it with an intact copy."
        )
    header = 4 + 4 * data[3]  # the fourth byte of an IDX file is its number of dimensions
    return torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=header).view(shape)


def _download() -> Path:
    from torchvision.datasets import MNIST as TorchvisionMNIST

    print(f"{EMBEDDED} does not contain MNIST; torchvision downloads it into {DOWNLOADED}/.")
    try:
        TorchvisionMNIST(str(DOWNLOADED), download=True)
    except (OSError, RuntimeError) as error:
        raise ToolkitError(
            f"MNIST is not in {EMBEDDED}, nor could it be downloaded ({error}). "
            "Pass --data-dir with a folder that has its four files."
        ) from error
    return DOWNLOADED
