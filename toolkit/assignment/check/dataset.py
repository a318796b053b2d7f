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
RIGHT = "Each item is a palindrome without its last digit, and that digit."
FEW = 10  # items, of which nothing can be told
SHOWN = 20  # of those that prove something
SCALES = (1, 9, 10)  # by which digits may have been divided


class Unusual(Exception):
    """Items that may be right, but are not of a kind that is known here."""


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
        message = "This file has no class PalindromeDataset."
        if kind["functions"]:
            verdicts.not_seen(f"{message} What its functions make was not looked at.")
        else:
            verdicts.fault("does-not-run", message, proof={"these": ["a class"], "those": []})
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
                what = f"what {kind['name']} makes could not be looked at: {error}."
                verdicts.not_seen(f"This file has no class PalindromeDataset, and {what}")
            elif error.file is None and "UnknownParameter" not in error.types:
                verdicts.not_seen(f"The check could not read the items of {kind['name']}: {error}.")
            else:
                verdicts.error(error)
            return
        except Empty:
            message = "This is still to be written: the items are None."
            verdicts.fault("not-written", message, at=_place(kind, "item"), proof={"text": "None"})
            return
        except Unusual as error:
            if length == ENCODED:
                break  # they mean something else by it
            verdicts.not_seen(f"{error} What is in them was not looked at.")
            return
    encoded = {ENCODED: found.pop(ENCODED)} if ENCODED in found else {}
    if _check_items(found, kind, verdicts) and _check_items(encoded, kind, verdicts):
        verdicts.right(RIGHT, "not-a-palindrome wrong-label answer-in-input")
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
        raise Unusual("Items are not pairs of an input and a label.")
    shape = tuple(inputs.shape[1:])
    if len(shape) == 2 and shape[1] == 10:
        digits = inputs.argmax(dim=2).float()
    elif len(shape) == 2 and shape[0] == 10:
        digits = inputs.argmax(dim=1).float()
    elif len(shape) in (1, 2) and shape[-1] in (1, inputs[0].numel()):
        digits = _whole(inputs.reshape(len(inputs), -1))
    else:
        raise Unusual(f"An item's input is {shape}, not (T-1, 1) or (T-1, 10).")
    return Items(digits.long(), _label(answer["labels"]))


def _whole(digits: Tensor) -> Tensor:
    """Bare digits, also if they were divided by 9 or by 10; else `Unusual` is raised."""
    for scale in SCALES:
        scaled = digits * scale
        if bool(((scaled - scaled.round()).abs() < 1e-3).all()):
            return scaled.round()
    raise Unusual("The inputs are no whole numbers.")


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
            message, at = "Some digits are not between 0 and 9.", _place(kind, "draw", "item")
            seen = {"digits": row, "label": end}
            verdicts.fault("not-a-palindrome", message, at=at, proof=seen)
            return False
    if answer := _answer(found):
        rows, ends = (x[:SHOWN].tolist() for x in next(iter(found.values())))
        at = _place(kind, "input", "item")
        verdicts.fault("answer-in-input", answer, at=at, proof={"rows": rows, "labels": ends})
        return False
    if asymmetry := _asymmetry(found):
        message, proof = asymmetry
        verdicts.fault("not-a-palindrome", message, at=_place(kind, "mirror", "item"), proof=proof)
        return False
    for digits, labels in found.values():
        wrong = labels != digits[:, 0]
        if bool(wrong.any()):
            bad = int(wrong.nonzero()[0])
            verdicts.fault(
                "wrong-label",
                f"After {_shown(digits[bad])} the palindrome ends in {int(digits[bad, 0])}, but "
                f"the label is {int(labels[bad])}. Which digit should be predicted?",
                at=_place(kind, "label", "item"),
                proof={"digits": digits[bad].tolist(), "label": int(labels[bad])},
            )
            return False
    for _, labels in found.values():
        if len(labels) >= 250 and len(missing := set(range(10)) - set(labels.tolist())):
            verdicts.fault(
                "missing-digits",
                f"None of {len(labels)} labels is {' or '.join(map(str, sorted(missing)))}. Look "
                "at the range that digits are drawn from. Does it include its upper end?",
                at=_place(kind, "draw", "init"),
                proof={"counts": labels.bincount(minlength=10).tolist()},
            )
            return False
    return True


