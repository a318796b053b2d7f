"""Judges a student's data set of palindromes."""

from typing import Any, NamedTuple

from torch import Tensor

from toolkit.assignment.check.host import Student, StudentError
from toolkit.assignment.check.submission import Located
from toolkit.assignment.check.verdicts import Verdicts

SPLITS = ("split", "train", "mode", "is_train", "subset", "phase")
SHORT = (5, 6, 9)
LONG = (40, 61)  # above 36, where 10 to the power of half the length is more than 64 bits hold
NUM_ITEMS = 300


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
        verdicts.fault("does-not-run", "This file has no class PalindromeDataset.")
        return
    found = {}
    for length in SHORT:
        verdicts.doing(f"palindromes of {length} digits")
        try:
            found[length] = read_items(student, length)
        except StudentError as error:
            verdicts.error(error)
            return
        except ValueError as error:
            verdicts.fault("does-not-run", f"{error}", line=kind["items_line"])
            return
    if _check_items(found, kind, verdicts):
        verdicts.right("Each item is a palindrome without its last digit, and that digit.")
        _check_long(student, kind, verdicts)
    _check_splits(student, kind, verdicts)


def read_items(student: Student, length: int, **more: Any) -> Items:
    """The first items of palindromes of `length` digits, whether they are bare or one-hot.

    Raises:
        ValueError: they are neither.
    """
    count = min(NUM_ITEMS, 10 ** ((length + 1) // 2) // 2)
    answer = student.ask("items", length=length, count=count, more=more)
    inputs: Tensor = answer["inputs"]
    if inputs.dim() == 3 and inputs.size(2) == 10:
        inputs = inputs.argmax(dim=2)
    elif inputs.dim() == 3 and inputs.size(2) == 1:
        inputs = inputs[:, :, 0]
    elif inputs.dim() != 2:
        raise ValueError(
            f"An item's input should be (T-1, 1) or (T-1, 10), not {tuple(inputs.shape[1:])}."
        )
    return Items(inputs.round().long(), answer["labels"])


def _check_items(found: dict[int, Items], kind: dict[str, Any], verdicts: Verdicts) -> bool:
    """Digits, their number, symmetry and labels: at all lengths before the next question."""
    line = kind["items_line"]
    for digits, labels in found.values():
        if bool((digits < 0).any() | (digits > 9).any() | (labels < 0).any() | (labels > 9).any()):
            verdicts.fault("not-a-palindrome", "Some digits are not between 0 and 9.", line=line)
            return False
    if all(bool((digits == digits.flip(1)).all()) for digits, _ in found.values()):
        verdicts.fault(
            "answer-in-input",
            "The input is the whole palindrome with its last digit, so the network only has to "
            "repeat the digit that it read last. It should read T-1 digits.",
            line=line,
        )
        return False
    if message := _asymmetry(found):
        verdicts.fault("not-a-palindrome", message, line=line)
        return False
    for digits, labels in found.values():
        wrong = labels != digits[:, 0]
        if bool(wrong.any()):
            bad = int(wrong.nonzero()[0])
            verdicts.fault(
                "wrong-label",
                f"After {_shown(digits[bad])} the palindrome ends in {int(digits[bad, 0])}, but "
                f"the label is {int(labels[bad])}. Which digit should be predicted?",
                line=line,
            )
            return False
    for _, labels in found.values():
        if len(labels) >= 250 and len(missing := set(range(10)) - set(labels.tolist())):
            verdicts.fault(
                "missing-digits",
                f"None of {len(labels)} labels is {' or '.join(map(str, sorted(missing)))}. Look "
                "at the range that digits are drawn from. Does it include its upper end?",
                line=kind["init_line"],
            )
            return False
    return True


def _asymmetry(found: dict[int, Items]) -> str | None:
    """Why what is read and the label are not a palindrome of T digits; None if they are."""
    for length, (digits, labels) in found.items():
        inside = digits[:, 1:]
        closed = (inside == inside.flip(1)).all(dim=1)
        if not bool(closed.all()):
            bad = int((~closed).nonzero()[0])
            return (
                f"{_shown(digits[bad])} followed by {int(labels[bad])} is not a palindrome (T = "
                f"{length}). Look at how the left half is mirrored, for even T and for odd T."
            )
    if len({digits.size(1) - length for length, (digits, _) in found.items()}) > 1:
        got = ", ".join(f"{d.size(1)} for T = {length}" for length, (d, _) in found.items())
        return (
            f"The number of digits in the input does not grow with T: {got}. Look at the middle "
            "digit, for even T and for odd T."
        )
    return None


def _shown(digits: Tensor) -> str:
    return " ".join(str(int(d)) for d in digits)


def _check_long(student: Student, kind: dict[str, Any], verdicts: Verdicts) -> None:
    """Beyond 36 digits, half a palindrome is more than 64 bits hold; it must stay a random one."""
    verdicts.doing("palindromes longer than 36 digits", stopped="length-overflow")
    message = None
    line = kind["init_line"]
    for length in LONG:
        try:
            digits, labels = read_items(student, length)
        except StudentError as error:
            message, line = f"{error}.", error.line
            break
        inside = digits[:, 1:]
        symmetric = bool((inside == inside.flip(1)).all()) and bool((labels == digits[:, 0]).all())
        distinct = min(len(set(column)) for column in digits.t().tolist())  # nearly always 10
        varied = distinct >= 8 or len(labels) < 250
        if not symmetric or not varied or bool((digits < 0).any()) or digits.size(1) < length - 1:
            message = "The digits are no longer random, or no longer a palindrome."
            break
    if message is None:
        verdicts.right("Palindromes may be longer than 36 digits.")
        return
    verdicts.fault(
        "length-overflow",
        f"It fails at T = {length}. {message} An integer of 64 bits holds 18 digits, a float about "
        "16. How large is the largest number that is drawn?",
        line=line,
    )


def _check_splits(student: Student, kind: dict[str, Any], verdicts: Verdicts) -> None:
    """A class that makes the splits itself: they share nothing, not even at T = 5."""
    name = next((n for n in kind["parameters"] if n in SPLITS), None)
    if name is None:
        return
    verdicts.doing("what the splits share")
    is_word = name in ("split", "mode", "subset", "phase")
    values: tuple[Any, Any] = ("train", "test") if is_word else (True, False)
    try:
        sets = [read_items(student, 5, **{name: v}) for v in values]
    except (StudentError, ValueError):  # other words for the splits: no fault
        verdicts.not_seen(
            f"What the splits share is not known: {name} takes other values than {values[0]!r} and "
            f"{values[1]!r}.",
            id="split-leak",
        )
        return
    first, second = ({tuple(row) for row in s.digits.tolist()} for s in sets)
    if shared := first & second:
        verdicts.fault(
            "split-leak",
            f"{len(shared)} palindromes of 5 digits are in both splits. There are only 1,000, so "
            "random ones coincide. What decides which split a palindrome belongs to?",
            line=kind["init_line"],
        )
    else:
        verdicts.right("The splits share no palindrome.")
