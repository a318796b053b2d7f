"""Judges a student's data set of palindromes."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from torch import Tensor

from toolkit.assignment.asking.host import DatasetChild, StudentError
from toolkit.assignment.findings.findings import Placed
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.handin.submission import Located
from toolkit.assignment.judging.train.labels import CLASSES, digits_of, whole
from toolkit.assignment.running.places import Place
from toolkit.assignment.running.replies import DatasetClass
from toolkit.common.errors import in_short

SHORT = (5, 6, 9)
LONG = (40, 61)  # above 36, where 10 to the power of half the length is more than 64 bits hold
NUM_ITEMS = 400  # if the constructor sets aside a fifth for testing, more than ENOUGH are left
MANY = 20_000  # of each split
FEW, ENOUGH = 10, 250  # items: too few to judge; enough for all ten digits
VARIED = 8  # different digits at one position of ENOUGH random items, which nearly always have 10
SHOWN = 20  # items in a proof
MAX_ERROR = 300  # characters of an error message in a proof
Method = Literal["item", "init"]  # the method that gives items; the constructor


class Unusual(Exception):
    """Raised if the check does not know the format of the items, although they may be correct; the
    check then reports the finding `[not-seen.NAME]`.
    """

    def __init__(self, name: str = "", **fields: Any) -> None:
        super().__init__(name)
        self.name, self.fields = name, fields


class Fault(NamedTuple):
    """A fault that is visible in the items of a data set."""

    rule: str
    proof: claims.Evidence
    fields: dict[str, Any]  # other values that the sentence mentions


class Items(NamedTuple):
    """Some items from a data set."""

    digits: Tensor  # int64 (n, length), what the network reads
    labels: Tensor  # int64 (n,)


def check(child: DatasetChild, located: Located, verdicts: Verdicts) -> None:
    """Import the file, build its data set for several palindrome lengths, and judge the items."""
    verdicts.doing(f"importing {verdicts.shown(located.file)}")
    try:
        kind = child.ask.load(file=located.file, name=located.name)
    except StudentError as error:
        verdicts.error(error, importing=True)
        return
    if kind["name"] is None:
        if kind["functions"]:
            verdicts.not_seen("functions")
        else:
            proof = claims.shared.none_is_among(items=["a class"], among=[])
            verdicts.fault("does-not-run.no-class", proof=proof)
        return
    by_length, failure = _read_lengths(child, verdicts)
    fault = next(_faults(by_length), None)
    if fault is not None:
        at = _place(kind, "item")
        verdicts.fault(fault.rule, at=at, proof=fault.proof, **fault.fields)
    elif failure is not None:
        _report_failure(failure, by_length, child, kind, verdicts)
        return
    else:
        _confirm(by_length, verdicts)
        if _are_varied(by_length):
            by_length |= _check_long(child, kind, verdicts)
        _check_digits(by_length, kind, verdicts)
    _check_one_hot(child, kind, verdicts)
    _check_splits(child, kind, verdicts)


def _read_lengths(
    child: DatasetChild, verdicts: Verdicts
) -> tuple[dict[int, Items], StudentError | Unusual | None]:
    """Read items for several palindrome lengths, one length after another, and stop at the first
    length for which reading fails.

    Returns:
        the items for each length, and the failure, if there is one.
    """
    by_length = {}
    for length in SHORT:
        verdicts.doing(f"palindromes of {length} digits")
        try:
            by_length[length] = read_items(child, length)
        except (StudentError, Unusual) as failure:
            return by_length, failure
    return by_length, None


def _report_failure(
    failure: StudentError | Unusual,
    by_length: dict[int, Items],
    child: DatasetChild,
    kind: DatasetClass,
    verdicts: Verdicts,
) -> None:
    """Report that the items for a palindrome length cannot be read.

    If the data set works for other lengths and fails again in the same way for this one, the length
    is the cause. The check cannot be the cause, because it runs the same code for every length.
    """
    if isinstance(failure, Unusual):
        verdicts.not_seen(failure.name, **failure.fields)
        return
    if failure.file is None and "UnknownParameter" not in failure.types:
        verdicts.not_seen("reading", name=kind["name"], error=failure)
        return
    length, works = SHORT[len(by_length)], SHORT[0]
    again = _failure_at(length, child)
    proof = None
    if by_length and again is not None and _is_same(failure, again):
        proof = claims.dataset.fails_at_one_length(
            works,
            fails=length,
            error=in_short(str(failure), MAX_ERROR),
            second_error=in_short(str(again), MAX_ERROR),
            places=[[failure.file, failure.line], [again.file, again.line]],
        )
    verdicts.error(failure, proof=proof)
    if proof is not None and verdicts.has("does-not-run"):
        verdicts.also("at-length", length=length, works=works)


def _is_same(first: StudentError, second: StudentError) -> bool:
    """True if two errors have the same message and come from the same line."""
    is_same_place = (first.file, first.line) == (second.file, second.line)
    return is_same_place and str(first) == str(second)


def _failure_at(length: int, child: DatasetChild) -> StudentError | None:
    """Return the error that a data set with palindromes of `length` digits raises, or None."""
    try:
        read_items(child, length)
    except StudentError as error:
        return error
    except Unusual:
        return None
    return None


def _confirm(by_length: dict[int, Items], verdicts: Verdicts) -> None:
    """Report that the items are palindromes; called only if no fault was found in an item."""
    num_different = min(len(digits.unique(dim=0)) for digits, _ in by_length.values())
    if num_different < FEW:
        verdicts.not_seen("no-variety")
    else:
        shown: list[tuple[list[int], int]] = []
        for items in by_length.values():
            shown += _shown_items(items, SHOWN)
        rows, labels = _rows_and_labels(shown)
        proof = claims.dataset.are_palindromes(rows, labels, different=num_different)
        verdicts.right("items", proof=proof)


def _check_digits(by_length: dict[int, Items], kind: DatasetClass, verdicts: Verdicts) -> None:
    """For each length with enough labels, check that all ten digits occur among the labels. Report
    only the first length for which a digit is missing. If no digit is missing, report only the
    length with the most labels.
    """
    all_counts: dict[int, list[int]] = {}
    for length, (_, labels) in by_length.items():
        if len(labels) >= ENOUGH:
            all_counts[length] = labels.bincount(minlength=10).tolist()
    for length, counts in all_counts.items():
        if 0 in counts:
            missing = [str(digit) for digit, count in enumerate(counts) if not count]
            described = " or ".join(missing)
            proof = claims.dataset.a_digit_is_missing(counts)
            verdicts.fault(
                "missing-digits.never",
                at=_place(kind, "init"),
                proof=proof,
                n=sum(counts),
                missing=described,
                length=length,
            )
            return
    if all_counts:
        counts = max(all_counts.values(), key=sum)
        verdicts.right("digits", proof=claims.dataset.all_digits_occur(counts))


def _are_varied(by_length: dict[int, Items]) -> bool:
    """True unless a data set has so few different labels that checking its long palindromes would
    only report the same problem again.
    """
    for _, labels in by_length.values():
        if len(labels) >= ENOUGH and len(labels.unique()) < VARIED:
            return False
    return True


def read_items(child: DatasetChild, length: int, read: int = NUM_ITEMS, **parameters: Any) -> Items:
    """Read items of a data set with palindromes of `length` digits; each digit may be a number or a
    one-hot vector.

    Args:
        read: the maximum number of items to read.
        parameters: values for other parameters of the constructor, by lower-case name.

    Raises:
        Unusual: the items are not pairs of input and label, or the digits are neither numbers nor
            one-hot vectors.
    """
    count = min(NUM_ITEMS, 10 ** ((length + 1) // 2) // 2)
    answer = child.ask.items(length=length, count=count, read=read, more=parameters)
    if answer["inputs"] is None:
        raise Unusual("no-pairs")
    inputs, labels = answer["inputs"], answer["labels"]
    if not inputs.dim() or not len(inputs) == len(labels) > 0:
        raise Unusual("no-pairs")
    return Items(_digits_of(inputs.float()).long(), _label(labels))


def _digits_of(inputs: Tensor) -> Tensor:
    """Return the digits, of shape (n, length), that inputs of shape (n, ...) represent.

    Raises:
        Unusual: the inputs are neither digits nor one-hot vectors.
    """
    shape = tuple(inputs.shape[1:])
    if len(shape) == 2 and shape[1] == 10:
        return inputs.argmax(dim=2).float()
    if len(shape) == 2 and shape[0] == 10:
        return inputs.argmax(dim=1).float()
    if len(shape) in (1, 2) and shape[-1] in (1, inputs[0].numel()):
        digits = whole(inputs.reshape(len(inputs), -1))
        if digits is None:
            raise Unusual("fractions")
        return digits
    raise Unusual("shape", shape=shape)


def _label(labels: Tensor) -> Tensor:
    """Return the digit to predict for each item, int64 (n,).

    The labels may have shape (n, 1), be one-hot with shape (n, 10), or be sequences that end with
    the digit.
    """
    digits = digits_of(labels)
    return labels[:, -1].round().long() if digits is None else digits


def _faults(by_length: dict[int, Items]) -> Iterator[Fault]:
    """Yield each fault that is found in the items; the caller reports only the first one.

    The inputs are reported as containing the digit to predict only if every input is a whole
    palindrome, or if every input is a palindrome followed by its label.
    """
    items = []
    for length, (digits, labels) in by_length.items():
        for row, label in zip(digits.tolist(), labels.tolist(), strict=True):
            items.append((length, row, label))
    for _, row, label in items:
        if min(*row, label) < 0 or max(*row, label) > 9:
            yield Fault("not-a-palindrome.no-digits", _no_palindrome(row, label), {})
    yield from _read_answers(items)
    for length, row, label in items:
        if row[1:] != row[:0:-1]:
            fields = {"row": _shown(row), "length": length}
            yield Fault("not-a-palindrome.asymmetric", _no_palindrome(row, label), fields)
    yield from _wrong_lengths(by_length)
    for _, row, label in items:
        if label != row[0]:
            fields = {"row": _shown(row), "first": row[0]}
            proof = claims.dataset.another_digit_completes(digits=row, label=label)
            yield Fault("wrong-label.other", proof, fields)


def _read_answers(items: list[tuple[int, list[int], int]]) -> Iterator[Fault]:
    """Yield a fault if the input of every item contains the digit to predict."""
    if not items:
        return
    is_whole = all(row == row[::-1] for _, row, _ in items)
    is_shifted = all(row[-1] == label and row[:-1] == row[-2::-1] for _, row, label in items)
    if is_whole or is_shifted:
        rule = "answer-in-input.whole" if is_whole else "answer-in-input.shifted"
        first_length = items[0][0]
        shown = [(row, label) for length, row, label in items if length == first_length][:SHOWN]
        rows, labels = _rows_and_labels(shown)
        yield Fault(rule, claims.dataset.answer_is_read(rows, labels), {})


def _wrong_lengths(by_length: dict[int, Items]) -> Iterator[Fault]:
    """Yield a fault if the number of digits in an input does not grow with T."""
    reads = {length: digits.size(1) for length, (digits, _) in by_length.items()}
    differences = {count - length for length, count in reads.items()}
    if len(differences) > 1:
        described = ", ".join(f"{count} for T = {length}" for length, count in reads.items())
        proof = claims.dataset.number_does_not_grow(reads)
        yield Fault("not-a-palindrome.length", proof, {"got": described})


def _shown_items(items: Items, count: int) -> list[tuple[list[int], int]]:
    """Return the first `count` items, each as a pair of its list of input digits and its label."""
    digits, labels = items
    return list(zip(digits[:count].tolist(), labels[:count].tolist(), strict=True))


def _rows_and_labels(items: list[tuple[list[int], int]]) -> tuple[list[list[int]], list[int]]:
    return [row for row, _ in items], [label for _, label in items]


def _no_palindrome(row: list[int], label: int) -> claims.Evidence:
    return claims.dataset.is_no_palindrome(digits=row, label=label)


def _place(kind: DatasetClass, method: Method) -> Place | None:
    """Return the file and the line of the student's constructor if `method` is `init`, otherwise
    those of the method that returns an item.
    """
    place = kind[method]
    return Place(*place) if place else None


def _shown(row: list[int]) -> str:
    return " ".join(map(str, row))


def _check_long(child: DatasetChild, kind: DatasetClass, verdicts: Verdicts) -> dict[int, Items]:
    """Check that the data set still yields correct palindromes if they have more than 36 digits.

    The first half of a palindrome with more than 36 digits may not fit into a 64-bit integer. Code
    that draws this half as a single integer may therefore fail, or may produce digits that are not
    random.

    Returns:
        the items for each length, or an empty dictionary if the items for at least one length are
        not correct.
    """
    verdicts.doing("palindromes longer than 36 digits", stopped="length-overflow")
    at: Placed | None = _place(kind, "init")
    by_length: dict[int, Items] = {}
    shown: list[tuple[list[int], int]] = []
    lengths = []  # of the palindromes: some classes are told how many digits are read
    for length in LONG:
        try:
            items = read_items(child, length)
        except StudentError as error:
            at = error if error.line else at
            proof = claims.dataset.fails_at_many_digits(length, problem=str(error))
            verdicts.fault("length-overflow.fails", at=at, raised=error, proof=proof)
            return {}
        except Unusual:
            verdicts.not_seen("long", length=length)
            return {}
        num_digits = items.digits.size(1)
        if _is_spoilt(items) or num_digits < length - 1:
            proof = claims.dataset.fails_at_many_digits(length, problem="spoilt")
            verdicts.fault("length-overflow.spoilt", at=at, proof=proof)
            return {}
        by_length[length] = items
        shown += _shown_items(items, FEW)
        lengths.append(num_digits + 1)
    rows, labels = _rows_and_labels(shown)
    verdicts.right("long", proof=claims.dataset.are_long_palindromes(lengths, rows, labels))
    return by_length


def _is_spoilt(items: Items) -> bool:
    """True if the items are not palindromes, or if their digits hardly vary."""
    digits, labels = items
    inside = digits[:, 1:]
    is_symmetric = bool((inside == inside.flip(1)).all()) and bool((labels == digits[:, 0]).all())
    num_distinct = min(len(set(column)) for column in digits.t().tolist())
    is_varied = num_distinct >= VARIED or len(labels) < ENOUGH
    return not is_symmetric or not is_varied or bool((digits < 0).any())


def _check_one_hot(child: DatasetChild, kind: DatasetClass, verdicts: Verdicts) -> None:
    """Report one-hot inputs as correct if they are float32. If the constructor has a parameter for
    one-hot inputs, the check sets it to True.
    """
    parameters = {kind["one_hot"]: True} if kind["one_hot"] else {}
    try:
        answer = child.ask.items(length=SHORT[0], count=NUM_ITEMS, read=SHOWN, more=parameters)
    except StudentError:
        return
    if answer["inputs"] is None:
        return
    inputs = answer["inputs"]
    if inputs.dim() == 3 and inputs.size(2) == CLASSES:
        rows = inputs.reshape(-1, CLASSES)[:SHOWN].tolist()
        if answer["dtype"] == "float32":
            proof = claims.dataset.is_one_hot(rows, answer["dtype"])
            verdicts.right("one-hot", proof=proof)


def _check_splits(child: DatasetChild, kind: DatasetClass, verdicts: Verdicts) -> None:
    """If a parameter of the student's class selects between training data and test data, check that
    these two sets share no palindrome. The check uses T = 5: there are so few palindromes of this
    length that independently drawn sets overlap.
    """
    if kind["split"] is None:
        return
    name, *values = kind["split"]
    length = SHORT[0]
    verdicts.doing("what the splits share")
    palindromes = []
    try:
        for value in values:
            digits, _ = read_items(child, length, MANY, **{name: value})
            palindromes.append(digits)
    except (StudentError, Unusual):  # the class has other names for the splits, which is no fault
        verdicts.not_seen("other-splits", name=name, values="{!r} and {!r}".format(*values))
        return
    first, second = (set(map(tuple, digits.tolist())) for digits in palindromes)
    shared = first & second
    if min(len(first), len(second)) < FEW:
        verdicts.not_seen("few")
    elif shared:
        proof = claims.shared.overlap(shared=len(shared), size=len(second))
        at = _place(kind, "init")
        verdicts.fault("split-leak.shared", at=at, proof=proof, first=len(first))
    else:
        proof = claims.shared.are_apart(
            shared=0, first=len(first), second=len(second), length=length
        )
        verdicts.right("splits", proof=proof)
