"""Answers about a student's data set."""

import inspect
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import IterableDataset

from toolkit.assignment.check.child.answering import Back
from toolkit.assignment.check.child.importing import call, find_class
from toolkit.assignment.check.child.places import line_of

LENGTHS = ("seq_length", "seq_len", "sequence_length", "input_length", "length", "t")
COUNTS = ("total_len", "num_samples", "size", "count", "n", "total", "data_size", "num_palindromes")


class Answers:
    """One data set class, and what it makes."""

    def __init__(self, root: Path, back: Back) -> None:
        self.root = root
        self.kind: type = object

    def load(self, file: str, name: str | None) -> dict[str, Any]:
        """Import the file and find the class in it.

        Returns:
            its `name` (None if there is none), the lower-case names of its constructor's
            `parameters`, and the `lines` of its methods.
        """
        words = (name,) if name else ("palindromedataset", "palindrome", "dataset")
        kind = find_class(self.root / file, object, *words)
        if kind is None:
            return {"name": None}
        self.kind = kind
        return {
            "name": kind.__name__,
            "parameters": [n.lower() for n in inspect.signature(kind).parameters],
            "items_line": line_of(kind, "__getitem__", "__iter__"),
            "init_line": line_of(kind, "__init__"),
        }

    def items(self, length: int, count: int, more: dict[str, Any]) -> dict[str, Any]:
        """Build the data set for palindromes of about `length` digits, and read its first items.

        Args:
            count: how many items at most.
            more: values for other parameters of its constructor, by lower-case name.

        Returns:
            `inputs` (n, ...) and `labels` (n,), as they are but for their types.
        """
        known: dict[str, Any] = dict.fromkeys(LENGTHS, length) | dict.fromkeys(COUNTS, count)
        known |= {"one_hot": False, "seed": 0, "split": "train", "train": True} | more
        first = next(iter(inspect.signature(self.kind).parameters), None)
        if first is not None and first.lower() not in known:
            known[first.lower()] = length
        dataset = call(self.kind, known)
        if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__getitem__"):
            pairs = list(islice(iter(dataset), count))
        else:
            pairs = [dataset[k] for k in range(min(count, len(dataset)))]
        return {
            "inputs": torch.stack([torch.as_tensor(x).float() for x, _ in pairs]),
            "labels": torch.stack([torch.as_tensor(y).reshape(-1)[-1] for _, y in pairs]).long(),
        }
