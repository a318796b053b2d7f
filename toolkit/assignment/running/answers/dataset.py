"""Replies to questions about a student's data set."""

import inspect
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from toolkit.assignment.running.answering import Back
from toolkit.assignment.running.importing.files import classes
from toolkit.assignment.running.names import NAMES, call, meaning, pick
from toolkit.assignment.running.places import place_of_class
from toolkit.assignment.running.record.script.loops import import_briefly
from toolkit.assignment.running.replies import (
    DatasetClass,
    DatasetItems,
    NoDatasetClass,
    NoDatasetItems,
)

SPLITS: dict[str, tuple[str | bool, str | bool]] = {
    "split": ("train", "test"),
    "training": (True, False),
    "test": (False, True),
}
LENGTHS = ("length", "perhaps_length")
SPREAD = 10**6  # the largest number of items from which a sample is read


class DatasetAnswers:
    """The replies to questions about one data set class and its items."""

    def __init__(self, root: Path, back: Back) -> None:
        self.root = root
        self.kind: Any = object
        self.means: dict[str, str | None] = {}  # lower-case name of a parameter -> its meaning

    def load(self, *, file: str, name: str | None) -> DatasetClass | NoDatasetClass:
        """Import the file, and find its data set class.

        Returns:
            `name`, the class's name; `split`, the constructor parameter that selects the split,
            with two of its values; and `one_hot`, the constructor parameter that asks for one-hot
            digits. The reply also contains two locations (file and line): `item` for the method
            that returns items, and `init` for the constructor. Parameter names are in lower case,
            and a parameter that does not exist is None. If the file has no data set class, `name`
            is None, and `functions` lists the names of the file's functions.
        """
        module = import_briefly(self.root / file, self.root, name)
        kind = _dataset_in(classes(module, object), name)
        if kind is None:
            functions = [key for key, value in vars(module).items() if inspect.isfunction(value)]
            return {"name": None, "functions": functions}
        self.kind = kind
        names = [parameter.lower() for parameter in inspect.signature(kind).parameters]
        self.means = {parameter: meaning(parameter, "items") for parameter in names}
        return {
            "name": kind.__name__,
            "split": self._split(),
            "one_hot": self._one_hot(),
            "item": place_of_class(kind, self.root, "__getitem__", "__iter__"),
            "init": place_of_class(kind, self.root, "__init__"),
        }

    def items(
        self, *, length: int, count: int, read: int, more: dict[str, Any]
    ) -> DatasetItems | NoDatasetItems:
        """Build the data set for palindromes of about `length` digits, and read some items.

        Args:
            count: the number of items that the data set should have, if its constructor has a
                parameter for this number.
            read: the maximum number of items to read, sampled from the whole data set where
                possible.
            more: values for further parameters of the constructor; the keys are the parameters'
                names in lower case.

        Returns:
            `inputs` (n, ...) and `labels` (n, numbers per label), both converted to floats; and
            `dtype`, the original dtype of the inputs. `inputs` and `labels` have one row for each
            of the n items. Every item must have an input and a label that can be converted to
            tensors, and the shapes must be the same in all items. Otherwise, `inputs` and `labels`
            are None and there is no `dtype`.
        """
        known = {
            "classes": 10,
            "seed": 0,
            "device": torch.device("cpu"),
            "count": count,
            "batch": 1,
        }
        lengths = self._lengths()
        by_name = dict.fromkeys(lengths, count)  # of two lengths, one is the count
        by_name |= dict.fromkeys(lengths[:1], length)
        needed: dict[str, Any] = {"one_hot": False}
        for word, values in SPLITS.items():
            needed[word] = values[0]
        dataset = call(self.kind, ("items",), known, needed, by_name | more)
        inputs, labels = [], []
        shapes = set()
        is_clear = True
        for item in _read(dataset, read):
            pair = _pair(item)
            if pair is None:
                is_clear = False
                continue
            x, y = pair
            inputs.append(x)
            labels.append(y)
            shapes.add((x.shape, y.shape))
        if not is_clear or len(shapes) != 1:
            return {"inputs": None, "labels": None}
        return {
            "dtype": str(inputs[0].dtype).removeprefix("torch."),
            "inputs": torch.stack(inputs).float(),
            "labels": torch.stack(labels),
        }

    def _split(self) -> tuple[str, str | bool, str | bool] | None:
        """Return the first parameter that chooses the split, together with two of its values;
        return None if there is no such parameter.
        """
        for parameter, word in self.means.items():
            if word in SPLITS:
                first, second = SPLITS[word]
                return parameter, first, second
        return None

    def _one_hot(self) -> str | None:
        """Return the first parameter that asks for one-hot digits, or None."""
        for parameter, word in self.means.items():
            if word == "one_hot":
                return parameter
        return None

    def _lengths(self) -> list[str]:
        """Return the constructor parameters that may set the length of the palindromes.

        If `names.toml` lists none of the parameter names as a length, the first parameter is
        returned, unless `names.toml` lists that parameter with a different meaning.
        """
        lengths = []
        for word in LENGTHS:
            lengths += [name for name, known in self.means.items() if known == word]
        if not lengths:
            lengths = [name for name in list(self.means)[:1] if self.means[name] is None]
        return lengths


def _dataset_in(kinds: dict[str, type], name: str | None) -> type | None:
    """Return the class of the data set, found by its name or else by its methods."""
    words = (name.lower(),) if name else ()
    named: type | None = pick(kinds, *words, *NAMES["classes"]["dataset"].split("|"))
    if named:
        return named
    for kind in kinds.values():
        if {"__getitem__", "__iter__"} & vars(kind).keys():
            return kind
    return None


def _read(dataset: Any, count: int) -> Iterator[Any]:
    """Yield at most `count` items of a data set.

    If a data set supports indexing and `len` and has more than `count` items, the items are chosen
    at random. The first items may not be typical, for example in sorted data.
    """
    if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__getitem__"):
        yield from islice(iter(dataset), count)
        return
    size = min(len(dataset), SPREAD) if hasattr(dataset, "__len__") else count
    chosen = range(size) if size <= count else random.Random(0).sample(range(size), count)
    for k in chosen:
        yield dataset[k]


def _pair(item: Any) -> tuple[Tensor, Tensor] | None:
    """Return the input and the label of an item, or None if the item is not a pair. The input keeps
    its dtype and shape, and the label is flattened to float (n,).
    """
    if isinstance(item, dict):
        item = _pair_in(item)
    if not isinstance(item, tuple | list) or len(item) < 2:
        return None
    try:
        x, y = torch.as_tensor(item[0]), torch.as_tensor(item[1])
    except (TypeError, ValueError, RuntimeError):
        return None
    return x, y.reshape(-1).float()


def _pair_in(item: dict[Any, Any]) -> tuple[Any, Any] | None:
    """Return the input and the label from a data set's item that is a dictionary, or None if its
    keys do not show which value is which.
    """
    read = next((key for key in item if meaning(str(key), "keys")), None)
    predicted = [value for key, value in item.items() if key != read]
    if read is None or len(predicted) != 1:
        return None
    return item[read], predicted[0]
