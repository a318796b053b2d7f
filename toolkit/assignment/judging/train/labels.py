"""Judges the labels that the loss function receives: each label should be the last digit of a
palindrome, and therefore equal to the palindrome's first digit.
"""

from collections.abc import Iterator

from torch import Tensor

from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.train.trace import Batch, Call, Loss, Trace

CLASSES = 10
SHOWN = 64  # labels in a proof
SCALES = (1, 9, 10)  # by which digits may have been divided


def check_labels(before: int, loss: Loss, trace: Trace, verdicts: Verdicts) -> bool:
    """Report labels that neither come from the data set nor complete the palindromes.

    Args:
        before: index of the backward pass before this loss.

    Returns:
        True if the check found no fault in the labels.
    """
    target = loss.target.numbers if loss.target else None
    labels = None if target is None else digits_of(target)
    if labels is None:
        return True
    for batch_labels in _batch_labels(before, loss, trace):
        if labels.equal(batch_labels):
            return True
    last_digits = _last_digits(before, loss, trace, len(labels))
    if last_digits is None or labels.equal(last_digits):
        return True
    first_wrong = int((labels != last_digits).nonzero()[0])
    verdicts.fault(
        "wrong-loss.labels",
        at=loss,
        proof=claims.shared.differ(
            actual=labels[:SHOWN].tolist(), expected=last_digits[:SHOWN].tolist()
        ),
        label=int(labels[first_wrong]),
        first=int(last_digits[first_wrong]),
    )
    return False


def whole(x: Tensor) -> Tensor | None:
    """Convert digits, which may have been divided by 9 or 10, to int64; return None if no factor
    (1, 9 or 10) makes all of them whole numbers.
    """
    for scale in SCALES:
        scaled = x.double() * scale
        rounded = scaled.round()
        if bool(((scaled - rounded).abs() < 1e-3).all()):
            return rounded.long()
    return None


def digits_of(x: Tensor) -> Tensor | None:
    """Return labels of shape (n,), (n, 1) or one-hot (n, 10) as int64 (n,), or None for other
    tensors.
    """
    if x.dim() == 2 and x.size(1) == CLASSES:
        return _from_one_hot(x)
    if not x.dim() or x.numel() != len(x):
        return None
    labels = x.reshape(-1).double()
    is_digit = (labels >= 0) & (labels < CLASSES) & (labels.frac() == 0)
    return labels.long() if bool(is_digit.all()) else None


def _from_one_hot(x: Tensor) -> Tensor | None:
    """Return the digits of one-hot vectors (..., 10) as int64; None if `x` is not one-hot."""
    is_binary = bool(((x == 0) | (x == 1)).all())
    sums_to_one = bool((x.sum(-1) == 1).all())
    return x.argmax(-1) if is_binary and sums_to_one else None


def _batch_labels(before: int, loss: Loss, trace: Trace) -> Iterator[Tensor]:
    """Yield tensors that may be the labels, taken from the loader's batches."""
    for batch in trace.between(max(-1, before - 8), loss.index, Batch):
        for value in batch.values:
            numbers = value.numbers
            if numbers is None or not numbers.dim():
                continue
            yield numbers.reshape(-1).long()
            if numbers.dim() == 2:
                yield numbers[:, -1].long()
                yield numbers[-1].long()
                yield numbers.argmax(1)


def _last_digits(before: int, loss: Loss, trace: Trace, count: int) -> Tensor | None:
    """Return the digits that complete the last `count` palindromes that the network has read.

    Returns:
        None if no call of the network was found to have read exactly `count` palindromes.
    """
    for call in reversed(trace.between(before, loss.index, Call)):
        for value in call.inputs:
            digits = None if value.numbers is None else _read(value.numbers)
            if digits is None:
                continue
            for rows in (digits, digits.t()):
                completing = _completing(rows)
                if completing is not None and len(completing) == count:
                    return completing
    return None


def _completing(rows: Tensor) -> Tensor | None:
    """Return digits, one for each row, that complete every row to a palindrome. All the digits are
    added at the end of the rows, or else all at the beginning. The result is None if there are no
    such digits, or too few rows or columns.
    """
    if rows.size(1) < 3 or rows.size(0) < 3:
        return None
    without_first, without_last = rows[:, 1:], rows[:, :-1]
    if without_first.equal(without_first.flip(1)):
        return rows[:, 0]
    if without_last.equal(without_last.flip(1)):  # the digits are read from the end
        return rows[:, -1]
    return None


def _read(x: Tensor) -> Tensor | None:
    """Return the digits of an input, (batch, time) or (time, batch), or None if the input does not
    consist of digits.
    """
    if x.dim() == 3 and x.size(2) == CLASSES:
        return _from_one_hot(x)
    if x.dim() == 3 and x.size(2) == 1:
        x = x.squeeze(2)
    if x.dim() != 2:
        return None
    digits = whole(x)
    if digits is None:
        return None
    least, largest = int(digits.min()), int(digits.max())
    return digits if least >= 0 and 1 < largest < CLASSES else None
