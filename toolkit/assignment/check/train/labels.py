"""Judges what the loss compares with: the last digit of the palindrome, which is its first."""

from collections.abc import Iterator

from torch import Tensor

from toolkit.assignment.check.train.trace import Batch, Call, Loss, Trace
from toolkit.assignment.check.verdicts import Verdicts

CLASSES = 10
SHOWN = 64  # labels that prove that they are others
SCALES = (1, 9, 10)  # by which digits may have been divided


def check_labels(before: int, loss: Loss, trace: Trace, verdicts: Verdicts) -> bool:
    """The labels are those that the data set gave, or the digits that complete the palindromes.

    Args:
        before: index of the backward pass before this loss.

    Returns:
        whether nothing is wrong with them, as far as that is known.
    """
    target = loss.target.numbers if loss.target else None
    labels = None if target is None else digits_of(target)
    if labels is None:
        return True
    given = [y for y in _given(before, loss, trace) if len(y) == len(labels)]
    if any(labels.equal(y) for y in given):
        return True
    right = next((y for y in _right(before, loss, trace) if len(y) == len(labels)), None)
    if right is None or labels.equal(right):
        return True
    shown = next(k for k in range(len(labels)) if labels[k] != right[k])
    verdicts.fault(
        "wrong-loss.labels",
        at=loss,
        proof={"one": labels[:SHOWN].tolist(), "other": right[:SHOWN].tolist()},
        label=int(labels[shown]),
        first=int(right[shown]),
    )
    return False


def whole(x: Tensor) -> Tensor | None:
    """Digits as int64, also if they were divided by 9 or by 10; None for other fractions."""
    scaled = (x.double() * scale for scale in SCALES)
    return next(
        (y.round().long() for y in scaled if bool(((y - y.round()).abs() < 1e-3).all())), None
    )


def digits_of(x: Tensor) -> Tensor | None:
    """Labels as int64 (n,), also of one-hot rows (n, 10), or (n, 1); None for anything else."""
    if x.dim() == 2 and x.size(1) == CLASSES:
        one_hot = bool((x.sum(1) == 1).all()) and bool(((x == 0) | (x == 1)).all())
        return x.argmax(1) if one_hot else None
    if not x.dim() or x.numel() != len(x):
        return None
    x = x.reshape(-1).double()
    return x.long() if bool(((x >= 0) & (x < CLASSES) & (x.frac() == 0)).all()) else None


def _given(before: int, loss: Loss, trace: Trace) -> Iterator[Tensor]:
    """What may be the labels of a batch, as the loader gave it."""
    for batch in trace.between(max(-1, before - 8), loss.index, Batch):
        for x in (value.numbers for value in batch.values):
            if x is None or not x.dim():
                continue
            yield x.reshape(-1).long()
            if x.dim() == 2:
                yield x[:, -1].long()
                yield x[-1].long()
                yield x.argmax(1)


def _right(before: int, loss: Loss, trace: Trace) -> Iterator[Tensor]:
    """What completes the palindromes that the network has read just before, if it read digits."""
    for call in reversed(trace.between(before, loss.index, Call)):
        for x in (value.numbers for value in call.inputs):
            digits = None if x is None else _read(x)
            if digits is None:
                continue
            for rows in (digits, digits.t()):
                if rows.size(1) < 3 or rows.size(0) < 3:
                    continue
                inner, outer = rows[:, 1:], rows[:, :-1]
                if inner.equal(inner.flip(1)):
                    yield rows[:, 0]
                elif outer.equal(outer.flip(1)):  # they are read from the end
                    yield rows[:, -1]


def _read(x: Tensor) -> Tensor | None:
    """The digits of an input (batch, time), or the other way round; None if it is no such thing."""
    if x.dim() == 3 and x.size(2) == CLASSES:
        one_hot = bool(((x == 0) | (x == 1)).all()) and bool((x.sum(2) == 1).all())
        return x.argmax(2) if one_hot else None
    x = x.squeeze(2) if x.dim() == 3 and x.size(2) == 1 else x
    if x.dim() != 2:
        return None
    digits = whole(x)
    fits = digits is not None and 1 < int(digits.max()) < CLASSES and int(digits.min()) >= 0
    return digits if fits else None
