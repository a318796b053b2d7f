"""Few digits in place of MNIST, which torchvision would download: with its arguments and items."""

from collections.abc import Callable
from typing import Any

import torch
import torchvision.datasets
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

TIMES = 10  # that each digit is in the training data
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

# Gives the images (uint8, n x 28 x 28) and labels (int64, n) for training, or for testing.
Digits = Callable[[bool], Any]


def _data_set(digits: Digits) -> Any:
    """A class that is like torchvision's MNIST, and has these digits."""

    class FewDigits(torchvision.datasets.VisionDataset):  # type: ignore[misc]
        """As torchvision's MNIST."""

        classes = tuple(f"{k} - {name}" for k, name in enumerate(NAMES))

        def __init__(
            self,
            root: Any = "",
            train: bool = True,
            transform: Any = None,
            target_transform: Any = None,
            download: bool = False,
            **more: Any,
        ) -> None:
            super().__init__(str(root), transform=transform, target_transform=target_transform)
            self.train = train
            found = digits(bool(train))
            self.data, self.targets = found["images"], found["labels"]

        @property
        def train_data(self) -> Any:
            return self.data

        test_data = train_data

        @property
        def train_labels(self) -> Any:
            return self.targets

        test_labels = train_labels

        def __len__(self) -> int:
            return len(self.data)

        def __getitem__(self, index: int) -> tuple[Any, Any]:
            """One image, a PIL image unless it is transformed, and its digit."""
            image: Any = to_pil_image(self.data[index])
            label: Any = int(self.targets[index])
            if self.transform is not None:
                image = self.transform(image)
            if self.target_transform is not None:
                label = self.target_transform(label)
            return image, label

    return FewDigits


def few_digits(back: Callable[..., Any]) -> Digits:
    """Few digits many times, so that an epoch is long enough and little is sent.

    Args:
        back: asks the judge: back("digits", train).
    """
    sent: dict[bool, dict[str, Tensor]] = {}

    def digits(train: bool) -> dict[str, Tensor]:
        if train not in sent:
            sent[train] = back("digits", train=train)
        times = TIMES if train else 1
        return {name: torch.cat([tensor] * times) for name, tensor in sent[train].items()}

    return digits


def replace_mnist(digits: Digits) -> None:
    """Let torchvision's data sets of digits, and of things like digits, have these."""
    few_digits = _data_set(digits)
    for owner in (torchvision.datasets, torchvision.datasets.mnist):
        for name in ("MNIST", "FashionMNIST", "KMNIST", "QMNIST"):
            setattr(owner, name, few_digits)
