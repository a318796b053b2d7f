"""Checks of a student's `dataset.py`."""

import inspect
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.student.lines import line_of
from toolkit.assignment.check.student.scripts import find_class
from toolkit.assignment.check.student.submission import call, explain

LENGTHS = ("seq_length", "seq_len", "sequence_length", "input_length", "length", "t")
COUNTS = ("total_len", "num_samples", "size", "count", "n", "total", "data_size", "num_palindromes")
SPLITS = ("split", "train", "mode", "is_train", "subset", "phase")
SHORT = (5, 6, 9)
LONG = (40, 61)  # past 36, where 10 to the power of half the length leaves 64 bits
NUM_ITEMS = 300


class Items(NamedTuple):
    """Some items of a data set."""

    digits: Tensor  # int64 (n, length), what the network reads
    labels: Tensor  # int64 (n,)


def check(file: Path, channel: Channel) -> None:
    """Import the file, build its data set at several lengths, and look at the items."""
    kind = find_class(file, object, channel, "PalindromeDataset", "palindrome", "dataset")
    if kind is None:
        return
    found = {}
    for length in SHORT:
        channel.doing(f"palindromes of {length} digits")
        try:
            found[length] = read_items(build(kind, length), NUM_ITEMS)
        except Exception as error:  # whatever a student's code raises
            channel.error(error)
            return
    if _check_items(found, kind, channel):
        channel.right("Items are palindromes without their last digit, and that digit.")
        _check_long(kind, channel)
    _check_splits(kind, channel)


