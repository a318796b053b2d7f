"""Judges a student's data set of palindromes."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from torch import Tensor

from toolkit.assignment.check.findings import Place, Placed
from toolkit.assignment.check.host import Student, StudentError
from toolkit.assignment.check.submission import Located
from toolkit.assignment.check.train.labels import CLASSES, digits_of, whole
from toolkit.assignment.check.verdicts import Verdicts

SHORT = (5, 6, 9)
LONG = (40, 61)  # above 36, where 10 to the power of half the length is more than 64 bits hold
NUM_ITEMS = 300
MANY = 20_000  # of each split
FEW, ENOUGH = 10, 250  # items: of which nothing can be told, and by which all digits come up
SHOWN = 20  # of those that prove something


class Unusual(Exception):
    """Items that may be right, but are not of a kind that is known here: `[not-seen.NAME]`."""

    def __init__(self, name: str = "", **seen: Any) -> None:
        super().__init__(name)
        self.name, self.seen = name, seen


class Items(NamedTuple):
    """Some items of a data set."""

    digits: Tensor  # int64 (n, length), what the network reads
    labels: Tensor  # int64 (n,)


def check(student: Student, located: Located, verdicts: Verdicts) -> None:
    """Import the file, build its data set for several lengths, and look at the items."""
    verdicts.doing(f"importing {located.file}")
    try:
        kind = student.ask("load", file=located.file, name=located.name)
    except StudentError as error:
        verdicts.error(error, importing=True)
        return
    if kind["name"] is None:
        if kind["functions"]:
            verdicts.not_seen("functions")
        else:
            verdicts.fault("does-not-run.no-class", proof={"these": ["a class"], "those": []})
        return
    found = {}
    for length in SHORT:
        verdicts.doing(f"palindromes of {length} digits")
        try:
            found[length] = read_items(student, length)
        except StudentError as error:
            if error.file is None and "UnknownParameter" not in error.types:
                verdicts.not_seen("reading", name=kind["name"], error=error)
            else:
                verdicts.error(error)
            return
        except Unusual as error:
            verdicts.not_seen(error.name, **error.seen)
            return
    fault = next(_faults(found), None)
    if fault is not None:
        rule, where, proof, seen = fault
        verdicts.fault(rule, at=_place(kind, where), proof=proof, **seen)
    else:
        if min(len(digits.unique(dim=0)) for digits, _ in found.values()) < FEW:
            verdicts.not_seen("no-variety")
        else:
            shown = [pair for items in found.values() for pair in _shown_items(items, SHOWN)]
            different = min(len(digits.unique(dim=0)) for digits, _ in found.values())
            verdicts.right("items", proof=_rows_and_labels(shown) | {"different": different})
        most = max((labels for _, labels in found.values()), key=len)
        if len(most) >= ENOUGH:
            verdicts.right("digits", proof={"counts": most.bincount(minlength=10).tolist()})
        _check_long(student, kind, verdicts)
        _check_one_hot(student, kind, verdicts)
    _check_splits(student, kind, verdicts)


def read_items(student: Student, length: int, read: int = NUM_ITEMS, **more: Any) -> Items:
    """Some items of palindromes of `length` digits, whether they are bare or one-hot.

    Args:
        read: how many at most.
        more: values for other parameters of the constructor, by lower-case name.

    Raises:
        Unusual: they are neither.
    """
    count = min(NUM_ITEMS, 10 ** ((length + 1) // 2) // 2)
    answer = student.ask("items", length=length, count=count, read=read, more=more)
    inputs: Tensor | None = answer["inputs"]
    if inputs is None or not inputs.dim() or not len(inputs) == len(answer["labels"]) > 0:
        raise Unusual("no-pairs")
    inputs = inputs.float()
    shape = tuple(inputs.shape[1:])
    if len(shape) == 2 and shape[1] == 10:
        digits = inputs.argmax(dim=2).float()
    elif len(shape) == 2 and shape[0] == 10:
        digits = inputs.argmax(dim=1).float()
    elif len(shape) in (1, 2) and shape[-1] in (1, inputs[0].numel()):
        if (found := whole(inputs.reshape(len(inputs), -1))) is None:
            raise Unusual("fractions")
        digits = found
    else:
        raise Unusual("shape", shape=shape)
    return Items(digits.long(), _label(answer["labels"]))


def _label(labels: Tensor) -> Tensor:
    """The digit to be predicted, int64 (n,): of labels (n, 1), one-hot (n, 10), or a sequence."""
    found = digits_of(labels)
    return labels[:, -1].round().long() if found is None else found


def _faults(
    found: dict[int, Items],
) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Of each fault its rule, the method that would do otherwise, the proof, and the rest.

    A label that is always the digit that was read last, and digits that are no palindrome without
    it: it is the label that is right.
    """
    items = [
        (length, row, label)
        for length, (digits, labels) in found.items()
        for row, label in zip(digits.tolist(), labels.tolist(), strict=True)
    ]
    for _, row, label in items:
        if min(*row, label) < 0 or max(*row, label) > 9:
            yield "not-a-palindrome.no-digits", "item", _proof(row, label), {}
    whole = all(row == row[::-1] for _, row, _ in items)
    same = all(row[-1] == label and row[:-1] == row[-2::-1] for _, row, label in items)
    if items and (whole or same):
        rule = "answer-in-input.whole" if whole else "answer-in-input.shifted"
        seen = [(row, label) for length, row, label in items if length == items[0][0]][:SHOWN]
        rows, ends = zip(*seen, strict=True)
        yield rule, "item", {"rows": rows, "labels": ends}, {}
    for length, row, label in items:
        if row[1:] != row[:0:-1]:
            rest = {"row": _shown(row), "length": length}
            yield "not-a-palindrome.asymmetric", "item", _proof(row, label), rest
    reads = {length: digits.size(1) for length, (digits, _) in found.items()}
    if len({n - length for length, n in reads.items()}) > 1:
        got = ", ".join(f"{n} for T = {length}" for length, n in reads.items())
        yield "not-a-palindrome.length", "item", {"reads": reads}, {"got": got}
    for _, row, label in items:
        if label != row[0]:
            rest = {"row": _shown(row), "first": row[0]}
            yield "wrong-label.other", "item", _proof(row, label), rest
    for _, labels in found.values():
        counts = labels.bincount(minlength=10).tolist()
        if len(labels) >= ENOUGH and 0 in counts:
            missing = " or ".join(str(digit) for digit, n in enumerate(counts) if not n)
            rest = {"n": len(labels), "missing": missing}
            yield "missing-digits.never", "init", {"counts": counts}, rest