def _answer(found: dict[int, Items]) -> str | None:
    """How the input contains the digit that is to be predicted; None if it does not.

    A label that is always the digit that was read last, and digits that are no palindrome without
    it: it is the label that is right.
    """
    if not found:
        return None
    if all(bool((digits == digits.flip(1)).all()) for digits, _ in found.values()):
        return (
            "The input is the whole palindrome with its last digit, so the network only has to "
            "repeat the digit that it read last. It should read T-1 digits."
        )
    same = all(bool((labels == digits[:, -1]).all()) for digits, labels in found.values())
    mirrored = all(
        bool((digits[:, :-1] == digits[:, :-1].flip(1)).all()) for digits, _ in found.values()
    )
    if same and mirrored:
        return (
            "The input ends with the digit that is to be predicted, and lacks the first one, so "
            "the network only has to repeat the digit that it read last. Which T-1 digits should "
            "it read?"
        )
    return None


def _asymmetry(found: dict[int, Items]) -> tuple[str, dict[str, Any]] | None:
    """Why what is read and the label are not a palindrome of T digits, and which; None if so."""
    for length, (digits, labels) in found.items():
        inside = digits[:, 1:]
        closed = (inside == inside.flip(1)).all(dim=1)
        if not bool(closed.all()):
            bad = int((~closed).nonzero()[0])
            return (
                f"{_shown(digits[bad])} followed by {int(labels[bad])} is not a palindrome (T = "
                f"{length}). Look at how the left half is mirrored, for even T and for odd T.",
                {"digits": digits[bad].tolist(), "label": int(labels[bad])},
            )
    if len({digits.size(1) - length for length, (digits, _) in found.items()}) > 1:
        got = ", ".join(f"{d.size(1)} for T = {length}" for length, (d, _) in found.items())
        return (
            f"The number of digits in the input does not grow with T: {got}. Look at the middle "
            "digit, for even T and for odd T.",
            {"reads": {length: d.size(1) for length, (d, _) in found.items()}},
        )
    return None


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
    message: str | None = None
    at: Placed | None = _place(kind, "draw", "init")
    for length in LONG:
        try:
            digits, labels = read_items(student, length)
        except StudentError as error:
            message, at = f"{error}.", error if error.line else at
            break
        except Unusual:
            sentence = f"Palindromes of {length} digits were not looked at."
            verdicts.not_seen(sentence, id="length-overflow")
            return
        inside = digits[:, 1:]
        symmetric = bool((inside == inside.flip(1)).all()) and bool((labels == digits[:, 0]).all())
        distinct = min(len(set(column)) for column in digits.t().tolist())  # nearly always 10
        varied = distinct >= 8 or len(labels) < 250
        if not symmetric or not varied or bool((digits < 0).any()) or digits.size(1) < length - 1:
            message = "The digits are no longer random, or no longer a palindrome."
            break
    if message is None:
        verdicts.right("Palindromes may be longer than 36 digits.", "length-overflow")
        return
    verdicts.fault(
        "length-overflow",
        f"It fails at T = {length}. {message} An integer of 64 bits holds 18 digits, a float about "
        "16. How large is the largest number that is drawn?",
        at=at,
        proof={"length": length, "problem": message},
    )


def _check_splits(student: Student, kind: dict[str, Any], verdicts: Verdicts) -> None:
    """A class that makes the splits itself: they share nothing, not even at T = 5."""
    if (name := kind["split"]) is None:
        return
    verdicts.doing("what the splits share")
    values: tuple[Any, Any] = ("train", "test") if name in WORDS else (True, False)
    try:
        sets = [read_items(student, 5, MANY, **{name: v}) for v in values]
    except (StudentError, Unusual):  # other words for the splits: no fault
        verdicts.not_seen(
            f"What the splits share is not known: {name} takes other values than {values[0]!r} and "
            f"{values[1]!r}.",
            id="split-leak",
        )
        return
    first, second = ({tuple(row) for row in s.digits.tolist()} for s in sets)
    if min(len(first), len(second)) < FEW:
        verdicts.not_seen("The splits have too few items to be compared.", id="split-leak")
    elif shared := first & second:
        verdicts.fault(
            "split-leak",
            f"{len(shared)} palindromes of 5 digits are in both splits. There are only 1,000, so "
            "random ones coincide. What decides which split a palindrome belongs to?",
            at=_place(kind, "init"),
            proof={"shared": len(shared), "of": len(second)},
        )
    else:
        verdicts.right("The splits share no palindrome.")
