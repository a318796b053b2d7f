"""Palindromes of digits, in three splits that never share one.

A palindrome of T digits is fixed by its left half, the first ceil(T / 2) digits. A hash of the left
half decides once and for all to which split it belongs: 80% train, 10% validation, 10% test. So the
splits are disjoint at every length, whatever the seed, the order or the number of workers.
"""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.common.errors import UsageError

NUM_DIGITS = 10
CHANCE = 1 / NUM_DIGITS  # accuracy by guessing
Split = Literal["train", "validation", "test"]

# Out of ten hash buckets, the first one is the test split, the second one validation.
BUCKETS: dict[str, tuple[int, int]] = {"test": (0, 1), "validation": (1, 2), "train": (2, 10)}
CHUNK = 1_000_000  # left halves listed at a time, which bounds the memory


def half_length(length: int) -> int:
    """Digits that fix a palindrome of `length` digits: ceil(length / 2)."""
    return (length + 1) // 2


def palindromes(
    count: int, length: int, *, split: Split, rng: torch.Generator, distinct: bool = False
) -> Tensor:
    """Draw palindromes uniformly from one split.

    Args:
        count: how many, at least 1.
        length: T, at least 2.
        split: "train", "validation" or "test".
        rng: a CPU generator; the same state gives the same palindromes.
        distinct: never the same palindrome twice.

    Returns:
        int64 of shape (count, length) with digits 0 to 9.

    Raises:
        UsageError: a size is too small, the split is unknown, or more distinct palindromes are
            asked for than there are.
    """
    if length < 2:
        raise UsageError(f"A palindrome needs a length of at least 2 digits, not {length}.")
    if count < 1:
        raise UsageError(f"The number of palindromes must be at least 1, not {count}.")
    if split not in BUCKETS:
        raise UsageError(
            f"There is no split {split!r}; choose one of {', '.join(get_args(Split))}."
        )
    half = half_length(length)
    if not distinct:
        left = _draw(count, half, split, rng)
    elif count > _expected_size(half, split) // 10:
        left = _choose(count, length, split, rng)
    else:
        left = _draw_distinct(count, half, split, rng)
    return _mirror(left, length)


def all_palindromes(length: int, split: Split) -> Tensor:
    """Every palindrome of the split, in numerical order: int64 of shape (n, length).

    There are about 0.8 or 0.1 times 10^ceil(length / 2), so this is for short ones.
    """
    half = half_length(length)
    return _mirror(_to_digits(_list_halves(half, split), half), length)


def held_out(length: int, split: Split, count: int, rng: torch.Generator) -> Tensor:
    """A set to measure on: `count` distinct palindromes of the split, or all where there are fewer.

    Returns:
        int64 of shape (n, length), n <= count.
    """
    if _expected_size(half_length(length), split) < 2 * count:
        count = min(count, len(all_palindromes(length, split)))
    return palindromes(count, length, split=split, rng=rng, distinct=True)


def split_last(digits: Tensor) -> tuple[Tensor, Tensor]:
    """The task: from (batch, T) digits to inputs (batch, T - 1) and labels (batch,), both int64."""
    return digits[:, :-1], digits[:, -1]


def parse_digits(text: str, longest: int) -> Tensor:
    """Read digits that somebody typed; spaces, commas and new lines between them do not count.

    Returns:
        int64 of shape (1, length).

    Raises:
        UsageError: there is no digit, another character, or more than `longest` digits.
    """
    digits = "".join(text.replace(",", " ").split())
    if not digits:
        raise UsageError("There are no digits yet. Type some, such as 3 1 4 1 5.")
    if len(digits) > longest:
        raise UsageError(f"That is {len(digits):,} digits; at most {longest:,} can be read here.")
    wrong = next((k for k, character in enumerate(digits) if character not in "0123456789"), None)
    if wrong is not None:
        raise UsageError(
            f"Character {wrong + 1} is {digits[wrong]!r}. Only the digits 0 to 9 can be read, with "
            "spaces, commas or new lines between them."
        )
    return torch.tensor([[int(digit) for digit in digits]])


def broken_mirror(digits: Tensor) -> int | None:
    """Where digits, int64 (T - 1,), fail to be the first T - 1 of a palindrome of T.

    Digits 2 to T - 1 of a palindrome are a palindrome themselves, and the T-th is the first again.

    Returns:
        the first place k, counted from 1, whose digit is not that of its mirror T + 1 - k; None
        where the digits do begin a palindrome.
    """
    inner = digits[1:]
    wrong = (inner != inner.flip(0)).nonzero()
    return int(wrong[0]) + 2 if len(wrong) else None