def _shown_items(items: Items, count: int) -> list[tuple[list[int], int]]:
    """The first items, each as its row and its label."""
    digits, labels = items
    return list(zip(digits[:count].tolist(), labels[:count].tolist(), strict=True))


def _rows_and_labels(items: list[tuple[list[int], int]]) -> dict[str, Any]:
    return {"rows": [row for row, _ in items], "labels": [label for _, label in items]}


def _proof(row: list[int], label: int) -> dict[str, Any]:
    return {"digits": row, "label": label}


def _place(kind: dict[str, Any], method: str) -> Place | None:
    """Where the method begins that gives an `item`, or the constructor, `init`."""
    return Place(*kind[method]) if kind[method] else None


def _shown(row: list[int]) -> str:
    return " ".join(map(str, row))


def _check_long(student: Student, kind: dict[str, Any], verdicts: Verdicts) -> None:
    """Beyond 36 digits, half a palindrome is more than 64 bits hold; it must stay a random one."""
    verdicts.doing("palindromes longer than 36 digits", stopped="length-overflow")
    at: Placed | None = _place(kind, "init")
    shown: list[tuple[list[int], int]] = []
    for length in LONG:
        try:
            digits, labels = read_items(student, length)
        except StudentError as error:
            at, proof = error if error.line else at, {"length": length, "problem": str(error)}
            verdicts.fault("length-overflow.fails", at=at, proof=proof)
            return
        except Unusual:
            verdicts.not_seen("long", length=length)
            return
        inside = digits[:, 1:]
        symmetric = bool((inside == inside.flip(1)).all()) and bool((labels == digits[:, 0]).all())
        distinct = min(len(set(column)) for column in digits.t().tolist())  # nearly always 10
        varied = distinct >= 8 or len(labels) < ENOUGH
        if not symmetric or not varied or bool((digits < 0).any()) or digits.size(1) < length - 1:
            proof = {"length": length, "problem": "spoilt"}
            verdicts.fault("length-overflow.spoilt", at=at, proof=proof)
            return
        shown += _shown_items(Items(digits[:, : length - 1], labels), FEW)
    verdicts.right("long", proof=_rows_and_labels(shown) | {"lengths": list(LONG)})


def _check_one_hot(student: Student, kind: dict[str, Any], verdicts: Verdicts) -> None:
    """Where digits come as ten numbers, or can be asked for as such: these are of float32."""
    asked = {kind["one_hot"]: True} if kind["one_hot"] else {}
    try:
        answer = student.ask("items", length=SHORT[0], count=NUM_ITEMS, read=SHOWN, more=asked)
    except StudentError:
        return
    inputs: Tensor | None = answer["inputs"]
    if inputs is not None and inputs.dim() == 3 and inputs.size(2) == CLASSES:
        rows = inputs.reshape(-1, CLASSES)[:SHOWN].tolist()
        if answer["dtype"] == "float32":
            verdicts.right("one-hot", proof={"one_hot": rows, "dtype": answer["dtype"]})


def _check_splits(student: Student, kind: dict[str, Any], verdicts: Verdicts) -> None:
    """A class that makes the splits itself: they share nothing, not even at T = 5."""
    if kind["split"] is None:
        return
    name, *values = kind["split"]
    length = SHORT[0]
    verdicts.doing("what the splits share")
    try:
        sets = [read_items(student, length, MANY, **{name: v}) for v in values]
    except (StudentError, Unusual):  # other words for the splits: no fault
        verdicts.not_seen("other-splits", name=name, values="{!r} and {!r}".format(*values))
        return
    first, second = ({tuple(row) for row in s.digits.tolist()} for s in sets)
    if min(len(first), len(second)) < FEW:
        verdicts.not_seen("few")
    elif shared := first & second:
        proof = {"shared": len(shared), "of": len(second)}
        verdicts.fault("split-leak.shared", at=_place(kind, "init"), proof=proof)
    else:
        sizes = {"first": len(first), "second": len(second), "length": length}
        verdicts.right("splits", proof={"shared": 0, **sizes})
