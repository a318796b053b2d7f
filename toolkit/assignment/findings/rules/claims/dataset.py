"""Claims about a submission's data set of palindromes."""

from collections.abc import Mapping, Sequence

from toolkit.assignment.findings.rules.claims.claim import proves, rules_out
from toolkit.assignment.findings.rules.claims.shared import CHANCE

FEW_ITEMS = 10  # fewer different items than this tell nothing about all items
MANY_DIGITS = 36  # half of a longer palindrome is more than 64 bits hold


def _is_palindrome(digits: Sequence[int]) -> bool:
    return digits == digits[::-1]


def _all_completed(rows: Sequence[Sequence[int]], labels: Sequence[int]) -> bool:
    """True if there are rows, and each row followed by its label is a palindrome."""
    for row, label in zip(rows, labels, strict=True):
        if not _is_palindrome([*row, label]):
            return False
    return bool(rows)


def _all_end_with_answer(rows: Sequence[Sequence[int]], labels: Sequence[int]) -> bool:
    if all(map(_is_palindrome, rows)):
        return True
    for row, label in zip(rows, labels, strict=True):
        if row[-1] != label or not _is_palindrome(row[:-1]):
            return False
    return True


# Faults.


@proves("identity", "not-a-palindrome")
def is_no_palindrome(digits: list[int], label: int) -> bool:
    """Some values are not digits, or the values are not the first T-1 digits of a palindrome.

    The T-1 digits can be completed to form a palindrome if digits 2 to T-1 form one;
    `another_digit_completes` checks whether the label equals the first digit, as it should.
    """
    is_digit = min(*digits, label) >= 0 and max(*digits, label) <= 9
    return not is_digit or not _is_palindrome(digits[1:])


@proves("experiment", "not-a-palindrome")
def number_does_not_grow(reads: Mapping[int, int]) -> bool:
    """T minus the number of digits that the network reads is not the same for every T."""
    differences = {count - int(length) for length, count in reads.items()}  # JSON has no int keys
    return len(differences) > 1


@proves("identity", "answer-in-input")
def answer_is_read(rows: list[list[int]], labels: list[int]) -> bool:
    """Each row already ends with the digit that the network should predict."""
    return _all_end_with_answer(rows, labels)


@proves("identity", "wrong-label", "wrong-loss")
def another_digit_completes(digits: list[int], label: int) -> bool:
    """The label does not complete the palindrome, but another digit would."""
    return _is_palindrome(digits[1:]) and digits[0] != label


@proves("identity", "missing-digits")
def a_digit_is_missing(counts: Sequence[int]) -> bool:
    """A digit is missing; if all ten are equally likely, the probability of this is below 1e-9."""
    return 0 in counts and 10 * 0.9 ** sum(counts) < CHANCE


@proves("experiment", "length-overflow")
def fails_at_many_digits(length: int, problem: str) -> bool:
    """The data set works for short palindromes, but not for palindromes of more than 36 digits."""
    return length > MANY_DIGITS and bool(problem)


@proves("experiment", "does-not-run")
def fails_at_one_length(
    works: int, fails: int, error: str, second_error: str, places: Sequence[Sequence[object]]
) -> bool:
    """The data set works for one length, but fails twice in the same way for another length."""
    first, second = places
    return works != fails and bool(error) and error == second_error and first == second


# What is right.


@rules_out("identity", "not-a-palindrome", "wrong-label", "answer-in-input")
def are_palindromes(rows: list[list[int]], labels: list[int], different: int) -> bool:
    """Every row becomes a palindrome with its label appended; without it, not all rows are one."""
    if different < FEW_ITEMS or not _all_completed(rows, labels):
        return False
    return not _all_end_with_answer(rows, labels)


@rules_out("identity")
def is_one_hot(one_hot: Sequence[Sequence[float]], dtype: str) -> bool:
    """Each digit is encoded as ten float32 numbers, of which one is 1 and nine are 0."""
    for row in one_hot:
        if len(row) != 10 or not sum(row) == max(row) == 1:
            return False
    return bool(one_hot) and dtype == "float32"


@rules_out("identity", "missing-digits")
def all_digits_occur(counts: Sequence[int]) -> bool:
    """Each of the ten digits occurs as a label."""
    return min(counts) > 0


@rules_out("identity", "length-overflow")
def are_long_palindromes(lengths: Sequence[int], rows: list[list[int]], labels: list[int]) -> bool:
    """The items are palindromes of more than 36 digits."""
    lengths_of_rows = {len(row) + 1 for row in rows}
    is_long = min(lengths) > MANY_DIGITS and set(lengths) == lengths_of_rows
    return is_long and _all_completed(rows, labels)
