"""Judges a student's data set of palindromes."""

import contextlib
from typing import Any, NamedTuple

import torch
from torch import Tensor

from toolkit.assignment.check.host import Student, StudentError
from toolkit.assignment.check.submission import Located
from toolkit.assignment.check.verdicts import Place, Placed, Verdicts

WORDS = ("split", "mode", "subset", "phase")  # parameters whose values are words
ONE_HOT = ("one_hot", "onehot")
SHORT = (5, 6, 9)
ENCODED = 7  # digits of those that are asked for one-hot, where the constructor has that choice
LONG = (40, 61)  # above 36, where 10 to the power of half the length is more than 64 bits hold
NUM_ITEMS = 300
MANY = 20_000  # of each split
FEW = 10  # items, of which nothing can be told
SHOWN = 20  # of those that prove something
SCALES = (1, 9, 10)  # by which digits may have been divided


class Unusual(Exception):
    """Items that may be right, but are not of a kind that is known here: `[not-seen.NAME]`."""

    def __init__(self, name: str = "", **seen: Any) -> None:
        super().__init__(name)
        self.name, self.seen = name, seen


class Empty(Unusual):
    """Items that are None."""


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
    kind["look"] = lambda: student.ask("lines", length=SHORT[0])
    found = {}
    one_hot = [name for name in ONE_HOT if name in kind["parameters"]]
    for length in (*SHORT, *[ENCODED] * len(one_hot[:1])):
        verdicts.doing(f"palindromes of {length} digits")
        more = {one_hot[0]: True} if length == ENCODED else {}
        try:
            found[length] = read_items(student, length, **more)
        except StudentError as error:
            if not kind["is_class"]:
                verdicts.not_seen("function", name=kind["name"], error=error)
            elif error.file is None and "UnknownParameter" not in error.types:
                verdicts.not_seen("reading", name=kind["name"], error=error)
            else:
                verdicts.error(error)
            return
        except Empty:
            verdicts.fault("not-written.none", at=_place(kind, "item"), proof={"text": "None"})
            return
        except Unusual as error:
            if length == ENCODED:
                break  # they mean something else by it
            verdicts.not_seen(error.name, **error.seen)
            return
    encoded = {ENCODED: found.pop(ENCODED)} if ENCODED in found else {}
    if _check_items(found, kind, verdicts) and _check_items(encoded, kind, verdicts):
        verdicts.right("items")
        _check_long(student, kind, verdicts)
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
    if answer["empty"]:
        raise Empty
    if inputs is None:
        raise Unusual("no-pairs")
    shape = tuple(inputs.shape[1:])
    if len(shape) == 2 and shape[1] == 10:
        digits = inputs.argmax(dim=2).float()
    elif len(shape) == 2 and shape[0] == 10:
        digits = inputs.argmax(dim=1).float()
    elif len(shape) in (1, 2) and shape[-1] in (1, inputs[0].numel()):
        digits = _whole(inputs.reshape(len(inputs), -1))
    else:
        raise Unusual("shape", shape=shape)
    return Items(digits.long(), _label(answer["labels"]))


def _whole(digits: Tensor) -> Tensor:
    """Bare digits, also if they were divided by 9 or by 10; else `Unusual` is raised."""
    for scale in SCALES:
        scaled = digits * scale
        if bool(((scaled - scaled.round()).abs() < 1e-3).all()):
            return scaled.round()
    raise Unusual("fractions")


def _label(labels: Tensor) -> Tensor:
    """The digit to be predicted, int64 (n,): of labels (n, 1), one-hot (n, 10), or a sequence."""
    one_hot = labels.size(1) == 10 and bool(((labels == 0) | (labels == 1)).all())
    if one_hot and bool((labels.sum(1) == 1).all()):
        return labels.argmax(1)
    return labels[:, -1].round().long()


