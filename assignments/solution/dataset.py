"""Palindromes: T digits that read the same from both ends, such as 3 1 4 1 3 (T = 5).

The complete solution to this assignment, for teachers. Students write their own.
"""

import torch
from torch import Tensor
from torch.utils.data import Dataset

HELD_OUT = 5  # one of so many palindromes is for testing


def complete(left: Tensor, seq_length: int) -> Tensor:
    """Extend left halves, (n, ceil(seq_length / 2)), to whole palindromes, int64 (n,
    seq_length).
    """
    right = left[:, : seq_length // 2]
    return torch.cat([left, right.flip(1)], dim=1)


def inputs_and_label(palindromes: Tensor) -> tuple[Tensor, Tensor]:
    """Split palindromes (n, T) into inputs (n, T-1) and labels (n,)."""
    return palindromes[:, :-1], palindromes[:, -1]


def one_hot(digits: Tensor) -> Tensor:
    """Digits, int64 (n, T-1), as float32 (n, T-1, 10)."""
    return torch.eye(10)[digits]


def is_held_out(left: Tensor) -> Tensor:
    """Return a mask (n,) that is True for the left halves (n, k) that belong to the test set. The
    mask depends only on the digits, so no palindrome is in both sets.
    """
    keys = torch.arange(left.size(1)).mul(37).add(11).remainder(101)
    return (left * keys).sum(1) % HELD_OUT == 0


class PalindromeDataset(Dataset):
    """Palindromes, each split into digits 1 to T-1 (the input) and digit T (to be predicted).

    A palindrome is determined by its first ceil(T / 2) digits. Note that T may be even or odd, and
    may be large: everything here must also work for T = 100.

    Think before you split: there are only 1,000 palindromes of 5 digits. How can you make sure that
    no palindrome in the test set is also in the training set?

    Args:
        seq_length: T, at least 2.
        num_samples: how many palindromes the data set has.
        one_hot: True to represent each digit as ten numbers, of which one is 1 and the others are
            0, rather than as the digit itself.
        train: True for the training set, False for the test set; the two sets have no palindrome in
            common.
    """

    def __init__(
        self, seq_length: int, num_samples: int = 10_000, one_hot: bool = True, train: bool = True
    ) -> None:
        rng = torch.Generator().manual_seed(int(train))
        size = (seq_length + 1) // 2
        kept: list[Tensor] = []
        while sum(map(len, kept)) < num_samples:
            left = torch.randint(0, 10, (2 * num_samples, size), generator=rng)
            kept.append(left[is_held_out(left) != train])
        palindromes = complete(torch.cat(kept)[:num_samples], seq_length)
        self.digits, self.labels = inputs_and_label(palindromes)
        self.one_hot = one_hot

    def __len__(self) -> int:
        """How many palindromes."""
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Item `index`.

        Returns:
            inputs, float32 of shape (T-1, 10) if one-hot, else (T-1, 1); and the label, an int
            from 0 to 9.
        """
        digits = self.digits[index]
        inputs = one_hot(digits) if self.one_hot else digits[:, None].float()
        return inputs, int(self.labels[index])
