"""Few digits in place of a data set that would be downloaded, or that lies elsewhere.

Each has the arguments and the items of what it stands for: data sets of torchvision, files of
digits that are not there, and what functions of pandas and scikit-learn would read or download.
"""

import ast
import gzip
import importlib
import importlib.util
import pickle
import re
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torchvision.datasets
from torchvision.transforms.functional import to_pil_image

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
IDX = re.compile(r"(train|t10k|test)[-_.]?(images|labels)[-_.]idx[13][-_.]ubyte(\.gz)?$")
PICKLE = re.compile(r"mnist[\w-]*\.(pkl|pickle)(\.gz)?$")
CSV = re.compile(r"(mnist|digit|train|test)[\w-]*\.csv(\.zip|\.gz)?$")
PICTURES = re.compile(r"mnist|digit|image|train", re.IGNORECASE)
KERAS = ("tensorflow.keras", "keras")  # packages with a data set of digits, if they are missing
NUM_PICTURES = 256
HEADED, UNLABELLED = "train.csv", "test.csv"  # as Kaggle has them

# Gives the images (uint8, n x 28 x 28) and labels (int64, n) for training, or for testing.
Digits = Callable[[bool], Any]


def _data_set(digits: Digits) -> Any:
    """A class that is like torchvision's MNIST, and has these digits."""

    class FewDigits(torchvision.datasets.VisionDataset):  # type: ignore[misc]
        """As torchvision's MNIST."""

        classes = tuple(f"{k} - {name}" for k, name in enumerate(NAMES))
        mode = "L"

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
            image: Any = to_pil_image(self.data[index]).convert(self.mode)
            label: Any = int(self.targets[index])
            if self.transform is not None:
                image = self.transform(image)
            if self.target_transform is not None:
                label = self.target_transform(label)
            return image, label

    return FewDigits


def replace_mnist(digits: Digits) -> None:
    """Let torchvision's data sets of digits, and of things like digits, have these."""
    few_digits = _data_set(digits)

    class FewCharacters(few_digits):  # type: ignore[misc, valid-type]
        """As torchvision's EMNIST."""

        def __init__(self, root: Any = "", split: str = "", **more: Any) -> None:
            super().__init__(root, **more)

    class FewPictures(few_digits):  # type: ignore[misc, valid-type]
        """As torchvision's ImageFolder, for a folder that is not there."""

        mode = "RGB"

        def __init__(self, root: Any, transform: Any = None, *more: Any, **named: Any) -> None:
            super().__init__(root, transform=transform)
            self.samples = self.imgs = [(f"{k}.png", int(t)) for k, t in enumerate(self.targets)]
            self.class_to_idx = {name: k for k, name in enumerate(NAMES)}

    folder = torchvision.datasets.ImageFolder

    def image_folder(root: Any, *more: Any, **named: Any) -> Any:
        kind = folder if Path(root).is_dir() else FewPictures
        return kind(root, *more, **named)

    for owner in (torchvision.datasets, torchvision.datasets.mnist):
        for name in ("MNIST", "FashionMNIST", "KMNIST", "QMNIST"):
            setattr(owner, name, few_digits)
        owner.EMNIST = FewCharacters
    torchvision.datasets.ImageFolder = image_folder


def replace_readers(tree: ast.AST, digits: Digits) -> None:
    """Let functions that a file calls, and that would read or download digits, give these."""
    names = {getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(tree)}
    names |= {a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names}
    for name, module, make in (
        ("read_csv", "pandas", _read_csv),
        ("fetch_openml", "sklearn.datasets", _fetch_openml),
    ):
        if name not in names:
            continue
        try:
            owner = importlib.import_module(module)
        except ImportError:
            continue
        function = getattr(owner, name)
        if not hasattr(function, "labelled"):
            function = make(function, digits)
            function.labelled = True
            setattr(owner, name, function)
        if _takes_whole_rows(tree):
            function.labelled = False
    if "load_data" in names:
        for package in KERAS:
            if package.partition(".")[0] not in sys.modules and not _is_there(package):
                _stand_in_for_keras(package, digits)


def _is_there(package: str) -> bool:
    return importlib.util.find_spec(package.partition(".")[0]) is not None


def _stand_in_for_keras(package: str, digits: Digits) -> None:
    """Modules that have nothing but `datasets.mnist.load_data`, as large as the real one.

    Its arrays are often reshaped to a number of rows that is written out.
    """

    def load_data(path: str = "") -> Any:
        sets = ((digits(train), size) for train, size in ((True, 60_000), (False, 10_000)))
        return tuple(
            (
                np.resize(found["images"].numpy(), (size, 28, 28)),
                np.resize(found["labels"].numpy().astype(np.uint8), size),
            )
            for found, size in sets
        )

    below: ModuleType | None = None
    for name in (f"{package}.datasets.mnist", f"{package}.datasets", package, "tensorflow"):
        if name in sys.modules:
            continue
        module = _Lacking(name)
        module.__dict__["__path__"] = []
        if below is None:
            module.__dict__["load_data"] = load_data
        else:
            module.__dict__[below.__name__.rpartition(".")[2]] = below
        sys.modules[name] = below = module
        if "." not in name:
            return


