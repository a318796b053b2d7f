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
from toolkit.assignment.check.child.importing import classes
from toolkit.assignment.check.child.places import place_of_class
from toolkit.assignment.check.child.script.loops import import_briefly
from toolkit.assignment.check.names import NAMES, call, meaning, pick

SPLITS = {"split": ("train", "test"), "training": (True, False), "test": (False, True)}
LENGTHS = ("length", "perhaps_length")
SPREAD = 10**6  # items of a data set over which those that are read are spread


class Answers:
    """One data set class, and what it makes."""

    def __init__(self, root: Path, back: Back) -> None:
        self.root = root
        self.kind: Any = object
        self.means: dict[str, str | None] = {}  # a parameter's name in lower case -> what it is

    def load(self, file: str, name: str | None) -> dict[str, Any]:
        """Import the file and find the class in it.

        Returns:
            its `name` (None if there is none, and `functions`, the names of those); of its
            constructor's parameters, in lower case, which one chooses the `split`, with two values
            of it, or None; which one asks for `one_hot` digits, or None; and the places where it
            begins (`item`, `init`).
        """
        module = import_briefly(self.root / file, self.root, name)
        words = (name.lower(),) if name else ()
        found = classes(module, object)
        kind = pick(found, *words, *NAMES["classes"]["dataset"].split("|")) or next(
            (k for k in found.values() if {"__getitem__", "__iter__"} & vars(k).keys()), None
        )
        if kind is None:
            functions = [n for n, f in vars(module).items() if inspect.isfunction(f)]
            return {"name": None, "functions": functions}
        self.kind = kind
        names = [name.lower() for name in inspect.signature(kind).parameters]
        self.means = {name: meaning(name, "items") for name in names}
        return {
            "name": kind.__name__,
            "split": next(
                ([n, *SPLITS[what]] for n, what in self.means.items() if what in SPLITS), None
            ),
            "one_hot": next((n for n, what in self.means.items() if what == "one_hot"), None),
            "item": place_of_class(kind, self.root, "__getitem__", "__iter__"),
            "init": place_of_class(kind, self.root, "__init__"),
        }

    def items(self, length: int, count: int, read: int, more: dict[str, Any]) -> dict[str, Any]:
        """Build the data set for palindromes of about `length` digits, and read some items.

        Args:
            count: how many it should have, if its constructor asks for that.
            read: how many are read at most, spread over all that there are.
            more: values for other parameters of its constructor, by lower-case name.

        Returns:
            `inputs` (n, ...) and `labels` (n, numbers of one label), as they are but for their
            types, and `dtype`, that of the inputs; `inputs` is None if items are no pairs of two
            tensors, all of one shape.
        """
        means = self.means
        known = {
            "classes": 10,
            "seed": 0,
            "device": torch.device("cpu"),
            "count": count,
            "batch": 1,
        }
        lengths = [n for what in LENGTHS for n in means if means[n] == what]
        lengths = lengths or [n for n in list(means)[:1] if means[n] is None]
        own = dict.fromkeys(lengths, count)  # two lengths: one is the number
        own |= dict.fromkeys(lengths[:1], length)
        rest = {"one_hot": False} | {what: values[0] for what, values in SPLITS.items()}
        dataset = call(self.kind, ("items",), known, rest, own | more)
        pairs = list(map(_pair, _read(dataset, read)))
        shapes = {(x.shape, y.shape) for x, y in filter(None, pairs)}
        if None in pairs or len(shapes) != 1:
            return {"inputs": None, "labels": None}
        return {
            "dtype": str(next(pair[0].dtype for pair in pairs if pair)).removeprefix("torch."),
            "inputs": torch.stack([pair[0] for pair in pairs if pair]).float(),
            "labels": torch.stack([pair[1] for pair in pairs if pair]),
        }


def _read(dataset: Any, count: int) -> Iterator[Any]:
    """Some items, spread over the data set, since its first ones may be its least; or the first."""
    if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__getitem__"):
        yield from islice(iter(dataset), count)
        return
    size = min(len(dataset), SPREAD) if hasattr(dataset, "__len__") else count
    chosen = range(size) if size <= count else random.Random(0).sample(range(size), count)
    for k in chosen:
        yield dataset[k]


def _pair(item: Any) -> tuple[Tensor, Tensor] | None:
    """What is read, as it is, and what is predicted, float (n,); None if unclear."""
    if isinstance(item, dict):
        first = next((k for k in item if meaning(str(k), "keys")), None)
        rest = [value for key, value in item.items() if key != first]
        item = (item[first], rest[0]) if first is not None and len(rest) == 1 else None
    if not isinstance(item, tuple | list) or len(item) < 2:
        return None
    try:
        x, y = (torch.as_tensor(part) for part in item[:2])
    except (TypeError, ValueError, RuntimeError):
        return None
    return x, y.reshape(-1).float()