def encode(digits: Tensor, one_hot: bool) -> Tensor:
    """What the network reads at each step.

    Args:
        digits: int64 (batch, length).
        one_hot: ten inputs, of which the digit's own is 1; else one input, the bare digit.

    Returns:
        float32 of shape (batch, length, 10) or (batch, length, 1).
    """
    if one_hot:
        return F.one_hot(digits, 10).float()
    return digits.unsqueeze(-1).float()


def membership(left: Tensor) -> Tensor:
    """The hash bucket, 0 to 9, of each left half: int64 (count, half) -> int64 (count,).

    Digit j is multiplied by a fixed odd 64-bit number of its own, the products are added modulo
    2^64, and the sum is stirred by the finaliser of splitmix64 (Steele, Lea and Flood, 2014).
    """
    positions = torch.arange(1, left.size(1) + 1)
    multipliers = _stir(positions * _signed(0x9E3779B97F4A7C15)) | 1
    mixed = _stir((left * multipliers).sum(dim=1) + left.size(1))
    return (mixed & 0x7FFFFFFF) % 10


def _stir(x: Tensor) -> Tensor:
    x = (x ^ _shift_right(x, 30)) * _signed(0xBF58476D1CE4E5B9)
    x = (x ^ _shift_right(x, 27)) * _signed(0x94D049BB133111EB)
    return x ^ _shift_right(x, 31)


def _shift_right(x: Tensor, bits: int) -> Tensor:
    """A logical shift: torch's own copies the sign bit in from the left."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _signed(x: int) -> int:
    """The int64 with the same 64 bits as the unsigned `x`."""
    return x - (1 << 64) if x >> 63 else x


def _in_split(left: Tensor, split: str) -> Tensor:
    first, end = BUCKETS[split]
    bucket = membership(left)
    return (first <= bucket) & (bucket < end)


def _expected_size(half: int, split: str) -> int:
    first, end = BUCKETS[split]
    size: int = NUM_DIGITS ** min(half, 18) * (end - first) // 10  # more never matters
    return size


def _mirror(left: Tensor, length: int) -> Tensor:
    return torch.cat([left, left[:, : length - left.size(1)].flip(1)], dim=1)


def _to_digits(numbers: Tensor, half: int) -> Tensor:
    return numbers[:, None] // NUM_DIGITS ** torch.arange(half - 1, -1, -1) % NUM_DIGITS


def _list_halves(half: int, split: str) -> Tensor:
    """All left halves of the split as numbers, e.g. 42 for the digits 0 4 2."""
    chunks = torch.arange(NUM_DIGITS**half).split(CHUNK)
    return torch.cat([chunk[_in_split(_to_digits(chunk, half), split)] for chunk in chunks])


def _draw(count: int, half: int, split: str, rng: torch.Generator) -> Tensor:
    """Draw until enough fall into the split: 8 of 10 for train, 1 of 10 for the other two."""
    first, end = BUCKETS[split]
    left = torch.empty((0, half), dtype=torch.int64)
    while len(left) < count:
        tries = min((count - len(left)) * 12 // (end - first) + 8, max(1, 20 * CHUNK // half))
        drawn = torch.randint(NUM_DIGITS, (tries, half), generator=rng)
        left = torch.cat([left, drawn[_in_split(drawn, split)]])
    return left[:count]


def _draw_distinct(count: int, half: int, split: str, rng: torch.Generator) -> Tensor:
    """Draw, drop repetitions, and go on; for when there are many more than `count`."""
    left = _draw(count, half, split, rng)
    while len(left := left[_first_occurrences(left)]) < count:
        left = torch.cat([left, _draw(count - len(left), half, split, rng)])
    return left


def _choose(count: int, length: int, split: str, rng: torch.Generator) -> Tensor:
    """Choose from the list of all; for when `count` is most of them."""
    half = half_length(length)
    every = _list_halves(half, split)
    if count > len(every):
        raise UsageError(
            f"Only {len(every):,} of the {NUM_DIGITS**half:,} palindromes of {length} digits are "
            f"in the {split} split; {count:,} distinct ones were asked for."
        )
    return _to_digits(every[torch.randperm(len(every), generator=rng)[:count]], half)


def _first_occurrences(rows: Tensor) -> Tensor:
    """Sorted indices of the first row of each kind."""
    kinds, kind = torch.unique(rows, dim=0, return_inverse=True)
    indices = torch.arange(len(rows))
    first = torch.full((len(kinds),), len(rows)).scatter_reduce(0, kind, indices, "amin")
    return first.sort().values
