"""Palindromes of digits, in three disjoint splits.

The left half, which is the first ceil(T / 2) of T digits, determines the palindrome. A hash of the
left half determines the split: 80% train, 10% validation, 10% test. The splits are therefore
disjoint at every length, whatever the seed, the order of the data and the number of workers.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from toolkit.common.errors import UsageError

NUM_DIGITS = 10
CHANCE = 1 / NUM_DIGITS  # accuracy by guessing
Split = Literal["train", "validation", "test"]

# The first of ten hash buckets is the test split, and the second bucket is the validation split.
BUCKETS: dict[str, tuple[int, int]] = {"test": (0, 1), "validation": (1, 2), "train": (2, 10)}
CHUNK = 1_000_000  # left halves listed at a time, to bound the memory


def half_length(length: int) -> int:
    """Return ceil(length / 2), the number of digits that determine the whole palindrome."""
    return (length + 1) // 2


def palindromes(
    count: int, length: int, *, split: Split, rng: torch.Generator, distinct: bool = False
) -> Tensor:
    """Sample palindromes uniformly from one split.

    Args:
        count: the number of palindromes, at least 1.
        length: T, at least 2.
        split: "train", "validation" or "test".
        rng: a random-number generator on the CPU; the same state gives the same palindromes.
        distinct: True to sample without replacement, so that no palindrome occurs twice.

    Returns:
        int64 of shape (count, length) with digits 0 to 9.

    Raises:
        UsageError: `count` or `length` is too small, the split is unknown, or there are fewer
            distinct palindromes than requested.
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
        halves = _sample(count, half, split, rng)
    elif count > _expected_size(half, split) // 10:
        halves = _sample_from_list(count, length, split, rng)
    else:
        halves = _sample_distinct(count, half, split, rng)
    return _mirror(halves, length)


def all_palindromes(length: int, split: Split) -> Tensor:
    """Return every palindrome of a split in numerical order, as int64 of shape (n, length).

    The number n is about 0.8 (train) or 0.1 (validation, test) times 10^ceil(length / 2), so
    `length` should be small.
    """
    half = half_length(length)
    return _mirror(_to_digits(_list_halves(half, split), half), length)


def held_out(length: int, split: Split, count: int, rng: torch.Generator) -> Tensor:
    """Return `count` distinct palindromes for evaluation, or all if the split has fewer.

    Returns:
        int64 of shape (n, length), n <= count.
    """
    if _expected_size(half_length(length), split) < 2 * count:
        count = min(count, len(all_palindromes(length, split)))
    return palindromes(count, length, split=split, rng=rng, distinct=True)


def split_last(digits: Tensor) -> tuple[Tensor, Tensor]:
    """Split int64 digits of shape (batch, T) into inputs (batch, T - 1) and labels (batch,)."""
    return digits[:, :-1], digits[:, -1]


def membership(halves: Tensor) -> Tensor:
    """Hash left halves of palindromes, int64 (count, half), to numbers from 0 to 9, int64 (count,).
    The number decides whether a palindrome is used for training, validation or testing.

    The digit at position j is multiplied by a fixed odd 64-bit number that depends on j. The
    products and the number of digits are added modulo 2^64. The finaliser of splitmix64 is then
    applied to the sum (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
    2014).
    """
    positions = torch.arange(1, halves.size(1) + 1)
    multipliers = _splitmix64(positions * _signed(0x9E3779B97F4A7C15)) | 1
    mixed = _splitmix64((halves * multipliers).sum(dim=1) + halves.size(1))
    return (mixed & 0x7FFFFFFF) % 10


def _splitmix64(x: Tensor) -> Tensor:
    """Apply the finaliser of splitmix64: every bit of x affects every bit of the result."""
    x = (x ^ _shift_right(x, 30)) * _signed(0xBF58476D1CE4E5B9)
    x = (x ^ _shift_right(x, 27)) * _signed(0x94D049BB133111EB)
    return x ^ _shift_right(x, 31)


def _shift_right(x: Tensor, bits: int) -> Tensor:
    """Shift the bits right and fill with zeros; torch's `>>` would fill with the sign bit
    instead.
    """
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _signed(x: int) -> int:
    """Return the signed int64 that has the same 64 bits as the unsigned `x`."""
    return x - (1 << 64) if x >> 63 else x


def _in_split(halves: Tensor, split: str) -> Tensor:
    first, end = BUCKETS[split]
    bucket = membership(halves)
    return (first <= bucket) & (bucket < end)


def _expected_size(half: int, split: str) -> int:
    first, end = BUCKETS[split]
    size: int = NUM_DIGITS ** min(half, 18) * (end - first) // 10  # 10^18 is as good as infinite
    return size


def _mirror(halves: Tensor, length: int) -> Tensor:
    return torch.cat([halves, halves[:, : length - halves.size(1)].flip(1)], dim=1)


def _to_digits(numbers: Tensor, half: int) -> Tensor:
    return numbers[:, None] // NUM_DIGITS ** torch.arange(half - 1, -1, -1) % NUM_DIGITS


def _list_halves(half: int, split: str) -> Tensor:
    """Return all left halves in a split as numbers, e.g. 42 for the digits 0 4 2."""
    chunks = torch.arange(NUM_DIGITS**half).split(CHUNK)
    return torch.cat([chunk[_in_split(_to_digits(chunk, half), split)] for chunk in chunks])


def _sample(count: int, half: int, split: str, rng: torch.Generator) -> Tensor:
    """Sample left halves by rejection: draw random candidates, and keep those in the split (80% of
    them for "train", 10% for each of the other splits).
    """
    first, end = BUCKETS[split]
    halves = torch.empty((0, half), dtype=torch.int64)
    while len(halves) < count:
        tries = min((count - len(halves)) * 12 // (end - first) + 8, max(1, 20 * CHUNK // half))
        candidates = torch.randint(NUM_DIGITS, (tries, half), generator=rng)
        halves = torch.cat([halves, candidates[_in_split(candidates, split)]])
    return halves[:count]


def _sample_distinct(count: int, half: int, split: str, rng: torch.Generator) -> Tensor:
    """Sample left halves of palindromes until `count` distinct ones have been found.

    Sampling is fast if the split has many more distinct left halves than `count`.
    """
    halves = _sample(count, half, split, rng)
    while True:
        halves = halves[_first_occurrences(halves)]
        if len(halves) >= count:
            return halves
        halves = torch.cat([halves, _sample(count - len(halves), half, split, rng)])


def _sample_from_list(count: int, length: int, split: str, rng: torch.Generator) -> Tensor:
    """List the left halves of all palindromes in a split, and draw `count` distinct left halves
    from this list at random.

    Listing the left halves takes the same time for any `count`. The list therefore pays off only if
    `count` is more than about a tenth of the number of left halves in the split.
    """
    half = half_length(length)
    every = _list_halves(half, split)
    if count > len(every):
        raise UsageError(
            f"Only {len(every):,} of the {NUM_DIGITS**half:,} palindromes of {length} digits are "
            f"in the {split} split, but {count:,} distinct ones were requested."
        )
    return _to_digits(every[torch.randperm(len(every), generator=rng)[:count]], half)


def _first_occurrences(rows: Tensor) -> Tensor:
    """Return the sorted indices of the first occurrence of each distinct row."""
    distinct, inverse = torch.unique(rows, dim=0, return_inverse=True)
    indices = torch.arange(len(rows))
    first = torch.full((len(distinct),), len(rows)).scatter_reduce(0, inverse, indices, "amin")
    return first.sort().values
