"""Few digits in place of MNIST: of torchvision's, and of files that are not there."""

import csv
import gzip
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torchvision.datasets
from torchvision.io import write_png
from torchvision.transforms.functional import to_pil_image

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

IN_FOLDER = 256  # images that a folder of images gets
MNIST = re.compile(r"mnist|digit-?recognizer|ubyte", re.IGNORECASE)
MAGIC = {"images": 2051, "labels": 2049}  # of the files that MNIST consists of

# Gives the images (uint8, n x 28 x 28) and labels (int64, n) for training, or for testing.
Digits = Callable[[bool], Any]


def replace_mnist(digits: Digits) -> None:
    """Let torchvision's data sets of digits, and of things like digits, have these."""

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

    folder = torchvision.datasets.ImageFolder
    begin = folder.__init__

    def init(self: Any, root: Any, *args: Any, **kwargs: Any) -> None:
        if not Path(root).exists():
            make_folder(Path(root), digits)
        begin(self, root, *args, **kwargs)

    folder.__init__ = init
    for name in ("MNIST", "FashionMNIST", "KMNIST", "QMNIST"):
        setattr(torchvision.datasets, name, FewDigits)
        setattr(torchvision.datasets.mnist, name, FewDigits)


def make_file(path: Path, digits: Digits) -> bool:
    """Write a file that MNIST is kept in, as its name tells: idx, npz, csv or a pickle.

    Returns:
        whether the name told enough.
    """
    name = path.name.lower()
    if not MNIST.search(f"{path.parent.name}/{name}"):
        return False
    found = digits(not re.search(r"t10k|test", name))
    images, labels = found["images"].numpy(), found["labels"].numpy().astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    if "ubyte" in name:
        what = "images" if "images" in name else "labels"
        array = images if what == "images" else labels
        data = np.array([MAGIC[what], *array.shape], dtype=">i4").tobytes() + array.tobytes()
        path.write_bytes(gzip.compress(data, 1) if name.endswith(".gz") else data)
    elif name.endswith(".npz"):
        np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    elif name.endswith(".csv"):
        with path.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["label", *(f"pixel{k}" for k in range(images[0].size))])
            rows.writerows(
                [int(y), *x.ravel().tolist()] for x, y in zip(images, labels, strict=True)
            )
    elif name.endswith((".pkl.gz", ".pkl")):
        part = (images.reshape(len(images), -1) / np.float32(255), labels.astype(np.int64))
        data = pickle.dumps((part, part, part))
        path.write_bytes(gzip.compress(data, 1) if name.endswith(".gz") else data)
    else:
        return False
    return True


def make_folder(path: Path, digits: Digits) -> None:
    """Write a folder of images with one folder for each digit."""
    found = digits(True)
    for k, (x, y) in enumerate(zip(found["images"], found["labels"], strict=True)):
        if k == IN_FOLDER:
            return
        folder = path / str(int(y))
        folder.mkdir(parents=True, exist_ok=True)
        write_png(x[None], str(folder / f"{k}.png"))  # PIL's own would be noted as theirs
