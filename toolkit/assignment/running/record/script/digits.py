"""A few digits in place of MNIST, so that torchvision does not download MNIST."""

from collections.abc import Callable
from typing import Any

import torch
import torchvision.datasets
from torch import Tensor
from torchvision.datasets import MNIST

TIMES = 10  # repetitions of each digit in the training data
WHOLE = {True: 60_000, False: 10_000}  # items in MNIST's training and test data
SETS = ("MNIST", "FashionMNIST", "KMNIST", "QMNIST")  # torchvision's similar data sets

# Gives the images (uint8, n x 28 x 28) and labels (int64, n) for training, or for testing.
Digits = Callable[[bool], Any]


class FewDigits(MNIST):  # type: ignore[misc]
    """A replacement for torchvision's MNIST, with the same interface, that gets its images and
    labels from the function `digits`.
    """

    digits: Digits

    def __init__(
        self,
        root: Any = "",
        train: bool = True,
        transform: Any = None,
        target_transform: Any = None,
        download: bool = False,
        **options: Any,
    ) -> None:
        # MNIST's own constructor is skipped, because it looks for files.
        super(MNIST, self).__init__(str(root), None, transform, target_transform)
        self.train = train
        examples = self.digits(bool(train))
        self.data = examples["images"]
        self.targets = examples["labels"]


def few_digits(back: Callable[..., Any], whole: bool = False) -> Digits:
    """Return a function that makes a data set by repeating a few digits.

    The process that checks the submission sends only a few images of digits. These images are
    repeated so that a training epoch does not end before the check has seen enough steps.

    Args:
        back: the function that asks the checking process for the digits, called as `back("digits",
            train=train)`.
        whole: True to return as many digits as MNIST has.
    """
    sent: dict[bool, dict[str, Tensor]] = {}

    def digits(train: bool) -> dict[str, Tensor]:
        if train not in sent:
            sent[train] = back("digits", train=train)
        count = len(sent[train]["labels"])
        chosen = torch.arange(_size(count, train, whole)) % count
        return {name: values[chosen] for name, values in sent[train].items()}

    return digits


def _size(count: int, train: bool, whole: bool) -> int:
    """Return the number of items in the data set: as many as MNIST has if `whole` is True, and
    otherwise `TIMES` times `count` for training or `count` for testing.
    """
    if whole:
        return WHOLE[train]
    if train:
        return count * TIMES
    return count


def replace_mnist(digits: Digits) -> None:
    """Replace torchvision's MNIST, and the data sets in torchvision that resemble it, with data
    sets whose images and labels come from the function `digits`.
    """
    for name in SETS:
        members = {
            "classes": getattr(torchvision.datasets, name).classes,
            "digits": staticmethod(digits),
        }
        for owner in (torchvision.datasets, torchvision.datasets.mnist):
            setattr(owner, name, type(name, (FewDigits,), dict(members)))
