"""Palindromes: T digits that read the same from both ends, such as 3 1 4 1 3 (T = 5)."""

import torch
from torch import Tensor
from torch.utils.data import Dataset


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
        raise NotImplementedError("PalindromeDataset.__init__: draw or prepare the palindromes")

    def __len__(self) -> int:
        """How many palindromes."""
        raise NotImplementedError("PalindromeDataset.__len__")

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Item `index`.

        Returns:
            inputs, float32 of shape (T-1, 10) if one-hot, else (T-1, 1); and the label, an int
            from 0 to 9.
        """
        raise NotImplementedError("PalindromeDataset.__getitem__: T-1 digits and the last one")