def build(kind: type, length: int, **more: Any) -> Any:
    """A data set of palindromes with about `length` digits: conventions differ by one."""
    count = min(NUM_ITEMS, 10 ** ((length + 1) // 2) // 2)
    known = dict.fromkeys(LENGTHS, length) | dict.fromkeys(COUNTS, count) | more
    known |= {"one_hot": False, "seed": 0, "split": "train", "train": True} | more
    parameters = inspect.signature(kind).parameters
    first = next(iter(parameters), None)
    if first is not None and first.lower() not in known:
        known[first.lower()] = length
    return call(kind, known)


def read_items(dataset: Any, count: int) -> Items:
    """The first items, decoded to digits whether they are bare or one-hot.

    Raises:
        ValueError: an item is neither.
    """
    if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__getitem__"):
        pairs = list(islice(iter(dataset), count))
    else:
        pairs = [dataset[k] for k in range(min(count, len(dataset)))]
    inputs = torch.stack([torch.as_tensor(x).float() for x, _ in pairs])
    labels = torch.stack([torch.as_tensor(y).reshape(-1)[-1] for _, y in pairs])
    if inputs.dim() == 3 and inputs.size(2) == 10:
        inputs = inputs.argmax(dim=2)
    elif inputs.dim() == 3 and inputs.size(2) == 1:
        inputs = inputs[:, :, 0]
    elif inputs.dim() != 2:
        raise ValueError(
            f"an item's input should be (T-1, 1) or (T-1, 10), not {tuple(inputs.shape[1:])}"
        )
    return Items(inputs.round().long(), labels.long())


def _check_items(found: dict[int, Items], kind: type, channel: Channel) -> bool:
    """Digits, their number, symmetry, and labels, at all lengths before the next question."""
    line = line_of(kind, "__getitem__", "__iter__")
    made = line_of(kind, "__init__")
    for digits, labels in found.values():
        if bool((digits < 0).any() | (digits > 9).any() | (labels < 0).any() | (labels > 9).any()):
            channel.fault("not-a-palindrome", "Some digits are not between 0 and 9.", line=line)
            return False
    if all(bool((digits == digits.flip(1)).all()) for digits, _ in found.values()):
        channel.fault(
            "answer-in-input",
            "The input is a whole palindrome, its last digit included: the network only has to "
            "repeat what it read last. It is given T-1 digits.",
            line=line,
        )
        return False
    for length, (digits, labels) in found.items():
        inside = digits[:, 1:]
        closed = (inside == inside.flip(1)).all(dim=1)
        if not bool(closed.all()):
            bad = int((~closed).nonzero()[0])
            channel.fault(
                "not-a-palindrome",
                f"{_shown(digits[bad])} and then {int(labels[bad])} is no palindrome (T = "
                f"{length}). Look at how the left half is mirrored, for an even and for an odd T.",
                line=line,
            )
            return False
    if len({digits.size(1) - length for length, (digits, _) in found.items()}) > 1:
        got = ", ".join(f"{d.size(1)} for T = {length}" for length, (d, _) in found.items())
        channel.fault(
            "not-a-palindrome",
            f"The number of digits that are read does not go with T: {got}. Look at the middle "
            "digit, for an even and for an odd T.",
            line=line,
        )
        return False
    for digits, labels in found.values():
        wrong = labels != digits[:, 0]
        if bool(wrong.any()):
            bad = int(wrong.nonzero()[0])
            channel.fault(
                "wrong-label",
                f"After {_shown(digits[bad])} the palindrome ends in {int(digits[bad, 0])}, and "
                f"the label is {int(labels[bad])}. Which digit is the one to predict?",
                line=line,
            )
            return False
    for _, labels in found.values():
        if len(labels) >= 250 and len(missing := set(range(10)) - set(labels.tolist())):
            channel.fault(
                "missing-digits",
                f"Among {len(labels)} items no label is {', '.join(map(str, sorted(missing)))}. "
                "Look at the range that digits are drawn from: is the upper end included?",
                line=made,
            )
            return False
    return True


def _shown(digits: Tensor) -> str:
    return " ".join(str(int(d)) for d in digits)


def _check_long(kind: type, channel: Channel) -> None:
    """Past 36 digits a palindrome's half leaves 64 bits: it still is a palindrome of any digits."""
    channel.doing("palindromes longer than 36 digits", stopped="length-overflow")
    message = None
    line = line_of(kind, "__init__")
    for length in LONG:
        try:
            digits, labels = read_items(build(kind, length), NUM_ITEMS)
        except (Exception, MemoryError) as error:
            fault = explain(error, channel.root)
            message, line = fault.message, fault.line
            break
        inside = digits[:, 1:]
        whole = bool((inside == inside.flip(1)).all()) and bool((labels == digits[:, 0]).all())
        kinds = min(len(set(column)) for column in digits.t().tolist())  # 10, but for luck
        varied = kinds >= 8 or len(labels) < 250
        if not whole or not varied or bool((digits < 0).any()) or digits.size(1) < length - 1:
            message = "The digits are no longer random ones that make a palindrome."
            break
    if message is None:
        channel.right("It goes past 36 digits.")
        return
    channel.fault(
        "length-overflow",
        f"At T = {length} it fails. {message} Numbers of more than 18 digits do not fit into 64 "
        "bits, nor 16 into a float: how large is the largest that is drawn?",
        line=line,
    )


def _check_splits(kind: type, channel: Channel) -> None:
    """Where the class itself makes the splits: they share nothing, at T = 5 least of all."""
    names = [n.lower() for n in inspect.signature(kind).parameters]
    name = next((n for n in names if n in SPLITS), None)
    if name is None:
        return
    channel.doing("what the splits share")
    values: tuple[Any, Any] = (
        ("train", "test")
        if name in ("split", "mode", "subset", "phase")
        else (
            True,
            False,
        )
    )
    try:
        sets = [read_items(build(kind, 5, **{name: v}), NUM_ITEMS) for v in values]
    except Exception:  # other words for the splits: no fault
        channel.not_seen(
            f"What its splits share was not found out; {name} takes other values than tried."
        )
        return
    first, second = ({tuple(row) for row in s.digits.tolist()} for s in sets)
    if shared := first & second:
        channel.fault(
            "split-leak",
            f"{len(shared)} palindromes of 5 digits are in both splits. There are only 1,000: "
            "random draws meet. What decides in which split a palindrome is?",
            line=line_of(kind, "__init__"),
        )
    else:
        channel.right("The splits share no palindrome.")
