import random

import numpy as np
from torch.utils.data import Dataset


class PalindromeDataset(Dataset):
    """`total_len` different palindromes, of which input_length digits are read."""

    def __init__(self, input_length, total_len, one_hot=False):
        length = input_length + 1
        half = (length + 1) // 2
        assert total_len <= 10**half
        rng = random.Random(1)
        lefts = set()
        while len(lefts) < total_len:
            lefts.add("".join(rng.choice("0123456789") for _ in range(half)))
        self.data = [left + left[::-1][length % 2 :] for left in sorted(lefts)]
        rng.shuffle(self.data)
        self.one_hot = one_hot

    def __len__(self):
        return len(self.data)

    def __getitem__(self, idx):
        digits = np.array([int(d) for d in self.data[idx]])
        if self.one_hot:
            return np.eye(10, dtype=np.float32)[digits[:-1]], digits[-1]
        return digits[:-1, None].astype(np.float32), digits[-1]