class _Lacking(ModuleType):
    """A module that this machine lacks, but for the part of it that is filled in."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ModuleNotFoundError(f"No module named '{self.__name__}'", name=self.__name__)


def _takes_whole_rows(tree: ast.AST) -> bool:
    """Whether a data set that reads a table never takes a part of its columns: it has no labels."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        inside = list(ast.walk(node))
        names = {getattr(x, "attr", getattr(x, "name", "")) for x in inside}
        constant = (ast.Constant, ast.Tuple, ast.List, ast.Slice)
        takes = any(isinstance(x, ast.Subscript) and isinstance(x.slice, constant) for x in inside)
        if {"read_csv", "__getitem__"} <= names and not takes and not names & {"drop", "pop"}:
            return True
    return False


def _read_csv(function: Callable[..., Any], digits: Digits) -> Any:
    def read_csv(file: Any, *more: Any, **named: Any) -> Any:
        if not isinstance(file, str | Path) or Path(file).exists() or not is_csv(Path(file)):
            return function(file, *more, **named)
        pandas = importlib.import_module("pandas")
        numbers = _table(digits, Path(file))
        numbers = numbers if read_csv.labelled else numbers[:, -784:]  # type: ignore[attr-defined]
        names = ["label"] if numbers.shape[1] > 784 else []
        names += [f"pixel{k}" for k in range(784)]
        headed = named.get("header", "infer") is not None
        return pandas.DataFrame(numbers, columns=names if headed else None)

    return read_csv


def _fetch_openml(function: Callable[..., Any], digits: Digits) -> Any:
    def fetch_openml(
        *what: Any, as_frame: Any = "auto", return_X_y: bool = False, **named: Any
    ) -> Any:
        found = digits(True)
        x: Any = found["images"].flatten(1).numpy().astype(np.float64)
        y: Any = found["labels"].numpy().astype(str).astype(object)
        if as_frame:
            pandas = importlib.import_module("pandas")
            x = pandas.DataFrame(x, columns=[f"pixel{k + 1}" for k in range(784)])
            y = pandas.Series(y, name="class", dtype="category")
        if return_X_y:
            return x, y
        return importlib.import_module("sklearn.utils").Bunch(data=x, target=y)

    return fetch_openml


def is_csv(file: Path) -> bool:
    """Whether a file has a name that tables of digits have."""
    return CSV.search(file.name.lower()) is not None


def write_file(file: Path, digits: Digits, folder: Path) -> Path | None:
    """Write digits into a file of a folder, in the format that a file of this name has.

    Returns:
        the new file; None if the name is not one that files of digits have.
    """
    name, place = file.name.lower(), folder / file.name
    idx = IDX.search(name)
    pickled = PICKLE.search(name)
    table = is_csv(file) and name.endswith(".csv")
    if not (idx or pickled or table or name == "mnist.npz"):
        return None
    folder.mkdir(exist_ok=True)
    if idx:
        found = digits(idx[1] == "train")
        images, labels = found["images"].numpy(), found["labels"].numpy().astype(np.uint8)
        data, magic = (images, 2051) if idx[2] == "images" else (labels, 2049)
        content = struct.pack(f">{1 + data.ndim}i", magic, *data.shape) + data.tobytes()
        place.write_bytes(gzip.compress(content, 1) if idx[3] else content)
    elif pickled:
        found = digits(True)
        part = (found["images"].flatten(1).numpy() / np.float32(255), found["labels"].numpy())
        content = pickle.dumps((part, part, part))
        place.write_bytes(gzip.compress(content, 1) if pickled[2] else content)
    elif name == "mnist.npz":
        sets = {"train": digits(True), "test": digits(False)}
        arrays = {f"x_{key}": found["images"].numpy() for key, found in sets.items()}
        arrays |= {f"y_{key}": found["labels"].numpy() for key, found in sets.items()}
        np.savez(place, **arrays)
    else:
        names = ",".join(["label", *(f"pixel{k}" for k in range(784))]) if name == HEADED else ""
        np.savetxt(place, _table(digits, file), fmt="%d", delimiter=",", header=names, comments="")
    return place


def write_pictures(folder: Path, digits: Digits) -> None:
    """Make a folder with pictures of digits, those of each class in a folder of their own."""
    found = digits(True)
    for k, (image, label) in enumerate(zip(found["images"], found["labels"], strict=True)):
        if k < NUM_PICTURES:
            place = folder / str(int(label))
            place.mkdir(parents=True, exist_ok=True)
            to_pil_image(image).save(place / f"{k}.png")


def _table(digits: Digits, file: Path) -> Any:
    """One digit in each row, int64: its label, unless it has none, and its pixels."""
    name = file.name.lower()
    found = digits("test" not in name)
    labels, pixels = found["labels"][:, None].numpy(), found["images"].flatten(1).numpy()
    return np.hstack([labels, pixels]) if name != UNLABELLED else pixels.astype(np.int64)
