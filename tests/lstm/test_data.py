"""Palindromes: what they are, that the splits are disjoint, and what cannot be asked for."""

import pytest
import torch

from toolkit.common.errors import UsageError
from toolkit.lstm.data import (
    all_palindromes,
    held_out,
    membership,
    palindromes,
    split_last,
)

SPLITS = ("train", "validation", "test")


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows(digits: torch.Tensor) -> set[tuple[int, ...]]:
    return {tuple(row) for row in digits.tolist()}


@pytest.mark.parametrize("length", [2, 3, 5, 12, 37, 1000, 10_001])
def test_every_row_is_a_palindrome(length: int) -> None:
    for split in SPLITS:
        for row in palindromes(7, length, split=split, rng=rng()).tolist():
            assert len(row) == length
            assert row == row[::-1]
            assert set(row) <= set(range(10))


def test_length_5_has_1000_palindromes_in_disjoint_splits() -> None:
    splits = [rows(all_palindromes(5, split)) for split in SPLITS]
    by_hand = {(a, b, c, b, a) for a in range(10) for b in range(10) for c in range(10)}
    assert set.union(*splits) == by_hand
    assert sum(map(len, splits)) == 1000


@pytest.mark.parametrize("length", [5, 6, 20, 1000])
def test_sampled_splits_share_nothing_whatever_the_seed(length: int) -> None:
    sampled = {
        split: set.union(
            *(rows(palindromes(300, length, split=split, rng=rng(seed))) for seed in range(3))
        )
        for split in SPLITS
    }
    assert not sampled["train"] & sampled["validation"]
    assert not sampled["train"] & sampled["test"]
    assert not sampled["validation"] & sampled["test"]


def test_membership_is_the_hash_of_its_definition() -> None:
    """Against the same arithmetic in Python's unbounded integers."""
    mask = 2**64 - 1

    def stir(x: int) -> int:
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & mask
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB & mask
        return x ^ (x >> 31)

    left = torch.randint(10, (50, 501), generator=rng())
    for row, bucket in zip(left.tolist(), membership(left).tolist(), strict=True):
        total = sum(
            digit * (stir((j + 1) * 0x9E3779B97F4A7C15 & mask) | 1) for j, digit in enumerate(row)
        )
        assert (stir((total + len(row)) & mask) & 0x7FFFFFFF) % 10 == bucket


def test_splits_have_their_shares_and_all_digits() -> None:
    left = torch.randint(10, (100_000, 18), generator=rng())
    shares = membership(left).bincount(minlength=10) / len(left)
    assert torch.allclose(shares, torch.full((10,), 0.1), atol=0.005)
    _, labels = split_last(palindromes(20_000, 36, split="test", rng=rng()))
    assert torch.allclose(labels.bincount(minlength=10) / 20_000, torch.tensor(0.1), atol=0.01)


def test_same_generator_state_same_palindromes() -> None:
    one, two = rng(3), rng(3)
    for _ in range(2):
        a = palindromes(50, 21, split="train", rng=one)
        assert torch.equal(a, palindromes(50, 21, split="train", rng=two))
    assert not torch.equal(a, palindromes(50, 21, split="train", rng=two))


@pytest.mark.parametrize(("length", "count"), [(5, 100), (9, 9000), (13, 5000), (100, 5000)])
def test_distinct_means_distinct(length: int, count: int) -> None:
    sampled = palindromes(count, length, split="test", rng=rng(), distinct=True)
    assert len(rows(sampled)) == count


def test_more_than_exist_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match=r"Only 794 of the 1,000 palindromes of 5 digits .*1,001"):
        palindromes(1001, 5, split="train", rng=rng(), distinct=True)


def test_held_out_takes_all_where_there_are_few() -> None:
    assert rows(held_out(5, "test", 10_000, rng())) == rows(all_palindromes(5, "test"))
    assert len(held_out(20, "test", 1000, rng())) == 1000


def test_bad_requests() -> None:
    with pytest.raises(UsageError, match="at least 2 digits, not 1"):
        palindromes(1, 1, split="train", rng=rng())
    with pytest.raises(UsageError, match="at least 1, not 0"):
        palindromes(0, 5, split="train", rng=rng())
    with pytest.raises(UsageError, match="no split 'dev'; choose one of train, validation, test"):
        palindromes(1, 5, split="dev", rng=rng())  # type: ignore[arg-type]


def test_task() -> None:
    digits, label = split_last(torch.tensor([[1, 2, 3, 2, 1]]))
    assert digits.tolist() == [[1, 2, 3, 2]]
    assert label.tolist() == [1]
