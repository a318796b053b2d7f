"""Answers about a student's data set."""

import inspect
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from toolkit.assignment.check.child.answering import Back
from toolkit.assignment.check.child.importing import (
    call,
    classes,
    pick,
)
from toolkit.assignment.check.child.item_lines import Watch
from toolkit.assignment.check.child.places import Place, place_of_class
from toolkit.assignment.check.child.script.loops import import_briefly

LENGTHS = (
    *("seq_length", "seq_len", "sequence_length", "input_length", "length", "t", "max_length"),
    *("palindrome_length", "num_digits", "n_digits", "digits", "seqlen", "sequence_len", "l"),
)
COUNTS = (
    *("total_len", "num_samples", "size", "count", "n", "total", "data_size", "num_palindromes"),
    *("n_samples", "dataset_size", "samples", "num_data", "num_items", "total_length", "num"),
)
CLASSES = (
    *("num_classes", "n_classes", "base", "num_labels", "vocab_size", "input_dim", "input_size"),
    "num_digits_total",
)
SPLITS = ("split", "train", "mode", "is_train", "subset", "phase", "training", "test", "is_test")
BATCHES = ("batch_size", "batch", "batchsize", "bs", "num_sequences", "n_seq", "how_many")
MAKERS = ("palindrome", "generate", "make", "sample", "create", "batch", "data")
FEW = 20  # items of a data set that is looked at line by line
SPREAD = 10**6  # items of a data set over which those that are read are spread
INPUTS = ("x", "input", "inputs", "sequence", "seq", "data", "features")


class Answers:
    """One data set class, and what it makes."""

    def __init__(self, root: Path, back: Back) -> None:
        self.root = root
        self.kind: Any = object  # the class, or a function that makes items

    def load(self, file: str, name: str | None) -> dict[str, Any]:
        """Import the file and find the class in it.

        Returns:
            its `name`, and whether it `is_class`, or a function that seems to make palindromes
            (None if there is neither, and `functions`, the names of what there is instead), the
            lower-case names of its constructor's `parameters`, which of them chooses the `split`,
            and the places where it begins (`item`, `init`).
        """
        module = import_briefly(self.root / file, self.root)
        words = (name.lower(),) if name else ()
        found = classes(module, object)
        kind = pick(found, *words, "palindromedataset", "palindrome", "dataset") or next(
            (k for k in found.values() if {"__getitem__", "__iter__"} & vars(k).keys()), None
        )
        if kind is None:
            functions = {n: f for n, f in vars(module).items() if inspect.isfunction(f)}
            kind = pick(functions, *words, *MAKERS)
            if kind is None:
                return {"name": None, "functions": list(functions)}
        self.kind = kind
        parameters = [n.lower() for n in inspect.signature(kind).parameters]
        return {
            "name": kind.__name__,
            "is_class": isinstance(kind, type),
            "parameters": parameters,
            "split": next((n for n in parameters if n in SPLITS), None),
            "item": place_of_class(kind, self.root, "__getitem__", "__iter__"),
            "init": place_of_class(kind, self.root, "__init__"),
        }

    def lines(self, length: int) -> dict[str, Place]:
        """Where the first item of palindromes of `length` digits is made, as of `item_lines`."""
        with Watch(str(self.root)) as watch:
            item = next(self._items(length, FEW, 1, {}))
        pair = _pair(item)
        return {} if pair is None else watch.lines_of(pair[0], int(pair[1][-1]), length)

    def items(self, length: int, count: int, read: int, more: dict[str, Any]) -> dict[str, Any]:
        """Build the data set for palindromes of about `length` digits, and read some items.

        Args:
            count: how many it should have, if its constructor asks for that.
            read: how many are read at most, spread over all that there are.
            more: values for other parameters of its constructor, by lower-case name.

        Returns:
            `inputs` (n, ...) and `labels` (n, numbers of one label), as they are but for their
            types; `inputs` is None if items are no pairs of two tensors, all of one shape, and then
            `empty` says whether they are None.
        """
        items = list(self._items(length, count, read, more))
        pairs = list(map(_pair, items))
        shapes = {(x.shape, y.shape) for x, y in filter(None, pairs)}
        if None in pairs or len(shapes) != 1:
            empty = bool(items) and all(item is None for item in items)
            return {"inputs": None, "labels": None, "empty": empty}
        return {
            "empty": False,
            "inputs": torch.stack([pair[0] for pair in pairs if pair]),
            "labels": torch.stack([pair[1] for pair in pairs if pair]),
        }

    def _items(self, length: int, count: int, read: int, more: dict[str, Any]) -> Iterator[Any]:
        """What their code makes, as `items` is told to read it."""
        parameters = [name.lower() for name in inspect.signature(self.kind).parameters]
        first = next((n for n in LENGTHS if n in parameters), next(iter(parameters), None))
        known: dict[str, Any] = dict.fromkeys(CLASSES, 10)
        known |= dict.fromkeys((*LENGTHS, *COUNTS), count)  # two lengths: one is the number
        known |= {"one_hot": False, "onehot": False, "seed": 0, "split": "train", "train": True}
        known |= {"device": torch.device("cpu"), "batch_size": 1} | more
        if first in LENGTHS or first not in known:
            known |= {first: length} if first else {}
        if isinstance(self.kind, type):
            yield from _read(call(self.kind, known), read)
        else:
            sizes = dict.fromkeys(name for name in BATCHES if name in parameters)
            yield from _called(self.kind, known | dict.fromkeys(sizes, count), count)


def _read(dataset: Any, count: int) -> Iterator[Any]:
    """Some items, spread over the data set, since its first ones may be its least; or the first."""
    if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__getitem__"):
        yield from islice(iter(dataset), count)
        return
    size = min(len(dataset), SPREAD) if hasattr(dataset, "__len__") else count
    first = count == 1 or size <= count
    chosen = range(min(size, count)) if first else random.Random(0).sample(range(size), count)
    for k in chosen:
        yield dataset[k]


def _called(function: Any, known: dict[str, Any], count: int) -> Iterator[Any]:
    """The items that a function gives: of a batch, of a generator, or one by one."""
    made = call(function, known)
    if inspect.isgenerator(made):
        made = next(made)
    if isinstance(made, list) and made and isinstance(made[0], tuple):
        yield from made
        return
    pair = _pair(made)
    if pair is None:
        yield made
        return
    inputs, labels = pair
    if inputs.dim() == 3 and len(inputs) != len(labels) == inputs.size(1):
        inputs = inputs.transpose(0, 1)
    if len(labels) > 1 and len(inputs) == len(labels):
        yield from zip(inputs, labels, strict=True)
        return
    yield made
    for _ in range(count - 1):
        yield call(function, known)


def _pair(item: Any) -> tuple[Tensor, Tensor] | None:
    """What is read and what is predicted, as float (...) and int64 (n,); None if unclear."""
    if isinstance(item, dict):
        first = next((k for k in item if str(k).lower() in INPUTS), None)
        rest = [value for key, value in item.items() if key != first]
        item = (item[first], rest[0]) if first is not None and len(rest) == 1 else None
    if not isinstance(item, tuple | list) or len(item) < 2:
        return None
    try:
        x, y = (torch.as_tensor(part) for part in item[:2])
    except (TypeError, ValueError, RuntimeError):
        return None
    return x.float(), y.reshape(-1).float()