def _check_items(found: dict[int, Items], kind: dict[str, Any], verdicts: Verdicts) -> bool:
    """Digits, their number, symmetry and labels: at all lengths before the next question."""
    for digits, labels in found.values():
        both = torch.cat([digits, labels[:, None]], 1)
        if len(outside := ((both < 0) | (both > 9)).any(1).nonzero()):
            *row, end = both[int(outside[0])].tolist()
            at, seen = _place(kind, "draw", "item"), {"digits": row, "label": end}
            verdicts.fault("not-a-palindrome.no-digits", at=at, proof=seen)
            return False
    if answer := _answer(found):
        rows, ends = (x[:SHOWN].tolist() for x in next(iter(found.values())))
        at = _place(kind, "input", "item")
        verdicts.fault(answer, at=at, proof={"rows": rows, "labels": ends})
        return False
    if _is_asymmetric(found, kind, verdicts):
        return False
    for digits, labels in found.values():
        wrong = labels != digits[:, 0]
        if bool(wrong.any()):
            bad = int(wrong.nonzero()[0])
            verdicts.fault(
                "wrong-label.other",
                at=_place(kind, "label", "item"),
                proof={"digits": digits[bad].tolist(), "label": int(labels[bad])},
                row=_shown(digits[bad]),
                first=int(digits[bad, 0]),
            )
            return False
    for _, labels in found.values():
        if len(labels) >= 250 and len(missing := set(range(10)) - set(labels.tolist())):
            verdicts.fault(
                "missing-digits.never",
                at=_place(kind, "draw", "init"),
                proof={"counts": labels.bincount(minlength=10).tolist()},
                n=len(labels),
                missing=" or ".join(map(str, sorted(missing))),
            )
            return False
    return True


def _answer(found: dict[int, Items]) -> str | None:
    """The rule of how the input contains the digit that is to be predicted; None if it does not.

    A label that is always the digit that was read last, and digits that are no palindrome without
    it: it is the label that is right.
    """
    if not found:
        return None
    if all(bool((digits == digits.flip(1)).all()) for digits, _ in found.values()):
        return "answer-in-input.whole"
    same = all(bool((labels == digits[:, -1]).all()) for digits, labels in found.values())
    mirrored = all(
        bool((digits[:, :-1] == digits[:, :-1].flip(1)).all()) for digits, _ in found.values()
    )
    return "answer-in-input.shifted" if same and mirrored else None


def _is_asymmetric(found: dict[int, Items], kind: dict[str, Any], verdicts: Verdicts) -> bool:
    """Whether what is read and the label are not a palindrome of T digits."""
    for length, (digits, labels) in found.items():
        inside = digits[:, 1:]
        closed = (inside == inside.flip(1)).all(dim=1)
        if not bool(closed.all()):
            bad = int((~closed).nonzero()[0])
            verdicts.fault(
                "not-a-palindrome.asymmetric",
                at=_place(kind, "mirror", "item"),
                proof={"digits": digits[bad].tolist(), "label": int(labels[bad])},
                row=_shown(digits[bad]),
                length=length,
            )
            return True
    reads = {length: digits.size(1) for length, (digits, _) in found.items()}
    if len({n - length for length, n in reads.items()}) > 1:
        got = ", ".join(f"{n} for T = {length}" for length, n in reads.items())
        at = _place(kind, "mirror", "item")
        verdicts.fault("not-a-palindrome.length", at=at, proof={"reads": reads}, got=got)
        return True
    return False


def _place(kind: dict[str, Any], *what: str) -> Place | None:
    """Where the class does the first of these things that is known."""
    with contextlib.suppress(StudentError):  # what was made meanwhile tells nothing
        kind |= kind["look"]()
    return next((Place(*kind[w]) for w in what if kind.get(w)), None)


def _shown(digits: Tensor) -> str:
    return " ".join(map(str, digits.tolist()))


def _check_long(student: Student, kind: dict[str, Any], verdicts: Verdicts) -> None:
    """Beyond 36 digits, half a palindrome is more than 64 bits hold; it must stay a random one."""
    verdicts.doing("palindromes longer than 36 digits", stopped="length-overflow")
    at: Placed | None = _place(kind, "draw", "init")
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
        varied = distinct >= 8 or len(labels) < 250
        if not symmetric or not varied or bool((digits < 0).any()) or digits.size(1) < length - 1:
            proof = {"length": length, "problem": "spoilt"}
            verdicts.fault("length-overflow.spoilt", at=at, proof=proof)
            return
    verdicts.right("long")


def _check_splits(student: Student, kind: dict[str, Any], verdicts: Verdicts) -> None:
    """A class that makes the splits itself: they share nothing, not even at T = 5."""
    if (name := kind["split"]) is None:
        return
    verdicts.doing("what the splits share")
    values: tuple[Any, Any] = ("train", "test") if name in WORDS else (True, False)
    try:
        sets = [read_items(student, 5, MANY, **{name: v}) for v in values]
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
        verdicts.right("splits")
